"""Users and threads over a window, the conversation of one thread, and the dearest traces. Charges decide all of it."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any, Literal

from everytoken.core.sums import NOTHING
from everytoken.query.dimension import by_dimension
from everytoken.query.errors import NotFoundError
from everytoken.query.projects import known_project
from everytoken.query.rows import GroupRow, Groups
from everytoken.query.totals import quantiles_ms, share, sums_of_row, total_fields, totals
from everytoken.query.trace_rows import DearTrace, DearTraces, ThreadView, TraceRow
from everytoken.query.traces import CHILD_EARLIEST_US, trace_row
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_GROUPS = 1000
MAX_TURNS = 500
ROOT_EARLIEST_US = 7 * 86_400_000_000  # a trace may wait a week for a person before its first call


def list_groups(
    ledger: Ledger, control: Control, project: str, window: Window, *, by: Literal["user", "thread"]
) -> Groups:
    """The dearest first."""
    known_project(control, project)
    found = ledger.select(
        "group_charges", by_dimension(by), project=project, by=by, limit=MAX_GROUPS + 1, **window.params()
    )
    sums = [sums_of_row(row) for row in found]
    whole = sum((held.cost_known_usd for held in sums), Decimal(0))
    rows = [
        GroupRow(
            key=row["group_key"] or None,
            traces=row["traces"],
            users=row["users"],
            threads=row["threads"],
            models=list(row["models"]),
            errors=row["errors"],
            p50_ms=quantiles_ms(row)[0],
            p95_ms=quantiles_ms(row)[1],
            first_us=row["first_us"],
            last_us=row["last_us"],
            share=share(held.cost_known_usd, whole),
            **total_fields(held),
        )
        for row, held in zip(found, sums, strict=True)
    ]
    return Groups(project=project, groups=rows[:MAX_GROUPS], truncated=len(rows) > MAX_GROUPS)


def read_thread(ledger: Ledger, control: Control, project: str, thread_id: str) -> ThreadView:
    """The traces of a thread in the order in which they called a model.

    Raises:
        NotFoundError: no charge of the project names the thread.
    """
    known_project(control, project)
    places = ledger.select("thread_traces", project=project, thread_id=thread_id, limit=MAX_TURNS + 1)
    if not places:
        raise NotFoundError(
            f"no thread {thread_id[:200]!r}", field="path.thread_id", hint="a thread appears with its first LLM call"
        )
    turns, charged = _rows_of(ledger, project, places[:MAX_TURNS])
    return ThreadView(
        project=project,
        thread_id=thread_id,
        totals=totals(sum(charged, NOTHING)),
        turns=sorted(turns, key=lambda row: (row.start_us, row.trace_id)),
        truncated=len(places) > MAX_TURNS,
    )


def list_dearest(ledger: Ledger, control: Control, project: str, window: Window, *, limit: int) -> DearTraces:
    """The traces that cost most, each with the run of its dearest charge."""
    known_project(control, project)
    places = ledger.select("dearest_traces", project=project, limit=limit, **window.params())
    rows = {row.trace_id: row for row in _rows_of(ledger, project, places)[0]}
    return DearTraces(
        project=project,
        traces=[
            DearTrace(
                dearest_run_id=str(place["dearest_run_id"]),
                dearest_node=place["dearest_node"] or None,
                **{field.name: getattr(rows[trace_id], field.name) for field in fields(TraceRow)},
            )
            for place in places
            if (trace_id := str(place["trace_id"])) in rows
        ],
    )


def _rows_of(ledger: Ledger, project: str, places: Sequence[dict[str, Any]]) -> tuple[list[TraceRow], list[Any]]:
    """The rows of some traces as a list shows them, and their sums. A trace whose root never came has no row."""
    if not places:
        return [], []
    ids = [place["trace_id"] for place in places]
    first_us = min(place["first_us"] for place in places)
    charges_from = {"project": project, "trace_ids": ids, "from_us": first_us - CHILD_EARLIEST_US}
    charged = {row["trace_id"]: row for row in ledger.select("trace_totals", **charges_from)}
    counts = {row["trace_id"]: row["runs"] for row in ledger.select("trace_run_counts", **charges_from)}
    roots = ledger.select(
        "roots_of",
        project=project,
        trace_ids=ids,
        first_us=first_us - ROOT_EARLIEST_US,
        last_us=max(place["last_us"] for place in places) + CHILD_EARLIEST_US,
    )
    rows = [
        trace_row(project, root, charged.get(root["trace_id"]), runs=counts.get(root["trace_id"], 1)) for root in roots
    ]
    return rows, [sums_of_row(row) for row in charged.values()]
