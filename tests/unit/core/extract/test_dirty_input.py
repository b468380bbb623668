"""What is not a count is left out with a warning, and a number that is known stays what it is."""

from decimal import Decimal
from typing import Any

import pytest

from everytoken.core.extract import SHAPES, evidence_of, extract_usage
from everytoken.core.run import Run
from everytoken.core.usage import MAX_COUNT, WARNINGS, Usage


def chat(**usage: Any) -> Usage:
    found = extract_usage("openai.chat", {"usage": {"prompt_tokens": 10, "completion_tokens": 5, **usage}}).usage
    assert found is not None
    assert set(found.warnings) <= set(WARNINGS)
    return found


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (-1, "usage_bad_field"),
        (True, "usage_bad_field"),
        (5.0, "usage_bad_field"),
        (float("nan"), "usage_bad_field"),
        ("5", "usage_bad_field"),
        ([5], "usage_bad_field"),
        ({"n": 5}, "usage_bad_field"),
        (Decimal(5), "usage_bad_field"),
        (MAX_COUNT + 1, "usage_huge"),
        (10**400, "usage_huge"),
    ],
)
def test_a_bad_count_is_left_out_and_the_rest_is_kept(bad: object, code: str) -> None:
    usage = chat(completion_tokens=bad)
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (10, 0, "partial")
    assert usage.warnings == (code, "usage_side_missing")
    detail = chat(prompt_tokens_details={"cached_tokens": bad, "audio_tokens": 3})
    assert (detail.input_token_details, detail.warnings) == ({"audio": 3}, (code,))
    assert (detail.input_tokens, detail.output_tokens, detail.source) == (10, 5, "provider")


def test_the_largest_believable_count_is_kept() -> None:
    assert chat(prompt_tokens=MAX_COUNT).input_tokens == MAX_COUNT


def test_a_detail_larger_than_its_total_is_cut_to_it() -> None:
    usage = chat(prompt_tokens_details={"cached_tokens": 50}, completion_tokens_details={"reasoning_tokens": 7})
    assert (usage.input_token_details, usage.output_token_details) == ({"cache_read": 10}, {"reasoning": 5})
    assert (usage.input_tokens, usage.output_tokens, usage.warnings) == (10, 5, ("usage_clamped",))


def test_cache_writes_make_room_for_cache_reads() -> None:
    usage = chat(prompt_tokens_details={"cached_tokens": 7, "cache_write_tokens": 6})
    assert usage.input_token_details == {"cache_read": 7, "cache_creation": 3}
    assert usage.warnings == ("usage_clamped",)


def test_lifetimes_of_cache_writes_imply_their_sum() -> None:
    usage = chat(prompt_tokens_details={"cache_write_tokens_details": {"ttl_30m_tokens": 2, "ttl_12h_tokens": 3}})
    assert usage.input_token_details == {"cache_creation": 5, "cache_creation_30m": 2, "cache_creation_12h": 3}


def test_modalities_that_exceed_the_total_are_cut_in_order() -> None:
    usage = chat(prompt_tokens_details={"audio_tokens": 8, "image_tokens": 8})
    assert (usage.input_token_details, usage.warnings) == ({"audio": 8, "image": 2}, ("usage_clamped",))


def test_a_total_that_does_not_add_up_is_noted_and_kept_in_raw() -> None:
    usage = chat(total_tokens=99)
    assert (usage.total_tokens, usage.raw["total_tokens"], usage.warnings) == (15, 99, ("usage_total_mismatch",))


def test_one_side_alone_is_partial() -> None:
    found = extract_usage("openai.chat", {"usage": {"prompt_tokens": 10, "total_tokens": 15}}).usage
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.source) == (10, 0, "partial")
    assert found.warnings == ("usage_side_missing", "usage_total_mismatch")


def test_nothing_readable_is_a_reason_and_not_a_zero() -> None:
    assert (
        extract_usage("openai.chat", {"usage": {"prompt_tokens": "a", "completion_tokens": -3}}).reason == "unreadable"
    )
    assert extract_usage("openai.chat", {"usage": {"total_tokens": 12}}).reason == "total_only"
    assert extract_usage("openai.chat", {"usage": "lots"}).reason == "unreadable"
    assert extract_usage("openai.chat", {}).reason == "absent"


def test_nonsense_amounts_of_meters_are_left_out() -> None:
    for seconds in (-2, float("inf"), float("nan"), True, "a while", 1e30):
        raw = {
            "usage": {"type": "tokens", "input_tokens": 4, "output_tokens": 1, "total_tokens": 5},
            "seconds": seconds,
        }
        assert extract_usage("openai.transcription", raw).usage is not None
        timed = extract_usage("openai.transcription", {"usage": {"type": "duration", "seconds": seconds}})
        assert timed.usage is None


class Hostile:
    """An object that raises from everything it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_object_that_raises_is_unreadable_and_no_error(shape: str) -> None:
    assert extract_usage(shape, Hostile()).usage is None
    assert extract_usage(shape, [Hostile(), Hostile()]).usage is None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("raw", [None, "", "usage", 7, 1.5, True, [], [[]], {}, b"x", [None], object()])
def test_what_is_no_response_at_all_has_no_usage(shape: str, raw: object) -> None:
    assert extract_usage(shape, raw).usage is None


def test_a_run_full_of_nonsense_is_still_a_request() -> None:
    nonsense: Any = {"usage_metadata": ["x"], "everytoken": 5, "ls_provider": 7, "ls_model_name": {}}
    run = Run(
        run_id="r", trace_id="t", project="p", run_type="llm", start_us=1, metadata=nonsense,
        extra={"metrics": "fast", "invocation_params": 3, "otel": {"attributes": []}}, inputs="hi", outputs=[1, "a"],
    )  # fmt: skip
    (evidence,) = evidence_of(run)
    assert (evidence.usage, evidence.call_path) == (None, "unknown.unknown")


def test_a_run_whose_values_raise_is_still_a_request() -> None:
    run = Run(run_id="r", trace_id="t", project="p", run_type="llm", start_us=1, outputs=Hostile())
    (evidence,) = evidence_of(run)
    assert evidence.usage is None
