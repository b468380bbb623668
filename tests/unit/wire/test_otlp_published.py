"""Spans that instrumentations published in 2026-11 made of calls to the simulator, shortened, and what they stand for.

What was billed is known by hand: "cached prompt" is 2,600 tokens in, of which 2,000 cached, and 50 out; "reasoned
answer" is 30 in and 200 out, of which 128 reasoning; "grounded answer" is 80 in, 220 fetched by the search, 40 out, 50
of thoughts and two queries; "spoken question" is 60 in, of which 40 audio, and 90 out, of which 70 audio.
"""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.wire.otlp_requests import START_US, TRACE_UUID, decoded, event, span

from everytoken.catalog import PriceBook
from everytoken.core.charge import Evidence
from everytoken.core.extract import evidence_of
from everytoken.core.pricing import price_charge
from everytoken.core.run import Run
from everytoken.core.settle import settle
from everytoken.ingest.merge import Place, build_run

PUBLISHED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "otlp" / "published.json").read_text(encoding="utf-8")
)
VERSIONS = {
    "openinference-openai": "0.1.66",
    "openinference-google-genai": "1.4.14",
    "openinference-langchain": "0.1.80",
    "openai-v2": "2.4b0",
    "google-genai": "1.3b0",
    "openllmetry-openai": "0.62.4",
    "openllmetry-google": "0.62.4",
    "openllmetry-langchain": "0.62.4",
    "pydantic-ai": "2.68.0",
    "logfire": "5.2.0",
    "google-adk": "2.13.0",
    "openinference-openai-agents": "2.6.0",
    "openinference-smolagents": "0.1.43",
    "openinference-litellm": "0.1.51",
    "strands": "1.62.0",
    "vercel 6": "6.0.326",
    "vercel 7": "7.0.173",
}
"""What made the spans: the first words of their names here."""


def sent(name: str, n: int = 2, **more: Any) -> dict[str, Any]:
    """The span `name` on the wire, as child of span 1."""
    told = PUBLISHED[name]
    events = [event(one, after_ms=40) for one in told.get("events", [])]
    status = {"code": 2, "message": told["error"]} if "error" in told else {}
    fields = {"parent": 1, "name": told["name"], "events": events, "status": status}
    return span(n, told["attributes"], **{**fields, **more})


def runs(*spans: tuple[str, dict[str, Any]]) -> list[Run]:
    """The runs of (scope, span), the root without usage first."""
    root = Run(run_id=TRACE_UUID, trace_id=TRACE_UUID, project="shop", run_type="chain", start_us=START_US)
    found = [root]
    for scope, one in spans:
        (read,) = decoded(one, scope=scope).operations
        place = Place("shop", read.body["start_us"], False)
        made = build_run(read.run_id, TRACE_UUID, place, read.body, None)
        found.append(replace(made, parent_run_id=TRACE_UUID))
    return found


def told(name: str) -> tuple[Run, Evidence]:
    run = runs((PUBLISHED[name]["scope"], sent(name)))[1]
    (found, *_) = evidence_of(run)
    return run, found


def test_every_published_span_has_a_version_and_an_expectation() -> None:
    assert all(name.startswith(tuple(VERSIONS)) for name in PUBLISHED)


Counts = tuple[int, int, dict[str, int], dict[str, int]]
CACHED: Counts = (2600, 50, {"cache_read": 2000}, {})
REASONED: Counts = (30, 200, {}, {"reasoning": 128})
EXPECTED: dict[str, tuple[str, str | None, Counts]] = {
    "openinference-openai chat stream": ("openai.chat.stream", "chatcmpl-", CACHED),
    "openinference-openai chat audio": ("openai.chat", "chatcmpl-", (60, 90, {"audio": 40}, {"audio": 70})),
    "openinference-openai chat tool": ("openai.chat", "chatcmpl-", (50, 200, {}, {"reasoning": 192})),
    "openinference-openai responses": ("openai.responses", "resp_", CACHED),
    "openinference-openai embeddings": ("openai.embeddings", None, (3, 0, {}, {})),
    "openinference-google-genai grounded": (
        "gemini.generate.search",
        "M",
        (300, 90, {"tool_use": 220}, {"reasoning": 50}),
    ),
    "openinference-google-genai stream": ("gemini.stream", "", REASONED),
    "openinference-langchain chat stream": ("openai.chat.stream", None, REASONED),
    "openinference-langchain responses stream": ("openai.responses.stream", "resp_", CACHED),
    "openai-v2 chat": ("openai.chat", "chatcmpl-", (2600, 50, {}, {})),  # it writes neither cache nor reasoning
    "openai-v2 chat, newest names": ("openai.chat", "chatcmpl-", (50, 200, {}, {})),
    "google-genai stream": ("gemini.stream", "", REASONED),
    "google-genai embeddings": ("gemini.embed", None, (2, 0, {}, {})),
    "openllmetry-openai chat stream": ("openai.chat.stream", "chatcmpl-", CACHED),
    "openllmetry-openai responses": ("openai.responses", "resp_", CACHED),
    "openllmetry-google chat": ("gemini.generate", "", (30, 200, {}, {})),  # thoughts are in its total alone
    "openllmetry-langchain outer": ("openai.chat", None, CACHED),
    "openllmetry-langchain inner": ("openai.responses.stream", "resp_", CACHED),
    "pydantic-ai chat": ("openai.responses", "resp_", (66, 394, {}, {"reasoning": 384})),
    "logfire chat": ("openai.chat", "chatcmpl-", CACHED),
    "logfire stream ends": ("openai.chat.stream", None, CACHED),
    "google-adk": ("gemini.generate", None, CACHED),
    "strands chat": ("openai.chat", None, CACHED),
    "openinference-openai-agents response": ("openai.responses", "resp_", CACHED),
    "openinference-openai-agents chat": ("openai.chat", None, (2600, 50, {}, {})),  # as openai-v2
    "openinference-smolagents chat": ("openai.chat", None, (2600, 50, {}, {})),
    "openinference-litellm chat": ("openai.chat", None, CACHED),
    "vercel 6 stream": ("openai.responses.stream", "resp_", REASONED),
    "vercel 6 tools": ("openai.chat", "chatcmpl-", (74, 202, {}, {"reasoning": 192})),
    "vercel 7 chat": ("openai.responses.stream", "resp_", CACHED),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_published_span_tells_every_class_its_call_path_and_the_providers_id(name: str) -> None:
    _, evidence = told(name)
    path, response_id, counts = EXPECTED[name]
    assert evidence.usage is not None
    inputs = {key: count for key, count in evidence.usage.input_token_details.items() if count}
    outputs = {key: count for key, count in evidence.usage.output_token_details.items() if count}
    assert (evidence.usage.input_tokens, evidence.usage.output_tokens, inputs, outputs) == counts
    assert evidence.usage.source == "provider"
    assert evidence.call_path == path
    assert evidence.response_id is None if response_id is None else (evidence.response_id or "").startswith(response_id)
    google = path.startswith("gemini")
    assert evidence.provider == ("google" if google else "openai")
    embeds = {"openai.embeddings": "text-embedding-3-small", "gemini.embed": "gemini-embedding-001"}
    model = embeds.get(path, "gemini-3-flash-preview" if google else "gpt-5.2")
    assert evidence.request_model == (f"openai/{model}" if "litellm" in name else model)
    assert evidence.response_model in (model, None)


def test_the_searches_in_openinferences_copy_of_the_answer_are_metered() -> None:
    _, evidence = told("openinference-google-genai grounded")
    assert evidence.usage is not None
    assert {name: str(count) for name, count in evidence.usage.meters.items()} == {"grounding_query": "2"}


@pytest.mark.parametrize("name", ["google-genai grounded", "openllmetry-google grounded"])
def test_what_a_search_fetched_and_nobody_counted_is_no_exact_usage(name: str) -> None:
    _, evidence = told(name)
    assert evidence.usage is not None
    assert evidence.usage.source == "partial"
    assert "usage_tool_use_untold" in evidence.usage.warnings
    assert evidence.usage.input_tokens == 80  # 220 more were billed
    assert "tool_use" not in evidence.usage.input_token_details


SILENT = ("openai-v2 chat", "openinference-openai-agents chat", "openinference-smolagents chat")


@pytest.mark.parametrize("name", SILENT)
def test_a_cost_is_approximate_where_the_tracer_never_tells_what_was_cached(name: str) -> None:
    (charge,) = settle(runs((PUBLISHED[name]["scope"], sent(name)))).charges
    assert "usage_cache_untold" in charge.flags
    cost = price_charge(charge, PriceBook()).cost
    # 2,600 × 1.75 and 50 × 14 dollars for a million: 2,000 of them were cached, and billed at a tenth
    assert (cost.usd, cost.status, cost.reason) == (Decimal("0.00525"), "approximate", "cache_untold")


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - set(SILENT)))
def test_no_other_published_span_is_doubted_so(name: str) -> None:
    _, evidence = told(name)
    assert evidence.usage is not None
    assert "usage_cache_untold" not in evidence.usage.warnings


QUESTIONS = {
    "openinference-openai chat stream": "cached prompt",
    "openinference-openai responses": "cached prompt",
    "openinference-google-genai stream": "reasoned answer",
    "openinference-langchain chat stream": "reasoned answer",
    "openai-v2 chat, newest names": "weather?",
    "google-genai stream": "reasoned answer",
    "openllmetry-openai chat stream": "cached prompt",
    "pydantic-ai chat": "weather in Seoul",
    "pydantic-ai agent": "weather in Seoul",
    "logfire chat": "cached prompt",
    "logfire stream ends": "cached prompt",
    "openinference-litellm chat": "cached prompt",
    "vercel 6 stream": "reasoned answer",
    "vercel 7 chat": "cached prompt",
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_content_of_a_published_span_is_the_inputs_and_outputs(name: str) -> None:
    (run,) = runs((PUBLISHED[name]["scope"], sent(name)))[1:]
    assert QUESTIONS[name] in json.dumps(run.inputs, ensure_ascii=False)
    assert run.outputs


@pytest.mark.parametrize(
    "name",
    ["openinference-openai chat tool", "openllmetry-google grounded", "pydantic-ai chat", "vercel 6 tools"],
)
def test_the_tools_that_were_offered_stand_beside_the_messages(name: str) -> None:
    run, _ = told(name)
    assert isinstance(run.inputs, dict)
    assert run.inputs["messages"]
    offered = json.dumps(run.inputs["tools"])
    assert "get_weather" in offered or "google_search" in offered


@pytest.mark.parametrize(
    ("name", "thread", "user"),
    [
        ("openinference-openai responses", "sess-9", "user-9"),
        ("openllmetry-openai responses", "sess-9", "user-9"),
        ("vercel 6 stream", "sess-9", "user-9"),
    ],
)
def test_thread_and_user_are_read_in_each_conventions_words(name: str, thread: str, user: str) -> None:
    _, evidence = told(name)
    (charge,) = settle(runs((PUBLISHED[name]["scope"], sent(name)))).charges
    assert (charge.thread_id, charge.user_id) == (thread, user)
    assert charge.response_id == evidence.response_id


def test_pydantic_ais_agent_repeats_no_usage() -> None:
    (run,) = runs(("pydantic-ai", sent("pydantic-ai agent")))[1:]
    assert run.run_type == "chain"
    assert evidence_of(run) == ()


def test_logfires_two_spans_of_one_stream_are_one_request() -> None:
    begun = sent("logfire stream opens", 2)
    ended = sent(
        "logfire stream ends", 3, startTimeUnixNano="1795348801000000000", endTimeUnixNano="1795348801000000000"
    )
    settled = settle(runs(("logfire.openai", begun), ("logfire.openai", ended)))
    (charge,) = settled.charges
    assert charge.usage is not None
    assert (charge.usage.input_tokens, charge.usage.input_token_details["cache_read"]) == (2600, 2000)
    assert charge.duration_us == 18_114  # 0.018114022 s, which the log tells of itself


def test_a_call_that_failed_stays_a_request_under_logfire() -> None:
    failed = sent("logfire stream opens", status={"code": 2, "message": "404"})
    (run,) = runs(("logfire.openai", failed))[1:]
    assert (run.run_type, run.status) == ("llm", "error")
    assert len(evidence_of(run)) == 1


def test_logfires_message_is_the_name_where_the_span_has_a_template() -> None:
    (run,) = runs(("logfire.openai", sent("logfire chat")))[1:]
    assert run.name == "Chat Completion with 'gpt-5.2'"
    (agent,) = runs(("pydantic-ai", sent("pydantic-ai agent")))[1:]
    assert agent.name == "invoke_agent ag"


def test_openllmetrys_callback_beside_its_own_openai_span_is_one_charge() -> None:
    outer = sent("openllmetry-langchain outer", 2)
    inner = sent(
        "openllmetry-langchain inner", 3, startTimeUnixNano="1795348800100000000", endTimeUnixNano="1795348800900000000"
    )
    scopes = PUBLISHED["openllmetry-langchain outer"]["scope"], PUBLISHED["openllmetry-langchain inner"]["scope"]
    settled = settle(runs((scopes[0], outer), (scopes[1], inner)))
    (charge,) = settled.charges
    assert (charge.response_id or "").startswith("resp_")
    assert charge.call_path == "openai.responses.stream"
    assert [(one.reason, one.charge_key) for one in settled.duplicates] == [("parent_llm_run", charge.charge_key)]
