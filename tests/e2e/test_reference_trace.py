"""The Eco² agent's reference question, through every room: provider's bill, wire, settlement, price, API."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from tests.e2e.world import PROJECT, QUESTION, World

from everytoken.cli.client import Client

# node → (input, output, dollars): the provider's counts at gpt-5.2's $1.75 and $14 per million, worked out by hand
NODES = {
    "intent": (47, 12, "0.00025025"),
    "router": (0, 0, "0"),
    "location": (128, 128, "0.002016"),
    "web_search": (89, 512, "0.00732375"),
    "aggregator": (0, 0, "0"),
    "summarize": (0, 0, "0"),
    "answer": (256, 89, "0.001694"),
}


@pytest.fixture(scope="module")
def view(world: World, api: Client) -> dict[str, Any]:
    turn = world.ask(QUESTION, "job_abc123")
    api.flush()
    return api.trace(turn["trace_id"])


@pytest.fixture(scope="module")
def nodes(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {run["name"]: run for run in view["runs"] if run["is_node"]}


def test_trace_has_the_reference_tokens_and_dollars(view: dict[str, Any]) -> None:
    trace = view["trace"]
    assert (trace["input_tokens"], trace["output_tokens"], trace["total_tokens"]) == (520, 741, 1261)
    assert trace["cost_usd"] == "0.011284"
    assert trace["llm_calls"] == 4
    assert trace["quality"] == {"exact": 4, "partial": 0, "estimated": 0, "missing": 0}


def test_every_node_has_its_own_tokens_and_dollars(nodes: dict[str, dict[str, Any]]) -> None:
    found = {
        name: (run["subtree"]["input_tokens"], run["subtree"]["output_tokens"], run["subtree"]["cost_usd"])
        for name, run in nodes.items()
    }
    assert found == NODES


def test_parents_are_the_sum_of_their_children(view: dict[str, Any]) -> None:
    runs = {run["run_id"]: run for run in view["runs"]}
    for run in view["runs"]:
        children = [other for other in view["runs"] if other["parent_run_id"] == run["run_id"]]
        tokens = run["own"]["total_tokens"] + sum(child["subtree"]["total_tokens"] for child in children)
        assert run["subtree"]["total_tokens"] == tokens, run["name"]
    root = next(run for run in runs.values() if run["parent_run_id"] is None)
    assert Decimal(root["subtree"]["cost_usd"]) == Decimal("0.011284")


def test_location_and_web_search_start_together_and_the_join_waits_for_the_slower(
    nodes: dict[str, dict[str, Any]],
) -> None:
    location, web_search, aggregator = nodes["location"], nodes["web_search"], nodes["aggregator"]
    assert abs(location["offset_ms"] - web_search["offset_ms"]) < 300  # one after the other, it would be 600 at least
    assert location["parallel"]
    assert web_search["parallel"]
    slower_end = max(run["offset_ms"] + run["duration_ms"] for run in (location, web_search))
    assert aggregator["offset_ms"] >= slower_end - 1
    assert web_search["critical"]
    assert not location["critical"]


def test_running_in_parallel_saved_the_time_of_the_shorter_branch(view: dict[str, Any]) -> None:
    location = next(run for run in view["runs"] if run["name"] == "location" and run["is_node"])
    assert view["saved_ms"] == pytest.approx(location["duration_ms"], abs=60, rel=0.2)
    assert view["saved_ms"] > 500  # 600 as simulated; a busy machine makes it longer


def test_charges_equal_what_the_provider_billed(world: World, api: Client, view: dict[str, Any]) -> None:
    billed = {
        entry["response_id"]: (entry["billed"]["input"], entry["billed"]["output"])
        for entry in world.ledger()
        if entry["provider"] == "openai"
    }
    charged = {charge["response_id"]: (charge["input_tokens"], charge["output_tokens"]) for charge in view["charges"]}
    assert charged == billed
    assert len(charged) == 4


def test_each_call_is_one_llm_run_under_its_node(view: dict[str, Any]) -> None:
    llm_runs = [run for run in view["runs"] if run["run_type"] == "llm"]
    assert sorted(run["node"] for run in llm_runs) == ["answer", "intent", "location", "web_search"]
    assert {charge["request_model"] for charge in view["charges"]} == {"gpt-5.2"}
    assert {charge["provider"] for charge in view["charges"]} == {"openai"}


def test_place_search_is_a_tool_run_without_tokens(view: dict[str, Any]) -> None:
    tool = next(run for run in view["runs"] if run["name"] == "kakao_place_search")
    assert (tool["run_type"], tool["node"], tool["subtree"]["llm_calls"]) == ("tool", "location", 0)


def test_project_totals_and_node_table_agree_with_the_trace(world: World, api: Client, view: dict[str, Any]) -> None:
    summary = api.summary(PROJECT)
    table = httpx.get(f"{world.url}/everytoken/v1/projects/{PROJECT}/nodes").json()["nodes"]
    assert (summary["traces"], summary["llm_calls"], summary["total_tokens"]) == (1, 4, 1261)
    assert summary["cost_usd"] == "0.011284"
    assert {row["node"]: row["total_tokens"] for row in table} == {
        name: inputs + outputs for name, (inputs, outputs, _) in NODES.items()
    }
