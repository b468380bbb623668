"""An override: one dated entry of a price file, in the price library's own types."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from genai_prices.types import Tier, TieredPrices

from everytoken.catalog.library import Price, Prices, Window
from everytoken.core.pricing import MONEY

ANY_PROVIDER = "*"
"""An entry of this provider prices its models whoever serves them, also when nobody says who."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices by key, and the prices of the same keys once a request is longer than `over` input tokens."""

    prices: Mapping[str, Decimal] = field(default_factory=dict)
    over: int | None = None
    long: Mapping[str, Decimal] = field(default_factory=dict)

    def laid_over(self, below: Mapping[str, Price]) -> Prices:
        """`below` with these prices; a long-context step of `below` stays where none is given."""
        laid = dict(below)
        for key, rate in self.prices.items():
            price = laid.get(key)
            laid[key] = TieredPrices(rate, list(price.tiers)) if isinstance(price, TieredPrices) else rate
        for key, rate in self.long.items():
            price = laid.get(key)
            if price is not None and self.over is not None:
                base = price.base if isinstance(price, TieredPrices) else price
                laid[key] = TieredPrices(base, [Tier(self.over, rate)])
        return laid


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    provider: str
    models: frozenset[str] = frozenset()
    prefix: str | None = None
    regex: re.Pattern[str] | None = None
    window: Window = field(default_factory=lambda: Window(None, None))
    mode: Literal["replace", "patch"] = "replace"
    rates: Rates = field(default_factory=Rates)
    tiers: Mapping[str, Rates] = field(default_factory=dict)
    multiply: Decimal | None = None
    unknown: frozenset[str] = frozenset()
    """Keys that have a price nobody has published: they must not inherit one."""
    max_input_tokens: int | None = None
    """The longest request these prices are known for."""
    ignores_image_tokens: bool = False
    profile: str | None = None
    source: str
    """Where the prices were read."""
    checked: date
    file: str
    """`override:<file>` or `built-in:<file>`."""

    def matches(self, provider: str, model: str) -> bool:
        if self.provider not in (provider, ANY_PROVIDER):
            return False
        if self.prefix is not None:
            return model.startswith(self.prefix)
        return self.regex.fullmatch(model) is not None if self.regex else model in self.models

    @property
    def matcher(self) -> str:
        """What the entry matches, as text."""
        if self.prefix is not None:
            return f"{self.prefix}*"
        return self.regex.pattern if self.regex else ",".join(sorted(self.models))

    def overlaps(self, other: "Override") -> bool:
        """True when both set the same price of the same model on the same day."""
        same_models = bool(self.models & other.models) or (not self.models and self.matcher == other.matcher)
        same_kind = (self.provider, self.mode, self.profile) == (other.provider, other.mode, other.profile)
        return same_kind and same_models and _overlap(self.window, other.window)


def _overlap(first: Window, second: Window) -> bool:
    starts_before_end = second.end is None or first.start is None or first.start < second.end
    ends_after_start = first.end is None or second.start is None or second.start < first.end
    return starts_before_end and ends_after_start


def scaled(prices: Mapping[str, Price], factor: Decimal) -> Prices:
    """Every price times `factor`, exactly."""
    return {key: _scaled(price, factor) for key, price in prices.items()}


def _scaled(price: Price, factor: Decimal) -> Price:
    if isinstance(price, Decimal):
        return MONEY.multiply(price, factor)
    steps = [Tier(step.start, MONEY.multiply(step.price, factor)) for step in price.tiers]
    return TieredPrices(MONEY.multiply(price.base, factor), steps)
