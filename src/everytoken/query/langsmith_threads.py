"""Threads: the traces of one conversation, with the sums of their charges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from everytoken.query.cursors import FIRST_PAGE_ID, FIRST_PAGE_US, read_cursor, write_cursor
from everytoken.query.filter.fields import THREAD_SQL
from everytoken.query.langsmith_runs import RunQuestion, RunReader
from everytoken.query.langsmith_sums import NO_CHARGES, RunSums, read_sums

AFTER_ALL_THREADS = "\U0010ffff"


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


def thread_page(
    reader: RunReader, question: RunQuestion, *, limit: int, cursor: str | None = None, offset: int = 0
) -> ThreadPage:
    """Threads with a trace that the question finds, the one that moved last first."""
    cursor_us, _, thread = read_cursor(cursor)
    compiler, condition = reader.condition(replace(question, is_root=True))
    if condition is None:
        return ThreadPage([])
    fragments = {"where": condition, "thread": THREAD_SQL}
    rows = reader.ledger.select(
        "langsmith_threads",
        fragments,
        cursor_us=min(cursor_us, FIRST_PAGE_US),
        cursor_thread=thread if cursor else AFTER_ALL_THREADS,
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
    last = page[-1]
    return ThreadPage(
        [ThreadRecord(row["thread"], row, sums.get(row["thread"], NO_CHARGES)) for row in page],
        write_cursor(last["last_us"], FIRST_PAGE_ID, last["thread"]) if len(rows) > limit else None,
    )


def of_thread(thread_id: str) -> str:
    """The filter that finds the traces of a thread."""
    escaped = thread_id.replace("\\", "\\\\").replace('"', '\\"')
    return f'eq(thread_id, "{escaped}")'
