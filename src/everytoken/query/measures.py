"""What the charges of a project, or of one value of a dimension, come to between given instants. For alerts.

The numbers are those of the series: the same sums over the same rows.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from itertools import pairwise
from math import gcd
from typing import Any, Literal, get_args

from everytoken.query.buckets import MAX_BUCKETS
from everytoken.query.dimension import by_dimension
from everytoken.query.totals import latencies, sums_of_row
from everytoken.query.window import MIN_US
from everytoken.store.ledger import Ledger

ScopeBy = Literal["none", "user", "node", "model", "tag"]
SCOPES: tuple[ScopeBy, ...] = get_args(ScopeBy)
MIN_GRID = 50
"""Fewer bounds are asked for as they are: a scan of what lies between them would cost more."""
MAX_GRID = 90_000
"""Two months of minutes; a read may answer with 100,000 rows."""
MAX_MODELS = 10
"""Models without a price that are named; the rest are in their coverage."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which charges of a project: all of them, or those of one user, node, model or tag."""

    by: ScopeBy = "none"
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What can be added up. Tokens and money are those that are known; what is not known is counted beside them."""

    calls: int = 0
    ended: int = 0
    """Calls whose end is known."""
    begun: int = 0
    """Calls that told when their first token came."""
    errors: int = 0
    exact: int = 0
    told: int = 0
    """Calls whose quality is known: all but those that still run."""
    missing: int = 0
    """Ended without telling their usage."""
    estimated: int = 0
    unpriced: int = 0
    tokens: int = 0
    cost_known_usd: Decimal = Decimal(0)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in _COUNTS})

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) - getattr(other, name) for name in _COUNTS})


_COUNTS = tuple(field.name for field in fields(Counts))
NO_CALLS = Counts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    counts: Counts = NO_CALLS
    p50_ms: float | None = None
    p95_ms: float | None = None
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None


NOTHING = Measure()


def measures(ledger: Ledger, project: str, scope: Scope, bounds_us: Sequence[int]) -> list[Measure]:
    """One measure for each pair of neighbouring bounds (UTC microseconds, ascending), the first of a pair inclusive."""
    grid = _grid(bounds_us)
    even = grid is not None and len(grid) == len(bounds_us) - 1
    found = _on_grid(ledger, project, scope, grid) if grid and even else _between(ledger, project, scope, bounds_us)
    return [found.get(start_us, NOTHING) for start_us in bounds_us[:-1]]


def counts_between(ledger: Ledger, project: str, scope: Scope, bounds_us: Sequence[int]) -> list[Counts]:
    """As `measures`, without the percentiles, which do not add up: bounds need not be even to be one scan."""
    grid = _grid(bounds_us)
    if grid is None:
        return [measure.counts for measure in measures(ledger, project, scope, bounds_us)]
    summed = [NO_CALLS] * (len(bounds_us) - 1)
    for start_us, measure in _on_grid(ledger, project, scope, grid).items():
        summed[bisect_right(bounds_us, start_us) - 1] += measure.counts
    return summed


def _grid(bounds_us: Sequence[int]) -> range | None:
    """The even grid that all bounds lie on; `None` when there is none of a size worth one scan."""
    if len(bounds_us) < MIN_GRID:
        return None
    step_us = gcd(*(later - earlier for earlier, later in pairwise(bounds_us)))
    grid = range(bounds_us[0], bounds_us[-1], step_us)
    return grid if len(grid) <= MAX_GRID else None


def _on_grid(ledger: Ledger, project: str, scope: Scope, grid: range) -> dict[int, Measure]:
    rows = ledger.select(
        "measures",
        by_dimension(scope.by),
        key=scope.key,
        project=project,
        from_us=grid.start,
        to_us=grid.stop,
        step_us=grid.step,
    )
    return {row["start_us"]: _measure(row) for row in rows}


def _between(ledger: Ledger, project: str, scope: Scope, bounds_us: Sequence[int]) -> dict[int, Measure]:
    found: dict[int, Measure] = {}
    for at in range(0, len(bounds_us) - 1, MAX_BUCKETS):
        part = bounds_us[at : at + MAX_BUCKETS + 1]
        rows = ledger.select(
            "series",
            by_dimension(scope.by),
            shown=[scope.key],
            project=project,
            starts_us=list(part[:-1]),
            from_us=part[0],
            to_us=part[-1],
        )
        found |= {row["start_us"]: _measure(row) for row in rows if row["shown_group"][0]}
    return found


def _measure(row: Mapping[str, Any]) -> Measure:
    sums = sums_of_row(row)
    known = Counts(
        calls=sums.llm_calls,
        ended=row["ended"],
        begun=row["begun"],
        errors=row["errors"],
        exact=sums.exact,
        told=sums.exact + sums.partial + sums.estimated + sums.missing,
        missing=sums.missing,
        estimated=sums.estimated,
        unpriced=sums.unpriced_calls,
        tokens=sums.total_tokens,
        cost_known_usd=sums.cost_known_usd,
    )
    return Measure(counts=known, **latencies(row))


def first_charge_us(ledger: Ledger, project: str, before_us: int) -> int | None:
    """When the project called a model for the first time."""
    (found,) = ledger.select("charge_span", project=project, from_us=MIN_US, to_us=before_us)
    return int(found["first_us"]) if found["charges"] else None


def unpriced_models(ledger: Ledger, project: str, from_us: int, to_us: int) -> list[str]:
    """Models of the project that told their usage and have no price, those with the most calls first."""
    rows = ledger.select("missing_prices", project=project, from_us=from_us, to_us=to_us, limit=MAX_MODELS)
    return list(dict.fromkeys(str(row["model"]) for row in rows))
