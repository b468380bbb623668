"""A usage in the words of LangSmith, LangChain, OpenTelemetry and OpenInference."""

from decimal import Decimal

from langsmith.run_trees import validate_extracted_usage_metadata

from everytoken.core.charge import Cost, CostLine
from everytoken.core.projections import to_langsmith
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
