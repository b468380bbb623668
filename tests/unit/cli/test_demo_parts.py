"""Parts of the demo by value: the agent's environment, and what the two boxes are made of."""

import io
from typing import Any

import pytest
from rich.console import Console

from everytoken.cli.demo_agent import Eco2
from everytoken.cli.demo_report import before_report, coverage_report, print_report, project_report

UNKNOWN = {"exact": 0, "partial": 0, "estimated": 0, "missing": 2}


def row(cost: str | None, known: str, **fields: Any) -> dict[str, Any]:
    return {
        "llm_calls": 2,
        "input_tokens": 94,
        "output_tokens": 24,
        "total_tokens": 118,
        "cost_usd": cost,
        "cost_known_usd": known,
        "quality": {"exact": 2, "partial": 0, "estimated": 0, "missing": 0},
        **fields,
    }


def test_the_users_own_tracing_does_not_reach_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING_SAMPLING_RATE", "0.1")
    monkeypatch.setenv("LANGCHAIN_PROJECT", "theirs")
    monkeypatch.setenv("LANGSMITH_API_KEY", "lsv2_secret")
    monkeypatch.setenv("HOME_OF_THE_USER", "kept")
    env = Eco2(url="http://127.0.0.1:1", provider="google", services={"OPENAI_API_KEY": "simulated"}).env("p")
    tracing = {name: value for name, value in env.items() if name.startswith(("LANGSMITH_", "LANGCHAIN_"))}
    assert tracing == {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": "http://127.0.0.1:1",
        "LANGSMITH_PROJECT": "p",
        "LANGSMITH_API_KEY": "local",
    }
    assert (env["ECO2_PROVIDER"], env["OPENAI_API_KEY"], env["HOME_OF_THE_USER"]) == ("google", "simulated", "kept")


def test_before_shows_what_a_dashboard_adds_up_and_says_that_it_is_unknown() -> None:
    nothing = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0, "quality": UNKNOWN}
    summary = row(None, "0", project="before", traces=1, **nothing)
    report = before_report(summary, [row(None, "0", node="intent", executions=1, **nothing)], url="u")
    assert (report["total_tokens"], report["cost_usd"], report["quality"]["missing"]) == (0, "0", 2)
    assert report["nodes"]["intent"]["cost_usd"] == "0"


def test_coverage_lists_openai_first_and_every_quality() -> None:
    paths = [row("1", "1", call_path=name) for name in ("gemini.generate", "openai.chat.stream", "openai.chat")]
    found = coverage_report({"paths": paths})
    assert list(found) == ["openai.chat", "openai.chat.stream", "gemini.generate"]
    assert found["openai.chat"] == {"calls": 2, "exact": 2, "partial": 0, "estimated": 0, "missing": 0}


def test_an_unknown_cost_is_a_dash_in_the_box_and_the_table() -> None:
    summary = row(None, "0.5", project="p", traces=1)
    nodes = [row(None, "0.5", node="intent", executions=1)]
    result = project_report(summary, nodes, url="u")
    result |= {"before": result, "coverage": coverage_report({"paths": [row(None, "0", call_path="openai.chat")]})}
    view: dict[str, Any] = {
        "trace": {**summary, "name": "t", "duration_ms": 10.0, "unpriced_calls": 1},
        "saved_ms": None,
        "runs": [],
    }
    out = io.StringIO()
    print_report(Console(file=out, width=80), result, view, "답")
    text = out.getvalue()
    assert "$" not in text.split("Total tokens")[1].splitlines()[0]
    assert "1 of 1 call paths exact" in text
