"""The sheet: every rate in force for one model, tier and moment, and where each comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from everytoken.catalog import library
from everytoken.catalog.library import Listed, Price, Prices
from everytoken.catalog.override import Override, scaled
from everytoken.catalog.rates import UNKNOWN, meter_price, slice_price
from everytoken.core.charge import CostLine

_GOOGLE = ("google", "google-vertex")


@dataclass(frozen=True, slots=True)
class Sheet:
    prices: Prices
    entry: str
    source: str
    sources: Mapping[str, str] = field(default_factory=dict)
    """Price keys that come from elsewhere than `source`."""
    google: bool = False
    """True for Gemini, where audio without a rate of its own is billed as text."""
    ignores_image_tokens: bool = False
    """True when an override prices images by the piece."""
    max_input_tokens: int | None = None
    """The longest request the prices are known for; `None` for any."""
    reason: str | None = None
    """`before_first_price` when the request is older than every price: the first one is used."""

    def slice_price(self, token_class: str) -> tuple[str, Price] | None:
        return slice_price(self.prices, token_class, google=self.google)

    def meter_price(self, meter: str) -> tuple[str, Price] | None:
        return meter_price(self.prices, meter)

    def line(self, name: str, key: str, price: Price, count: Decimal, input_tokens: int) -> CostLine:
        return library.cost_line(name, key, price, count, input_tokens)

    def rate(self, price: Price, input_tokens: int) -> Decimal:
        return library.rate_for(price, input_tokens)

    def steps_up(self, price: Price, input_tokens: int) -> bool:
        """True when a request this long pays the long-context rate."""
        return not isinstance(price, Decimal) and any(input_tokens > step.start for step in price.tiers)


def resolve(
    provider: str, model: str, at: datetime, tier: str | None, overrides: Sequence[Override] = ()
) -> Sheet | str:
    """The sheet of a bare model name, or why there is none. `overrides` are those that match it, the weakest first.

    Reasons: `provider_unknown`, `model_unknown`, `before_first_price`, `after_last_price`, `tier_unpriced`.
    """
    stack = _Stack(provider, model, tier)
    listed = library.find(provider, model)
    if listed is not None:
        stack.start_with(listed, at)
    for override in overrides:
        if override.window.active(at):
            stack.lay(override)
    if stack.sheet is None:
        return _why_not(provider, at, overrides)
    if tier is None:
        return stack.sheet
    if stack.tier_prices is None:
        return "tier_unpriced"
    return replace(stack.sheet, prices=stack.sheet.prices | stack.tier_prices)


def tiers_in_force(provider: str, model: str, at: datetime, overrides: Sequence[Override] = ()) -> tuple[str, ...]:
    """The tiers other than standard that have prices at a time."""
    listed = library.find(provider, model)
    names = {name for override in overrides for name in override.tiers}
    for variant in (listed.info.price_variants or ()) if listed else ():
        names.update(variant.when.values())
    names -= {"default"}
    return tuple(sorted(name for name in names if isinstance(resolve(provider, model, at, name, overrides), Sheet)))


class _Stack:
    """Prices of one model laid over one another: the list, then override on override."""

    def __init__(self, provider: str, model: str, tier: str | None) -> None:
        self.provider = provider
        self.model = model
        self.tier = tier
        self.sheet: Sheet | None = None
        self.tier_prices: Prices | None = None

    def start_with(self, listed: Listed, at: datetime) -> None:
        prices, early = library.standard_prices(listed.info, at)
        self.sheet = Sheet(
            prices,
            f"{listed.owner}/{listed.info.id}",
            library.SOURCE,
            google=listed.owner == "google",
            reason="before_first_price" if early else None,
        )
        if self.tier is not None and listed.has_tiers:
            self.tier_prices = library.tier_prices(listed.info, at, self.tier)

    def lay(self, override: Override) -> None:
        if override.mode == "replace":
            self._replace(override)
        elif self.sheet is not None:
            self._patch(override, self.sheet)

    def _replace(self, override: Override) -> None:
        self.sheet = Sheet(
            override.rates.laid_over({}) | dict.fromkeys(override.unknown, UNKNOWN),
            f"{self.provider}/{self.model if override.models else override.matcher}",
            override.file,
            google=self.provider in _GOOGLE,
            ignores_image_tokens=override.ignores_image_tokens,
            max_input_tokens=override.max_input_tokens,
        )
        rates = override.tiers.get(self.tier or "")
        self.tier_prices = rates.laid_over({}) if rates else None

    def _patch(self, override: Override, below: Sheet) -> None:
        prices = below.prices
        if override.multiply is not None:
            prices = scaled(prices, override.multiply)
            if self.tier_prices is not None:
                self.tier_prices = scaled(self.tier_prices, override.multiply)
        changed = dict.fromkeys((*override.rates.prices, *override.rates.long, *override.unknown), override.file)
        rates = override.tiers.get(self.tier or "")
        if rates is not None:
            self.tier_prices = rates.laid_over(self.tier_prices or {})
            changed |= dict.fromkeys(rates.prices, override.file)
        self.sheet = replace(
            below,
            prices=override.rates.laid_over(prices) | dict.fromkeys(override.unknown, UNKNOWN),
            source=below.source if override.multiply is None else override.file,
            sources=changed if override.multiply is not None else {**below.sources, **changed},
            ignores_image_tokens=below.ignores_image_tokens or override.ignores_image_tokens,
            max_input_tokens=override.max_input_tokens or below.max_input_tokens,
        )


def _why_not(provider: str, at: datetime, overrides: Sequence[Override]) -> str:
    known = [override.window for override in overrides if override.mode == "replace"]
    if any(window.start is not None and at.date() < window.start for window in known):
        return "before_first_price"
    if known:
        return "after_last_price"
    return "model_unknown" if library.is_listed(provider) else "provider_unknown"
