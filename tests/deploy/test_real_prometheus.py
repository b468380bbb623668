"""A real Prometheus scrapes a running server: the rules load, and every query of the dashboards returns data."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.ports import free_port
from tests.store.serving import Server, serving
from tests.store.test_metrics import llm_run

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus/everytoken.rules.yaml"
DASHBOARDS = {
    name: json.loads((DEPLOY / f"grafana/{name}.json").read_text()) for name in ("everytoken-cost", "everytoken-server")
}
EXPRESSIONS = [
    target["expr"] for board in DASHBOARDS.values() for panel in board["panels"] for target in panel["targets"]
]
RECORDED = [
    rule["record"]
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
]
READY_S = 60.0


def test_promtool_accepts_the_rules_and_their_tests_pass() -> None:
    for arguments in (
        ("check", "rules", RULES.name),
        ("test", "rules", "everytoken.test.yaml"),
        ("check", "config", "prometheus.yaml"),
    ):
        done = subprocess.run(
            ["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_have_places_and_a_data_source_to_choose() -> None:
    for board in DASHBOARDS.values():
        assert board["templating"]["list"][0]["type"] == "datasource"
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}
        assert len(places) == len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def told_run(model: str, error: str | None = None) -> dict[str, object]:
    """With a first token, so that its time is known."""
    return {**llm_run(model, error), "events": [{"name": "new_token", "time": "2026-11-22T12:00:00.500Z"}]}


def feed(server: Server) -> None:
    runs = [told_run("gpt-5.2"), told_run("gpt-imagined"), told_run("gpt-5.2", error="429")]
    assert server.http.post("/runs/batch", json={"post": runs}).status_code == 202
    server.flush()


class Prometheus:
    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=10.0)

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = self._http.get("/api/v1/query", params={"query": expression})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def samples_of(self, name: str) -> float:
        found = self.query(f"count_over_time({name}[1h])")
        return max((float(row["value"][1]) for row in found), default=0)

    @property
    def is_ready(self) -> bool:
        """While it opens its store it listens already, and answers every query with 503 Service Unavailable."""
        try:
            return self._http.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        self._http.close()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    with serving(folder / "data") as server:
        config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        for job in config["scrape_configs"]:
            if job["job_name"] == "everytoken":
                job["static_configs"] = [{"targets": [server.url.removeprefix("http://")]}]
        for name in config["rule_files"]:
            shutil.copy(DEPLOY / "prometheus" / name, folder / name)
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        port = free_port()
        command = ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/tsdb"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [*command, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stdout=log, stderr=log
            )
        asked = Prometheus(f"http://127.0.0.1:{port}")
        try:
            _feed_until_seen(server, process, asked, folder / "log")
            yield asked
        finally:
            asked.close()
            process.terminate()
            process.wait(30)


def _feed_until_seen(server: Server, process: "subprocess.Popen[bytes]", asked: Prometheus, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not asked.is_ready or asked.samples_of("everytoken:coverage:ratio1h") < 3:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        feed(server)
        time.sleep(0.5)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_panel_shows_data(prometheus: Prometheus, expression: str) -> None:
    found = prometheus.query(expression)

    assert found
    assert any(row["value"][1] != "NaN" for row in found)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_rule_records(prometheus: Prometheus, name: str) -> None:
    assert prometheus.query(name)


def test_what_is_scraped_is_what_was_sent(prometheus: Prometheus) -> None:
    (coverage,) = prometheus.query("max(everytoken:coverage:ratio1h)")
    (errors,) = prometheus.query('max(everytoken:llm_errors:ratio15m{model="gpt-5.2"})')

    # Every call that succeeded told its usage; of the two to gpt-5.2 one failed.
    assert float(coverage["value"][1]) == 1
    assert float(errors["value"][1]) == pytest.approx(0.5)


def test_a_query_of_a_series_that_nobody_writes_would_be_seen(prometheus: Prometheus) -> None:
    assert prometheus.query("sum(rate(everytoken_imagined_total[5m]))") == []
