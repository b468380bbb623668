"""Money as text, and sums as rows show them."""

from decimal import Decimal

import pytest

from everytoken.core.sums import Sums
from everytoken.query.totals import quantiles_ms, share, total_fields, usd_text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0.011284000000", "0.011284"),
        ("0", "0"),
        ("0.000000000000", "0"),
        ("12", "12"),
        ("1200", "1200"),
        ("1.2E+3", "1200"),
        ("1E-12", "0.000000000001"),
        ("10.500", "10.5"),
    ],
)
def test_money_has_neither_exponent_nor_trailing_zeros(usd: str, text: str) -> None:
    assert usd_text(Decimal(usd)) == text


def test_the_cost_is_unknown_when_any_charge_is_unpriced_and_the_known_part_is_kept() -> None:
    fields = total_fields(Sums(llm_calls=2, cost_known_usd=Decimal("0.5"), unpriced_calls=1))

    assert (fields["cost_usd"], fields["cost_known_usd"], fields["unpriced_calls"]) == (None, "0.5", 1)


def test_nothing_costs_nothing() -> None:
    assert total_fields(Sums())["cost_usd"] == "0"


def test_a_share_of_nothing_is_unknown() -> None:
    assert share(Decimal(1), Decimal(4)) == 0.25
    assert share(Decimal(0), Decimal(0)) is None


def test_quantiles_over_nothing_that_ended_are_unknown() -> None:
    assert quantiles_ms({"ended": 0, "durations_ms": [0.0, 0.0]}) == (None, None)
    assert quantiles_ms({"ended": 2, "durations_ms": [1.0, 3.0]}) == (1.0, 3.0)
    assert quantiles_ms(None) == (None, None)
