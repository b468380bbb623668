"""Where a bill and the ledger differ, by day and model, and what the difference is called.

A cause is told when something in the bill or the ledger shows it. What nothing shows is `unexplained`, and said so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from everytoken.cli.exchange.columns import plain
from everytoken.cli.statements.ledger import Days, Ledger, Ours, day_of
from everytoken.cli.statements.lines import BillLine, family

ROUNDING_USD = Decimal("0.01")
"""Bills are rounded to the cent; a sum of rounded lines may be off by as much a day and model."""
ROUNDING_PART = Decimal("0.0001")
TOKENS_PART = Decimal("0.005")
"""Tokens that differ by less are one sum with late requests over midnight, and no other traffic."""
ZONES = ("UTC", "America/Los_Angeles")
HALF = (Decimal("0.45"), Decimal("0.55"))
"""Batch and flex cost half of the standard price at OpenAI and Google (their price pages, 2026-11)."""

CAUSES = {
    "unpriced": "Models without a price: their cost is unknown to the ledger.",
    "missing_usage": "Calls whose usage was not reported to the tracer.",
    "partial_streams": "Streams that were cut: the provider bills what it made, the tracer saw part of it.",
    "other_traffic": "The bill has requests that the ledger has not: other keys, or code that is not traced.",
    "not_on_this_bill": "The ledger has calls that the bill has not: another account or key, or calls that were free.",
    "time_zone": "The days of bill and report begin at different hours.",
    "tier_or_batch": "Batch, flex or priority prices, which one side applied and the other did not.",
    "credits": "Credits and discounts that the provider subtracts after pricing.",
    "tools": "Things billed beside tokens, such as searches, which stand in lines of their own.",
    "price": "The same tokens at another rate: a price change, or a price file that differs.",
    "rounding": "The bill is rounded.",
    "unexplained": "Nothing in the bill or in the ledger says why.",
}
"""Code → sentence, as the page in the docs lists them."""


@dataclass(frozen=True, slots=True)
class Cause:
    code: str
    """One of `CAUSES`."""
    detail: str
    usd: Decimal | None = None
    """What of the difference it is, where that is known."""


@dataclass(slots=True)
class Billed:
    """Lines of one day and model."""

    requests: int | None = None
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    credits_usd: Decimal = Decimal(0)
    tiers: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)

    def add(self, line: BillLine) -> None:
        for name in ("requests", "input_tokens", "cached_tokens", "output_tokens", "cost_usd"):
            value = getattr(line, name)
            if value is not None:
                setattr(self, name, (getattr(self, name) or 0) + value)
        self.credits_usd += line.credits_usd
        self.tiers |= {line.tier} - {None, "default", "standard"}  # type: ignore[arg-type]  # None goes out
        self.keys |= {line.key} - {None}  # type: ignore[arg-type]

    @property
    def tokens(self) -> int | None:
        sides = [side for side in (self.input_tokens, self.output_tokens) if side is not None]
        return sum(sides) if sides else None


@dataclass(frozen=True, slots=True)
class Drift:
    """One day and model on both sides."""

    day: str
    model: str | None
    billed: Billed
    ours: Ours
    causes: list[Cause]

    @property
    def usd(self) -> Decimal | None:
        """What the bill is above the ledger; `None` where it tells no cost."""
        return None if self.billed.cost_usd is None else self.billed.cost_usd - self.ours.cost_usd

    @property
    def tokens(self) -> int | None:
        tokens = self.billed.tokens
        return None if tokens is None else tokens - _ours_tokens(self.billed, self.ours)

    @property
    def agrees(self) -> bool:
        return all(cause.code in ("rounding", "credits") for cause in self.causes)

    def as_dict(self) -> dict[str, Any]:
        billed = {**asdict(self.billed), "tiers": sorted(self.billed.tiers), "keys": sorted(self.billed.keys)}
        for name in ("cost_usd", "credits_usd"):
            billed[name] = None if billed[name] is None else plain(billed[name])
        ours = {**asdict(self.ours), "cost_usd": plain(self.ours.cost_usd), "reasons": sorted(self.ours.reasons)}
        usd = self.usd
        return {
            "day": self.day,
            "model": self.model,
            "billed": billed,
            "ledger": ours,
            "drift_usd": None if usd is None else plain(usd),
            "drift_tokens": self.tokens,
            "agrees": self.agrees,
            "causes": [
                {"code": c.code, "detail": c.detail, "usd": None if c.usd is None else plain(c.usd)}
                for c in self.causes
            ],
        }


def compare(lines: Iterable[BillLine], ledger: Ledger, zone: str) -> list[Drift]:
    """Every day and model of the bill or of the ledger, in their order."""
    lines = list(lines)
    bill = billed_days(lines, zone)
    ours = ledger.days(zone)
    better = better_zone(lines, ledger, zone)
    first, last = min(day for day, _ in bill), max(day for day, _ in bill)
    keys = set(bill) | {key for key in ours if first <= key[0] <= last}
    rows = []
    for day, model in sorted(keys, key=lambda key: (key[0], key[1] or "")):
        billed, held = bill.get((day, model), Billed()), ours.get((day, model), Ours())
        causes = _causes(model, billed, held, better, in_bill=(day, model) in bill)
        rows.append(Drift(day, model, billed, held, list(causes)))
    return rows


def billed_days(lines: Iterable[BillLine], zone: str) -> dict[tuple[str, str | None], Billed]:
    """The bill by day and model. Lines of a date alone keep it, whatever the zone."""
    found: dict[tuple[str, str | None], Billed] = {}
    for line in lines:
        day = line.day or day_of(line.start_us or 0, ZoneInfo(zone))
        found.setdefault((day, family(line.model)), Billed()).add(line)
    return found


def better_zone(lines: list[BillLine], ledger: Ledger, zone: str) -> str | None:
    """Another zone whose days fit the bill's at least twice as well; `None` when there is none."""
    bill = billed_days(lines, zone)

    def off(days: Days) -> int:
        return sum(
            abs((billed.tokens or billed.requests or 0) - _comparable(billed, days.get(key, Ours())))
            for key, billed in bill.items()
        )

    here = off(ledger.days(zone))
    found = {other: off(ledger.days(other)) for other in ZONES if other != zone}
    best = min(found, key=lambda other: found[other], default=None)
    return best if best is not None and here and found[best] * 2 <= here else None


def _comparable(billed: Billed, ours: Ours) -> int:
    return ours.calls if billed.tokens is None else _ours_tokens(billed, ours)


def _ours_tokens(billed: Billed, ours: Ours) -> int:
    """Of the sides that the bill tells."""
    given = ours.input_tokens if billed.input_tokens is not None else 0
    made = ours.output_tokens if billed.output_tokens is not None else 0
    return given + made


def _causes(model: str | None, billed: Billed, ours: Ours, better: str | None, *, in_bill: bool) -> Iterable[Cause]:
    if billed.credits_usd:
        yield Cause("credits", f"${plain(billed.credits_usd)} after pricing", billed.credits_usd)
    if model is None and billed.cost_usd and not ours.calls:
        yield Cause("tools", f"${plain(billed.cost_usd)} on lines that name no model", billed.cost_usd)
        return
    if not _differs(billed, ours):
        usd = None if billed.cost_usd is None else billed.cost_usd - ours.cost_usd
        if usd:
            yield Cause("rounding", f"${plain(usd)}", usd)
        return
    told = list(_shown(billed, ours, in_bill=in_bill))
    if better is not None:
        told.insert(0, Cause("time_zone", f"the days of the bill fit those of {better}: --tz {better}"))
    yield from told or [Cause("unexplained", _amounts(billed, ours))]


def _shown(billed: Billed, ours: Ours, *, in_bill: bool) -> Iterable[Cause]:
    """Causes that the figures themselves show."""
    if ours.unpriced:
        yield Cause("unpriced", f"{ours.unpriced:,} of {ours.calls:,} calls: {', '.join(sorted(ours.reasons))}")
    if ours.missing:
        yield Cause("missing_usage", f"{ours.missing:,} of {ours.calls:,} calls")
    if ours.partial:
        yield Cause("partial_streams", f"{ours.partial:,} of {ours.calls:,} calls")
    if billed.requests is not None and billed.requests != ours.calls:
        yield _requests(billed, ours)
    elif not in_bill:
        yield Cause("not_on_this_bill", f"{ours.calls:,} calls")
    elif not ours.calls:
        keys = f" by {', '.join(sorted(billed.keys)[:3])}" if billed.keys else ""
        yield Cause("other_traffic", f"no call of the ledger{keys}")
    elif billed.tokens is not None and not _near(billed.tokens, _ours_tokens(billed, ours)):
        more = billed.tokens - _ours_tokens(billed, ours)
        code = "other_traffic" if more > 0 else "not_on_this_bill"
        if not (ours.missing or ours.partial):
            yield Cause(code, f"{abs(more):,} tokens {'more' if more > 0 else 'fewer'} on the bill")
    yield from _rates(billed, ours)


def _requests(billed: Billed, ours: Ours) -> Cause:
    more = (billed.requests or 0) - ours.calls
    keys = f", of keys {', '.join(sorted(billed.keys)[:3])}" if billed.keys else ""
    if more > 0:
        return Cause("other_traffic", f"{billed.requests:,} requests billed, {ours.calls:,} in the ledger{keys}")
    refused = f", {ours.refused:,} of them failed" if ours.refused else ""
    return Cause("not_on_this_bill", f"{-more:,} calls of the ledger are not on the bill{refused}")


def _rates(billed: Billed, ours: Ours) -> Iterable[Cause]:
    """The same tokens at another price."""
    if billed.cost_usd is None or not ours.cost_usd or _is_rounding(billed.cost_usd, ours.cost_usd):
        return
    if billed.tokens is None:
        if billed.tiers:
            yield Cause("tier_or_batch", f"billed as {', '.join(sorted(billed.tiers))}")
        return
    if not _near(billed.tokens, _ours_tokens(billed, ours)) or ours.unpriced:
        return
    usd = billed.cost_usd - ours.cost_usd
    ratio = billed.cost_usd / ours.cost_usd
    halved = HALF[0] <= ratio <= HALF[1] or HALF[0] <= 1 / ratio <= HALF[1] if ratio else False
    if halved or bool(billed.tiers) != bool(ours.discounted):
        tiers = ", ".join(sorted(billed.tiers)) or "standard"
        detail = (
            f"billed as {tiers}, {ours.discounted:,} of {ours.calls:,} calls of such a tier; {ratio:.2f} of our cost"
        )
        yield Cause("tier_or_batch", detail, usd)
    else:
        yield Cause("price", f"the same tokens cost {ratio:.4f} of what the ledger says", usd)


def _differs(billed: Billed, ours: Ours) -> bool:
    if billed.cost_usd is not None and not _is_rounding(billed.cost_usd, ours.cost_usd):
        return True
    if billed.tokens is not None and billed.tokens != _ours_tokens(billed, ours):
        return True
    if billed.requests is not None:
        return billed.requests != ours.calls
    return billed.tokens is None and billed.cost_usd is None


def _is_rounding(billed_usd: Decimal, ours_usd: Decimal) -> bool:
    return abs(billed_usd - ours_usd) <= max(ROUNDING_USD, billed_usd * ROUNDING_PART)


def _near(one: int, other: int) -> bool:
    return abs(one - other) <= max(one, other) * TOKENS_PART


def _amounts(billed: Billed, ours: Ours) -> str:
    sides: Mapping[str, tuple[Any, Any]] = {
        "requests": (billed.requests, ours.calls),
        "tokens": (billed.tokens, _ours_tokens(billed, ours)),
        "USD": (None if billed.cost_usd is None else plain(billed.cost_usd), plain(ours.cost_usd)),
    }
    return "; ".join(f"{name}: {told} billed, {held} here" for name, (told, held) in sides.items() if told is not None)
