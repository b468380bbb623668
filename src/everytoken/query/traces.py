"""Lists of traces: root runs, newest first, with the sums of their charges."""

from collections.abc import Mapping
from typing import Any

from everytoken.core.lineage import THREAD_KEYS, USER_KEYS, first_text
from everytoken.query.cursors import FIRST_PAGE_ID, read_cursor, write_cursor
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.query.rows import TraceRow, Traces
from everytoken.query.totals import ms, sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.columns import known, load
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

CHILD_EARLIEST_US = 3_600_000_000  # clocks of two machines in one trace may differ; an hour covers what we will believe


def list_traces(
    ledger: Ledger, control: Control, project: str, window: Window, *, cursor: str | None = None, limit: int
) -> Traces:
    """A page of traces whose root started within the window."""
    known_project(control, project, field="query.project")
    cursor_us, cursor_id, cursor_run = read_cursor(cursor)
    keys = ledger.select(
        "root_keys",
        project=project,
        cursor_us=cursor_us,
        cursor_id=cursor_id,
        cursor_run=as_uuid(cursor_run or FIRST_PAGE_ID, field="query.cursor"),
        limit=limit + 1,
        **window.params(),
    )
    page = keys[:limit]
    if not page:
        return Traces(traces=[])
    last_us, first_us = page[0]["start_us"], page[-1]["start_us"]
    run_ids = [str(key["run_id"]) for key in page]
    roots = ledger.select("root_rows", project=project, run_ids=run_ids, first_us=first_us, last_us=last_us)
    of_page = {
        "project": project,
        "trace_ids": [str(root["trace_id"]) for root in roots],
        "from_us": first_us - CHILD_EARLIEST_US,
    }
    charged = {row["trace_id"]: row for row in ledger.select("trace_totals", **of_page)}
    counts = {row["trace_id"]: row["runs"] for row in ledger.select("trace_run_counts", **of_page)}
    return Traces(
        traces=[
            trace_row(project, root, charged.get(root["trace_id"]), runs=counts.get(root["trace_id"], 1))
            for root in roots
        ],
        next=write_cursor(first_us, str(page[-1]["trace_id"]), run_ids[-1]) if len(keys) > limit else None,
    )


def trace_row(project: str, root: Mapping[str, Any], charged: Mapping[str, Any] | None, *, runs: int) -> TraceRow:
    metadata = load(known(root, "metadata")) or {}
    end_us = known(root, "end_us")
    first_us = known(root, "first_token_us") or (charged and charged["first_token_us"])
    return TraceRow(
        trace_id=str(root["trace_id"]),
        project=project,
        name=known(root, "name") or "",
        status=known(root, "status") or "pending",
        start_us=root["start_us"],
        duration_ms=None if end_us is None else ms(max(end_us - root["start_us"], 0)),
        ttft_ms=ms(first_us - root["start_us"]) if first_us else None,
        runs=runs,
        models=charged["models"] if charged else [],
        thread_id=first_text(metadata, THREAD_KEYS),
        user_id=first_text(metadata, USER_KEYS),
        tags=sorted(known(root, "tags") or ()),
        input_preview=known(root, "input_preview") or "",
        output_preview=known(root, "output_preview") or "",
        error=known(root, "error"),
        **total_fields(sums_of_row(charged)),
    )
