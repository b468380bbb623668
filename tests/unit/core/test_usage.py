"""The algebra of usage, by value."""

from decimal import Decimal

from everytoken.core.usage import ZERO, Usage, total_usage

CACHED = Usage(
    input_tokens=100,
    output_tokens=20,
    input_token_details={"cache_read": 40},
    meters={"web_search": Decimal(2)},
    tier="standard",
    raw={"prompt_tokens": 100},
)
SPOKEN = Usage(
    input_tokens=30,
    output_tokens=50,
    input_token_details={"audio": 25, "cache_read": 5},
    output_token_details={"audio": 45},
    meters={"web_search": Decimal(1), "audio_seconds": Decimal("1.5")},
    source="partial",
    tier="flex",
    warnings=("usage_stream_cut",),
)


def test_the_sum_of_two_requests_adds_every_class() -> None:
    total = CACHED + SPOKEN
    assert total == Usage(
        input_tokens=130,
        output_tokens=70,
        input_token_details={"cache_read": 45, "audio": 25},
        output_token_details={"audio": 45},
        meters={"web_search": Decimal(3), "audio_seconds": Decimal("1.5")},
        requests=2,
        source="partial",
        tier="mixed",
        warnings=("usage_stream_cut",),
    )


def test_requests_of_one_tier_keep_it() -> None:
    assert (CACHED + CACHED).tier == "standard"


def test_nothing_added_changes_nothing_but_the_providers_object() -> None:
    assert ZERO + CACHED == CACHED == CACHED + ZERO
    assert (CACHED + ZERO).raw == {}


def test_the_sum_over_no_request_is_no_request() -> None:
    assert total_usage([]) == ZERO
    assert (ZERO.requests, ZERO.total_tokens) == (0, 0)


def test_the_spelling_of_the_providers_object_makes_no_difference() -> None:
    assert Usage(input_tokens=1, raw={"promptTokenCount": 1}) == Usage(input_tokens=1, raw={"prompt_tokens": 1})
