"""LangChain, LangGraph and the Agents SDK over a transport in memory: one call, one record."""

import asyncio
import json
import operator
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import agents
import httpx2
import openai
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import START, StateGraph
from langgraph.types import Send
from langsmith import run_trees
from langsmith.integrations.openai_agents_sdk import OpenAIAgentsTracingProcessor
from langsmith.run_helpers import tracing_context

from .conftest import Sent
from .test_openai import COMPLETION, MESSAGES, Handler, client_of, streaming_server


@pytest.fixture
def traced(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """LangChain's tracer on, through the client that keeps everything."""
    monkeypatch.setattr(run_trees, "_CLIENT", sent)
    with tracing_context(enabled=True):
        yield sent


def answered(request: httpx2.Request) -> httpx2.Response:
    """Each request its own response id; streams as a server that must be asked for usage."""
    if json.loads(request.content).get("stream"):
        return streaming_server(request)
    answered.calls += 1  # type: ignore[attr-defined]  # a counter on the function is all the state there is
    return httpx2.Response(200, json={**COMPLETION, "id": f"chatcmpl-{answered.calls}"})  # type: ignore[attr-defined]


answered.calls = 0  # type: ignore[attr-defined]


def model_of(handler: Handler = answered, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(
        model="gpt-4o",
        api_key="k",  # type: ignore[arg-type]  # pydantic makes the secret
        base_url="http://provider.test/v1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(handler)),
        http_async_client=httpx2.AsyncClient(transport=httpx2.MockTransport(handler)),
        **options,
    )


def llm_runs(sent: Sent) -> list[Any]:
    return [run for run in sent.runs if run.run_type == "llm"]


def test_a_call_of_a_chat_model_is_its_own_run_enriched(traced: Sent) -> None:
    model_of().invoke("hello")
    (run,) = llm_runs(traced)
    assert run.metadata["everytoken"]["layer"] == "transport"
    assert run.metadata["usage_metadata"]["total_tokens"] == 100
    assert [charge.quality for charge in traced.charges] == ["exact"]


def test_a_stream_that_langchain_asked_no_usage_for_ends_exact(traced: Sent) -> None:
    assert "".join(str(chunk.content) for chunk in model_of().stream("hello")) == "hi"
    assert [(len(llm_runs(traced)), charge.quality, charge.call_path) for charge in traced.charges] == [
        (1, "exact", "openai.chat.stream")
    ]


def test_each_prompt_of_a_batch_enriches_its_own_run(traced: Sent) -> None:
    model_of().batch(["a", "b", "c"])
    model_of().generate([[HumanMessage("d")], [HumanMessage("e")]])
    ids = {run.metadata["everytoken"]["response_id"] for run in llm_runs(traced)}
    assert (len(llm_runs(traced)), len(ids), len(traced.charges)) == (5, 5, 5)


def test_async_calls_streams_and_events_are_one_run_each(traced: Sent) -> None:
    async def main() -> None:
        model = model_of()
        await model.ainvoke("a")
        async for _ in model.astream("b"):
            pass
        async for _ in model.astream_events("c", version="v2"):
            pass

    asyncio.run(main())
    assert (len(llm_runs(traced)), [charge.quality for charge in traced.charges]) == (3, ["exact"] * 3)


def test_an_answer_from_the_cache_is_not_billed_again(traced: Sent) -> None:
    model = model_of(cache=InMemoryCache())
    model.invoke("hello")
    model.invoke("hello")
    assert (len(llm_runs(traced)), len(traced.charges)) == (2, 1)


def test_a_lost_attempt_becomes_a_child_and_a_refused_one_nothing(traced: Sent) -> None:
    calls = 0

    def server(request: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise httpx2.ReadTimeout("too late", request=request)
        if calls == 2:
            return httpx2.Response(429, headers={"retry-after-ms": "1"})
        return httpx2.Response(200, json=COMPLETION)

    model_of(server).invoke("hello")
    parent, child = sorted(llm_runs(traced), key=lambda run: run.parent_run_id is not None)
    assert (parent.metadata["usage_metadata"]["total_tokens"], child.parent_run_id) == (100, parent.run_id)
    assert sorted(charge.quality for charge in traced.charges) == ["exact", "missing"]


def test_a_fallback_bills_the_model_that_answered(traced: Sent) -> None:
    broken = model_of(lambda _: httpx2.Response(400, json={"error": {"message": "no"}}))
    broken.with_fallbacks([model_of()]).invoke("hello")
    assert (len(llm_runs(traced)), [charge.quality for charge in traced.charges]) == (2, ["exact"])


def test_raw_calls_of_nodes_sent_in_parallel_hang_under_their_nodes(traced: Sent) -> None:
    class State(TypedDict):
        said: Annotated[list[str], operator.add]

    def chat(state: State) -> dict[str, Any]:
        return {"said": [str(model_of().invoke("hello").content)]}

    def raw(state: State) -> dict[str, Any]:
        made = client_of(answered).chat.completions.create(model="gpt-4o", messages=MESSAGES)
        return {"said": [made.id]}

    graph = StateGraph(State)
    graph.add_node("chat", chat)
    graph.add_node("raw", raw)
    graph.add_edge(START, "chat")
    graph.add_conditional_edges("chat", lambda state: [Send("raw", state), Send("raw", state)])
    graph.compile().invoke({"said": []}, config={"configurable": {"thread_id": "t-1"}})
    assert len({run.trace_id for run in traced.runs}) == 1
    assert sorted((str(c.node), str(c.thread_id), c.quality) for c in traced.charges) == [
        ("chat", "t-1", "exact"), ("raw", "t-1", "exact"), ("raw", "t-1", "exact"),
    ]  # fmt: skip


# langsmith's own reading of a generation goes through a module that warns that it has moved.
@pytest.mark.filterwarnings("ignore:langsmith.wrappers._openai_agents is deprecated")
def test_a_generation_of_the_agents_sdk_without_usage_is_enriched(traced: Sent) -> None:
    processor: Any = OpenAIAgentsTracingProcessor(client=traced)  # type: ignore[no-untyped-call]  # the SDK leaves it out
    agents.set_trace_processors([processor])

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(streaming_server))
        client = openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http)
        model = agents.OpenAIChatCompletionsModel(model="gpt-4o", openai_client=client)
        result = agents.Runner.run_streamed(agents.Agent(name="A", instructions="x", model=model), "hello")
        async for _ in result.stream_events():
            pass

    asyncio.run(main())
    agents.set_trace_processors([])
    (run,) = llm_runs(traced)
    assert run.metadata["usage_metadata"]["total_tokens"] == 100
    assert [charge.quality for charge in traced.charges] == ["exact"]
