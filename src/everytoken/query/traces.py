"""Lists of traces, newest first or in another order, with the sums of their charges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from everytoken.core.lineage import THREAD_KEYS, USER_KEYS, first_text
from everytoken.query.cursors import FIRST_PAGE_ID, FIRST_PAGE_US, read_cursor, write_cursor
from everytoken.query.errors import CursorError
from everytoken.query.filter.feedback import FeedbackRuns
from everytoken.query.filter.trace_fields import DURATION_US, KNOWN_NANO_USD, TTFT_US
from everytoken.query.found_traces import Head, TraceQuestion, find_traces, newest_roots, rootless_heads
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.query.totals import ms, sums_of_row, total_fields
from everytoken.query.trace_rows import TraceRow, Traces
from everytoken.query.window import MAX_US, Window
from everytoken.store.columns import known, load
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.together import together

CHILD_EARLIEST_US = 3_600_000_000  # clocks of two machines in one trace may differ; an hour covers what we will believe

Sort = Literal[
    "-start", "start", "-cost", "cost", "-latency", "latency", "-ttft", "ttft", "-tokens", "tokens", "-calls", "calls"
]  # fmt: skip
SORTS: tuple[Sort, ...] = get_args(Sort)
NEWEST_FIRST: Sort = "-start"
SORT_VALUES = {
    "start": "start_us",
    # What is known of a cost is its least; not known at all it comes last.
    "cost": f"if(charged.unpriced = charged.llm_calls AND charged.llm_calls > 0, NULL, {KNOWN_NANO_USD})",
    "latency": DURATION_US,
    "ttft": TTFT_US,
    "tokens": "charged.input_sum + charged.output_sum",
    "calls": "charged.llm_calls",
}
BEYOND_ALL = 2**62


def _no_feedback(_tests: Sequence[object]) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which traces of a window a list shows, and in what order."""

    filter: str | None = None
    sort: Sort = NEWEST_FIRST
    feedback_runs: FeedbackRuns = _no_feedback


ALL_NEWEST_FIRST = Wanted()


def list_traces(
    ledger: Ledger,
    control: Control,
    project: str,
    window: Window,
    wanted: Wanted = ALL_NEWEST_FIRST,
    *,
    cursor: str | None = None,
    limit: int,
) -> Traces:
    """A page of traces whose head (the root, or the earliest run where no root came) started within the window.

    Raises:
        FilterError: the filter is wrong.
        CursorError: the cursor is not ours, or of another order.
    """
    known_project(control, project, field="query.project")
    if wanted.sort == NEWEST_FIRST and not wanted.filter:
        heads, following = _newest(ledger, project, window, cursor, limit)
    else:
        heads, following = _ordered(ledger, project, window, wanted, cursor, limit)
    return Traces(traces=_rows(ledger, project, heads), next=following)


def _newest(
    ledger: Ledger, project: str, window: Window, cursor: str | None, limit: int
) -> tuple[list[Head], str | None]:
    """From the end of the sorting key, whatever the table holds; the rest is never touched."""
    at_us, trace_id, run_id = read_cursor(cursor)
    after = Head(trace_id, as_uuid(run_id or FIRST_PAGE_ID, field="query.cursor"), at_us)
    bounds = window.params()
    roots = newest_roots(ledger, project, window, after, limit + 1)
    # Only between the roots of this page can a rootless trace stand on it.
    stretch = Window(
        roots[-1].start_us if len(roots) > limit else bounds["from_us"],
        min(bounds["to_us"], after.start_us + 1 if cursor else MAX_US),
    )
    rootless = rootless_heads(ledger, project, stretch)
    heads = sorted({*roots, *(head for head in rootless if _order(head) < _order(after))}, key=_order, reverse=True)
    page = heads[:limit]
    last = page[-1] if len(heads) > limit else None
    return page, write_cursor(last.start_us, last.trace_id, last.run_id) if last else None


def _order(head: Head) -> tuple[int, str, str]:
    return head.start_us, head.trace_id, head.run_id


def _ordered(
    ledger: Ledger, project: str, window: Window, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[Head], str | None]:
    """By the value that the order is of; equal values by id, unknown ones last."""
    sort = wanted.sort
    name, down = sort.removeprefix("-"), sort.startswith("-")
    after_value, after_trace, of_sort = read_cursor(cursor)
    if cursor and of_sort != sort:
        raise CursorError("the cursor is of another order")
    if not cursor and not down:
        after_value, after_trace = -FIRST_PAGE_US, str(as_uuid("0" * 32, field="query.cursor"))
    found = find_traces(ledger, wanted.feedback_runs, TraceQuestion(project, window, wanted.filter))
    fragments = found.completed(value=SORT_VALUES[name], beyond="<" if down else ">", way="DESC" if down else "ASC")
    rows = ledger.select(
        "trace_page",
        fragments,
        unknown=-BEYOND_ALL if down else BEYOND_ALL,
        after=after_value,
        after_trace=after_trace,
        limit=limit + 1,
        **found.params,
    )
    heads = [Head(str(row["trace_id"]), str(row["run_id"]), row["start_us"]) for row in rows[:limit]]
    more = len(rows) > limit
    return heads, write_cursor(rows[limit - 1]["place"], heads[-1].trace_id, sort) if more else None


def _rows(ledger: Ledger, project: str, heads: Sequence[Head]) -> list[TraceRow]:
    """The rows of these traces in their order."""
    if not heads:
        return []
    first_us, last_us = min(head.start_us for head in heads), max(head.start_us for head in heads)
    run_ids = [head.run_id for head in heads]
    of_page = {
        "project": project,
        "trace_ids": [head.trace_id for head in heads],
        "from_us": first_us - CHILD_EARLIEST_US,
    }
    top_rows, sum_rows, count_rows = together(
        lambda: ledger.select("head_rows", project=project, run_ids=run_ids, first_us=first_us, last_us=last_us),
        lambda: ledger.select("trace_totals", **of_page),
        lambda: ledger.select("trace_run_counts", **of_page),
    )
    tops = {str(row["run_id"]): row for row in top_rows}
    charged = {str(row["trace_id"]): row for row in sum_rows}
    counts = {str(row["trace_id"]): row["runs"] for row in count_rows}
    return [
        trace_row(project, top, charged.get(head.trace_id), runs=counts.get(head.trace_id, 1))
        for head in heads
        if (top := tops.get(head.run_id)) is not None
    ]


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
        rootless=root.get("is_root") == 0,
        **total_fields(sums_of_row(charged)),
    )
