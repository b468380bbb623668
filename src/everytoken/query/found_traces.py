"""Which traces a question finds. Lists, facets and distributions share it, so that they always speak of the same ones.

A trace is represented by its head: its root or, where the root never came, the earliest of its runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from everytoken.query.filter.feedback import FeedbackRuns
from everytoken.query.filter.parse import parse
from everytoken.query.filter.sql import Compiler
from everytoken.query.filter.trace_fields import CHARGED, TRACE_FIELDS
from everytoken.query.window import MAX_US, MIN_US, Window
from everytoken.store.ledger import Ledger
from everytoken.store.reading import sql_text

CLOCKS_DIFFER_US = 3_600_000_000
"""How much earlier than its root a charge may claim to start: clocks of two machines in one trace may differ."""
LONGEST_TRACE_US = 7 * 86_400_000_000
"""How long after its root a charge may start: a trace may wait a week for a person."""
MAX_ROOTLESS = 10_000
VERSIONS_READ = 2
"""Rows of a root that the parts hold before they are merged, as a rule: as it began, and as it ended."""


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """Traces of a project whose head started within the window and passes the filter."""

    project: str
    window: Window
    filter: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    trace_id: str
    run_id: str
    start_us: int


@dataclass(frozen=True, slots=True)
class FoundTraces:
    """A compiled question, to be completed by the query that counts, orders or spreads what it finds."""

    fragments: Mapping[str, str]
    params: Mapping[str, Any]

    def completed(self, **fragments: str) -> dict[str, str]:
        """The fragments of a query, with the charges of the traces when one of them speaks of those."""
        needs = any(CHARGED in text for text in (*self.fragments.values(), *fragments.values()))
        return {**self.fragments, **fragments, "charged": sql_text("traces_charged") if needs else ""}


def find_traces(ledger: Ledger, feedback_runs: FeedbackRuns, question: TraceQuestion) -> FoundTraces:
    """Compile a question.

    Raises:
        FilterError: the filter is wrong.
    """
    compiler = Compiler(feedback_runs, fields=TRACE_FIELDS)
    where = compiler.condition(parse(question.filter)) if question.filter else "1"
    bounds = question.window.params()
    rootless = [head.run_id for head in rootless_heads(ledger, question.project, question.window)]
    heads = "is_root = 1"
    if rootless:
        heads = f"is_root IN (0, 1) AND (is_root = 1 OR run_id IN {compiler.bind(rootless, 'Array(UUID)')})"
    return FoundTraces(
        {"where": where, "heads": heads},
        {
            **compiler.params,
            **bounds,
            "project": question.project,
            "charges_from_us": max(bounds["from_us"] - CLOCKS_DIFFER_US, MIN_US),
            "charges_to_us": min(bounds["to_us"] + LONGEST_TRACE_US, MAX_US),
        },
    )


def newest_roots(ledger: Ledger, project: str, window: Window, after: Head, limit: int) -> list[Head]:
    """The newest roots that began in the window and stand after that one, at most so many."""
    roots: dict[str, Head] = {}
    wanted = limit * VERSIONS_READ
    while len(roots) < limit:
        rows = ledger.select(
            "root_keys",
            project=project,
            cursor_us=after.start_us,
            cursor_id=after.trace_id,
            cursor_run=after.run_id,
            limit=wanted,
            **window.params(),
        )
        for row in rows:
            after = Head(str(row["trace_id"]), str(row["run_id"]), row["start_us"])
            roots.setdefault(after.run_id, after)
        if len(rows) < wanted:
            break
    return list(roots.values())[:limit]


def rootless_heads(ledger: Ledger, project: str, window: Window) -> list[Head]:
    """The first run of each trace without a root that began in the window, newest first; at most `MAX_ROOTLESS`."""
    bounds = window.params()
    candidates = ledger.select(
        "rootless_candidates",
        project=project,
        roots_from_us=max(bounds["from_us"] - CLOCKS_DIFFER_US, MIN_US),
        roots_to_us=min(bounds["to_us"] + CLOCKS_DIFFER_US, MAX_US),
        limit=MAX_ROOTLESS,
        **bounds,
    )
    if not candidates:
        return []
    ids = [str(row["trace_id"]) for row in candidates]
    return [
        Head(str(row["trace_id"]), str(row["head"]), row["first_us"])
        for row in ledger.select("rootless_heads", project=project, trace_ids=ids, **bounds)
    ]
