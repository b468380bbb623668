"""Whole runs and whole charges of a project, oldest first, a page at a time: what leaves the ledger for a file.

A page ends at a number of rows or of bytes, whichever comes first, so that a page of large runs is a short one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.query.charges import charge_row
from everytoken.query.cursors import read_cursor, write_cursor
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.query.trace_rows import ChargeRow
from everytoken.query.window import MIN_US, Window
from everytoken.store.columns import dump, read_charge, read_run
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

PAGE_BYTES = 8 * 1024**2
"""JSON of the rows of one page; the last row may go beyond it."""
CONTENT_ROWS = 50
"""Runs whose content is read at once: of 20 MiB each, the most a client sends, they still fit the engine's memory."""
FIRST_ID = "00000000-0000-0000-0000-000000000000"
PAYLOAD = ", extra, inputs, outputs, events"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRun:
    """A run as the ledger keeps it. Sent back through ingest, it yields the same charges."""

    run_id: str
    trace_id: str
    project: str
    parent_run_id: str | None
    name: str
    run_type: str
    start_us: int
    end_us: int | None
    first_token_us: int | None
    status: str
    error: str | None
    dotted_order: str
    tags: list[str]
    metadata: dict[str, Any]
    extra: dict[str, Any]
    """Without `metadata`."""
    inputs: Any
    outputs: Any
    events: list[dict[str, Any]]
    flags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRuns:
    runs: list[ExportedRun]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedCharge(ChargeRow):
    """A charge with all that the ledger knows of it."""

    session_id: str | None
    environment: str | None
    tags: list[str]
    requests: int | None
    usage_source: str | None
    """`provider`, `partial` or `estimated`."""
    usage_warnings: list[str]
    differences: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedCharges:
    charges: list[ExportedCharge]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[str]
    """JSON of `ExportedRun` or `ExportedCharge`, written once and counted as written."""
    next: str | None = None


def export_runs(
    ledger: Ledger, control: Control, project: str, window: Window, *, cursor: str | None, limit: int
) -> Page:
    """A page of `ExportedRun`, the earliest first."""
    known_project(control, project, field="query.project")
    after_us, after_trace, after_run = _after(cursor)
    keys = ledger.select(
        "langsmith_run_keys_alone",
        {
            "after": "start_us >= {after_us:Int64} AND (start_us, trace_id, run_id) > "
            "({after_us:Int64}, {after_trace:UUID}, {after_run:UUID})",
            "order": "start_us, trace_id, run_id",
        },
        projects=[project],
        is_root=[0, 1],
        after_us=after_us,
        after_trace=after_trace,
        after_run=as_uuid(after_run or FIRST_ID, field="query.cursor"),
        limit=limit + 1,
        **window.params(),
    )
    runs = (
        (write_cursor(key["start_us"], str(key["trace_id"]), str(key["run_id"])), None if run is None else _run(run))
        for key, run in _with_content(ledger, project, keys[:limit])
    )
    return _page(runs, more=len(keys) > limit)


def _with_content(
    ledger: Ledger, project: str, keys: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], Run | None]]:
    """Each key with its run; none for one that was deleted between two questions."""
    for at in range(0, len(keys), CONTENT_ROWS):
        some = keys[at : at + CONTENT_ROWS]
        rows = ledger.select(
            "langsmith_run_rows",
            {"payload": PAYLOAD},
            projects=[project],
            first_us=some[0]["start_us"],
            last_us=some[-1]["start_us"],
            trace_ids=sorted({str(key["trace_id"]) for key in some}),
            run_ids=[str(key["run_id"]) for key in some],
        )
        by_id = {str(row["run_id"]): row for row in rows}
        for key in some:
            row = by_id.get(str(key["run_id"]))
            yield key, None if row is None else read_run(row)


def export_charges(
    ledger: Ledger, control: Control, project: str, window: Window, *, cursor: str | None, limit: int
) -> Page:
    """A page of `ExportedCharge`, the earliest first."""
    known_project(control, project, field="query.project")
    after_us, after_id, after_key = _after(cursor)
    rows = ledger.select(
        "export_charges",
        project=project,
        after_us=after_us,
        after_id=after_id,
        after_key=after_key,
        limit=limit + 1,
        **window.params(),
    )
    charges = (
        (write_cursor(charge.started_us, charge.trace_id, charge.charge_key), _charge(charge))
        for charge in map(read_charge, rows[:limit])
    )
    return _page(charges, more=len(rows) > limit)


def _page(rows: Iterable[tuple[str, ExportedRun | ExportedCharge | None]], *, more: bool) -> Page:
    """Rows until the page is full. `more` says whether there are further ones than these."""
    page: list[str] = []
    left = PAGE_BYTES
    cursor: str | None = None
    waiting = iter(rows)
    for here, row in waiting:
        cursor = here
        if row is not None:
            page.append(dump({field.name: getattr(row, field.name) for field in fields(row)}))
            left -= len(page[-1])
        if left <= 0:
            more = more or next(waiting, None) is not None
            break
    return Page(page, cursor if more else None)


def _run(run: Run) -> ExportedRun:
    return ExportedRun(**{field.name: _as_json(getattr(run, field.name)) for field in fields(ExportedRun)})


def _as_json(value: Any) -> Any:
    """Tuples as the lists, and mappings as the objects, that JSON has."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _charge(charge: Charge) -> ExportedCharge:
    shown = charge_row(charge)
    usage = charge.usage
    return ExportedCharge(
        **{field.name: getattr(shown, field.name) for field in fields(ChargeRow)},
        session_id=charge.session_id,
        environment=charge.environment,
        tags=list(charge.tags),
        requests=usage.requests if usage else None,
        usage_source=usage.source if usage else None,
        usage_warnings=list(usage.warnings) if usage else [],
        differences=dict(charge.differences),
    )


def _after(cursor: str | None) -> tuple[int, str, str]:
    return read_cursor(cursor) if cursor else (MIN_US, FIRST_ID, "")
