"""Ingest with small things at its seams: a ledger and control data in memory, a clock that is told the time."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import zstandard

from everytoken.config import Settings
from everytoken.core.charge import Charge, Cost
from everytoken.core.run import Run
from everytoken.core.usage import Usage
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.pipeline import Pipeline, Receipt
from everytoken.store.control import Project
from everytoken.store.journal import Journal
from everytoken.store.operations import OperationLog
from everytoken.store.rows import ChargeRef, SettledRun

NOON_US = 1_795_348_800_000_000
"""2026-11-22 12:00 UTC."""
BOUNDARY = "b0undary"


def uid(n: int) -> str:
    return f"01a204f2-8c53-7543-9601-{n:012x}"


class MemoryLedger:
    """Keeps rows by the ledger's sorting key: a run that moves to another key would be there twice."""

    is_shared = False

    def put_attachment(self, sha256: str, data: bytes) -> None:
        raise AssertionError("a ledger of one server holds no attachments")

    @property
    def operations(self) -> OperationLog:
        raise AssertionError("a ledger of one server holds no operations")

    def __init__(self) -> None:
        self.runs: dict[tuple[str, bool, int, str, str], SettledRun] = {}
        self.charges: dict[ChargeRef, Charge] = {}
        self.fault: Callable[[Sequence[SettledRun]], None] | None = None
        self.after_write: Callable[[], None] | None = None
        self.writes = 0
        self.reads: list[str] = []
        self._lock = threading.Lock()

    def write(
        self,
        runs: Sequence[SettledRun],
        charges: Sequence[Charge],
        gone: Sequence[ChargeRef],
        evidence: Mapping[str, int] | None = None,
    ) -> None:
        if self.fault is not None:
            self.fault(runs)
        with self._lock:
            self.writes += 1
            for charge in charges:
                self.charges[ChargeRef(charge.project, charge.trace_id, charge.charge_key, charge.started_us)] = charge
            for ref in gone:
                self.charges.pop(ref, None)
            for settled in runs:
                run = settled.run
                key = (run.project, run.is_root, run.start_us, run.trace_id, run.run_id)
                known = self.runs.get(key)
                self.runs[key] = replace(settled, run=_kept(run, known.run)) if known else settled
        if self.after_write is not None:
            self.after_write()

    def read_trace(self, trace_id: str, project: str | None = None) -> list[Run]:
        self.reads.append(trace_id)
        return [s.run for s in self.runs.values() if s.run.trace_id == trace_id and project in (None, s.run.project)]

    def read_charge_keys(self, trace_id: str, project: str | None = None) -> list[ChargeRef]:
        return [ref for ref in self.charges if ref.trace_id == trace_id and project in (None, ref.project)]

    def locate_run(self, run_id: str) -> tuple[str, str] | None:
        return next(((s.run.project, s.run.trace_id) for s in self.runs.values() if s.run.run_id == run_id), None)

    def run(self, run_id: str) -> Run:
        (found,) = (s.run for s in self.runs.values() if s.run.run_id == run_id)
        return found

    @property
    def tokens(self) -> int:
        return sum(charge.usage.total_tokens for charge in self.charges.values() if charge.usage)


def _kept(run: Run, known: Run) -> Run:
    """As the ledger merges: what is not (or no longer) said stays as it was."""
    payload = ("inputs", "outputs", "extra", "events")
    return replace(run, **{name: getattr(run, name) or getattr(known, name) for name in payload})


class MemoryControl:
    def __init__(self) -> None:
        self.known: dict[str, Project] = {}

    def ensure_project(self, name: str, at_us: int) -> Project:
        return self.known.setdefault(name, Project(uid(1000 + len(self.known)), name, at_us))

    def projects(self) -> list[Project]:
        return list(self.known.values())


class FlatPricer:
    """A dollar for a million tokens of any kind."""

    def price(
        self, usage: Usage | None, *, provider: str | None, model: str | None, at_us: int, call_path: str = ""
    ) -> Cost:
        if usage is None:
            return Cost(usd=None, status="unpriced", reason="usage_missing")
        return Cost(usd=Decimal(usage.total_tokens) / 1_000_000, status="priced")


class World:
    """One ingest process over a data folder. A second one over the same folder is the next process."""

    def __init__(
        self, data: Path, ledger: MemoryLedger | None = None, *, max_bytes: int = 64 * 1024**2, interval_ms: int = 10
    ) -> None:
        self.now_us = NOON_US
        self.settings = Settings(data=data, flush_interval_ms=interval_ms)
        self.ledger = ledger or MemoryLedger()
        self.control = MemoryControl()
        self.live = LiveFeed()
        data.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(data / "journal.db", max_bytes=max_bytes)
        self.pipeline = Pipeline(
            self.settings, self.journal, self.ledger, self.control, FlatPricer(), self.live, lambda: self.now_us
        )

    async def send(self, *operations: tuple[str, dict[str, Any]]) -> Receipt:
        """Accept one multipart body of `post` and `patch` operations."""
        self.now_us += 1
        return await self.pipeline.accept(
            "multipart",
            zstandard.compress(body(*operations)),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            encoding="zstd",
        )

    async def close(self) -> None:
        await self.pipeline.stop()
        self.journal.close()


def body(*operations: tuple[str, dict[str, Any]]) -> bytes:
    """A multipart body as the SDKs write it: the fields that travel apart in parts of their own."""
    parts = []
    for kind, wire in operations:
        apart = {key: wire[key] for key in ("inputs", "outputs", "events", "extra", "error") if key in wire}
        main = {key: value for key, value in wire.items() if key not in apart}
        for name, value in (("", main), *((f".{key}", value) for key, value in apart.items())):
            data = json.dumps(value).encode()
            parts.append(
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{kind}.{wire["id"]}{name}"\r\n'
                f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                + data
                + b"\r\n"
            )
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(n: int, *, trace: int = 1, parent: int | None = None, **more: Any) -> tuple[str, dict[str, Any]]:
    """The start of run `n`; run `trace` is its root."""
    wire = {
        "id": uid(n),
        "trace_id": uid(trace),
        "name": f"run {n}",
        "run_type": "chain",
        "start_time": "2026-11-22T12:00:00.000001Z",
        "session_name": "shop",
        **({} if parent is None else {"parent_run_id": uid(parent)}),
        **more,
    }
    return "post", {key: value for key, value in wire.items() if value is not ...}


def patch(n: int, **more: Any) -> tuple[str, dict[str, Any]]:
    """The end of run `n`, as older SDKs send it: ids and what changed."""
    return "patch", {"id": uid(n), "end_time": "2026-11-22T12:00:01Z", **more}


def usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    counts = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    return {"usage_metadata": {**counts, "total_tokens": input_tokens + output_tokens}}


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread brings about, ten seconds at most."""

    def poll() -> bool:
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.002)
        return condition()

    assert await asyncio.to_thread(poll)
