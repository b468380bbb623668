"""OpenAI beyond one chat answer: streams of events, children, audio, realtime sessions and batches."""

from decimal import Decimal
from typing import Any

from everytoken.core.extract import Extraction, extract_usage
from everytoken.core.usage import Usage

TOKENS = {
    "input_tokens": 40,
    "input_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 0},
    "output_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 52,
}


def usage_of(found: Extraction) -> Usage:
    assert found.usage is not None
    return found.usage


def event(kind: str, usage: object) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {"id": "resp_1", "model": "gpt-5.2", "usage": usage}}


def test_completed_incomplete_and_failed_streams_bill_alike() -> None:
    for ending in ("completed", "incomplete", "failed"):
        found = extract_usage("openai.responses.stream", [event("created", None), event(ending, TOKENS)])
        assert (usage_of(found).input_tokens, usage_of(found).output_tokens) == (40, 12), ending
        assert (found.response_id, found.response_model) == ("resp_1", "gpt-5.2")


def test_a_cut_response_stream_has_an_identity_but_no_usage() -> None:
    found = extract_usage("openai.responses.stream", [event("created", None), {"type": "response.output_text.delta"}])
    assert (found.usage, found.reason, found.response_id) == (None, "absent", "resp_1")


def test_counting_input_tokens_is_not_usage() -> None:
    found = extract_usage("openai.responses", {"object": "response.input_tokens", "input_tokens": 11})
    assert (found.usage, found.reason) == (None, "not_usage")


def test_a_generated_image_is_a_child_at_the_image_models_rates() -> None:
    image = {
        "input_tokens": 300,
        "input_tokens_details": {"image_tokens": 200, "text_tokens": 100},
        "cached_tokens": 90,
        "cached_tokens_details": {"cached_image_tokens": 60, "cached_text_tokens": 30},
        "output_tokens": 1056,
        "total_tokens": 1356,
    }
    response = {
        "id": "resp_2",
        "model": "gpt-5.2",
        "usage": TOKENS,
        "tools": [{"type": "image_generation", "model": "gpt-image-1.5"}],
        "tool_usage": {"image_gen": image, "web_search": {"num_requests": 0}},
        "output": [{"type": "image_generation_call", "svg_usage": {
            "model": "gpt-5-svg", "input_tokens": 5, "output_tokens": 9, "reasoning_tokens": 2, "total_tokens": 14,
        }}],
    }  # fmt: skip
    found = extract_usage("openai.responses", response)
    assert (usage_of(found).input_tokens, usage_of(found).meters) == (40, {})
    drawn, svg = found.children
    assert (drawn.name, drawn.model, drawn.usage.input_tokens, drawn.usage.output_tokens) == (
        "image_generation", "gpt-image-1.5", 300, 1056,
    )  # fmt: skip
    assert drawn.usage.input_token_details == {"cache_read": 90, "image": 200, "cache_read_image": 60}
    assert drawn.usage.output_token_details == {"image": 1056}
    assert (svg.name, svg.model, svg.usage.total_tokens) == ("svg", "gpt-5-svg", 14)
    assert svg.usage.output_token_details == {"reasoning": 2}


def test_a_larger_container_is_a_meter_of_its_own() -> None:
    response = {
        "usage": TOKENS,
        "tools": [{"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}}],
        "output": [{"type": "code_interpreter_call", "container_id": c} for c in ("cntr_1", "cntr_2", "cntr_1")],
    }
    assert usage_of(extract_usage("openai.responses", response)).meters == {"code_session_4g": Decimal(2)}


def test_a_compacted_response_is_billed() -> None:
    found = extract_usage("openai.responses", {"id": "resp_3", "object": "response.compaction", "usage": TOKENS})
    assert usage_of(found).total_tokens == 52


def test_speech_is_metered_by_the_characters_of_the_request() -> None:
    found = extract_usage("openai.speech", b"ID3", {"input": "안녕하세요", "model": "tts-1"})
    assert usage_of(found).meters == {"characters": Decimal(5)}
    assert extract_usage("openai.speech", b"ID3").reason == "absent"


def test_speech_billed_in_audio_tokens_is_unknown_where_only_sound_comes_back() -> None:
    found = extract_usage("openai.speech", b"ID3", {"input": "안녕하세요", "model": "gpt-4o-mini-tts"})
    assert (found.usage, found.reason) == (None, "absent")


def test_streamed_speech_reports_audio_tokens() -> None:
    done = {"type": "speech.audio.done", "usage": {"input_tokens": 7, "output_tokens": 90, "total_tokens": 97}}
    events = [{"type": "speech.audio.delta", "audio": "AA=="}, done]
    usage = usage_of(extract_usage("openai.speech", events))
    assert (usage.input_tokens, usage.output_tokens, usage.output_token_details) == (7, 90, {"audio": 90})


def test_a_verbose_transcription_tells_its_duration_only() -> None:
    assert usage_of(extract_usage("openai.transcription", {"text": "네", "duration": "7.9"})).meters == {
        "audio_seconds": Decimal("7.9")
    }


def test_a_transcription_stream_counts_its_closing_event() -> None:
    tokens = {"type": "tokens", "input_tokens": 14, "output_tokens": 3, "total_tokens": 17}
    done = {"type": "transcript.text.done", "text": "네", "usage": tokens}
    usage = usage_of(extract_usage("openai.transcription", [{"type": "transcript.text.delta"}, done]))
    assert (usage.input_tokens, usage.output_tokens) == (14, 3)


def test_a_translation_is_metered_when_its_length_is_known() -> None:
    assert usage_of(extract_usage("openai.translation", {"text": "hi"}, {"audio_seconds": 3.5})).meters == {
        "audio_seconds": Decimal("3.5")
    }
    assert extract_usage("openai.translation", {"text": "hi"}).reason == "absent"


def test_images_without_usage_of_a_token_model_are_not_guessed() -> None:
    found = extract_usage("openai.images", {"created": 1, "data": [{"b64_json": ""}]}, {"model": "gpt-image-1"})
    assert (found.usage, found.reason) == (None, "absent")


def test_a_realtime_session_adds_its_responses_and_keeps_transcription_apart() -> None:
    heard = {
        "type": "conversation.item.input_audio_transcription.completed",
        "usage": {"type": "tokens", "input_tokens": 20, "output_tokens": 5, "total_tokens": 25},
    }
    done = {
        "type": "response.done",
        "response": {"id": "r", "usage": {"input_tokens": 10, "output_tokens": 6, "total_tokens": 16}},
    }
    found = extract_usage(
        "openai.realtime.response_done", [heard, done, done], {"transcription_model": "gpt-4o-transcribe"}
    )
    assert (usage_of(found).input_tokens, usage_of(found).output_tokens, usage_of(found).requests) == (20, 12, 2)
    (child,) = found.children
    assert (child.name, child.model, child.usage.total_tokens) == ("input_transcription", "gpt-4o-transcribe", 25)


def test_a_live_session_is_never_summed() -> None:
    events = [{"type": "session.usage.updated", "usage": {"seconds": s}} for s in (4.0, 9.5)]
    assert usage_of(extract_usage("openai.live", events)).meters == {"audio_seconds": Decimal("9.5")}


def batch_line(body: dict[str, Any]) -> dict[str, Any]:
    return {"id": "batch_req_1", "custom_id": "row", "response": {"status_code": 200, "body": body}, "error": None}


def test_batch_lines_of_every_endpoint_are_billed_at_batch_rates() -> None:
    chat = {"prompt_tokens": 40, "completion_tokens": 12, "total_tokens": 52}
    bodies = [
        {"id": "chatcmpl-1", "object": "chat.completion", "usage": chat},
        {"id": "resp_1", "object": "response", "service_tier": "default", "usage": TOKENS},
    ]
    for body in bodies:
        found = extract_usage("openai.batch_line", batch_line(body))
        assert (usage_of(found).total_tokens, usage_of(found).tier, found.response_id) == (52, "batch", body["id"])
    embedded = {"object": "list", "data": [], "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    assert usage_of(extract_usage("openai.batch_line", batch_line(embedded))).tier == "batch"
    assert usage_of(extract_usage("openai.batch_line", batch_line({"id": "modr", "results": []}))).total_tokens == 0


def test_a_failed_batch_line_has_no_usage() -> None:
    line = {"id": "batch_req_2", "response": None, "error": {"code": "batch_expired", "message": "late"}}
    found = extract_usage("openai.batch_line", line)
    assert (found.usage, found.reason) == (None, "absent")


def test_a_batchs_aggregate_says_that_it_is_a_sum() -> None:
    batch = {"id": "batch_1", "object": "batch", "model": "gpt-5.2", "usage": TOKENS}
    usage = usage_of(extract_usage("openai.batch_line", batch))
    assert (usage.total_tokens, usage.tier, usage.warnings) == (52, "batch", ("usage_merged_hops",))
