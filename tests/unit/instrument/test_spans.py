"""Spans through a tracer provider in memory: a content of no known shape costs the span its messages alone."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from langsmith.utils import get_env_var
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import everytoken

from .test_openai import COMPLETION, MESSAGES, client_of

RELEASE = "langsmith.metadata.revision_id"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    get_env_var.cache_clear()  # type: ignore[attr-defined]  # its overloads hide the cache
    everytoken.instrument(export="otel")
    yield memory
    everytoken.uninstrument()
    get_env_var.cache_clear()  # type: ignore[attr-defined]  # its overloads hide the cache


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGSMITH_REVISION_ID", "1.4.2")


def attributes(memory: InMemorySpanExporter) -> dict[str, Any]:
    everytoken.flush(5)
    (span,) = memory.get_finished_spans()
    return dict(span.attributes or {})


def call(answer: dict[str, Any], status: int = 200, **more: Any) -> None:
    client = client_of(lambda _: httpx2.Response(status, json=answer), max_retries=0)
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES, **more)


def test_a_span_says_what_was_asked_what_came_and_what_it_used(exported: InMemorySpanExporter) -> None:
    with everytoken.context(thread_id="t-1", user_id="u-1", tags=["a", "b"], metadata={"plan": {"name": "pro"}}):
        call(COMPLETION, temperature=0.5, max_tokens=9)
    told = attributes(exported)
    assert told["gen_ai.input.messages"] == '[{"role":"user","parts":[{"type":"text","content":"hello"}]}]'
    assert json.loads(told["langsmith.metadata.usage_metadata"])["total_tokens"] == 100
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.usage.input_tokens": 13,
        "gen_ai.usage.output_tokens": 87,
        "gen_ai.conversation.id": "t-1",
        "user.id": "u-1",
        "langsmith.span.tags": "a,b",
        "langsmith.metadata.plan": '{"name":"pro"}',
    }
    assert {key: told.get(key) for key in expected} == expected


def test_a_span_carries_the_release_that_the_application_named(released: None, exported: InMemorySpanExporter) -> None:
    call(COMPLETION)
    assert attributes(exported)[RELEASE] == "1.4.2"


def test_a_release_that_the_call_names_itself_stays(released: None, exported: InMemorySpanExporter) -> None:
    with everytoken.context(metadata={"revision_id": "canary"}):
        call(COMPLETION)
    assert attributes(exported)[RELEASE] == "canary"


def test_without_a_named_release_the_resource_is_left_to_tell_it(exported: InMemorySpanExporter) -> None:
    call(COMPLETION)
    assert RELEASE not in attributes(exported)


def test_without_content_the_counts_remain(exported: InMemorySpanExporter) -> None:
    with everytoken.context(content="none"):
        call(COMPLETION)
    told = attributes(exported)
    assert [key for key in told if "messages" in key] == []
    assert told["gen_ai.usage.output_tokens"] == 87


def test_an_answer_of_no_known_shape_keeps_its_usage(
    exported: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVERYTOKEN_STRICT", "0")
    odd = {**COMPLETION, "choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [{"function": "x"}]}}]}
    client = client_of(lambda _: httpx2.Response(200, json=odd))
    client.chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
    assert attributes(exported)["gen_ai.usage.output_tokens"] == 87
