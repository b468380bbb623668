"""The Dockerfile and the compose file, as far as text can be judged; `deploy/check.py` runs their commands."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.kustomize import load

from everytoken.cli import COMMANDS
from everytoken.config import Settings

ROOT = Path(__file__).parents[2]


def module(path: Path) -> Any:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules[path.stem] = made  # dataclasses look their module up
    spec.loader.exec_module(made)
    return made


CHECK = module(ROOT / "deploy/check.py")
STAGES = {stage.name: stage for stage in CHECK.read_stages((ROOT / "deploy/Dockerfile").read_text())}


def words(stage: str, word: str) -> list[str]:
    return [rest for name, rest in STAGES[stage].steps if name == word]


def test_a_stage_copies_only_what_exists_and_what_the_context_lets_in() -> None:
    ignore = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignore if line.startswith("!")]
    for stage in STAGES.values():
        for rest in (rest for word, rest in stage.steps if word == "COPY"):
            *sources, _target = [part for part in rest.split() if not part.startswith("--")]
            origin = re.search(r"--from=(\S+)", rest)
            if origin:
                assert origin[1] in STAGES
                continue
            for source in sources:
                assert (ROOT / source).exists(), source
                assert any(source == path or source.startswith(f"{path}/") for path in allowed), source


@pytest.mark.parametrize(
    ("stage", "program", "folder"), [("everytoken", "everytoken", "/data"), ("eco2", "eco2", "/var/lib/eco2")]
)
def test_an_image_runs_its_program_as_nobody_in_particular(stage: str, program: str, folder: str) -> None:
    assert STAGES[stage].base == "python:3.11-slim"
    assert words(stage, "USER") == ["10001:10001"]
    assert json.loads(words(stage, "ENTRYPOINT")[0]) == [stage]
    assert json.loads(words(stage, "CMD")[0]) == ["serve"]
    assert words(stage, "VOLUME") == [folder]
    assert not words(stage, "RUN")  # what builds is left behind


def test_the_image_of_the_server_does_not_widen_what_it_listens_on() -> None:
    assert "serve" in COMMANDS
    environment = " ".join(words("everytoken", "ENV"))
    assert "EVERYTOKEN_HOST" not in environment
    assert "EVERYTOKEN_DATA=/data" in environment


def test_the_health_check_asks_ok() -> None:
    assert any("/app/ok.py" in rest for rest in words("everytoken", "HEALTHCHECK"))
    assert any("/healthz" in rest for rest in words("eco2", "HEALTHCHECK"))


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/ok" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "code"), [("/ok", 0), ("/starting", 1)])
def test_the_health_check_tells_well_from_not_well(port: int, path: str, code: int) -> None:
    check = [sys.executable, str(ROOT / "deploy/ok.py"), f"http://127.0.0.1:{port}{path}"]
    assert subprocess.run(check, capture_output=True, check=False).returncode == code


def test_the_compose_file_asks_for_a_key_and_publishes_to_this_machine() -> None:
    (compose,) = load(ROOT / "deploy/compose.yaml")
    assert list(compose["services"]) == ["everytoken"]
    server = compose["services"]["everytoken"]
    assert server["command"] == ["serve", "--host", "0.0.0.0", "--port", "8700"]
    assert server["environment"]["EVERYTOKEN_ADMIN_KEY"] == "${EVERYTOKEN_ADMIN_KEY:?set it to a long random key}"
    assert "admin_key" in Settings.model_fields
    assert server["ports"] == ["127.0.0.1:8700:8700"]
    assert (ROOT / "deploy" / server["build"]["context"] / server["build"]["dockerfile"]).is_file()
    assert server["build"]["target"] in STAGES
    assert server["volumes"] == ["data:/data"]
    assert "data" in compose["volumes"]
    assert server["read_only"] is True


def cluster_file() -> Any:
    (compose,) = load(ROOT / "deploy/compose.cluster.yaml")
    return compose


def test_two_servers_share_both_stores_and_no_journal() -> None:
    services = cluster_file()["services"]
    first, second = services["everytoken-a"], services["everytoken-b"]
    assert first["environment"] == second["environment"]
    assert first["environment"]["EVERYTOKEN_CLICKHOUSE_URL"].endswith("@clickhouse:8123/everytoken")
    assert first["environment"]["EVERYTOKEN_DATABASE_URL"].endswith("@postgres:5432/everytoken")
    read = {f"EVERYTOKEN_{name}".upper() for name in Settings.model_fields} | {"EVERYTOKEN_API_KEY"}
    assert set(first["environment"]) <= read
    assert (first["volumes"], second["volumes"]) == (["journal-a:/data"], ["journal-b:/data"])
    assert first["build"]["target"] in STAGES
    assert first["read_only"] is True


def test_the_cluster_publishes_its_balancer_alone_and_to_this_machine() -> None:
    services = cluster_file()["services"]
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "balancer": ["127.0.0.1:8700:8700"]
    }
    upstreams = [word for word in services["balancer"]["command"] if word.endswith(":8700") and len(word) > 5]
    assert upstreams == ["everytoken-a:8700", "everytoken-b:8700"]


def test_servers_wait_for_stores_that_are_well() -> None:
    compose = cluster_file()
    for name in ("clickhouse", "postgres"):
        assert compose["services"]["everytoken-a"]["depends_on"][name] == {"condition": "service_healthy"}
        assert compose["services"][name]["healthcheck"]["test"][0] == "CMD"
    named = {mount.split(":")[0] for service in compose["services"].values() for mount in service.get("volumes", [])}
    assert named == set(compose["volumes"])


def test_the_database_and_user_of_an_address_are_those_the_store_makes() -> None:
    services = cluster_file()["services"]
    clickhouse, postgres = services["clickhouse"]["environment"], services["postgres"]["environment"]
    assert (clickhouse["CLICKHOUSE_USER"], clickhouse["CLICKHOUSE_DB"]) == ("everytoken", "everytoken")
    assert (postgres["POSTGRES_USER"], postgres["POSTGRES_DB"]) == ("everytoken", "everytoken")
    assert clickhouse["CLICKHOUSE_PASSWORD"] == "${CLICKHOUSE_PASSWORD}"
    assert postgres["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD}"
