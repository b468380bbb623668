"""The price book: what a usage costs, with the arithmetic, or the reason why nobody can say."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from everytoken.catalog.names import canonical_model, canonical_provider
from everytoken.catalog.rates import MEASURES, meter_price, slice_price
from everytoken.core.charge import Cost, CostLine, CostStatus
from everytoken.core.pricing import MODALITIES, split_usage, total_usd
from everytoken.core.usage import Usage

if TYPE_CHECKING:
    from everytoken.catalog.sheet import Sheet

_STANDARD = frozenset({None, "", "standard", "default", "auto"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US = 253_402_300_799_000_000
"""The last second of the year 9999: later times are not times."""


class PriceBook:
    """Prices by provider, model, tier and date. Never raises for a usage; unknown is `None` with a reason."""

    def __init__(self, overrides: Sequence[Path] = (), *, profiles: Collection[str] = ()) -> None:
        self._files = tuple(overrides)
        self._profiles = frozenset(profiles)

    def price(
        self, usage: Usage | None, *, provider: str | None, model: str | None, at_us: int, call_path: str = ""
    ) -> Cost:
        if usage is None:
            return _unpriced("usage_missing")
        if not model or not model.strip():
            return _unpriced("model_unknown")
        tier = _tier(usage, call_path)
        if tier == "provisioned":
            return _unpriced("prepaid")
        from everytoken.catalog.sheet import resolve

        owner, name = canonical_model(canonical_provider(provider), model)
        if owner is None:
            return _unpriced("provider_unknown" if provider else "model_unknown")
        sheet = resolve(owner, name, moment(at_us), tier)
        return _unpriced(sheet) if isinstance(sheet, str) else _cost(sheet, usage)


def moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(at_us, 0), _LAST_US))


def _tier(usage: Usage, call_path: str) -> str | None:
    if usage.tier in _STANDARD:
        return "batch" if "batch" in call_path.split(".") else None
    return usage.tier


def _unpriced(reason: str, sheet: "Sheet | None" = None) -> Cost:
    if sheet is None:
        return Cost(usd=None, status="unpriced", reason=reason)
    return Cost(usd=None, status="unpriced", reason=reason, entry=sheet.entry, source=sheet.source)


def _cost(sheet: "Sheet", usage: Usage) -> Cost:
    slices = split_usage(usage)
    lines = _token_lines(sheet, usage, slices)
    if isinstance(lines, str):
        return _unpriced(lines, sheet)
    fees = _meter_lines(sheet, usage, slices)
    if isinstance(fees, str):
        return _unpriced(fees, sheet)
    status: CostStatus = "priced"
    reason = sheet.reason
    if usage.source == "estimated":
        status = "estimated"
    elif reason is not None:
        status = "approximate"
    elif _is_ambiguous(sheet, usage, slices):
        status, reason = "approximate", "cached_modality_unknown"
    every = (*lines, *fees)
    return Cost(usd=total_usd(every), status=status, reason=reason, entry=sheet.entry, source=sheet.source, lines=every)


def _token_lines(sheet: "Sheet", usage: Usage, slices: dict[str, int]) -> list[CostLine] | str:
    lines: list[CostLine] = []
    for name, count in slices.items():
        if name == "output_image" and sheet.ignores_image_tokens:
            continue
        found = slice_price(sheet.prices, name, google=sheet.google)
        if found is None:
            return "class_unpriced"
        if usage.requests > 1 and sheet.has_step_below(found[1], usage.input_tokens):
            return "long_context_undecided"
        lines.append(sheet.line(name, *found, Decimal(count), usage.input_tokens))
    return lines


def _meter_lines(sheet: "Sheet", usage: Usage, slices: dict[str, int]) -> list[CostLine] | str:
    lines: list[CostLine] = []
    for meter, count in usage.meters.items():
        if count.is_finite() and count <= 0:
            continue
        counted = any(slices.get(name) for name in MEASURES.get(meter, ()))
        if counted and not (sheet.ignores_image_tokens and MEASURES[meter] == ("output_image",)):
            continue
        found = meter_price(sheet.prices, meter)
        if found is None or not count.is_finite():
            return "meter_unpriced"
        lines.append(sheet.line(meter, *found, count, usage.input_tokens))
    if "requests_kcount" in sheet.prices:
        fee = sheet.prices["requests_kcount"]
        lines.append(sheet.line("requests", "requests_kcount", fee, Decimal(usage.requests), usage.input_tokens))
    return lines


def _is_ambiguous(sheet: "Sheet", usage: Usage, slices: dict[str, int]) -> bool:
    """True when which modality was cached is unknown, and the answer would change the sum."""
    details = usage.input_token_details
    if not details.get("cache_read") or any(f"cache_read_{modality}" in details for modality in MODALITIES):
        return False
    savings = set()
    for plain, cached in (("input", "cache_read"), *((f"input_{m}", f"cache_read_{m}") for m in MODALITIES)):
        if slices.get(plain) or slices.get(cached):
            rates = [slice_price(sheet.prices, name, google=sheet.google) for name in (plain, cached)]
            savings.add(tuple(sheet.rate(found[1], usage.input_tokens) for found in rates if found))
    return len({rates[0] - rates[1] for rates in savings if len(rates) == 2}) > 1
