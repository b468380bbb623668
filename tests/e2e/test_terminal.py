"""The commands of the terminal against a real server that wants a key."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.store.serving import Server, environment, serving
from typer.testing import CliRunner

from everytoken.cli.commands import app
from everytoken.cli.errors import CommandError

PROJECT = "shop"
DAY_S = 1_795_305_600
"""2026-11-22 00:00 UTC."""


@dataclass
class Guarded:
    server: Server
    key: str

    def run(self, *arguments: str, code: int = 0) -> str:
        env = {"EVERYTOKEN_API_KEY": self.key}
        result = CliRunner().invoke(app, [*arguments, "--url", self.server.url], env=env)
        if isinstance(result.exception, CommandError):
            raise result.exception
        assert result.exit_code == code, (result.stderr, result.exception)
        return result.stdout

    def send(self, *runs: dict[str, Any]) -> None:
        sent = self.server.http.post("/runs/batch", json={"post": list(runs)}, headers={"x-api-key": self.key})
        assert sent.status_code == 202, sent.text
        self.server.http.post("/everytoken/v1/flush", headers={"x-api-key": self.key})


def call(number: int, model: str = "gpt-5.2", project: str = PROJECT, **more: Any) -> dict[str, Any]:
    """A root that is one model call of 1,000 input and 100 output tokens."""
    run_id = f"019aa222-0000-7000-8000-{number:012x}"
    usage = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    metadata = {"ls_provider": "openai", "ls_model_name": model, "user_id": "u1", "langgraph_node": "answer"}
    return {
        "id": run_id, "trace_id": run_id, "name": f"call {number}", "run_type": "llm", "session_name": project,
        "start_time": "2026-11-22T12:00:00+00:00", "end_time": "2026-11-22T12:00:01+00:00", "inputs": {"q": "hi"},
        "outputs": {"usage_metadata": usage}, "extra": {"metadata": metadata}, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    data = tmp_path_factory.mktemp("terminal") / "data"
    made = subprocess.run(
        [sys.executable, "-m", "everytoken.cli", "keys", "create", "all", "--data", str(data), "--json",
         "--scope", "ingest", "--scope", "read", "--scope", "admin"],
        env=environment(), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    with serving(data) as server:
        held = Guarded(server, json.loads(made.stdout)["text"])
        held.send(call(1), call(2), call(3, "house-7b"))
        yield held


def test_without_the_key_the_hint_names_it(guarded: Guarded) -> None:
    with pytest.raises(CommandError) as refused:
        Guarded(guarded.server, "").run("report")
    assert refused.value.exit_code == 2
    assert refused.value.hint


def test_a_report_has_the_figures_of_the_ledger(guarded: Guarded, tmp_path: Path) -> None:
    told = json.loads(guarded.run("report", "--project", PROJECT, "--json"))
    # gpt-5.2: 1,000 at 1.75 and 100 at 14 dollars a million are 0.00315; house-7b has no price.
    assert (told["total"]["total_tokens"], told["total"]["cost_known_usd"]) == (3300, "0.0063")
    rows = {section["by"]: {row["key"]: row["llm_calls"] for row in section["rows"]} for section in told["sections"]}
    assert rows == {
        "node": {"answer": 3},
        "model": {"gpt-5.2": 2, "house-7b": 1},
        "user": {"u1": 3},
        "day": {"2026-11-22": 3},
    }
    assert [row["key"] for row in json.loads(guarded.run("report", "--json"))["sections"][0]["rows"]] == [PROJECT]
    assert "≥ $0.0063, 1 unpriced" in guarded.run("report", "--project", PROJECT, "--format", "markdown")
    guarded.run("report", "--project", PROJECT, "--format", "html", "--out", str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").read_text().count("<svg") == 4
    assert "house-7b" in guarded.run("report", "--project", PROJECT, "--by", "model")


def test_a_trace_is_a_tree_and_a_timeline(guarded: Guarded) -> None:
    root, node, model = (f"019aa333-0000-7000-8000-{n:012x}" for n in range(3))
    times = {"start_time": "2026-11-22T12:00:00.200000+00:00", "end_time": "2026-11-22T12:00:00.600000+00:00"}
    order = f"20261122T120000000000Z{root}"
    below = f"{order}.20261122T120000200000Z{node}"
    graph = {"metadata": {"langgraph_node": "intent", "langgraph_step": 1}}
    guarded.send(
        call(0, project="graph", id=root, trace_id=root, name="chat", run_type="chain", dotted_order=order, outputs={},
             extra={}),
        call(0, project="graph", id=node, trace_id=root, parent_run_id=root, name="intent", run_type="chain",
             dotted_order=below, outputs={}, extra=graph, tags=["graph:step:1"], **times),
        call(0, project="graph", id=model, trace_id=root, parent_run_id=node, name="ChatOpenAI", **times,
             dotted_order=f"{below}.20261122T120000200000Z{model}"),
    )  # fmt: skip
    printed = guarded.run("trace", root)
    tree, timeline = printed.split("0 s ───", 1)
    assert "└─ intent" in tree
    assert "1,100" in tree
    assert "0.20–0.60 s" in timeline
    assert timeline.startswith("─")
    bar = next(line for line in timeline.splitlines() if line.startswith("intent"))
    # 0.2 to 0.6 of 1 s on 44 columns: 9 blank ones, then 18 of bar.
    assert "intent  " + " " * 9 + "█" * 18 in bar or "intent " + " " * 9 + "█" * 18 in bar


def test_repricing_shows_nothing_then_the_new_price_and_stores_it_when_told(guarded: Guarded) -> None:
    before = json.loads(guarded.run("reprice", "--project", PROJECT, "--json"))
    assert (before["charges"], before["changed"], before["applied"]) == (3, 0, False)
    toml = (
        '[[price]]\nprovider = "openai"\nmodels = ["house-7b"]\nrates = { input_mtok = 1, output_mtok = 2 }\n'
        'source = "https://example.com/prices"\nchecked = 2026-11-01\n'
    )
    put = guarded.server.http.put(
        "/everytoken/v1/prices/overrides/house", json={"toml": toml}, headers={"x-api-key": guarded.key}
    )
    assert put.status_code == 200, put.text
    dry = json.loads(guarded.run("reprice", "--project", PROJECT, "--json"))
    # 1,000 at 1 and 100 at 2 dollars a million
    assert [(row["model"], row["changed"], row["difference_usd"]) for row in dry["rows"]] == [("house-7b", 1, "0.0012")]
    assert "+0.0012" in guarded.run("reprice", "--project", PROJECT)
    assert json.loads(guarded.run("reprice", "--project", PROJECT, "--apply", "--json"))["applied"] is True
    again = json.loads(guarded.run("reprice", "--project", PROJECT, "--apply", "--json"))
    assert (again["changed"], again["before_usd"]) == (0, "0.0075")


def test_a_bill_is_compared_with_the_ledger(guarded: Guarded, tmp_path: Path) -> None:
    result = {"object": "organization.usage.completions.result", "input_tokens": 2000, "output_tokens": 200,
              "num_model_requests": 2, "model": "gpt-5.2-2025-12-11"}  # fmt: skip
    bucket = {"object": "bucket", "start_time": DAY_S, "end_time": DAY_S + 86_400, "results": [result]}
    bill = tmp_path / "bill.json"
    bill.write_text(json.dumps({"object": "page", "data": [bucket]}))
    told = json.loads(guarded.run("reconcile", str(bill), "--project", PROJECT, "--json", code=1))
    by_model = {row["model"]: [cause["code"] for cause in row["causes"]] for row in told["rows"]}
    assert by_model["gpt-5.2"] == []
    assert by_model["house-7b"][-1] == "not_on_this_bill"
    result["num_model_requests"], result["input_tokens"] = 7, 9000
    bill.write_text(json.dumps({"object": "page", "data": [bucket]}))
    printed = guarded.run("reconcile", str(bill), "--project", PROJECT, code=1)
    assert "other_traffic: 7 requests billed, 2 in the ledger" in printed
    bill.write_text("{}")
    with pytest.raises(CommandError, match="neither pages of OpenAI"):
        guarded.run("reconcile", str(bill))


def test_the_tail_shows_what_happens_now(guarded: Guarded) -> None:
    lines: list[str] = []
    watching = threading.Thread(
        target=lambda: lines.extend(
            guarded.run("tail", "--project", "live", "--count", "2", "--calls", "--json").splitlines()
        )
    )
    watching.start()
    number = 100
    while watching.is_alive():  # the feed tells what comes once it is open
        guarded.send(call(number, project="other"), call(number + 1, project="live"))
        number += 2
        watching.join(0.3)
        assert number < 200
    rows = [json.loads(line) for line in lines]
    assert [(row["project"], row["total_tokens"], row["cost_usd"]) for row in rows] == [("live", 1100, "0.00315")] * 2
    assert [[one["request_model"] for one in row["calls"]] for row in rows] == [["gpt-5.2"]] * 2
