"""What the telemetry of the Eco² post of 2026-01-27 lost, each loss on the real packages, beside what is kept."""

import contextlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, TypedDict

import pytest
from agents import Agent as SdkAgent
from agents import OpenAIResponsesModel, RunConfig, Runner
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from langsmith.run_helpers import get_current_run_tree
from langsmith.run_trees import RunTree
from openai import AsyncOpenAI
from tests.eco2.capture import Capture, usage_of
from tests.eco2.conftest import OpenAgent

from eco2.agent import Agent
from eco2.llm import Prompt
from everytoken.catalog import PriceBook
from everytoken.core.usage import Usage
from everytoken.simulator.serve import Simulator


class State(TypedDict, total=False):
    text: str


def record_as_the_post_does(run: RunTree, tokens: int) -> None:
    """The post's second method: counts into `extra["metrics"]` of whatever run is current."""
    run.extra["metrics"] = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}


async def one_node(body: Any) -> None:
    graph = StateGraph(State)
    graph.add_node("search", body)
    graph.add_edge(START, "search")
    graph.add_edge("search", END)
    await graph.compile().ainvoke({"text": ""}, {"run_name": "chat"})


async def test_the_posts_counts_land_on_the_nodes_chain_run_in_a_field_that_is_not_usage(traced: Capture) -> None:
    async def body(state: State) -> State:
        run = get_current_run_tree()
        assert run is not None
        record_as_the_post_does(run, 100)
        return {}

    await one_node(body)
    node = traced.named("search")
    assert node["run_type"] == "chain"
    assert node["extra"]["metrics"]["total_tokens"] == 100
    assert usage_of(node) == {}


async def test_the_second_call_of_a_node_overwrites_the_first(traced: Capture) -> None:
    async def body(state: State) -> State:
        for tokens in (100, 7):
            run = get_current_run_tree()
            assert run is not None
            record_as_the_post_does(run, tokens)
        return {}

    await one_node(body)
    assert traced.named("search")["extra"]["metrics"]["total_tokens"] == 7


async def test_two_calls_of_one_node_are_two_runs_here(agent: Agent, simulator: Simulator, traced: Capture) -> None:
    chat = agent.kit.chat("character")

    async def body(state: State) -> State:
        for text in ("하나", "둘"):
            await chat.complete(Prompt(node="search", system="-", user=text))
        return {}

    await one_node(body)
    billed = [entry["billed"]["input"] + entry["billed"]["output"] for entry in simulator.ledger()]
    assert sorted(usage_of(run)["total_tokens"] for run in traced.under("search")) == sorted(billed)
    assert len(billed) == 2


def test_the_posts_image_cost_raises_and_was_never_recorded() -> None:
    run = RunTree(name="picture", run_type="llm")
    with pytest.raises(AttributeError):
        run.metadata = run.metadata or {}  # type: ignore[misc]  # what the post does, inside `except Exception: pass`


async def test_counts_written_after_the_loop_are_lost_when_the_reader_leaves() -> None:
    recorded: list[int] = []

    async def as_the_post_streams() -> AsyncIterator[str]:
        for piece in ("하나", "둘"):
            yield piece
        recorded.append(100)

    stream = as_the_post_streams()
    async with contextlib.aclosing(stream):  # type: ignore[type-var]  # an async generator
        assert await anext(stream) == "하나"
    assert recorded == []


async def test_thoughts_are_billed_and_the_posts_field_has_none_of_them(
    agent_with: OpenAgent, simulator: Simulator, traced: Capture
) -> None:
    async with agent_with(provider="google") as agent:
        await agent.kit.chat("answer").complete(Prompt(node="answer", system="-", user="페트병"))
    (entry,) = simulator.ledger()
    (run,) = traced.llm()
    thoughts = entry["billed"]["reasoning"]
    assert thoughts > 0
    candidates = entry["billed"]["output"] - thoughts  # all that the post's mapping takes for the output
    assert usage_of(run)["output_tokens"] == candidates + thoughts
    assert usage_of(run)["output_token_details"]["reasoning"] == thoughts


async def test_the_posts_agents_loop_fails_on_the_first_event(simulator: Simulator) -> None:
    client = AsyncOpenAI(api_key="simulated", base_url=simulator.urls["openai"])
    agent = SdkAgent(name="search", model=OpenAIResponsesModel("gpt-5.2", client))
    result = Runner.run_streamed(agent, "소식", run_config=RunConfig(tracing_disabled=True))
    events = [event async for event in result.stream_events()]
    assert events[0].type == "agent_updated_stream_event"
    assert not hasattr(events[0], "data")  # the post reads `event.data` of every event
    await client.close()


@pytest.mark.parametrize(("deferred", "runs"), [(False, 2), (True, 1)])
async def test_a_join_that_is_not_deferred_runs_twice(*, deferred: bool, runs: int) -> None:
    seen: list[str] = []

    async def nothing(state: State) -> State:
        return {}

    async def aggregator(state: State) -> State:
        seen.append("aggregator")
        return {}

    graph = StateGraph(State)
    for name in ("router", "waste_rag", "feedback", "weather"):
        graph.add_node(name, nothing)
    graph.add_node("aggregator", aggregator, defer=deferred)
    graph.add_edge(START, "router")
    graph.add_conditional_edges(
        "router", lambda state: [Send("waste_rag", state), Send("weather", state)], ["waste_rag", "weather"]
    )
    graph.add_edge("waste_rag", "feedback")
    graph.add_edge("feedback", "aggregator")
    graph.add_edge("weather", "aggregator")
    await graph.compile().ainvoke({"text": ""})
    assert len(seen) == runs


@pytest.mark.parametrize(
    ("sent", "made", "right", "post"),
    [
        (520, 741, "0.011284", "0.018"),  # the reference trace
        (19_888, 28_833, "0.438466", "0.68"),  # the project of 39 traces
    ],
)
def test_the_posts_dollars_are_the_output_price_of_every_token(sent: int, made: int, right: str, post: str) -> None:
    usage = Usage(input_tokens=sent, output_tokens=made)
    cost = PriceBook().price(usage, provider="openai", model="gpt-5.2", at_us=1_770_000_000_000_000)
    assert cost.usd == Decimal(right)
    everything_as_output = Decimal(sent + made) * 14 / 1_000_000
    assert round(everything_as_output, len(post) - 2) == Decimal(post)


def test_a_picture_is_priced_once_by_its_tokens() -> None:
    usage = Usage(output_tokens=1_120, output_token_details={"image": 1_120}, meters={"images": Decimal(1)})
    cost = PriceBook().price(usage, provider="google", model="gemini-3-pro-image-preview", at_us=1_770_000_000_000_000)
    assert cost.usd == Decimal("0.1344")  # 1,120 image tokens at $120 per million; the post has $0.04
