"""Charges whose runs are gone or have lost their content, as runs from which settlement makes the same charges."""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from everytoken.cli.exchange.foreign import Row, RowError, WireRun, iso
from everytoken.core.projections import to_everytoken
from everytoken.core.usage import Usage
from everytoken.store.retention import CONTENT_DROPPED
from everytoken.wire.times import write_segment

NAMESPACE = uuid.UUID("6f1d7f8e-52c5-5c0e-9d8e-6a4f3b2c1d00")
"""Of the ids of runs that stand for one of several charges of a run: the same charge has the same id each time."""


class ChargeBook:
    """Charges by the run that owns them, on disk: an export may hold millions."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "charges.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE charge (trace_id TEXT, run_id TEXT, row TEXT)")

    def fill(self, rows: Iterable[Row]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT INTO charge VALUES (?, ?, ?)",
            ((row["trace_id"], row["run_id"], json.dumps(dict(row))) for row in rows),
        )
        self._db.execute("CREATE INDEX by_run ON charge (run_id)")
        self._db.execute("COMMIT")

    def take(self, run_id: str) -> list[dict[str, Any]]:
        """Charges of a run; they are not among the rest any more."""
        found = self._db.execute("SELECT row FROM charge WHERE run_id = ? ORDER BY row", (run_id,)).fetchall()
        if found:
            self._db.execute("DELETE FROM charge WHERE run_id = ?", (run_id,))
        return [json.loads(text) for (text,) in found]

    def rest(self) -> Iterator[list[dict[str, Any]]]:
        """What nobody took, the charges of one run together, in an order that is always the same."""
        held: list[dict[str, Any]] = []
        for (text,) in self._db.execute("SELECT row FROM charge ORDER BY trace_id, run_id, row"):
            row = json.loads(text)
            if held and held[0]["run_id"] != row["run_id"]:
                yield held
                held = []
            held.append(row)
        if held:
            yield held

    def close(self) -> None:
        self._db.close()


def has_lost_content(run: Row) -> bool:
    """Whether a run of an export can no longer tell all that its calls used."""
    if CONTENT_DROPPED in (run.get("flags") or ()):
        return True
    bare = run.get("outputs") is None and run.get("inputs") is None
    return bare and not (run.get("metadata") or {}).get("everytoken")


def restored(run: Row, charges: list[dict[str, Any]], wire: WireRun, project: str | None) -> list[WireRun]:
    """The run with what its charges know; a run of several has a run below it for each."""
    if not charges or not has_lost_content(run):
        return [wire]
    if len(charges) == 1:
        metadata = {**wire["extra"]["metadata"], "everytoken": entry(charges[0])}
        return [wire | {"extra": {**wire["extra"], "metadata": metadata}}]
    return [wire, *(_below(charge, wire["dotted_order"], project) for charge in charges)]


def stand_ins(charges: list[dict[str, Any]], project: str | None) -> list[WireRun]:
    """Runs for the charges of a run that is not there: itself for one, runs below it for several."""
    first = charges[0]
    above = [] if first["run_id"] == first["trace_id"] else [write_segment(first["started_at"], first["trace_id"])]
    order = ".".join([*above, write_segment(first["started_at"], first["run_id"])])
    if len(charges) > 1:
        return [_below(charge, order, project) for charge in charges]
    parent = {"parent_run_id": first["trace_id"]} if above else {}
    return [_run(first, project) | {"id": first["run_id"], "dotted_order": order, **parent}]


def _below(charge: Row, order: str, project: str | None) -> WireRun:
    run_id = str(uuid.uuid5(NAMESPACE, f"{charge['trace_id']}/{charge['charge_key']}"))
    order = f"{order}.{write_segment(charge['started_at'], run_id)}"
    return _run(charge, project) | {"id": run_id, "dotted_order": order, "parent_run_id": charge["run_id"]}


def _run(charge: Row, project: str | None) -> WireRun:
    named = {
        "langgraph_node": charge.get("node"),
        "thread_id": charge.get("thread_id"),
        "user_id": charge.get("user_id"),
        "session_id": charge.get("session_id"),
        "environment": charge.get("environment"),
        "revision_id": charge.get("release"),
    }
    started_us, ttft_ms, duration_ms = charge["started_at"], charge.get("ttft_ms"), charge.get("duration_ms")
    times = {
        "end_time": None if duration_ms is None else iso(started_us + round(duration_ms * 1000)),
        "first_token_time": None if ttft_ms is None else iso(started_us + round(ttft_ms * 1000)),
    }
    return {
        "trace_id": charge["trace_id"],
        "session_name": project or charge["project"],
        "name": charge.get("response_model") or charge.get("request_model") or "charge",
        "run_type": "embedding" if ".embed" in (charge.get("call_path") or "") else "llm",
        "start_time": iso(started_us),
        "status": charge.get("status"),
        "tags": charge.get("tags") or [],
        "extra": {"metadata": {k: v for k, v in named.items() if v is not None} | {"everytoken": entry(charge)}},
        **{name: at for name, at in times.items() if at is not None},
    }


def entry(charge: Row) -> dict[str, object]:
    """The charge as our own metadata entry, from which the same usage is read.

    Raises:
        RowError: a count or an amount is none.
    """
    try:
        usage = _usage(charge)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise RowError(f"charge {charge.get('charge_key')}: {error}") from error
    names = ("response_id", "response_model", "call_path", "layer", "provider", "request_model")
    return to_everytoken(usage, **{name: charge.get(name) for name in names})


def _usage(charge: Row) -> Usage | None:
    if charge.get("input_tokens") is None:
        return None
    return Usage(
        input_tokens=charge["input_tokens"],
        output_tokens=charge["output_tokens"],
        input_token_details=charge["input_token_details"],
        output_token_details=charge["output_token_details"],
        meters={name: Decimal(amount) for name, amount in charge["meters"].items()},
        requests=charge["requests"],
        source=charge["usage_source"],
        tier=charge["tier"],
        raw=charge["raw_usage"],
        warnings=tuple(charge["usage_warnings"]),
    )
