"""Full text over runs, newest first, in slices of time until a page is full or the time for it is spent."""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from everytoken.query.cursors import FIRST_PAGE_ID, read_cursor, write_cursor
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_TEXT_CHARS = 500
SNIPPET_CHARS, SNIPPET_BEFORE = 200, 60
FIRST_SLICE_US = 3_600_000_000
BUDGET_S = 3.0  # a person waits that long; the page then says how far it came, and goes on by cursor

PLACES = ("name", "inputs", "outputs", "error", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    run_id: str
    trace_id: str
    project: str
    name: str
    run_type: str
    status: str
    start_us: int
    found_in: str
    """The first of `id`, `response_id`, `thread_id`, `user_id`, `name`, `inputs`, `outputs`, `error`, `metadata`."""
    snippet: str
    """The text around the first occurrence, on one line."""
    match_start: int | None
    """Where in the snippet the text stands, in characters; `null` where a line break of it was folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    text: str
    hits: list[SearchHit]
    """Ids first, then by time, newest first."""
    searched_from_us: int | None
    """Everything that began since then (and before the cursor) was searched; `null` when there is nothing to search."""
    complete: bool
    """True when nothing older is left to search."""
    next: str | None
    """Cursor to go on with, also where no hit was found in time."""


def search(
    ledger: Ledger,
    control: Control,
    text: str,
    window: Window,
    *,
    project: str | None,
    cursor: str | None,
    limit: int,
    clock: Callable[[], float] = time.monotonic,
) -> SearchResult:
    """Runs whose name, inputs, outputs, error or metadata hold the text in any case, or that an id leads to."""
    if project is not None:
        known_project(control, project, field="query.project")
    projects = [project] if project is not None else [held.name for held in control.projects()]
    by_id = [] if cursor else list(_by_id(ledger, projects, text, window, limit))
    spans = ledger.select("run_span", projects=projects, **window.params()) if projects else []
    if not spans or not spans[0]["runs"]:
        return SearchResult(text=text, hits=by_id, searched_from_us=None, complete=True, next=None)
    oldest_us, newest_us = spans[0]["first_us"], spans[0]["last_us"]
    after_us, _, last_run = read_cursor(cursor)
    after_run = as_uuid(last_run or FIRST_PAGE_ID, field="query.cursor")
    until = clock() + BUDGET_S
    hits: list[SearchHit] = []
    high_us, length_us = min(newest_us, after_us) + 1, FIRST_SLICE_US
    low_us = high_us
    while low_us > oldest_us and len(hits) <= limit and (low_us == high_us or clock() < until):
        to_us, low_us = low_us, max(oldest_us, low_us - length_us)
        length_us *= 2
        rows = ledger.select(
            "search_runs",
            projects=projects,
            text=text,
            quoted=json.dumps(text, ensure_ascii=False)[1:-1],
            before=SNIPPET_BEFORE,
            chars=SNIPPET_CHARS,
            from_us=low_us,
            to_us=to_us,
            after_us=after_us,
            after_run=after_run,
            limit=limit + 1 - len(hits),
        )
        hits += [_hit(row, text) for row in rows]
    seen = {hit.run_id for hit in by_id}
    page = hits[:limit]
    complete = low_us <= oldest_us and len(hits) <= limit
    following: str | None
    if len(hits) > limit:
        following, low_us = write_cursor(page[-1].start_us, FIRST_PAGE_ID, page[-1].run_id), page[-1].start_us
    else:
        following = None if complete else write_cursor(low_us, FIRST_PAGE_ID, "0" * 32)
    return SearchResult(
        text=text,
        hits=[*by_id, *(hit for hit in page if hit.run_id not in seen)],
        searched_from_us=low_us,
        complete=complete,
        next=following,
    )


def _by_id(ledger: Ledger, projects: list[str], text: str, window: Window, limit: int) -> Iterator[SearchHit]:
    if not projects:
        return
    wanted = text.strip()
    try:
        run_or_trace = str(uuid.UUID(wanted))
    except ValueError:
        run_or_trace = None
    if run_or_trace:
        for row in ledger.select("search_ids", projects=projects, id=run_or_trace):
            yield _plain_hit(row, "id", run_or_trace, name=row["run_name"] or "", run_type=row["type"] or "chain")
    for row in ledger.select("search_charges", projects=projects, text=wanted, limit=limit, **window.params()):
        yield _plain_hit(row, row["found_in"], wanted, name=row["model"], run_type="llm")


def _plain_hit(row: Mapping[str, Any], found_in: str, snippet: str, *, name: str, run_type: str) -> SearchHit:
    return SearchHit(
        run_id=str(row["run_id"]),
        trace_id=str(row["trace_id"]),
        project=row["project"],
        name=name,
        run_type=run_type,
        status=row["state"] or "pending",
        start_us=row["start_us"],
        found_in=found_in,
        snippet=snippet,
        match_start=0,
    )


def _hit(row: Mapping[str, Any], text: str) -> SearchHit:
    found_in = next(place for place in PLACES if row[f"in_{place}"])
    snippet = one_line(row["snippet"], is_json=found_in in ("inputs", "outputs", "metadata"))
    at = snippet.lower().find(" ".join(text.split()).lower())
    return SearchHit(
        run_id=str(row["run_id"]),
        trace_id=str(row["trace_id"]),
        project=row["project"],
        name=row["run_name"] or "",
        run_type=row["type"] or "chain",
        status=row["state"] or "pending",
        start_us=row["start_us"],
        found_in=found_in,
        snippet=snippet,
        match_start=at if at >= 0 else None,
    )


def one_line(snippet: str, *, is_json: bool) -> str:
    """A cut out of a text, without line breaks; of a JSON text, without the escapes a person did not write."""
    if is_json:
        for escaped, plain in (("\\n", " "), ("\\t", " "), ("\\r", " "), ('\\"', '"'), ("\\\\", "\\")):
            snippet = snippet.replace(escaped, plain)
    return " ".join(snippet.split())
