"""Span attributes of OpenTelemetry, OpenInference, OpenLLMetry and langsmith's own OpenTelemetry mode."""

import json
from dataclasses import replace
from typing import Any

import pytest

from everytoken.core.extract import evidence_of, extract_usage
from everytoken.core.run import Run

SEMCONV = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 50,
    "gen_ai.usage.cache_read.input_tokens": 40,
    "gen_ai.usage.cache_creation.input_tokens": 10,
    "gen_ai.usage.reasoning.output_tokens": 20,
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.provider": "openai",
    "llm.model_name": "gpt-4o",
    "llm.token_count.prompt": 100,
    "llm.token_count.completion": 50,
    "llm.token_count.total": 150,
    "llm.token_count.prompt_details.cache_read": 40,
    "llm.token_count.prompt_details.cache_write": 10,
    "llm.token_count.prompt_details.audio": 5,
    "llm.token_count.completion_details.reasoning": 20,
    "llm.token_count.completion_details.audio": 7,
}
OPENLLMETRY = {
    "llm.request.type": "chat",
    "gen_ai.system": "OpenAI",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.prompt_tokens": 100,
    "gen_ai.usage.completion_tokens": 50,
    "llm.usage.total_tokens": 150,
    "gen_ai.usage.cache_read_input_tokens": 40,
}


def span(attributes: dict[str, Any], run_type: str = "llm", **metadata: Any) -> Run:
    extra = {"otel": {"attributes": attributes}}
    return Run(
        run_id="r", trace_id="t", project="p", run_type=run_type, start_us=1, end_us=2, metadata=metadata, extra=extra
    )


def test_the_genai_conventions_give_totals_and_details() -> None:
    found = extract_usage("otel.gen_ai", SEMCONV)
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.warnings) == (100, 50, ())
    assert found.usage.input_token_details == {"cache_read": 40, "cache_creation": 10}
    assert found.usage.output_token_details == {"reasoning": 20}
    assert found.usage.raw["gen_ai.usage.input_tokens"] == 100
    assert (found.response_id, found.response_model) == ("chatcmpl-1", "gpt-4o-2024-08-06")


def test_openinference_gives_audio_as_well() -> None:
    found = extract_usage("openinference", OPENINFERENCE).usage
    assert found is not None
    assert found.input_token_details["audio"] == 5
    assert found.output_token_details == {"reasoning": 20, "audio": 7}
    assert found.total_tokens == 150


def test_openllmetrys_deprecated_names_are_read() -> None:
    found = extract_usage("openllmetry", OPENLLMETRY).usage
    assert found is not None
    assert (found.total_tokens, found.input_token_details) == (150, {"cache_read": 40})


def test_cached_tokens_left_out_of_the_input_are_added() -> None:
    # Anthropic as older OpenLLMetry reports it: 12 new tokens, 2,000 from the cache.
    told = {"gen_ai.system": "anthropic", "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 30,
            "gen_ai.usage.cache_read_input_tokens": 2000}  # fmt: skip
    found = extract_usage("openllmetry", told).usage
    assert found is not None
    assert (found.input_tokens, found.input_token_details) == (2012, {"cache_read": 2000})
    assert found.warnings == ("usage_cache_added",)


def test_thoughts_of_gemini_are_recovered_from_the_total() -> None:
    told = {"gen_ai.system": "gcp.gemini", "gen_ai.usage.input_tokens": 721, "gen_ai.usage.output_tokens": 36,
            "llm.usage.total_tokens": 821}  # fmt: skip
    found = extract_usage("openllmetry", told).usage
    assert found is not None
    assert (found.output_tokens, found.warnings) == (100, ("usage_output_from_total",))


@pytest.mark.parametrize(
    ("attributes", "place", "call_path"),
    [
        (SEMCONV, "otel.gen_ai", "openai.chat"),
        (OPENINFERENCE, "otel.openinference", "openai.unknown"),
        (OPENLLMETRY, "otel.gen_ai", "openai.chat"),
    ],
)
def test_a_span_is_evidence_from_its_attributes(attributes: dict[str, Any], place: str, call_path: str) -> None:
    (evidence,) = evidence_of(span(attributes))
    assert (evidence.place, evidence.layer, evidence.provider) == (place, "otel", "openai")
    assert (evidence.request_model, evidence.call_path) == ("gpt-4o", call_path)
    assert evidence.usage is not None
    assert evidence.usage.total_tokens == 150


def test_langsmiths_json_text_wins_over_its_other_attributes() -> None:
    exact = {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, "input_token_details": {"cache_read": 2}}
    attributes = {
        **SEMCONV,
        "langsmith.metadata.usage_metadata": json.dumps(exact),
        "gen_ai.usage.input_token_details": "{'cache_read': 2}",
    }
    (evidence,) = evidence_of(span(attributes))
    assert evidence.usage is not None
    assert (evidence.place, evidence.usage.input_token_details) == ("otel.langsmith", {"cache_read": 2})


def test_embeddings_are_complete_with_input_alone() -> None:
    told = {"gen_ai.operation.name": "embeddings", "gen_ai.provider.name": "openai", "gen_ai.usage.input_tokens": 9}
    (evidence,) = evidence_of(span(told, run_type="embedding"))
    assert evidence.usage is not None
    assert (evidence.call_path, evidence.usage.source, evidence.usage.warnings) == ("openai.embeddings", "provider", ())


def test_a_span_without_counts_is_a_request_with_missing_usage_if_it_is_a_model_call() -> None:
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "gemini-2.5-pro",
    }
    (evidence,) = evidence_of(span(told))
    assert (evidence.usage, evidence.provider, evidence.call_path) == (None, "google-vertex", "gemini.generate")
    assert evidence_of(span(told, run_type="chain")) == ()


def test_a_lone_total_can_not_be_priced() -> None:
    found = extract_usage("otel.gen_ai", {"gen_ai.usage.total_tokens": 50})
    assert (found.usage, found.reason) == (None, "total_only")


@pytest.mark.parametrize(
    ("written", "response_id"),
    [
        ('{"id": "chatcmpl-9", "object": "chat.completion"}', "chatcmpl-9"),
        (
            '{"generations": [[{"message": {"kwargs": {"id": "lc_run--1", "response_metadata": {"id":"resp_7"}}}}]]}',
            "resp_7",
        ),
        ('{"candidates": [], "responseId": "aZ-3"}', "aZ-3"),
        ("plain text", None),
        (7, None),
    ],
)
def test_a_response_id_written_inside_the_output_is_found(written: object, response_id: str | None) -> None:
    (evidence,) = evidence_of(span({**OPENINFERENCE, "output.value": written}))
    assert evidence.response_id == response_id


def test_the_newest_names_of_cache_writes_tiers_and_modalities_are_read() -> None:
    found = extract_usage(
        "otel.gen_ai",
        {
            "gen_ai.provider.name": "openai",
            "openai.request.service_tier": "auto",
            "openai.response.service_tier": "flex",
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.output_tokens": 400,
            "gen_ai.usage.cache_write.input_tokens": 100,
            "gen_ai.usage.audio.input_tokens": 300,
            "gen_ai.usage.audio.cache_read.input_tokens": 50,
            "gen_ai.usage.cache_read.input_tokens": 50,
            "gen_ai.usage.image.input_tokens": 200,
            "gen_ai.usage.audio.output_tokens": 70,
            "gen_ai.usage.image.output_tokens": 30,
        },
    ).usage
    assert found is not None
    assert found.tier == "flex"
    assert found.input_token_details == {
        "cache_read": 50,
        "cache_creation": 100,
        "audio": 300,
        "image": 200,
        "cache_read_audio": 50,
    }
    assert found.output_token_details == {"audio": 70, "image": 30}


def test_the_tier_that_was_asked_for_stands_where_none_is_told_to_have_served() -> None:
    told = {"gen_ai.usage.input_tokens": 1, "gen_ai.usage.output_tokens": 1, "openai.request.service_tier": "priority"}
    found = extract_usage("otel.gen_ai", told).usage
    assert found is not None
    assert found.tier == "priority"


@pytest.mark.parametrize(
    ("provider", "raw", "counts", "details"),
    [
        (
            "openai",
            {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 40}},
            (100, 9),
            {"cache_read": 40},
        ),
        (
            "anthropic",
            {"input_tokens": 100, "output_tokens": 9, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 0},
            (140, 9),
            {"cache_read": 40, "cache_creation": 0},
        ),
        (
            "gcp.gemini",
            {"prompt_token_count": 100, "candidates_token_count": 5, "thoughts_token_count": 4},
            (100, 9),
            {},
        ),
    ],
)
def test_the_providers_own_usage_object_is_preferred(
    provider: str, raw: dict[str, Any], counts: tuple[int, int], details: dict[str, int]
) -> None:
    told = {
        "gen_ai.provider.name": provider,
        "gen_ai.response.id": "r-1",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 9,
        "gen_ai.usage.raw": json.dumps(raw),
    }
    found = extract_usage("otel.gen_ai", told)
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == counts
    assert found.usage.input_token_details == details
    assert found.response_id == "r-1"


@pytest.mark.parametrize("raw", ["", "{}", "[1]", "{not json", '{"prompt_tokens": "many"}', 7])
def test_a_usage_object_that_cannot_be_read_leaves_the_counts_beside_it(raw: object) -> None:
    told = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 9, "gen_ai.usage.raw": raw}
    found = extract_usage("otel.gen_ai", told).usage
    assert found is not None
    assert (found.input_tokens, found.output_tokens) == (100, 9)


@pytest.mark.parametrize(
    ("tools", "total", "source", "output"),
    [
        ('[{"google_search": {}}]', 390, "partial", 40),
        (['{"type": "provider", "id": "google.url_context"}'], 390, "partial", 40),
        ('[{"google_search": {}}]', None, "partial", 40),
        ('[{"google_search": {}}]', 120, "provider", 40),  # nothing is left over: the model did not search
        ('[{"name": "get_weather"}]', 390, "provider", 310),
    ],
)
def test_tokens_that_only_a_total_knows_are_thoughts_unless_gemini_may_have_searched(
    tools: object, total: int | None, source: str, output: int
) -> None:
    told = {
        "gen_ai.provider.name": "gcp.gen_ai",
        "gen_ai.usage.input_tokens": 80,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.tool.definitions": tools,
        **({} if total is None else {"gen_ai.usage.total_tokens": total}),
    }
    found = extract_usage("otel.gen_ai", told).usage
    assert found is not None
    assert (found.source, found.output_tokens) == (source, output)


def test_an_answer_that_disagrees_with_the_attributes_is_not_put_in_their_place() -> None:
    answer = {"object": "chat.completion", "id": "chatcmpl-9", "usage": {"prompt_tokens": 7, "completion_tokens": 1}}
    run = replace(span(OPENINFERENCE), outputs=answer)
    (told,) = evidence_of(run)
    assert told.usage is not None
    assert (told.usage.input_tokens, told.usage.output_tokens) == (100, 50)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"input_tokens": 3, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 0}}, "openai.responses"),
        ({"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}}, "openai.chat"),
    ],
)
def test_the_providers_own_usage_object_tells_its_api_where_no_id_does(raw: dict[str, Any], path: str) -> None:
    told = {"gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat", "gen_ai.usage.raw": json.dumps(raw)}
    (found,) = evidence_of(span(told))
    assert found.call_path == path
