"""What leaves the process under each content mode: our own runs and those that frameworks send."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import langsmith
import pytest
import requests
from langchain_core.runnables import RunnableLambda
from langsmith.run_helpers import traceable, tracing_context

import everytoken
from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.core.settle import settle

from .conftest import Sent
from .test_batches import Server
from .test_frameworks import model_of
from .test_openai import MESSAGES, USAGE, chunk, client_of, events, sse

KEY = "sk-proj-0123456789abcdefghij"
CUT_KEY = [KEY[:9], KEY[9:20], KEY[20:]]


@pytest.fixture
def wire() -> Server:
    return Server()


def sent_bytes(wire: Server) -> bytes:
    return b"".join(options["data"] for _, options in wire.requests)


@pytest.fixture
def masked(wire: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[langsmith.Client]:
    yield from _instrumented(wire, "masked", monkeypatch)


@pytest.fixture
def numbers_only(wire: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[langsmith.Client]:
    yield from _instrumented(wire, "none", monkeypatch)


def _instrumented(wire: Server, mode: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[langsmith.Client]:
    monkeypatch.setenv("EVERYTOKEN_CONTENT", mode)
    info: Any = {"version": "0.15.0", "batch_ingest_config": {"use_multipart_endpoint": True}}
    client = langsmith.Client(
        api_url="http://runs.test", api_key="k", session=wire, auto_batch_tracing=False, info=info
    )
    everytoken.instrument(client)
    with tracing_context(enabled=True, client=client):
        yield client
    everytoken.uninstrument()


def answering(request: httpx2.Request) -> httpx2.Response:
    return sse(events(*(chunk(text) for text in CUT_KEY), chunk(None, USAGE)))


def test_a_secret_cut_over_chunks_is_masked(masked: langsmith.Client, wire: Server) -> None:
    list(client_of(answering).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
    everytoken.flush(5)
    assert b"[key]" in sent_bytes(wire)
    assert [part for part in CUT_KEY if part.encode() in sent_bytes(wire)] == []


def test_a_secret_cut_over_events_of_a_response_that_was_left_is_masked(masked: langsmith.Client, wire: Server) -> None:
    deltas = [{"type": "response.output_text.delta", "delta": text, "sequence_number": 1} for text in CUT_KEY]
    body = b"".join(f"data: {json.dumps(one)}\n\n".encode() for one in deltas)
    list(client_of(lambda _: sse(body)).responses.create(model="gpt-4o", input="hi", stream=True))
    everytoken.flush(5)
    assert b"[key]" in sent_bytes(wire)
    assert CUT_KEY[1].encode() not in sent_bytes(wire)


# LangChain's tracer is given the client, as an application with a project of its own gives it.
def traced_chain(client: langsmith.Client) -> None:
    from langchain_core.tracers.langchain import LangChainTracer

    chain: Any = RunnableLambda(lambda asked: {"said": f"{asked['name']} has {KEY}"}) | RunnableLambda(
        lambda told: told
    )
    tracer = LangChainTracer(client=client, project_name="p")
    chain.invoke({"name": "kim@example.com"}, config={"callbacks": [tracer]})
    model_of(answering).invoke(f"my key is {KEY}", config={"callbacks": [tracer]}, stream=True)
    everytoken.flush(5)


def test_runs_of_langchains_tracer_are_masked(masked: langsmith.Client, wire: Server) -> None:
    traced_chain(masked)
    assert KEY.encode() not in sent_bytes(wire)
    assert b"kim@example.com" not in sent_bytes(wire)
    assert b"[email] has [key]" in sent_bytes(wire)


def test_runs_of_langchains_tracer_hold_numbers_only(numbers_only: langsmith.Client, wire: Server) -> None:
    traced_chain(numbers_only)
    for said in (KEY, "kim@example.com", " has ", "my key is"):
        assert said.encode() not in sent_bytes(wire)
    assert b'"total_tokens":100' in sent_bytes(wire)


def test_a_failed_chain_does_not_tell_its_content_in_the_error(numbers_only: langsmith.Client, wire: Server) -> None:
    @traceable
    def fails() -> None:
        raise ValueError(f"bad key {KEY}")

    with pytest.raises(ValueError, match="bad key"):
        fails()
    assert KEY.encode() not in sent_bytes(wire)
    assert b"ValueError" in sent_bytes(wire)


def test_an_llm_run_of_another_keeps_its_usage_without_its_words(numbers_only: langsmith.Client, wire: Server) -> None:
    @traceable(run_type="llm")
    def answers(asked: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": "비밀", "id": "msg_1"}
        return {"id": "r-1", "choices": [{"message": message}], "usage_metadata": {"input_tokens": 7}, "vector": [0.5]}

    assert answers("비밀")["choices"][0]["message"]["content"] == "비밀"
    sent = sent_bytes(wire)
    assert "비밀".encode() not in sent
    assert (b'"usage_metadata":{"input_tokens":7}' in sent, b'"r-1"' in sent, b"0.5" in sent) == (True, True, False)


def test_one_call_may_be_kept_from_the_record(wire: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for client in _instrumented(wire, "full", monkeypatch):
        with everytoken.context(content="masked"):
            traced_chain(client)
    assert KEY.encode() not in sent_bytes(wire)


IMAGE_CHILD = {"input_tokens": 40, "output_tokens": 1290, "total_tokens": 1330}
SVG_CHILD = {"model": "gpt-5.2-mini", "input_tokens": 11, "output_tokens": 60, "total_tokens": 71}
DRAWN = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-5.2",
    "output": [
        {"type": "message", "content": [{"type": "output_text", "text": "비밀"}]},
        {"type": "image_generation_call", "result": "QUJD" * 100, "revised_prompt": "비밀"},
        {"type": "svg_call", "svg_usage": SVG_CHILD, "svg": "비밀"},
    ],
    "tools": [{"type": "image_generation", "model": "gpt-image-1"}],
    "tool_usage": {"image_gen": IMAGE_CHILD},
    "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
}  # fmt: skip


def drawn_charges(sent: Sent) -> list[Charge]:
    partial = {"type": "response.output_text.delta", "delta": "비", "sequence_number": 1}
    last = {"type": "response.completed", "sequence_number": 2, "response": DRAWN}
    body = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in (partial, last))
    list(client_of(lambda _: sse(body)).responses.create(model="gpt-5.2", input="그려줘", stream=True))
    runs: list[Run] = sent.runs
    return list(settle(runs).charges)


@pytest.mark.parametrize("mode", ["full", "none"])
def test_models_that_work_inside_a_streamed_response_are_billed_whatever_is_shown(sent: Sent, mode: str) -> None:
    with everytoken.context(content=mode):
        charges = drawn_charges(sent)
    found = sorted((str(c.request_model), c.usage.input_tokens, c.usage.output_tokens) for c in charges if c.usage)
    assert found == [("gpt-5.2", 5, 7), ("gpt-5.2-mini", 11, 60), ("gpt-image-1", 40, 1290)]
    assert ("비밀" in str(sent.runs[0].outputs)) == (mode == "full")


def test_what_langsmiths_own_client_loses_is_told_with_the_next_run(
    wire: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for client in _instrumented(wire, "full", monkeypatch):
        client._invoke_tracing_error_callback(requests.ConnectionError("down"))
        list(client_of(answering).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
    assert b'"everytoken_lost_by_langsmith":1' in sent_bytes(wire)


def test_runs_that_were_lost_are_told_until_a_server_takes_the_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Server(422, 422)
    for _ in _instrumented(wire, "full", monkeypatch):
        for _ in range(3):
            client_of(answering).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True).close()
            everytoken.flush(5)
    bodies = [options["data"] for _, options in wire.requests]
    assert ["everytoken_dropped" in str(body) for body in bodies] == [False, True, True]
    assert b'"everytoken_dropped":2' in bodies[-1]
