"""Pricing stored charges again, with the prices of now for the day of each: first what would change, then the change.

A page of charges at a time, so that memory is bounded and an interrupted run goes on by its cursor. Charges that would
not change are not written: doing it twice changes nothing.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from everytoken.core.charge import Charge, Cost
from everytoken.core.pricing import MONEY, Pricer, price_charge
from everytoken.core.sums import BILLED

PAGE_CHARGES = 2_000
BUDGET_S = 20.0  # below the 30 s after which clients and proxies give up; the cursor goes on
MAX_GROUPS = 5_000
OTHER = "other"
PICO = Decimal("1e-12")

Page = Callable[[str | None], tuple[list[Charge], str | None]]
"""Charges after a cursor, and the cursor after them."""
Store = Callable[[list[Charge]], None]


@dataclass(slots=True)
class Difference:
    """What the charges of one model on one day amount to, before and after."""

    charges: int = 0
    changed: int = 0
    before_usd: Decimal = Decimal(0)
    after_usd: Decimal = Decimal(0)
    newly_priced: int = 0
    newly_unpriced: int = 0

    def add(self, before: Cost, after: Cost) -> None:
        """Count one charge."""
        was, is_now = _known(before), _known(after)
        self.charges += 1
        self.changed += int(is_changed(before, after))
        self.before_usd = MONEY.add(self.before_usd, was or Decimal(0))
        self.after_usd = MONEY.add(self.after_usd, is_now or Decimal(0))
        self.newly_priced += int(was is None and is_now is not None)
        self.newly_unpriced += int(was is not None and is_now is None)


@dataclass(slots=True)
class Repricing:
    """What one call did, or would do."""

    groups: dict[tuple[str, str, str], Difference] = field(default_factory=dict)
    """(UTC day, provider, model) → difference."""
    whole: Difference = field(default_factory=Difference)
    next: str | None = None
    """Where to go on; `None` when all was looked at."""


def reprice(
    page: Page,
    pricer: Pricer,
    *,
    store: Store | None,
    cursor: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Repricing:
    """Price charges from `cursor` on until they end or time is up. `store` keeps the changed ones, if it is there."""
    done = Repricing(next=cursor)
    until = clock() + BUDGET_S
    while True:
        charges, done.next = page(done.next)
        changed = list(_priced(charges, pricer, done))
        if changed and store is not None:
            store(changed)
        if done.next is None or clock() >= until:
            return done


def _priced(charges: Iterable[Charge], pricer: Pricer, done: Repricing) -> Iterable[Charge]:
    for charge in charges:
        if charge.status == "pending" and charge.usage is None:
            continue  # it will be priced when it ends
        again = price_charge(charge, pricer)
        day = datetime.fromtimestamp(charge.started_us // 1_000_000, UTC).date().isoformat()
        key = (day, charge.provider or "", charge.model or "")
        if key not in done.groups and len(done.groups) >= MAX_GROUPS:
            key = (OTHER, OTHER, OTHER)
        done.groups.setdefault(key, Difference()).add(charge.cost, again.cost)
        done.whole.add(charge.cost, again.cost)
        if is_changed(charge.cost, again.cost):
            yield again


def is_changed(before: Cost, after: Cost) -> bool:
    """Whether the cost or the arithmetic differs; a newer list with the same prices is no change."""
    return _shape(before) != _shape(after)


def _shape(cost: Cost) -> tuple[object, ...]:
    usd = None if cost.usd is None else cost.usd.quantize(PICO)
    lines = tuple((line.token_class, line.count, line.rate_usd, line.per) for line in cost.lines)
    return usd, cost.status, cost.reason, cost.entry, lines


def _known(cost: Cost) -> Decimal | None:
    return cost.usd.quantize(PICO) if cost.usd is not None and cost.status in BILLED else None
