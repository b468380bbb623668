"""The price book: what a usage costs, with the arithmetic, or the reason why nobody can say."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from everytoken.catalog.names import canonical_model, canonical_provider
from everytoken.catalog.rates import IMAGE_SLICES, measured_by
from everytoken.core.charge import Cost, CostLine
from everytoken.core.pricing import split_usage, total_usd
from everytoken.core.usage import MODALITIES, Usage

if TYPE_CHECKING:
    from everytoken.catalog.library import Price
    from everytoken.catalog.listing import ListedModel, PriceSheet
    from everytoken.catalog.override import Override
    from everytoken.catalog.sheet import Sheet

BUILT_IN = Path(__file__).with_name("prices.toml")
"""Prices of models newer than the library and of what it has no unit for, each with its source and date."""
MAX_MODELS_CACHED = 4_096
"""Names of models arrive from outside; beyond this many different ones the oldest are matched again."""

_STANDARD = frozenset({None, "", "standard", "default", "auto"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 253_402_300_799_000_000
"""The last second of the year 9999: later times are not times."""


class _Shelf:
    """The overrides in force, the weakest first; replaced as a whole by a reload."""

    def __init__(self, files: Sequence[Path], profiles: Collection[str]) -> None:
        from everytoken.catalog.price_file import read_price_file

        self.modified_ns = _modified_ns(files)
        entries = [*read_price_file(BUILT_IN, built_in=True), *(entry for f in files for entry in read_price_file(f))]
        self.overrides = tuple(entry for entry in entries if entry.profile is None or entry.profile in profiles)
        self.matching = lru_cache(maxsize=MAX_MODELS_CACHED)(self._matching)

    def _matching(self, provider: str, model: str) -> "tuple[Override, ...]":
        return tuple(override for override in self.overrides if override.matches(provider, model))


def _modified_ns(files: Sequence[Path]) -> tuple[int | None, ...]:
    return tuple(file.stat().st_mtime_ns if file.exists() else None for file in files)


class PriceBook:
    """Prices by provider, model, tier and date. Never raises for a usage; unknown is `None` with a reason.

    Overrides win over the built-in file, which wins over the price library; the last file and the last entry win.

    Raises:
        PriceFileError: an override file is wrong.
    """

    def __init__(self, overrides: Sequence[Path] = (), *, profiles: Collection[str] = ()) -> None:
        self._files = tuple(overrides)
        self._profiles = frozenset(profiles)
        self._shelf = _Shelf(self._files, self._profiles) if self._files else None

    def price(
        self, usage: Usage | None, *, provider: str | None, model: str | None, at_us: int, call_path: str = ""
    ) -> Cost:
        if usage is None:
            return _unpriced("usage_missing")
        tier = _tier(usage, call_path)
        if tier == "provisioned":
            return _unpriced("prepaid")
        sheet = self._sheet(provider, model, moment(at_us), tier)
        if isinstance(sheet, str):
            return _unpriced(sheet)
        bill = _Bill(sheet, usage)
        reason = bill.add_tokens() or bill.add_meters()
        return replace(_unpriced(reason), entry=sheet.entry, source=sheet.source) if reason else bill.cost()

    def why_unpriced(self, *, provider: str | None, model: str | None, at_us: int) -> str | None:
        """Why a model has no price at a time; `None` if it has one."""
        sheet = self._sheet(provider, model, moment(at_us), None)
        return sheet if isinstance(sheet, str) else None

    def models(self) -> "tuple[ListedModel, ...]":
        """Every model with a price: those of overrides first, the strongest first, then the price library's."""
        from everytoken.catalog.listing import list_models

        return list_models(self._loaded().overrides)

    def show(
        self, model: str, at: datetime | None = None, *, provider: str | None = None, tier: str | None = None
    ) -> "PriceSheet":
        """The rates of a model at a time (now, if none is given), or the reason why there are none."""
        from everytoken.catalog.listing import describe

        at = at or datetime.now(UTC)
        tier = None if tier in _STANDARD else tier
        owner, name, overrides = self._named(provider, model)
        return describe(owner, name, at, tier, overrides)

    def load(self) -> None:
        """Read the prices now instead of at the first price: that takes 0.3 s, which an event loop should not wait."""
        self._sheet("openai", "gpt-5.2", _EPOCH, None)

    def reload(self) -> None:
        """Read the files again.

        Raises:
            PriceFileError: a file is wrong; the prices of before stay in force.
        """
        self._shelf = _Shelf(self._files, self._profiles)

    def is_stale(self) -> bool:
        """True when an override file changed on disk since it was read."""
        return self._shelf is not None and _modified_ns(self._files) != self._shelf.modified_ns

    def _sheet(self, provider: str | None, model: str | None, at: datetime, tier: str | None) -> "Sheet | str":
        from everytoken.catalog.sheet import resolve

        if not model or not model.strip():
            return "model_unknown"
        owner, name, overrides = self._named(provider, model)
        if owner is None:
            return "model_unknown"
        return resolve(owner, name, at, tier, overrides)

    def _named(self, provider: str | None, model: str) -> "tuple[str | None, str, tuple[Override, ...]]":
        """Who bills, the bare model, and the overrides that match; who is said by nobody may be anybody to them."""
        from everytoken.catalog.override import ANY_PROVIDER

        owner, name = canonical_model(canonical_provider(provider), model)
        overrides = self._loaded().matching(owner or ANY_PROVIDER, name)
        return owner or (ANY_PROVIDER if overrides else None), name, overrides

    def _loaded(self) -> _Shelf:
        if self._shelf is None:
            self._shelf = _Shelf(self._files, self._profiles)
        return self._shelf


def moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(at_us, 0), _LAST_US))


def _tier(usage: Usage, call_path: str) -> str | None:
    if usage.tier in _STANDARD:
        return "batch" if "batch" in call_path.split(".") else None
    return usage.tier


def _unpriced(reason: str) -> Cost:
    return Cost(usd=None, status="unpriced", reason=reason)


class _Bill:
    """The lines of one cost while they are written; each step answers the reason why it cannot go on, or `None`."""

    def __init__(self, sheet: "Sheet", usage: Usage) -> None:
        self._sheet = sheet
        self._usage = usage
        self._slices = split_usage(usage)
        self._lines: list[CostLine] = []
        self._sources: dict[str, None] = {}

    def add_tokens(self) -> str | None:
        usage, sheet = self._usage, self._sheet
        if sheet.max_input_tokens is not None and usage.input_tokens > sheet.max_input_tokens:
            return "long_context_unpriced"
        for name, count in self._slices.items():
            if name == "output_image" and sheet.ignores_image_tokens:
                continue
            found = sheet.slice_price(name)
            if found is None:
                return "class_unpriced"
            # The sum of several requests says nothing about the length of each.
            merged = usage.requests > 1 or "usage_merged_hops" in usage.warnings
            if merged and sheet.steps_up(found[1], usage.input_tokens):
                return "long_context_undecided"
            self._add(name, *found, Decimal(count))
        return None

    def add_meters(self) -> str | None:
        for meter, count in self._usage.meters.items():
            if (count.is_finite() and count <= 0) or self._is_paid_in_tokens(meter):
                continue
            found = self._sheet.meter_price(meter)
            if found is None or not count.is_finite():
                return "meter_unpriced"
            self._add(meter, *found, count)
        if self._sheet.ignores_image_tokens and self._slices.get("output_image") and not self._has_image_line():
            return "meter_missing"
        fee = self._sheet.prices.get("requests_kcount")
        if fee is not None:
            self._add("requests", "requests_kcount", fee, Decimal(self._usage.requests))
        return None

    def cost(self) -> Cost:
        reason = self._sheet.reason
        if reason is None and self._is_ambiguous():
            reason = "cached_modality_unknown"
        if reason is None and "usage_cache_untold" in self._usage.warnings:
            reason = "cache_untold"
        estimated = self._usage.source == "estimated"
        return Cost(
            usd=total_usd(self._lines),
            status="estimated" if estimated else "approximate" if reason else "priced",
            reason=reason,
            entry=self._sheet.entry,
            source=" + ".join(self._sources) or self._sheet.source,
            lines=tuple(self._lines),
        )

    def _add(self, name: str, key: str, price: "Price", count: Decimal) -> None:
        self._sources[self._sheet.sources.get(key, self._sheet.source)] = None
        self._lines.append(self._sheet.line(name, key, price, count, self._usage.input_tokens))

    def _has_image_line(self) -> bool:
        return any(measured_by(line.token_class) == IMAGE_SLICES for line in self._lines)

    def _is_paid_in_tokens(self, meter: str) -> bool:
        """True for images, seconds and characters whose tokens were counted: one of the two is billed, never both."""
        slices = measured_by(meter)
        by_piece = self._sheet.ignores_image_tokens and slices == IMAGE_SLICES
        return not by_piece and any(self._slices.get(name) for name in slices)

    def _is_ambiguous(self) -> bool:
        """True when the provider did not say which modality was cached, and the answer would change the sum."""
        details = self._usage.input_token_details
        told = any(f"cache_read_{modality}" in details for modality in MODALITIES)
        if not details.get("cache_read") or (told and "cache_modality_assumed" not in self._usage.warnings):
            return False
        savings = set()
        for plain, cached in (("input", "cache_read"), *((f"input_{m}", f"cache_read_{m}") for m in MODALITIES)):
            if self._slices.get(plain) or self._slices.get(cached):
                full, reduced = self._sheet.slice_price(plain), self._sheet.slice_price(cached)
                if full and reduced:
                    length = self._usage.input_tokens
                    savings.add(self._sheet.rate(full[1], length) - self._sheet.rate(reduced[1], length))
        return len(savings) > 1
