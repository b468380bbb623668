"""The price book as a table to read: which models have prices, and what they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from everytoken.catalog import library
from everytoken.catalog.library import Price
from everytoken.catalog.override import Override
from everytoken.catalog.rates import UNKNOWN
from everytoken.catalog.sheet import Sheet, resolve, tiers_in_force


@dataclass(frozen=True, slots=True)
class ListedModel:
    provider: str
    model: str
    """The model's id, or the pattern an override matches it by."""
    source: str
    checked: date | None
    """When an override's price was last read; the price library does not say."""


@dataclass(frozen=True, slots=True)
class RateRow:
    key: str
    per: int
    """How many units the price pays for."""
    usd: Decimal | None
    """`None` when the price exists but is not known."""
    over: int | None
    """Input tokens above which this is the rate of the whole request; `None` for the base rate."""
    source: str


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """What `PriceBook.show` answers."""

    provider: str | None
    model: str
    at: datetime
    tier: str | None
    entry: str | None
    source: str | None
    reason: str | None
    """Why there are no rates, or `before_first_price`."""
    rates: tuple[RateRow, ...] = ()
    tiers: tuple[str, ...] = ()
    """Other tiers with prices at that time."""


def list_models(overrides: Sequence[Override]) -> tuple[ListedModel, ...]:
    own = [
        ListedModel(override.provider, model, override.file, override.checked)
        for override in reversed(overrides)
        if override.mode == "replace"
        for model in (sorted(override.models) or [override.matcher])
    ]
    return (*own, *(ListedModel(owner, model, library.SOURCE, None) for owner, model in library.every_model()))


def describe(
    provider: str | None, model: str, at: datetime, tier: str | None, overrides: Sequence[Override]
) -> PriceSheet:
    at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    if provider is None:
        return PriceSheet(None, model, at, tier, None, None, "model_unknown")
    sheet = resolve(provider, model, at, tier, overrides)
    if isinstance(sheet, str):
        return PriceSheet(provider, model, at, tier, None, None, sheet)
    return PriceSheet(
        provider,
        model,
        at,
        tier,
        sheet.entry,
        sheet.source,
        sheet.reason,
        tuple(row for key in sorted(sheet.prices) for row in _rows(sheet, key, sheet.prices[key])),
        tiers_in_force(provider, model, at, overrides),
    )


def _rows(sheet: Sheet, key: str, price: Price) -> Iterator[RateRow]:
    per, source = library.units_per_price(key), sheet.sources.get(key, sheet.source)
    if isinstance(price, Decimal):
        yield RateRow(key, per, None if price is UNKNOWN else price, None, source)
        return
    yield RateRow(key, per, price.base, None, source)
    for step in price.tiers:
        yield RateRow(key, per, step.price, step.start, source)
