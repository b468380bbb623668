from everytoken.core.charge import Charge, Cost
from everytoken.core.pricing import price_charge, split_usage
from everytoken.core.usage import Usage


def test_cached_tokens_are_taken_out_of_the_input() -> None:
    usage = Usage(1_000, 50, {"cache_read": 400})
    assert split_usage(usage) == {"input": 600, "cache_read": 400, "output": 50}


def test_reasoning_is_taken_out_of_the_output() -> None:
    assert split_usage(Usage(10, 100, {}, {"reasoning": 64})) == {"input": 10, "output": 36, "reasoning": 64}


def test_cached_audio_is_neither_plain_audio_nor_cached_text() -> None:
    usage = Usage(1_000, 0, {"cache_read": 500, "audio": 600, "cache_read_audio": 200})
    assert split_usage(usage) == {"input": 100, "cache_read": 300, "input_audio": 400, "cache_read_audio": 200}


def test_cached_tokens_of_unknown_modality_are_text_first_then_audio() -> None:
    usage = Usage(1_000, 0, {"cache_read": 500, "audio": 700})
    assert split_usage(usage) == {"cache_read": 300, "input_audio": 500, "cache_read_audio": 200}


def test_cache_writes_stand_beside_cache_reads() -> None:
    usage = Usage(2_600, 0, {"cache_read": 2_000, "cache_creation": 400})
    assert split_usage(usage) == {"input": 200, "cache_read": 2_000, "cache_creation": 400}


def test_writes_that_live_twelve_hours_are_a_slice_of_their_own() -> None:
    usage = Usage(1_000, 0, {"cache_creation": 400, "cache_creation_12h": 150, "cache_creation_30m": 250})
    assert split_usage(usage) == {"input": 600, "cache_creation": 250, "cache_creation_12h": 150}


def test_cache_writes_of_an_image_only_prompt_come_out_of_the_image() -> None:
    usage = Usage(100, 0, {"image": 100, "cache_creation": 40})
    assert split_usage(usage) == {"input_image": 60, "cache_creation": 40}


def test_details_larger_than_the_total_are_cut_to_it() -> None:
    usage = Usage(10, 5, {"cache_read": 99, "audio": 99}, {"reasoning": 99, "image": 3})
    assert split_usage(usage) == {"cache_read_audio": 10, "output_image": 3, "reasoning": 2}


def test_tool_use_is_part_of_the_input_and_not_counted_again() -> None:
    assert split_usage(Usage(130, 0, {"tool_use": 30})) == {"input": 130}


def test_nothing_used_is_no_slice() -> None:
    assert split_usage(Usage()) == {}


def test_a_charge_is_priced_by_the_model_that_answered_at_the_time_it_started() -> None:
    asked: list[tuple[object, ...]] = []

    class Recorder:
        def price(
            self, usage: Usage | None, *, provider: str | None, model: str | None, at_us: int, call_path: str = ""
        ) -> Cost:
            asked.append((usage, provider, model, at_us, call_path))
            return Cost(usd=None, status="unpriced", reason="model_unknown")

    charge = Charge(
        charge_key="k",
        project="p",
        trace_id="t",
        run_id="r",
        provider="openai",
        request_model="gpt-5.2",
        response_model="gpt-5.2-2025-12-11",
        started_us=7,
        call_path="openai.chat",
        usage=Usage(1, 1),
    )
    priced = price_charge(charge, Recorder())
    assert asked == [(Usage(1, 1), "openai", "gpt-5.2-2025-12-11", 7, "openai.chat")]
    assert priced.cost.reason == "model_unknown"
    assert priced.charge_key == "k"
