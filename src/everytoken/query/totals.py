"""Sums over charges, in SQL rows and over charges in hand, by the same rule: what is only estimated is outside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from everytoken.core.charge import Charge
from everytoken.query.rows import QualityCounts, Totals

KNOWN_COST = ("priced", "approximate")


@dataclass(slots=True)
class Tally:
    """A running sum over charges; the Python twin of `store/sql/totals.sql`."""

    llm_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    known_usd: Decimal = Decimal(0)
    unpriced: int = 0
    exact: int = 0
    partial: int = 0
    estimated: int = 0
    missing: int = 0

    def add_charge(self, charge: Charge) -> None:
        self.llm_calls += 1
        setattr(self, charge.quality, getattr(self, charge.quality) + 1)
        billed = charge.quality != "estimated"
        if charge.usage is not None and billed:
            self.input_tokens += charge.usage.input_tokens
            self.output_tokens += charge.usage.output_tokens
            self.cache_read_tokens += charge.usage.input_token_details.get("cache_read", 0)
            self.reasoning_tokens += charge.usage.output_token_details.get("reasoning", 0)
        if charge.cost.usd is not None and billed and charge.cost.status in KNOWN_COST:
            self.known_usd += charge.cost.usd
        else:
            self.unpriced += 1

    def add(self, other: "Tally") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def totals(self) -> Totals:
        return Totals(**self.fields())

    def fields(self) -> dict[str, Any]:
        """Keyword arguments of `Totals` and of every row that extends it."""
        known = usd_text(self.known_usd)
        return {
            "llm_calls": self.llm_calls,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "cache_read_tokens": self.cache_read_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "cost_usd": None if self.unpriced else known,
            "cost_known_usd": known,
            "unpriced_calls": self.unpriced,
            "quality": QualityCounts(
                exact=self.exact, partial=self.partial, estimated=self.estimated, missing=self.missing
            ),
        }


def tally(row: Mapping[str, Any] | None) -> Tally:
    """The sums of a SQL row that selected `totals.sql`; no row is no charge."""
    if row is None:
        return Tally()
    return Tally(
        llm_calls=row["llm_calls"],
        input_tokens=row["input_sum"],
        output_tokens=row["output_sum"],
        cache_read_tokens=row["cache_read_sum"],
        reasoning_tokens=row["reasoning_sum"],
        known_usd=row["known_usd"],
        unpriced=row["unpriced"],
        exact=row["exact"],
        partial=row["partial"],
        estimated=row["estimated"],
        missing=row["missing"],
    )


def usd_text(usd: Decimal) -> str:
    """Decimal text without exponent and without trailing zeros: `0.011284`, `12`, `0`."""
    text = format(usd, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def share(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole else None


def ms(duration_us: float | None) -> float | None:
    return None if duration_us is None else duration_us / 1000


def finite(value: float) -> float | None:
    """A quantile over nothing is NaN in SQL and unknown here."""
    return None if value != value else value  # noqa: PLR0124 - the one value that differs from itself
