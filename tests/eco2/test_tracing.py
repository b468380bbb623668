"""What the trace of a turn says: names, tags, who bears the usage, and what is closed when a turn is left."""

import asyncio
import inspect
import os
from typing import Any

import langsmith
import pytest
from langsmith import utils
from langsmith.run_trees import RunTree
from tests.eco2.capture import Capture, usage_of
from tests.eco2.conftest import OpenAgent, switch_on
from tests.eco2.turns import ask_agent, take_turn
from urllib3 import Retry

from eco2.agent import Agent, Request
from eco2.telemetry import Telemetry
from everytoken.simulator.serve import Simulator

QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
# node → (input, output, dollars) at gpt-5.2's $1.75 and $14 per million tokens, worked out by hand
REFERENCE = {
    "intent": (47, 12, "0.00025025"),
    "router": (0, 0, "0"),
    "location": (128, 128, "0.002016"),
    "web_search": (89, 512, "0.00732375"),
    "aggregator": (0, 0, "0"),
    "summarize": (0, 0, "0"),
    "answer": (256, 89, "0.001694"),
}


async def test_the_reference_turn_to_the_token(agent: Agent) -> None:
    done = await ask_agent(agent, QUESTION, job_id="job_abc123")
    found = {
        name: (node["input_tokens"], node["output_tokens"], node["cost_usd"]) for name, node in done["nodes"].items()
    }
    assert found == REFERENCE
    assert (done["usage"]["total_tokens"], done["usage"]["cost_usd"]) == (1261, "0.011284")


async def test_the_root_names_the_job_and_every_run_knows_the_ids(agent: Agent, traced: Capture) -> None:
    done = await ask_agent(agent, QUESTION, job_id="job_abc123", session_id="s1", user_id="u1")
    root = traced.named("chat-job_abc123")
    assert done["trace_id"] == root["run_id"] == root["trace_id"]
    assert root.get("parent_run_id") is None
    assert {"chat-worker", "langgraph", "env:local"} <= set(root["tags"])
    ids = {"job_id": "job_abc123", "session_id": "s1", "thread_id": "s1", "user_id": "u1"}
    for run in traced.settled():
        assert ids.items() <= run["metadata"].items(), run["name"]


async def test_each_call_stands_under_its_node_with_its_tags(agent: Agent, traced: Capture) -> None:
    await ask_agent(agent, QUESTION)
    paths = {"intent": 1, "location": 3, "answer": 2}
    for node, path in paths.items():
        (call,) = [run for run in traced.under(node) if run["run_type"] == "llm"]
        assert {f"node:{node}", "model:gpt-5.2", "provider:openai", f"path:{path}"} <= set(call["tags"])
        assert call["metadata"]["langgraph_node"] == node
    (tool,) = [run for run in traced.under("location") if run["run_type"] == "tool"]
    assert tool["name"] == "kakao_place_search"
    searching = next(run for run in traced.settled() if run["name"] == "web_search" and run["run_type"] == "chain")
    under = [run for run in traced.settled() if run.get("parent_run_id") == searching["run_id"]]
    assert sorted((run["run_type"], run["name"]) for run in under) == [("llm", "gpt-5.2"), ("tool", "web_search")]


async def test_usage_is_on_llm_runs_alone_and_none_is_there_twice(agent: Agent, traced: Capture) -> None:
    await ask_agent(agent, QUESTION)
    bearers = [run for run in traced.settled() if "usage_metadata" in run["metadata"]]
    assert {run["run_type"] for run in bearers} == {"llm"}
    assert len(bearers) == 4
    assert len({run["metadata"]["response_id"] for run in bearers}) == 4
    assert sum(usage_of(run)["total_tokens"] for run in bearers) == 1261


async def test_nothing_of_the_agents_sdk_is_uploaded(agent: Agent, traced: Capture) -> None:
    from agents.tracing import get_current_trace, trace

    with trace("nobody hears this") as silent:
        assert silent.export() is None
    assert get_current_trace() is None


async def test_a_turn_that_is_left_closes_every_run(agent_with: OpenAgent, traced: Capture) -> None:
    with Simulator("eco2") as slow:
        async with agent_with(openai_base_url=slow.urls["openai"]) as agent:
            turn = agent.turn(Request(job_id="job_left", message="안녕"))
            async for event in turn:
                if event.type == "token":
                    break
            await turn.aclose()
    runs = traced.settled()
    assert [run["name"] for run in runs if "end_us" not in run] == []
    answer = next(run for run in traced.llm() if "node:answer" in run["tags"])
    assert answer["metadata"]["usage_incomplete"] is True
    assert answer["error"]


async def test_a_node_beyond_its_time_is_cancelled_and_its_call_is_marked(
    agent_with: OpenAgent, simulator: Simulator, traced: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eco2 import graph

    monkeypatch.setitem(graph.POLICIES, "intent", graph.Policy(0.3))
    switch_on(simulator, "timeout", provider="openai", api="chat", times=1)
    async with agent_with() as agent:
        done = await ask_agent(agent, "안녕")
    assert done["nodes"]["intent"] | {"duration_ms": 0} == {
        "llm_calls": 1,
        "input_tokens": 0,
        "output_tokens": 0,
        "total_tokens": 0,
        "cost_usd": None,
        "calls_without_usage": 1,
        "duration_ms": 0,
        "status": "failed",
    }
    call = next(run for run in traced.llm() if "node:intent" in run["tags"])
    assert "CancelledError" in call["error"]
    assert call["metadata"]["usage_incomplete"] is True


async def test_without_tracing_nothing_is_sent_and_everything_is_still_counted(agent: Agent) -> None:
    done = await ask_agent(agent, QUESTION)
    assert (done["trace_id"], done["trace_ids"]) == (None, [])
    assert done["usage"]["llm_calls"] == 4


async def test_a_tracing_server_that_is_down_does_not_hold_up_the_answer(agent: Agent) -> None:
    client = langsmith.Client(api_url="http://127.0.0.1:9", api_key="local", retry_config=Retry(0))
    langsmith.configure(client=client, enabled=True, project_name="eco2-test")
    try:
        done = await ask_agent(agent, "안녕")
    finally:
        langsmith.configure(client=None, enabled=None, project_name=None)
    assert done["answer"]
    assert done["nodes"]["answer"]["status"] == "completed"


async def test_two_turns_of_one_conversation_wait_for_each_other(agent: Agent) -> None:
    first, second = await asyncio.gather(
        take_turn(agent, "하나", job_id="job_1", session_id="s1"),
        take_turn(agent, "둘", job_id="job_2", session_id="s1"),
    )
    assert first[-1].type == second[-1].type == "done"
    messages: Any = (await agent.state("s1"))["messages"]
    assert [message.content for message in messages if message.type == "human"] == ["하나", "둘"]


@pytest.mark.parametrize(
    ("variables", "on"),
    [
        ({"LANGSMITH_TRACING": "true"}, True),
        ({"LANGCHAIN_TRACING_V2": "true"}, True),
        ({"LANGSMITH_TRACING": "True"}, False),
        ({"LANGSMITH_TRACING": "1"}, False),
        ({"LANGSMITH_TRACING_V2": "false", "LANGSMITH_TRACING": "true"}, False),
        ({"LANGCHAIN_TRACING_V2": "false", "LANGSMITH_TRACING": "true"}, False),
        ({"LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING": "true"}, False),
        ({}, False),
    ],
)
def test_the_environment_switches_tracing_as_the_sdk_reads_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, on: bool
) -> None:
    for name in list(os.environ):
        if name.startswith(("LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    posted: list[str] = []
    monkeypatch.setattr(RunTree, "post", lambda run: posted.append(run.name))
    monkeypatch.setattr(RunTree, "patch", lambda _run: None)
    monkeypatch.setattr(utils, "get_env_var", inspect.unwrap(utils.get_env_var))
    with Telemetry().tool("kakao_place_search", {}):
        pass
    assert bool(posted) is on


async def test_two_hundred_requests_with_faults_are_counted_as_they_were_billed(
    agent_with: OpenAgent, simulator: Simulator, traced: Capture
) -> None:
    for fault, rate in (("429:0", 0.08), ("500", 0.04), ("no_usage", 0.06), ("null_usage", 0.04), ("cut:2", 0.06)):
        for provider in ("openai", "google"):
            switch_on(simulator, fault, rate=rate, provider=provider)
    questions = ("유리병 어떻게 버려?", "서울역 근처 가게 알려줘", "최신 분리배출 뉴스", "안녕", "고철 시세 알려줘")
    places = asyncio.Semaphore(20)

    async def one(agent: Agent, number: int) -> None:
        async with places:
            await ask_agent(agent, questions[number % len(questions)], job_id=f"job_{number}")

    for provider in ("openai", "google"):
        async with agent_with(provider=provider) as agent:
            await asyncio.gather(*(one(agent, number) for number in range(40)))
    billed = {entry["response_id"]: entry for entry in simulator.ledger() if entry["provider"] in ("openai", "google")}
    runs = traced.llm()
    exact = [run for run in runs if run["metadata"]["usage_incomplete"] is False]
    assert len(runs) >= 200
    assert len(runs) == len(billed) + simulator.world.ledger.refused
    for run in exact:
        entry, usage = billed[run["metadata"]["response_id"]]["billed"], usage_of(run)
        assert (usage["input_tokens"], usage["output_tokens"]) == (entry["input"], entry["output"])
        assert usage["output_token_details"].get("reasoning", 0) == entry["reasoning"]
        assert usage["input_token_details"].get("cache_read", 0) == entry["cached"]
    told = {key for key, entry in billed.items() if entry["usage_sent"] and not entry["aborted"]}
    assert {run["metadata"]["response_id"] for run in exact} == told
