"""The sheet: every rate in force for one model, tier and moment, and where it comes from."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from everytoken.catalog import library
from everytoken.catalog.library import Price, Prices
from everytoken.core.charge import CostLine


@dataclass(frozen=True, slots=True)
class Sheet:
    prices: Prices
    entry: str
    source: str
    google: bool = False
    """True for Gemini, where audio without a rate of its own is billed as text."""
    ignores_image_tokens: bool = False
    """True when an override prices images by the piece."""
    reason: str | None = None
    """`before_first_price` when the request is older than every price: the first one is used."""

    def line(self, token_class: str, key: str, price: Price, count: Decimal, input_tokens: int) -> CostLine:
        return library.cost_line(token_class, key, price, count, input_tokens)

    def rate(self, price: Price, input_tokens: int) -> Decimal:
        return library.rate_for(price, input_tokens)

    def has_step_below(self, price: Price, input_tokens: int) -> bool:
        return not isinstance(price, Decimal) and any(input_tokens > step.start for step in price.tiers)


def resolve(provider: str, model: str, at: datetime, tier: str | None) -> Sheet | str:
    """The sheet, or the reason why there is none: `provider_unknown`, `model_unknown` or `tier_unpriced`."""
    listed = library.find(provider, model)
    if listed is None:
        return "model_unknown" if library.is_listed(provider) else "provider_unknown"
    prices, early = library.standard_prices(listed.info, at)
    if tier is not None:
        changed = library.tier_prices(listed.info, at, tier) if listed.has_tiers else None
        if changed is None:
            return "tier_unpriced"
        prices = prices | changed
    return Sheet(
        prices,
        listed.entry,
        library.SOURCE,
        google=listed.owner == "google",
        reason="before_first_price" if early else None,
    )
