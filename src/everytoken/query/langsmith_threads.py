"""Threads: the traces of one conversation, with the sums of their charges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from everytoken.query.cursors import FIRST_PAGE_ID, FIRST_PAGE_US, read_cursor, write_cursor
from everytoken.query.errors import CursorError
from everytoken.query.filter.fields import THREAD_SQL
from everytoken.query.filter.rows import Plain, Row
from everytoken.query.langsmith_runs import RunQuestion, RunReader
from everytoken.query.langsmith_sums import NO_CHARGES, RunSums, read_sums, v2_sums
from everytoken.query.window import MAX_US, MIN_US

AFTER_ALL_THREADS = "\U0010ffff"
LOOK = 500
"""Threads read at a time to find those that pass a test."""
MAX_LOOKED_AT = 10_000
"""Threads that one request looks at: more would hold a reader of the ledger for seconds."""


class TooManyThreadsError(ValueError):
    """A test of threads that would have to look at too many of them."""


THREAD_FILTER = Plain(
    {
        "thread_id": "text", "count": "number", "turns": "number", "num_errored_turns": "number",
        "start_time": "time", "min_start_time": "time", "max_start_time": "time",
        "first_inputs": "text", "last_outputs": "text", "last_error": "text",
        "latency_p50": "seconds", "latency_p99": "seconds",
        "total_tokens": "number", "prompt_tokens": "number", "completion_tokens": "number",
        "total_cost": "number", "prompt_cost": "number", "completion_cost": "number",
    }
)  # fmt: skip
"""What `thread_filter` may speak of, beside feedback."""


@dataclass(frozen=True, slots=True)
class ThreadRecord:
    thread_id: str
    figures: Mapping[str, Any]
    """A row of `langsmith_threads.sql`."""
    sums: RunSums

    @property
    def latency_s(self) -> tuple[float | None, float | None]:
        """Median and 99th percentile of its traces' durations."""
        p50, p99 = self.figures["latencies_s"] if self.figures["ended"] else (None, None)
        return p50, p99


@dataclass(frozen=True, slots=True)
class ThreadPage:
    records: list[ThreadRecord]
    next: str | None = None
    until_us: int = FIRST_PAGE_US
    """Traces from then on are in none of the pages: they would move threads out of pages that are still to come."""


def thread_page(
    reader: RunReader, question: RunQuestion, *, limit: int, cursor: str | None = None, offset: int = 0
) -> ThreadPage:
    """Threads with a trace that the question finds, the one that moved last first, all pages as of the first.

    Raises:
        CursorError: the cursor is not ours.
    """
    cursor_us, until_us, thread = _read_cursor(cursor)
    to_us = min(until_us, MAX_US if question.to_us is None else question.to_us)
    compiler, condition = reader.condition(replace(question, is_root=True, to_us=to_us))
    if condition is None:
        return ThreadPage([])
    fragments = {"where": condition, "thread": THREAD_SQL}
    rows = reader.ledger.select(
        "langsmith_threads",
        fragments,
        cursor_us=cursor_us,
        cursor_thread=thread,
        limit=limit + 1,
        offset=offset,
        **compiler.params,
    )
    page = rows[:limit]
    if not page:
        return ThreadPage([])
    threads = [row["thread"] for row in page]
    charged = reader.ledger.select("langsmith_thread_charges", fragments, threads=threads, **compiler.params)
    sums = {row["thread"]: read_sums(row) for row in charged}
    records = [ThreadRecord(row["thread"], row, sums.get(row["thread"], NO_CHARGES)) for row in page]
    if not cursor:
        until_us = page[0]["last_us"] + 1
    return ThreadPage(records, _cursor_of(records[-1], until_us) if len(rows) > limit else None, until_us)


def thread_count(reader: RunReader, question: RunQuestion) -> int:
    """How many threads have a trace that the question finds."""
    compiler, condition = reader.condition(replace(question, is_root=True))
    if condition is None:
        return 0
    fragments = {"where": condition, "thread": THREAD_SQL}
    return int(reader.ledger.select("langsmith_thread_count", fragments, **compiler.params)[0]["threads"])


def chosen_threads(
    reader: RunReader, question: RunQuestion, holds: Callable[[ThreadRecord], bool], *, limit: int, cursor: str | None
) -> ThreadPage:
    """Of the threads found, those that also pass a test of what they add up to.

    Raises:
        TooManyThreadsError: not enough of the first `MAX_LOOKED_AT` pass; the question must find fewer.
    """
    found: list[ThreadRecord] = []
    for _ in range(MAX_LOOKED_AT // LOOK):
        page = thread_page(reader, question, limit=LOOK, cursor=cursor)
        for record in page.records:
            if holds(record):
                if len(found) == limit:
                    return ThreadPage(found, _cursor_of(found[-1], page.until_us))
                found.append(record)
        cursor = page.next
        if cursor is None:
            return ThreadPage(found)
    raise TooManyThreadsError(f"there are more than {MAX_LOOKED_AT} threads to look at; narrow the time")


def filter_row(record: ThreadRecord, feedback: dict[str, dict[str, Any]]) -> Row:
    """A thread as `thread_filter` sees it."""
    figures, sums = record.figures, record.sums
    values = {
        "thread_id": record.thread_id,
        "count": figures["turns"],
        "turns": figures["turns"],
        "num_errored_turns": figures["errors"],
        "start_time": figures["last_us"],
        "min_start_time": figures["first_us"],
        "max_start_time": figures["last_us"],
        "first_inputs": figures["first_input"] or None,
        "last_outputs": figures["last_output"] or None,
        "last_error": figures["last_error"] or None,
        "latency_p50": record.latency_s[0],
        "latency_p99": record.latency_s[1],
        **v2_sums(sums),
    }
    return Row(values, feedback=feedback)


def turn_numbers(reader: RunReader, question: RunQuestion) -> dict[str, int]:
    """Id of a root run → which turn of its thread it is, from 1; of the first `MAX_LOOKED_AT` turns."""
    whole = RunQuestion(projects=question.projects, is_root=True, thread_id=question.thread_id)
    compiler, condition = reader.condition(whole)
    if condition is None:
        return {}
    fragments = {"where": condition, "after": "1", "order": "start_us, trace_id, run_id"}
    rows = reader.ledger.select("langsmith_run_keys", fragments, limit=MAX_LOOKED_AT, **compiler.params)
    return {str(row["run_id"]): number for number, row in enumerate(rows, 1)}


def _cursor_of(record: ThreadRecord, until_us: int) -> str:
    return write_cursor(record.figures["last_us"], FIRST_PAGE_ID, f"{until_us} {record.thread_id}")


def _read_cursor(cursor: str | None) -> tuple[int, int, str]:
    """When the last thread that was read had moved, until when traces count, and which thread it was."""
    at_us, _, key = read_cursor(cursor)
    if not cursor:
        return at_us, FIRST_PAGE_US, AFTER_ALL_THREADS
    until, _, thread = key.partition(" ")
    try:
        return at_us, max(MIN_US, min(int(until[:20]), MAX_US)), thread
    except ValueError as error:
        raise CursorError("the cursor is not one of ours") from error


def of_thread(thread_id: str) -> str:
    """The filter that finds the traces of a thread."""
    escaped = thread_id.replace("\\", "\\\\").replace('"', '\\"')
    return f'eq(thread_id, "{escaped}")'
