"""What `--fix` may do: told first, done once, and nothing that is not safe."""

import json
from pathlib import Path
from typing import Any

import httpx

from everytoken.doctor.api import Api
from everytoken.doctor.environment import check_environment
from everytoken.doctor.fixes import Fix, plan_fixes, with_variables


class Server:
    """Reprices: `newly` charges have a price by now, of `changed` that would change."""

    def __init__(self, newly: int = 0, changed: int | None = None, status: int = 200) -> None:
        self.newly, self.changed, self.status = newly, newly if changed is None else changed, status
        self.applied = 0

    def api(self) -> Api:
        return Api(httpx.Client(transport=httpx.MockTransport(self._answer)), "http://127.0.0.1:8700")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "no"})
        told = {"newly_priced": self.newly, "changed": self.changed, "next": None}
        if json.loads(request.content)["apply"]:
            self.applied += 1
            self.newly = self.changed = 0
        return httpx.Response(200, json=told)


def planned(env: dict[str, str], file: Path, server: Server | None = None) -> list[Fix]:
    return plan_fixes(env, check_environment(env), (server or Server()).api(), file)


def test_variables_are_written_to_a_file_once(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nexport LANGSMITH_TRACING=True\nOTHER=1\n")
    env = {"LANGSMITH_TRACING": "True", "LANGSMITH_ENDPOINT": "http://127.0.0.1:8700"}
    (fix,) = planned(env, file)
    assert fix.what == f"write {file}: LANGSMITH_TRACING=true, LANGSMITH_PROJECT=eco2-chat-worker"
    assert file.read_text().startswith("# mine\nexport LANGSMITH_TRACING=True")
    fix.apply()
    assert file.read_text() == ("# mine\nexport LANGSMITH_TRACING=true\nOTHER=1\nLANGSMITH_PROJECT=eco2-chat-worker\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert planned(env, file) == []


def test_a_process_in_order_has_nothing_to_fix(tmp_path: Path) -> None:
    env = {"LANGSMITH_TRACING": "true", "LANGSMITH_PROJECT": "shop", "LANGSMITH_ENDPOINT": "http://127.0.0.1:8700"}
    assert planned(env, tmp_path / ".env") == []
    assert list(tmp_path.iterdir()) == []


def test_white_space_leaves_a_key_and_the_plan_does_not_show_it(tmp_path: Path) -> None:
    env = {"LANGSMITH_TRACING": "true", "LANGSMITH_PROJECT": "shop", "LANGSMITH_API_KEY": "lsv2_pt_secret\n"}
    (fix,) = planned(env, tmp_path / ".env")
    assert "secret" not in fix.what
    fix.apply()
    assert (tmp_path / ".env").read_text() == "LANGSMITH_API_KEY=lsv2_pt_secret\n"


def test_a_variable_that_is_overruled_leaves_the_file_it_stands_in(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("LANGCHAIN_PROJECT=old\nLANGSMITH_PROJECT=new\n")
    env = {
        "LANGSMITH_TRACING": "true", "LANGSMITH_PROJECT": "new", "LANGCHAIN_PROJECT": "old",
        "LANGSMITH_ENDPOINT": "http://127.0.0.1:8700",
    }  # fmt: skip
    (fix,) = planned(env, file)
    assert fix.what == f"write {file}: without LANGCHAIN_PROJECT"
    fix.apply()
    assert file.read_text() == "LANGSMITH_PROJECT=new\n"


def test_lines_that_are_not_ours_stay_as_they_are() -> None:
    wanted: dict[str, Any] = {"A": "1", "B": None}
    assert with_variables("#A=0\n\nB\n A =0\nB=2\n", wanted) == "#A=0\n\nB\nA=1\n"
    assert with_variables("", {}) == ""


def in_order(tmp_path: Path, server: Server) -> list[Fix]:
    env = {"LANGSMITH_TRACING": "true", "LANGSMITH_PROJECT": "shop", "LANGSMITH_ENDPOINT": "http://127.0.0.1:8700"}
    return planned(env, tmp_path / ".env", server)


def test_charges_that_have_a_price_by_now_are_priced_once(tmp_path: Path) -> None:
    server = Server(newly=3)
    (fix,) = in_order(tmp_path, server)
    assert (fix.id, fix.what) == ("P4", "price 3 charges that had no price when they came, and have one now")
    assert server.applied == 0
    fix.apply()
    assert server.applied == 1
    assert in_order(tmp_path, server) == []


def test_a_known_cost_is_never_changed_without_a_person(tmp_path: Path) -> None:
    assert in_order(tmp_path, Server(newly=3, changed=4)) == []


def test_a_key_that_may_not_reprice_leaves_that_out(tmp_path: Path) -> None:
    assert in_order(tmp_path, Server(newly=3, status=403)) == []
