"""Gemini over several chunks, requests, turns and events."""

from decimal import Decimal
from typing import Any

import pytest

from everytoken.core.extract import Extraction, extract_usage
from everytoken.core.usage import Usage


def chunk(finish: str | None = None, response_id: str = "g-1", **counts: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": "네"}]}} | ({"finishReason": finish} if finish else {})
    usage = {"usageMetadata": counts} if counts else {}
    return {"responseId": response_id, "modelVersion": "gemini-3-flash-preview", "candidates": [candidate], **usage}


def usage_of(found: Extraction) -> Usage:
    assert found.usage is not None
    return found.usage


STREAM = [
    chunk(cachedContentTokenCount=300, trafficType="ON_DEMAND"),
    chunk(promptTokenCount=730, candidatesTokenCount=4, totalTokenCount=734),
    chunk(promptTokenCount=721, candidatesTokenCount=36, thoughtsTokenCount=64, totalTokenCount=821, finish="STOP"),
]


def test_a_stream_keeps_the_last_value_of_each_field() -> None:
    # The last chunk lowers the prompt from 730 to 721 and no longer tells what was cached.
    found = extract_usage("gemini.stream", STREAM)
    usage = usage_of(found)
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (721, 100, "provider")
    assert (usage.input_token_details, usage.output_token_details) == ({"cache_read": 300}, {"reasoning": 64})
    assert (usage.tier, found.response_id, found.response_model) == ("standard", "g-1", "gemini-3-flash-preview")


def test_repeated_and_empty_chunks_change_nothing() -> None:
    padded = [chunk(), *STREAM, STREAM[-1], chunk()]
    assert extract_usage("gemini.stream", padded) == extract_usage("gemini.stream", STREAM)


def test_a_cut_stream_is_partial_with_its_last_running_total() -> None:
    usage = usage_of(extract_usage("gemini.stream", STREAM[:2]))
    assert (usage.input_tokens, usage.output_tokens) == (730, 4)
    assert (usage.source, usage.warnings) == ("partial", ("usage_stream_cut",))


def test_a_stream_cut_while_it_was_to_be_continued_is_partial() -> None:
    waiting = chunk(promptTokenCount=50, candidatesTokenCount=9, totalTokenCount=59, finish="CONTINUATION")
    assert usage_of(extract_usage("gemini.stream", [waiting])).source == "partial"


def test_one_request_of_a_continued_stream_is_complete() -> None:
    hop = chunk(promptTokenCount=50, candidatesTokenCount=9, totalTokenCount=59, finish="CONTINUATION")
    usage = usage_of(extract_usage("gemini.stream", [hop], {"one_request": True}))
    assert (usage.source, usage.warnings) == ("provider", ())


def test_hops_in_one_stream_are_flagged() -> None:
    hops = [
        chunk(promptTokenCount=50, totalTokenCount=50, finish=end, response_id=i)
        for i, end in (("a", None), ("b", "STOP"))
    ]
    assert usage_of(extract_usage("gemini.stream", hops)).warnings == ("usage_merged_hops",)


def test_counts_without_candidates_are_taken_as_complete() -> None:
    counts = [
        {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": n, "totalTokenCount": 5 + n}} for n in (1, 2)
    ]
    usage = usage_of(extract_usage("gemini.stream", counts))
    assert (usage.output_tokens, usage.source) == (2, "provider")


def test_a_stream_cut_before_any_usage_has_none() -> None:
    found = extract_usage("gemini.stream", [chunk()])
    assert (found.usage, found.reason, found.response_id) == (None, "absent", "g-1")


def test_a_blocked_prompt_is_a_complete_answer() -> None:
    blocked = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
    }
    usage = usage_of(extract_usage("gemini.stream", [blocked]))
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (9, 0, "provider")


def test_queries_of_a_stream_are_billed_once_each() -> None:
    searched = [{**part, "candidates": [{**part["candidates"][0], "groundingMetadata": {"webSearchQueries": queries}}]}
                for part, queries in zip(STREAM, (["a"], ["a", "b"], ["b"]), strict=True)]  # fmt: skip
    assert usage_of(extract_usage("gemini.stream", searched)).meters == {"grounding_query": Decimal(2)}


def test_function_calling_bills_every_request_it_made() -> None:
    first = chunk(promptTokenCount=100, candidatesTokenCount=10, totalTokenCount=110, finish="STOP")
    second = chunk(promptTokenCount=130, candidatesTokenCount=12, totalTokenCount=142, finish="STOP", response_id="g-2")
    found = extract_usage("gemini.requests", [first, [second]])
    usage = usage_of(found)
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (230, 22, 2)
    assert [part.input_tokens for part in found.parts] == [100, 130]
    assert usage.raw == {"requests": [first["usageMetadata"], {
        "prompt_token_count": 130, "candidates_token_count": 12, "total_token_count": 142,
    }]}  # fmt: skip


def test_a_request_without_usage_among_several_makes_the_sum_partial() -> None:
    known = chunk(promptTokenCount=100, candidatesTokenCount=10, totalTokenCount=110, finish="STOP")
    usage = usage_of(extract_usage("gemini.requests", [known, chunk()]))
    assert (usage.input_tokens, usage.source, usage.warnings) == (100, "partial", ("usage_hidden_requests",))


def test_requests_that_the_sdk_hid_are_flagged() -> None:
    returned = chunk(promptTokenCount=130, candidatesTokenCount=12, totalTokenCount=142, finish="STOP")
    returned["automaticFunctionCallingHistory"] = [{"role": "user"}, {"role": "model"}]
    usage = usage_of(extract_usage("gemini.generate_content", returned))
    assert (usage.source, usage.warnings) == ("partial", ("usage_hidden_requests",))


def test_hops_that_the_sdk_summed_are_flagged() -> None:
    from google.genai.types import GenerateContentResponse

    merged = GenerateContentResponse.model_validate(chunk(promptTokenCount=300, candidatesTokenCount=9, finish="STOP"))
    assert merged.usage_metadata is not None
    merged.usage_metadata._initial_prompt_token_count = 100
    assert usage_of(extract_usage("gemini.generate_content", merged)).warnings == ("usage_merged_hops",)


@pytest.mark.parametrize(
    ("asked", "served", "tier"),
    [("flex", None, "flex"), ("priority", "ON_DEMAND", "standard"), (None, "ON_DEMAND_PRIORITY", "priority"),
     (None, "ON_DEMAND_OFFPEAK", "offpeak"), ("unspecified", "TRAFFIC_TYPE_UNSPECIFIED", None)],
)  # fmt: skip
def test_the_served_tier_wins_and_the_asked_one_fills_in(
    asked: str | None, served: str | None, tier: str | None
) -> None:
    raw = chunk(promptTokenCount=1, totalTokenCount=1, **({"trafficType": served} if served else {}))
    assert usage_of(extract_usage("gemini.generate_content", raw, {"service_tier": asked})).tier == tier


def test_a_batch_line_is_billed_at_batch_rates() -> None:
    line = {"key": "row-1", "response": chunk(promptTokenCount=5, candidatesTokenCount=2, totalTokenCount=7)}
    usage = usage_of(extract_usage("gemini.batch_line", line))
    assert (usage.input_tokens, usage.output_tokens, usage.tier) == (5, 2, "batch")


def test_counting_tokens_is_not_usage() -> None:
    found = extract_usage("gemini.generate_content", {"totalTokens": 31, "cachedContentTokenCount": None})
    assert (found.usage, found.reason) == (None, "not_usage")


def test_live_turns_are_added_and_messages_within_a_turn_are_not() -> None:
    def message(prompt: int, answer: int, done: bool) -> dict[str, Any]:
        counts = {"promptTokenCount": prompt, "responseTokenCount": answer, "totalTokenCount": prompt + answer}
        return {"usageMetadata": counts, "serverContent": {"turnComplete": done}}

    found = extract_usage("gemini.live", [message(50, 10, False), message(50, 30, True), message(90, 20, True)])
    usage = usage_of(found)
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (140, 50, 2)


INTERACTION_USAGE = {
    "total_input_tokens": 80,
    "total_output_tokens": 30,
    "total_thought_tokens": 12,
    "total_tool_use_tokens": 40,
    "total_cached_tokens": 16,
    "total_tokens": 162,
    "input_tokens_by_modality": [{"modality": "text", "tokens": 60}, {"modality": "image", "tokens": 20}],
    "cached_tokens_by_modality": [{"modality": "text", "tokens": 16}],
    "grounding_tool_count": [{"type": "google_search", "count": 3}, {"type": "google_maps", "count": 1}],
}


def test_an_interaction_adds_thoughts_and_tool_use() -> None:
    found = extract_usage("gemini.interactions", {"id": "int-1", "model": "gemini-3-pro", "usage": INTERACTION_USAGE})
    usage = usage_of(found)
    assert (usage.input_tokens, usage.output_tokens, usage.warnings) == (120, 42, ())
    assert usage.input_token_details == {"cache_read": 16, "tool_use": 40, "image": 20, "cache_read_image": 0}
    assert usage.meters == {"grounding_query": Decimal(3), "maps_query": Decimal(1)}
    assert (found.response_id, found.response_model) == ("int-1", "gemini-3-pro")


def test_an_interaction_whose_total_says_so_has_its_thoughts_inside_the_output() -> None:
    inside = INTERACTION_USAGE | {"total_tokens": 150}
    usage = usage_of(extract_usage("gemini.interactions", {"usage": inside}))
    assert (usage.output_tokens, usage.output_token_details, usage.warnings) == (30, {"reasoning": 12}, ())


def test_of_an_interactions_events_only_the_closing_one_counts() -> None:
    events = [
        {"event_type": "step.stop", "usage": {"total_input_tokens": 999}},
        {"event_type": "interaction.completed", "interaction": {"id": "int-1", "usage": INTERACTION_USAGE}},
    ]
    found = extract_usage("gemini.interactions", events)
    assert (usage_of(found).input_tokens, found.response_id) == (120, "int-1")


def test_the_sdks_interaction_usage_reads_like_its_json() -> None:
    from google.genai._gaos.types.interactions.usage import Usage as InteractionUsage

    sdk = InteractionUsage.model_validate(INTERACTION_USAGE)
    assert (
        extract_usage("gemini.interactions", sdk).usage == extract_usage("gemini.interactions", INTERACTION_USAGE).usage
    )


def test_embeddings_of_old_models_are_billed_by_characters() -> None:
    raw = {"embeddings": [{"values": [0.5]}], "metadata": {"billableCharacterCount": 31}}
    assert usage_of(extract_usage("gemini.embed_content", raw)).meters == {"characters": Decimal(31)}


def test_the_modality_of_what_was_embedded_comes_from_the_request() -> None:
    raw = {"embeddings": [], "usageMetadata": {"promptTokenCount": 64}}
    usage = usage_of(extract_usage("gemini.embed_content", raw, {"modality": "audio"}))
    assert usage.input_token_details == {"audio": 64}
