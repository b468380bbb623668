"""The price library behind our guards: exact look-up, dated prices, tiers that are really in force.

The one module that touches `genai_prices`; it is imported at the first price, because that import takes 0.2 s.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from importlib.metadata import version

from genai_prices.data import providers as listed_providers
from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    calc_unit_price,
)
from genai_prices.units import _get_registry

from everytoken.catalog.rates import PER_UNIT
from everytoken.core.charge import CostLine
from everytoken.core.pricing import FINEST_USD, MONEY

Price = Decimal | TieredPrices
Prices = dict[str, Price]

SOURCE = f"genai-prices {version('genai-prices')}"
MAX_MODELS_CACHED = 4_096
"""Names of models arrive from outside; beyond this many different ones the oldest are looked up again."""

_BY_ID: dict[str, Provider] = {provider.id: provider for provider in listed_providers}
_REGISTRY = _get_registry()
OWN_UNITS = {"cache_write_12h_mtok": 1_000_000}
"""Price keys of ours that the library has no unit for → units per price."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time constraint in the library's own interface: from the first day on, until the last day, exclusive (UTC)."""

    start: date | None
    end: date | None

    def active(self, at: datetime) -> bool:
        day = at.date()
        return (self.start is None or day >= self.start) and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as a provider's price list has it."""

    info: ModelInfo
    owner: str
    """Whose list it stands in; Azure falls back to OpenAI's."""
    has_tiers: bool
    """False where another provider resells the model: its tiers are not the owner's."""

    @property
    def entry(self) -> str:
        return f"{self.owner}/{self.info.id}"


def every_model() -> Iterator[tuple[str, str]]:
    """(provider, model id) of every entry of the price library."""
    for provider in _BY_ID.values():
        for info in provider.models:
            yield provider.id, info.id


def is_listed(provider: str) -> bool:
    return list_of(provider) is not None


def list_of(provider: str) -> Provider | None:
    """The price list of a provider in our words. Vertex AI is listed together with the Gemini API."""
    return _BY_ID.get("google" if provider == "google-vertex" else provider)


@lru_cache(maxsize=MAX_MODELS_CACHED)
def find(provider: str, model: str) -> Listed | None:
    """The entry of a bare model name, from the provider's own list or from the list it resells."""
    home = list_of(provider)
    if home is None:
        return None
    for owner in (home.id, *(home.fallback_model_providers or ())):
        info = _BY_ID[owner].find_model(model)
        if info is not None and not _is_another_model(model, info):
            return Listed(info, owner, has_tiers=owner == home.id)
    return None


_VARIANTS = frozenset({"lite", "mini", "nano", "pro", "image", "tts", "live", "embedding", "transcribe", "realtime"})


def _is_another_model(model: str, info: ModelInfo) -> bool:
    """True for a name that only begins like the entry: `gemini-3.8-flash-lite` is not a `gemini-3.8-flash`."""
    if model.startswith("ft:"):
        return False
    known = re.findall(r"[a-z]+", f"{info.id} {info.match!r}".lower())
    return bool(_VARIANTS.intersection(re.split(r"[-_.:/@]", model)) - set(known))


def standard_prices(info: ModelInfo, at: datetime) -> tuple[Prices, bool]:
    """The standard prices at a time, and whether the time lies before the first dated one."""
    prices = _present(info.get_prices(at))
    early = isinstance(info.prices, list) and not any(_is_active(price, at) for price in info.prices)
    return prices, early


def _is_active(price: ConditionalPrice, at: datetime) -> bool:
    return price.constraint is None or price.constraint.active(at)


def tier_prices(info: ModelInfo, at: datetime, tier: str) -> Prices | None:
    """What a tier changes; `None` when no variant for it is in force. The first variant wins, key by key."""
    changed: Prices | None = None
    for variant in info.price_variants or ():
        in_force = variant.constraint is None or variant.constraint.active(at)
        if in_force and list(variant.when.values()) == [tier]:
            changed = _present(variant.prices) | (changed or {})
    return changed


def _present(prices: ModelPrice) -> Prices:
    return {key: price for key, price in prices.__dict__.items() if price is not None}


def units_per_price(key: str) -> int:
    """How many units one price pays for: 1,000,000 for `input_mtok`, 3,600 seconds for `audio_hours`."""
    if key.startswith(PER_UNIT):
        return 1
    return OWN_UNITS.get(key) or _REGISTRY.unit_for_price_key(key).per


def is_price_key(key: str) -> bool:
    return key in OWN_UNITS or key in _REGISTRY._all_price_keys


def rate_for(price: Price, input_tokens: int) -> Decimal:
    """The rate of a request this long. A step counts from one token more, and then for the whole request."""
    if isinstance(price, Decimal):
        return price
    return next((step.price for step in reversed(price.tiers) if input_tokens > step.start), price.base)


def cost_line(token_class: str, key: str, price: Price, count: Decimal, input_tokens: int) -> CostLine:
    """One row of arithmetic, done by the library."""
    per = units_per_price(key)
    rate = rate_for(price, input_tokens)
    with localcontext(MONEY):
        usd = calc_unit_price(rate, count, input_tokens, per)
        if usd != (cut := usd.quantize(FINEST_USD)):
            usd = cut
    return CostLine(token_class, count, rate, per, usd)


def newest_change(until: date) -> date | None:
    """The latest day up to `until` from which on some listed price holds: the list is at least as young as that."""
    starts = (
        condition.constraint.start_date
        for provider in listed_providers
        for model in provider.models
        if isinstance(model.prices, list)
        for condition in model.prices
        if isinstance(condition.constraint, StartDateConstraint)
    )
    return max((start for start in starts if start <= until), default=None)
