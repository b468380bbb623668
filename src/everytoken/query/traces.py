"""Lists of traces: root runs, newest first, with the sums of their charges."""

from collections.abc import Mapping
from typing import Any

from everytoken.core.lineage import THREAD_KEYS, USER_KEYS, first_text
from everytoken.query.cursors import read_cursor, write_cursor
from everytoken.query.projects import known_project
from everytoken.query.rows import TraceRow, Traces
from everytoken.query.totals import ms, sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.columns import load
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

CHILD_EARLIEST_US = 3_600_000_000  # clocks of two machines in one trace may differ; an hour covers what we will believe


def list_traces(
    ledger: Ledger, control: Control, project: str, window: Window, *, cursor: str | None = None, limit: int
) -> Traces:
    """A page of traces whose root started within the window."""
    known_project(control, project, field="query.project")
    cursor_us, cursor_id, _key = read_cursor(cursor)
    roots = ledger.select(
        "root_page", project=project, cursor_us=cursor_us, cursor_id=cursor_id, limit=limit + 1, **window.params()
    )
    page = roots[:limit]
    if not page:
        return Traces(traces=[])
    of_page = {
        "project": project,
        "trace_ids": [str(root["trace_id"]) for root in page],
        "from_us": page[-1]["start_us"] - CHILD_EARLIEST_US,
    }
    charged = {row["trace_id"]: row for row in ledger.select("trace_totals", **of_page)}
    counts = {row["trace_id"]: row["runs"] for row in ledger.select("trace_run_counts", **of_page)}
    return Traces(
        traces=[
            trace_row(project, root, charged.get(root["trace_id"]), runs=counts.get(root["trace_id"], 1))
            for root in page
        ],
        next=write_cursor(page[-1]["start_us"], str(page[-1]["run_id"])) if len(roots) > limit else None,
    )


def trace_row(project: str, root: Mapping[str, Any], charged: Mapping[str, Any] | None, *, runs: int) -> TraceRow:
    metadata = load(root["metadata"]) or {}
    end_us, first_us = root["end_us"], root["first_token_us"] or (charged and charged["first_token_us"])
    return TraceRow(
        trace_id=str(root["trace_id"]),
        project=project,
        name=root["name"],
        status=root["status"],
        start_us=root["start_us"],
        duration_ms=None if end_us is None else ms(max(end_us - root["start_us"], 0)),
        ttft_ms=ms(first_us - root["start_us"]) if first_us else None,
        runs=runs,
        models=charged["models"] if charged else [],
        thread_id=first_text(metadata, THREAD_KEYS),
        user_id=first_text(metadata, USER_KEYS),
        tags=sorted(root["tags"]),
        input_preview=root["input_preview"],
        output_preview=root["output_preview"],
        error=root["error"],
        **total_fields(sums_of_row(charged)),
    )
