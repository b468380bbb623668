"""Why the cost changed: two windows, split by one dimension, each change parted into volume and unit cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from everytoken.core.pricing import MONEY
from everytoken.query.chart_rows import Contribution, Contributions, CostParts
from everytoken.query.dimension import by_dimension
from everytoken.query.projects import known_project
from everytoken.query.series import Dimension
from everytoken.query.totals import usd_text
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_GROUPS = 10_000
SHOWN = 50
PICO = Decimal("1e-12")


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls and known cost of one group in one window."""

    llm_calls: int = 0
    priced_calls: int = 0
    usd: Decimal = Decimal(0)

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.llm_calls + other.llm_calls, self.priced_calls + other.priced_calls, MONEY.add(self.usd, other.usd)
        )


def list_contributions(
    ledger: Ledger,
    control: Control,
    project: str,
    *,
    by: Dimension,
    after: tuple[int, int],
    before: tuple[int, int],
) -> Contributions:
    """The largest change first. The groups of a dimension other than `tag` add up to the total."""
    known_project(control, project)
    old, new = (_spent(ledger, project, by, *window) for window in (before, after))
    whole = (
        (sum(held.values(), Spent()) for held in (old, new))
        if by != "tag"
        else (sum(_spent(ledger, project, "none", *window).values(), Spent()) for window in (before, after))
    )
    rows = [contribution(key, old.get(key, Spent()), new.get(key, Spent())) for key in old.keys() | new.keys()]
    rows.sort(key=lambda row: (-abs(Decimal(row.change_usd)), row.key or ""))
    return Contributions(
        project=project,
        by=by,
        from_us=after[0],
        to_us=after[1],
        before_from_us=before[0],
        before_to_us=before[1],
        total=contribution("", *whole),
        groups=rows[:SHOWN],
    )


def contribution(key: str, before: Spent, after: Spent) -> Contribution:
    """At 2 calls of $3 before and 5 of $4 now, the change of $14 is $9 of volume and $5 of unit cost.

    A group that is new, or gone, changed in volume alone: there is no other cost per call to compare with.
    """
    change = MONEY.subtract(after.usd, before.usd)
    if before.priced_calls and after.priced_calls:
        more = after.priced_calls - before.priced_calls
        volume = MONEY.divide(MONEY.multiply(before.usd, Decimal(more)), Decimal(before.priced_calls)).quantize(PICO)
    else:
        volume = change
    return Contribution(
        key=key or None,
        before=_parts(before),
        after=_parts(after),
        change_usd=usd_text(change),
        volume_usd=usd_text(volume),
        unit_usd=usd_text(MONEY.subtract(change, volume)),
    )


def _parts(spent: Spent) -> CostParts:
    calls = spent.priced_calls
    return CostParts(
        llm_calls=spent.llm_calls,
        priced_calls=calls,
        cost_known_usd=usd_text(spent.usd),
        per_call_usd=usd_text(MONEY.divide(spent.usd, Decimal(calls)).quantize(PICO)) if calls else None,
    )


def _spent(ledger: Ledger, project: str, by: Dimension, from_us: int, to_us: int) -> Mapping[str, Spent]:
    rows: list[dict[str, Any]] = ledger.select(
        "group_money", by_dimension(by), project=project, by=by, from_us=from_us, to_us=to_us, limit=MAX_GROUPS
    )
    return {
        row["group_key"]: Spent(row["llm_calls"], row["priced_calls"], row["known_usd"] or Decimal(0)) for row in rows
    }
