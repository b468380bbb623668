"""The OpenAI Agents SDK: real objects of the SDK, and what its normal form hides."""

from decimal import Decimal

from agents.items import ModelResponse
from agents.realtime.model_events import (
    RealtimeModelCachedTokensDetails,
    RealtimeModelInputTokensDetails,
    RealtimeModelOutputTokensDetails,
    RealtimeModelUsageEvent,
)
from agents.tracing.span_data import GenerationSpanData, ResponseSpanData, TaskSpanData
from agents.usage import RequestUsage, Usage
from openai.types.responses import ResponseFunctionWebSearch
from openai.types.responses.response_function_web_search import ActionSearch
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from everytoken.core.extract import extract_usage


def request(input_tokens: int, output_tokens: int, cached: int = 0, reasoning: int = 0) -> RequestUsage:
    return RequestUsage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        total_tokens=input_tokens + output_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=cached, cache_write_tokens=0),
        output_tokens_details=OutputTokensDetails(reasoning_tokens=reasoning),
    )


def run_usage(*requests: RequestUsage) -> Usage:
    return Usage(
        requests=len(requests),
        input_tokens=sum(r.input_tokens for r in requests),
        output_tokens=sum(r.output_tokens for r in requests),
        total_tokens=sum(r.total_tokens for r in requests),
        request_usage_entries=list(requests),
    )


SEARCH = ResponseFunctionWebSearch(
    id="ws_1", type="web_search_call", status="completed", action=ActionSearch(type="search", query="a")
)


def test_a_model_response_is_one_request_with_its_searches() -> None:
    response = ModelResponse(output=[SEARCH], usage=run_usage(request(900, 60, 100, 20)), response_id="resp_1")
    found = extract_usage("agents.response", response)
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens, found.response_id) == (900, 60, "resp_1")
    assert found.usage.meters == {"web_search": Decimal(1)}


def test_the_providers_own_usage_is_preferred_where_the_sdk_kept_it() -> None:
    own = {
        "input_tokens": 900,
        "output_tokens": 60,
        "total_tokens": 960,
        "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 50},
    }
    response = ModelResponse(output=[], usage=run_usage(request(900, 60, 100)), response_id=None, raw_usage=own)
    found = extract_usage("agents.response", response)
    assert found.usage is not None
    assert found.usage.input_token_details == {"cache_read": 100, "cache_creation": 50}
    assert found.usage.raw == own


def test_zeros_of_the_sdk_mean_that_nothing_was_reported() -> None:
    response = ModelResponse(output=[], usage=Usage(requests=1), response_id="resp_2")
    found = extract_usage("agents.response", response)
    assert (found.usage, found.reason, found.response_id) == (None, "absent", "resp_2")


def test_a_run_is_the_sum_of_its_requests_and_each_can_be_priced() -> None:
    found = extract_usage("agents.usage", run_usage(request(100, 10, 40, 5), request(300, 20)))
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.requests) == (400, 30, 2)
    assert found.usage.input_token_details == {"cache_read": 40, "cache_creation": 0}
    assert [part.input_tokens for part in found.parts] == [100, 300]
    assert found.usage.source == "provider"


def test_a_failed_try_is_a_request_with_unknown_usage_not_with_none() -> None:
    found = extract_usage("agents.usage", run_usage(request(0, 0), request(300, 20)))
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.source) == (300, "partial")
    assert found.usage.warnings == ("usage_hidden_requests",)


def test_an_aggregate_without_entries_says_that_it_is_a_sum() -> None:
    found = extract_usage("agents.usage", {"requests": 3, "input_tokens": 30, "output_tokens": 6, "total_tokens": 36})
    assert found.usage is not None
    assert (found.usage.requests, found.usage.warnings) == (3, ("usage_merged_hops",))


def test_details_written_as_a_list_by_older_versions_are_read() -> None:
    entry = {"input_tokens": 30, "output_tokens": 6, "total_tokens": 36, "input_tokens_details": [{"cached_tokens": 9}]}
    found = extract_usage("agents.usage", {"request_usage_entries": [entry]})
    assert found.usage is not None
    assert found.usage.input_token_details == {"cache_read": 9}


def test_of_the_spans_only_generation_and_response_stand_for_a_request() -> None:
    usage = {"input_tokens": 12, "output_tokens": 3}
    generation = extract_usage("agents.span", GenerationSpanData(model="gpt-5.2", usage=usage))
    response = extract_usage("agents.span", ResponseSpanData(usage=usage).export() | {"response_id": "resp_3"})
    task = extract_usage("agents.span", TaskSpanData(name="t", usage=usage))
    assert generation.usage is not None
    assert (generation.usage.total_tokens, generation.response_model) == (15, "gpt-5.2")
    assert response.usage is not None
    assert (response.usage.total_tokens, response.response_id) == (15, "resp_3")
    assert (task.usage, task.reason) == (None, "not_usage")


def test_a_realtime_event_keeps_the_split_by_modality() -> None:
    event = RealtimeModelUsageEvent(
        usage=run_usage(request(132, 121)),
        input_tokens_details=RealtimeModelInputTokensDetails(
            text_tokens=119,
            audio_tokens=13,
            cached_tokens=64,
            cached_tokens_details=RealtimeModelCachedTokensDetails(text_tokens=60, audio_tokens=4),
        ),
        output_tokens_details=RealtimeModelOutputTokensDetails(text_tokens=30, audio_tokens=91),
    )
    found = extract_usage("agents.realtime", event)
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens) == (132, 121)
    assert found.usage.input_token_details == {"cache_read": 64, "audio": 13, "cache_read_audio": 4}
    assert found.usage.output_token_details == {"audio": 91}
