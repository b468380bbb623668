"""A usage in the words of LangSmith, LangChain, OpenTelemetry and OpenInference."""

from decimal import Decimal
from typing import Any, cast

from langchain_core.messages import AIMessage
from langsmith.run_trees import validate_extracted_usage_metadata

from everytoken.core.charge import Cost, CostLine
from everytoken.core.extract import extract_usage
from everytoken.core.projections import to_langchain, to_langsmith, to_openinference, to_otel
from everytoken.core.usage import Usage

AUDIO_CALL = Usage(
    input_tokens=100,
    output_tokens=60,
    input_token_details={"cache_read": 40, "audio": 30, "cache_read_audio": 10, "tool_use": 5},
    output_token_details={"reasoning": 20, "audio": 15, "prediction_rejected": 3},
    meters={"web_search": Decimal(2)},
)


def test_langsmith_gets_disjoint_details_and_nothing_it_refuses() -> None:
    sent = to_langsmith(AUDIO_CALL)
    assert sent == {
        "input_tokens": 100,
        "output_tokens": 60,
        "total_tokens": 160,
        "input_token_details": {"cache_read": 40, "audio": 20},
        "output_token_details": {"audio": 15, "reasoning": 20},
    }
    validate_extracted_usage_metadata(sent)  # type: ignore[arg-type] # a TypedDict at its own edge


def test_langsmith_gets_fees_in_the_total_cost_alone() -> None:
    lines = (
        CostLine("input", Decimal(60), Decimal(2), 1_000_000, Decimal("0.00012")),
        CostLine("output", Decimal(60), Decimal(10), 1_000_000, Decimal("0.0006")),
        CostLine("web_search", Decimal(2), Decimal(10), 1_000, Decimal("0.02")),
    )
    sent = to_langsmith(AUDIO_CALL, Cost(usd=Decimal("0.02072"), status="priced", lines=lines))
    assert (sent["input_cost"], sent["output_cost"], sent["total_cost"]) == (0.00012, 0.0006, 0.02072)
    validate_extracted_usage_metadata(sent)  # type: ignore[arg-type] # a TypedDict at its own edge


def test_an_unknown_cost_sends_no_cost() -> None:
    assert to_langsmith(AUDIO_CALL, Cost(usd=None, status="unpriced", reason="model_unknown")) == to_langsmith(
        AUDIO_CALL
    )


COST = Cost(
    usd=Decimal("0.00072"),
    status="priced",
    lines=(
        CostLine("input", Decimal(60), Decimal(2), 1_000_000, Decimal("0.00012")),
        CostLine("reasoning", Decimal(20), Decimal(10), 1_000_000, Decimal("0.0002")),
        CostLine("output_audio", Decimal(40), Decimal(10), 1_000_000, Decimal("0.0004")),
    ),
)


def test_langchain_accepts_the_projection() -> None:
    message = AIMessage(content="", usage_metadata=cast(Any, to_langchain(AUDIO_CALL)))
    assert message.usage_metadata is not None
    assert message.usage_metadata["input_token_details"] == {"cache_read": 40, "audio": 20}
    assert extract_usage("langchain.message", message).usage is not None


def test_cache_writes_that_overlap_images_stay_disjoint_for_langsmith() -> None:
    usage = Usage(input_tokens=100, input_token_details={"cache_creation": 90, "image": 60})
    assert to_langsmith(usage)["input_token_details"] == {"cache_creation": 90, "image": 10}


def test_otel_gets_the_names_of_the_genai_conventions() -> None:
    assert to_otel(AUDIO_CALL, COST) == {
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 60,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "everytoken.cost_usd": 0.00072,
    }
    assert "everytoken.cost_usd" not in to_otel(AUDIO_CALL)


def test_openinference_gets_its_own_names_and_the_cost_of_each_side() -> None:
    assert to_openinference(AUDIO_CALL, COST) == {
        "llm.token_count.prompt": 100,
        "llm.token_count.completion": 60,
        "llm.token_count.total": 160,
        "llm.token_count.prompt_details.cache_read": 40,
        "llm.token_count.prompt_details.audio": 30,
        "llm.token_count.completion_details.reasoning": 20,
        "llm.token_count.completion_details.audio": 15,
        "llm.cost.prompt": 0.00012,
        "llm.cost.completion": 0.0006,
        "llm.cost.total": 0.00072,
    }


def test_what_was_projected_reads_back_with_the_same_totals() -> None:
    for shape, sent in (
        ("langsmith.usage_metadata", to_langsmith(AUDIO_CALL)),
        ("otel.gen_ai", to_otel(AUDIO_CALL)),
        ("openinference", to_openinference(AUDIO_CALL)),
    ):
        usage = extract_usage(shape, sent).usage
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens) == (100, 60), shape
        assert usage.input_token_details["cache_read"] == 40, shape
