"""What sets of charges add up to: the only way in which tokens and money are summed."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from everytoken.core.charge import Charge
from everytoken.core.pricing import MONEY

BILLED = ("priced", "approximate")
"""Cost states that count as known money; an estimate stays outside billed totals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a set of charges adds up to. Estimated charges are counted as calls, their tokens and cost are left out."""

    llm_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0
    cost_known_usd: Decimal = Decimal(0)
    unpriced_calls: int = 0
    """Charges without a billed price: their sum's true cost is unknown. A request that still runs is not one yet."""
    exact: int = 0
    partial: int = 0
    estimated: int = 0
    missing: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def cost_usd(self) -> Decimal | None:
        """The exact cost, or `None` when a part of it is unknown."""
        return None if self.unpriced_calls else self.cost_known_usd

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            llm_calls=self.llm_calls + other.llm_calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost_known_usd=MONEY.add(self.cost_known_usd, other.cost_known_usd),
            unpriced_calls=self.unpriced_calls + other.unpriced_calls,
            exact=self.exact + other.exact,
            partial=self.partial + other.partial,
            estimated=self.estimated + other.estimated,
            missing=self.missing + other.missing,
        )


NOTHING = Sums()


def sums_of(charges: Iterable[Charge]) -> Sums:
    """The sums over `charges`."""
    total = NOTHING
    for charge in charges:
        total += _sums_of_one(charge)
    return total


def _sums_of_one(charge: Charge) -> Sums:
    usage = charge.usage if charge.quality in ("exact", "partial") else None
    is_open = charge.status == "pending" and charge.quality == "missing"
    billed = charge.cost.usd if charge.cost.status in BILLED else None
    return Sums(
        llm_calls=1,
        input_tokens=usage.input_tokens if usage else 0,
        output_tokens=usage.output_tokens if usage else 0,
        cache_read_tokens=usage.input_token_details.get("cache_read", 0) if usage else 0,
        reasoning_tokens=usage.output_token_details.get("reasoning", 0) if usage else 0,
        cost_known_usd=billed or Decimal(0),
        unpriced_calls=int(billed is None and not is_open),
        exact=int(charge.quality == "exact"),
        partial=int(charge.quality == "partial"),
        estimated=int(charge.quality == "estimated"),
        missing=int(charge.quality == "missing" and not is_open),
    )
