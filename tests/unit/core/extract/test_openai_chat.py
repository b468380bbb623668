"""OpenAI's chat shape: the counts of a completion and of a stream."""

from everytoken.core.extract import extract_usage

USAGE = {
    "prompt_tokens": 2600,
    "completion_tokens": 300,
    "total_tokens": 2900,
    "prompt_tokens_details": {"cached_tokens": 2000, "cache_write_tokens": 400, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 120,
        "accepted_prediction_tokens": 30,
        "rejected_prediction_tokens": 10,
    },
}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-5.2-2025-12-11",
    "service_tier": "default",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "안녕"}}],
    "usage": USAGE,
}


def test_a_completion_gives_inclusive_totals_and_every_detail() -> None:
    found = extract_usage("openai.chat", COMPLETION)
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.total_tokens) == (2600, 300, 2900)
    assert found.usage.input_token_details == {"cache_read": 2000, "cache_creation": 400, "audio": 0}
    assert found.usage.output_token_details == {"reasoning": 120, "prediction_accepted": 30, "prediction_rejected": 10}
    assert (found.usage.tier, found.usage.source, found.usage.warnings) == ("standard", "provider", ())
    assert found.usage.raw == USAGE
    assert (found.response_id, found.response_model) == ("chatcmpl-1", "gpt-5.2-2025-12-11")


def test_the_tier_served_wins_over_the_tier_asked_for() -> None:
    found = extract_usage("openai.chat", COMPLETION | {"service_tier": "fast"}, {"service_tier": "flex"})
    assert found.usage is not None
    assert found.usage.tier == "priority"


def test_reasoning_left_out_of_the_completion_is_added_when_the_total_proves_it() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "total_tokens": 37,
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
    found = extract_usage("openai.chat", {"usage": usage})
    assert found.usage is not None
    assert (found.usage.output_tokens, found.usage.warnings) == (27, ("usage_reasoning_added",))


def chunk(text: str | None = None, finish: str | None = None, usage: object = None) -> dict[str, object]:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    return {"id": "chatcmpl-2", "model": "gpt-4o-2024-08-06", "choices": choices, "usage": usage}


def test_a_stream_counts_its_last_usage_and_never_a_sum() -> None:
    final = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    found = extract_usage(
        "openai.chat.stream", [chunk("a"), chunk("b", "stop"), chunk(usage=final), chunk(usage=final)]
    )
    assert found.usage is not None
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.source) == (9, 2, "provider")
    assert (found.response_id, found.response_model) == ("chatcmpl-2", "gpt-4o-2024-08-06")


def test_a_stream_without_a_usage_chunk_has_no_usage_but_an_identity() -> None:
    found = extract_usage("openai.chat.stream", [chunk("a"), chunk("b", "stop")])
    assert (found.usage, found.reason, found.response_id) == (None, "absent", "chatcmpl-2")


def test_a_cut_stream_with_running_totals_is_partial() -> None:
    running = [chunk(str(n), usage={"prompt_tokens": 9, "completion_tokens": n, "total_tokens": 9 + n}) for n in (1, 2)]
    found = extract_usage("openai.chat.stream", running)
    assert found.usage is not None
    assert (found.usage.output_tokens, found.usage.source, found.usage.warnings) == (
        2,
        "partial",
        ("usage_stream_cut",),
    )
