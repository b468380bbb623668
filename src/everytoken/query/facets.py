"""Facets: the values that occur in the traces a question finds, and in how many of them each does."""

from dataclasses import dataclass

from everytoken.query.filter.feedback import FeedbackRuns
from everytoken.query.found_traces import TraceQuestion, find_traces
from everytoken.query.projects import known_project
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.together import together

FACETS = (
    "status", "model", "node", "user", "tag", "environment", "release", "quality", "cost_status", "provider",
    "call_path", "name",
)  # fmt: skip
"""In the order in which a page shows them."""
VALUES_MAX = 50
FOUND = ""
"""The facet of which every trace found has the one value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    value: str
    traces: int
    filter: str
    """The condition that keeps these traces, to be joined with `and(…)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    field: str
    """What a filter calls it."""
    values: list[FacetValue]
    """The most frequent first."""
    truncated: bool
    """True when more values occur than are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """A trace counts once under each of its values. What charges say is not known of traces without a model call."""

    project: str
    traces: int
    """How many the question finds."""
    facets: list[Facet]
    """Those that have a value at all."""


def read_facets(
    ledger: Ledger, control: Control, feedback_runs: FeedbackRuns, question: TraceQuestion, *, limit: int
) -> Facets:
    """Counts of the `limit` most frequent values of every facet.

    Raises:
        FilterError: the filter is wrong.
    """
    known_project(control, question.project)
    found = find_traces(ledger, feedback_runs, question)
    fragments, params = found.completed(), {**found.params, "limit": limit + 1}
    of_heads, of_charges = together(
        lambda: ledger.select("trace_facets", fragments, **params),
        lambda: ledger.select("trace_facets_charged", fragments, **params),
    )
    held: dict[str, list[FacetValue]] = {}
    for row in (*of_heads, *of_charges):
        name, value = row["facet"], row["held"]
        held.setdefault(name, []).append(
            FacetValue(
                value=value, traces=row["traces"], filter=f"{_OPERATORS.get(name, 'eq')}({name}, {quoted(value)})"
            )
        )
    return Facets(
        project=question.project,
        traces=held[FOUND][0].traces if FOUND in held else 0,
        facets=[
            Facet(field=name, values=held[name][:limit], truncated=len(held[name]) > limit)
            for name in FACETS
            if name in held
        ],
    )


_OPERATORS = {"tag": "has"}


def quoted(text: str) -> str:
    """Text as a filter writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
