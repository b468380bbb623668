"""Alerts of a real server: made over HTTP and by the command, told to a real receiver and a real mail server, once."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.store.alert_world import MailBox, Receiver, mailing, receiving
from tests.store.serving import Server, serving
from typer.testing import CliRunner

from everytoken.alerts.sending import signature
from everytoken.cli.commands import app

OURS = "/everytoken/v1"
HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "alerts.md"


def eventually(found: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if held := found():
            return held
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def call(minutes_ago: float, number: int) -> dict[str, Any]:
    """A run of 1,000 input and 1,000 output tokens of gpt-5.2: $0.00175 and $0.014."""
    began = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    run_id = f"00000000-0000-4000-8000-{number:012}"
    usage = {"input_tokens": 1_000, "output_tokens": 1_000, "total_tokens": 2_000}
    return {
        "id": run_id, "trace_id": run_id, "name": "chat", "run_type": "llm", "session_name": "shop",
        "start_time": began.isoformat(), "end_time": (began + timedelta(seconds=1)).isoformat(),
        "inputs": {}, "outputs": {"usage_metadata": usage},
        "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2", "user_id": "u-1"}},
    }  # fmt: skip


@pytest.fixture
def told() -> Iterator[tuple[Receiver, MailBox]]:
    with receiving() as receiver, mailing() as box:
        yield receiver, box


def settings(box: MailBox) -> dict[str, str]:
    return {
        "EVERYTOKEN_ALERT_HOSTS": "127.0.0.1",
        "EVERYTOKEN_SMTP_URL": box.url,
        "EVERYTOKEN_SMTP_FROM": "alerts@example.com",
        "EVERYTOKEN_BASE_URL": "https://tokens.example.com",
    }


def made(server: Server, **body: Any) -> dict[str, Any]:
    known = {"name": "Dear hour", "kind": "cost", "window": "1h", "limit": "0.02"}
    answer = server.http.post(f"{OURS}/projects/shop/alerts", json={**known, **body})
    assert answer.status_code == 200, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


def test_an_alert_reaches_webhook_and_mail_once_and_a_restart_changes_nothing(
    tmp_path: Path, told: tuple[Receiver, MailBox]
) -> None:
    receiver, box = told
    with serving(tmp_path / "data", **settings(box)) as server:
        for number in (1, 2):
            assert server.http.post("/runs", json=call(10, number)).status_code == 202
        server.flush()
        targets = [{"kind": "webhook", "address": receiver.url}, {"kind": "email", "address": "team@example.com"}]
        kept = made(server, targets=targets)
        (secret,) = kept["secrets"]
        eventually(lambda: receiver.got and box.got)
        counted = eventually(lambda: (held := server.get("/health")["counters"])["alert_deliveries"] == 2 and held)
        assert (counted["alert_events"], counted["alert_deliveries_failed"]) == (1, 0)
        listed = server.get("/projects/shop/alerts")["rules"]
        assert secret["secret"] not in json.dumps([listed, server.get("/audit")])
        assert "hidden" not in json.dumps([listed, server.get("/audit"), server.get("/projects/shop/alert-events")])
    with serving(tmp_path / "data", **settings(box)) as server:
        before = server.get("/projects/shop/alerts")["rules"][0]["evaluated_us"]
        touched = {"name": "Renamed", "kind": "cost", "window": "1h", "limit": "0.02", "targets": listed[0]["targets"]}
        rule_id = kept["rule"]["rule_id"]
        assert server.http.put(f"{OURS}/projects/shop/alerts/{rule_id}", json=touched).json()["secrets"] == []
        time.sleep(5)  # two rounds and more
        rule = server.get("/projects/shop/alerts")["rules"][0]
        assert (rule["state"], rule["name"], rule["evaluated_us"] >= before) == ("firing", "Renamed", True)
        events = server.get("/projects/shop/alert-events")["events"]
        assert [(event["happening"], event["value"]) for event in events] == [("fired", "0.0315")]  # 2 × 0.01575
        assert [one["state"] for one in events[0]["deliveries"]] == ["sent", "sent"]
    ((headers, content),) = receiver.got
    at_s = int(headers["everytoken-signature"].split(",")[0].removeprefix("t="))
    assert headers["everytoken-signature"] == signature(secret["secret"], content, at_s)
    body = json.loads(content)
    assert body["links"]["runs"].startswith("https://tokens.example.com/projects/shop/traces?range=")
    ((mail_from, to, message),) = box.got
    assert (mail_from, to) == ("alerts@example.com", ["team@example.com"])
    assert "Dear hour" in str(message["subject"])


def test_the_documented_receiver_tells_a_true_message_from_a_false_and_from_an_old_one() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    known: dict[str, Any] = {}
    exec(snippet, known)
    content, now_s = b'{"type":"alert.fired"}', 1_795_400_000
    header = signature("etwh_x", content, now_s)
    verify = known["is_from_everytoken"]
    assert verify("etwh_x", header, content, now_s + 60) is True
    assert verify("etwh_x", header, content + b" ", now_s) is False
    assert verify("etwh_y", header, content, now_s) is False
    assert verify("etwh_x", header, content, now_s + 301) is False
    assert verify("etwh_x", "nonsense", content, now_s) is False


def test_the_command_makes_previews_tries_and_deletes(tmp_path: Path, told: tuple[Receiver, MailBox]) -> None:
    receiver, box = told
    with serving(tmp_path / "data", **settings(box)) as server:
        server.http.post("/runs", json=call(10, 1))
        server.flush()

        def run(*words: str, code: int = 0) -> str:
            done = CliRunner().invoke(app, ["alerts", *words, "--url", server.url])
            assert done.exit_code == code, done.output
            return done.output

        seen = run("preview", "shop", "--on", "cost", "--limit", "0.01", "--window", "1h", "--scope", "user=u-1")
        assert "cost in 1h is $0.02, limit: above $0.01" in seen
        assert "it would have fired 1 times in 7 days" in seen
        made_text = run("create", "shop", "Day", "--on", "budget", "--limit", "0.01", "--webhook", receiver.url,
                        "--window", "week", "--levels", "50,100")  # fmt: skip
        rule_id = made_text.splitlines()[0]
        assert "etwh_" in made_text
        assert rule_id[:8] in run("list", "shop")
        assert "arrived" in run("test", "shop", "Day")
        assert json.loads(receiver.got[0][1])["type"] == "alert.test"
        eventually(lambda: server.get("/projects/shop/alert-events")["events"])
        assert "spent of the budget this week is $0.02 of" in run("history", "shop", "--rule", rule_id[:8]).replace(
            ",", ""
        )
        assert "Day is deleted" in run("delete", "shop", rule_id)
        assert "no alerts on shop" in run("list", "shop")
        run("test", "shop", "Day", code=1)
        actions = [entry["action"] for entry in server.get("/audit", action="alert")["entries"]]
        assert actions == ["alert.delete", "alert.create"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": " "}, "body.name"),
        ({"limit": "much"}, "body.limit"),
        ({"limit": "-1"}, "body.limit"),
        ({"limit": "NaN"}, "body.limit"),
        ({"kind": "coverage", "limit": "101"}, "body.limit"),
        ({"kind": "latency_p95", "window": "day"}, "body.window"),
        ({"scope_by": "user"}, "body.scope"),
        ({"scope_key": "u-1"}, "body.scope"),
        ({"levels": [50]}, "body.levels"),
        ({"kind": "budget", "window": "day", "levels": [80, 50]}, "body.levels"),
        ({"targets": [{"kind": "webhook", "address": "ftp://x/"}]}, "body.targets"),
        ({"targets": [{"kind": "webhook", "address": "file:///etc/passwd"}]}, "body.targets"),
        ({"targets": [{"kind": "email", "address": "a@b.kr, c@d.kr"}]}, "body.targets"),
        ({"targets": [{"kind": "email", "address": "a@b.kr\nBcc: x@y.kr"}]}, "body.targets"),
        ({"targets": [{"target_id": "someone-else"}]}, "body.targets"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_the_field(guarded: Server, body: dict[str, Any], field: str) -> None:
    known = {"name": "x", "kind": "cost", "window": "1h", "limit": "1"}
    answer = guarded.http.post(f"{OURS}/projects/shop/alerts", json={**known, **body})
    assert (answer.status_code, answer.json()["field"]) == (400, field), answer.text


def test_a_change_of_the_limit_ends_what_was_told_and_judges_anew(guarded: Server) -> None:
    kept = made(guarded, limit="0.001")
    rule_id = kept["rule"]["rule_id"]

    def happened() -> list[tuple[str, str]]:
        events = guarded.get("/projects/shop/alert-events", rule_id=rule_id)["events"]
        return [(event["happening"], event["reason"]) for event in events]

    eventually(happened)
    body = {"name": "Dear hour", "kind": "cost", "window": "1h", "limit": "99"}
    assert guarded.http.put(f"{OURS}/projects/shop/alerts/{rule_id}", json=body).status_code == 200
    assert happened() == [("resolved", "changed"), ("fired", "limit")]
    eventually(lambda: guarded.get("/projects/shop/alerts")["rules"][-1]["state"] == "ok")
    assert guarded.http.delete(f"{OURS}/projects/shop/alerts/{rule_id}").status_code == 200
    assert len(happened()) == 2


def test_a_reader_previews_and_only_an_administrator_keeps_and_nobody_reaches_another_project(guarded: Server) -> None:
    guarded.http.post("/runs", json={**call(5, 9), "session_name": "other"})
    guarded.flush()
    made_keys: dict[str, str] = {}
    for name, scopes, projects in (("admin", ["admin", "read"], None), ("reader", ["read"], ["shop"]),
                                   ("local", ["admin", "read"], ["other"])):  # fmt: skip
        body = {"name": name, "scopes": scopes, "projects": projects}
        headers = {"x-api-key": made_keys["admin"]} if made_keys else {}
        made_keys[name] = guarded.http.post(f"{OURS}/keys", json=body, headers=headers).json()["text"]
    rule = {"name": "x", "kind": "cost", "window": "1h", "limit": "1"}

    def asked(key: str, method: str, path: str) -> int:
        answer = guarded.http.request(
            method, f"{OURS}/projects/shop{path}", json=rule, headers={"x-api-key": made_keys[key]}
        )
        return answer.status_code

    assert asked("reader", "POST", "/alerts/preview") == 200
    assert asked("reader", "POST", "/alerts") == 403
    made_id = guarded.http.post(
        f"{OURS}/projects/shop/alerts", json=rule, headers={"x-api-key": made_keys["admin"]}
    ).json()["rule"]["rule_id"]
    for method, path in (("GET", "/alerts"), ("POST", "/alerts"), ("POST", "/alerts/preview"), ("GET", "/alert-events"),
                         ("PUT", f"/alerts/{made_id}"), ("DELETE", f"/alerts/{made_id}"),
                         ("POST", f"/alerts/{made_id}/test")):  # fmt: skip
        assert asked("local", method, path) == 404, path
    elsewhere = guarded.http.delete(
        f"{OURS}/projects/other/alerts/{made_id}", headers={"x-api-key": made_keys["local"]}
    )
    assert elsewhere.status_code == 404


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that need nothing of it but its answers; the last of them closes it with keys."""
    with serving(tmp_path_factory.mktemp("alerts") / "data") as server:
        server.http.post("/runs", json=call(10, 1))
        server.flush()
        yield server
