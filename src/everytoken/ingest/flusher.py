"""The flusher: one thread that takes committed bodies in order through fold, settlement and price into the ledger."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from everytoken.config import Settings
from everytoken.core.charge import Charge
from everytoken.core.pricing import Pricer
from everytoken.core.settle import settle
from everytoken.ingest.attachments import AttachmentStore
from everytoken.ingest.counters import Counters
from everytoken.ingest.decode import decode
from everytoken.ingest.deleting import is_about
from everytoken.ingest.estimating import Estimator
from everytoken.ingest.fold import Fold
from everytoken.ingest.garbage import Garbage
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.masking import Mask
from everytoken.ingest.pace import Pace
from everytoken.ingest.packed import Packed
from everytoken.ingest.parked import dump_feedback, dump_operations, load_operations
from everytoken.ingest.ports import ControlPort, LedgerPort
from everytoken.ingest.settling import Changes, Settle, settle_trace
from everytoken.ingest.sharing import MAX_ROUNDS, SharedTraces
from everytoken.ingest.trace_fold import TraceFold
from everytoken.ingest.trace_row import trace_row
from everytoken.store.errors import StoreError
from everytoken.store.journal import Journal, Release
from everytoken.wire.body import BodyError
from everytoken.wire.operations import Decoded, Feedback, Operation

BATCH_OPERATIONS = 6_000
"""Operations of one flush: about half a second of work."""
BATCH_BYTES = 16 * 1024**2
"""JSON of one flush."""
DECODED_BYTES = 32 * 1024**2
"""Decoded bodies kept while they wait; beyond it they are read again from the journal when their turn comes. As Python
objects they take about four times as much."""
SWEEP_S = 10.0
"""How often traces that no longer move are let go of when nothing else comes."""
RECHECK_S = 1.0
"""How often runs that wait for the rest of themselves are looked at when nothing else comes."""
BACKOFF_S, BACKOFF_MAX_S = 0.1, 10.0
"""First and longest pause after the ledger failed."""

log = logging.getLogger("everytoken.ingest")


@dataclass(slots=True)
class _Row:
    """A committed body on its way to the ledger."""

    row_id: int
    stored_bytes: int
    decoded: Decoded | Packed | None
    memory_bytes: int = 0
    since_s: float = field(default_factory=time.monotonic)
    """When it was queued, by `time.monotonic`."""


class Flusher:
    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        ledger: LedgerPort,
        control: ControlPort,
        pricer: Pricer,
        live: LiveFeed,
        clock_us: Callable[[], int],
        *,
        settle: Settle = settle,
    ) -> None:
        self.counters = Counters()
        self.observe: Callable[[TraceFold, Iterable[Charge]], None] = lambda _trace, _charges: None
        """Told of the charges that the ledger has taken."""
        self.estimator: Estimator | None = None
        self._settings = settings
        self._journal = journal
        self._ledger = ledger
        self._control = control
        self._pricer = pricer
        self._live = live
        self._clock_us = clock_us
        self._settle = settle
        self.mask: Mask | None = None
        self.deleted: Callable[[], Collection[str]] = frozenset
        """Ids of deleted traces and runs: what comes of them is not stored."""
        self._attachments = AttachmentStore(
            settings.data_dir / "attachments", ledger.put_attachment if ledger.is_shared else None
        )
        self._shared = SharedTraces(ledger, lambda: self.mask) if ledger.is_shared else None
        locate = ledger.locate_run if self._shared is None else self._shared.locate
        self.fold = Fold(project_name=self._project_name, locate=locate)
        self._rows: deque[_Row] = deque(_Row(row_id, size, None) for row_id, size in journal.backlog.rows)
        self._decoded_bytes = 0
        self._oldest_s: float | None = self._rows[0].since_s if self._rows else None
        self._unwritten: set[str] = set()
        """Traces that changed since the ledger last took them."""
        self._parked: dict[str, int] = dict.fromkeys(journal.backlog.parked, 0)
        """Waiting runs that the journal keeps: run id → number of operations kept."""
        self._last_row = self._rows[-1].row_id if self._rows else 0
        self._done_row = self._rows[0].row_id - 1 if self._rows else 0
        self._waiters: list[tuple[int, Future[None]]] = []
        self._gone: list[Callable[[str, str | None], bool]] = []
        self._wake = threading.Condition()
        self._stop_at: float | None = None
        self._last_flush = 0.0
        self._pace = Pace(settings.flush_interval_ms / 1000)
        self._failing = False
        self._untidy = False
        self._garbage = Garbage()
        self.on_idle: Callable[[], None] = lambda: None
        """Called in the flusher's thread when nothing came for `SWEEP_S`."""
        self._thread = threading.Thread(target=self._work, name="everytoken-flusher", daemon=True)

    @property
    def queued_rows(self) -> int:
        return len(self._rows)

    @property
    def lag_s(self) -> float:
        """Age of the oldest body that the ledger has not taken; 0 when it has all."""
        oldest_s = self._oldest_s
        return 0.0 if oldest_s is None else time.monotonic() - oldest_s

    @property
    def decoded_bytes(self) -> int:
        return self._decoded_bytes

    def allowed_bytes_per_s(self) -> float | None:
        """How fast bodies may come. `None`, as they like, also while the ledger takes none: then the journal fills."""
        return None if self._failing else self._pace.allowed_bytes_per_s(self._decoded_bytes)

    def start(self) -> None:
        for data in self._journal.backlog.parked.values():
            self.fold.wait(load_operations(data))
        self._thread.start()

    def forget(self, gone: Callable[[str, str | None], bool]) -> None:
        """Before the next flush, let the traces go for which `gone(trace id, project)` holds: they were deleted."""
        with self._wake:
            self._gone.append(gone)

    def committed(self, rows: Sequence[tuple[int, int, Decoded | Packed | None]]) -> None:
        """Bodies that are on disk now. Called by the journal's thread, in the order of the rows."""
        with self._wake:
            for row_id, stored_bytes, decoded in rows:
                memory = decoded.size_bytes if decoded else 0
                if self._decoded_bytes + memory > DECODED_BYTES:
                    decoded, memory = None, 0  # noqa: PLW2901
                self._decoded_bytes += memory
                self._oldest_s = time.monotonic() if self._oldest_s is None else self._oldest_s
                self._rows.append(_Row(row_id, stored_bytes, decoded, memory))
            self._last_row = rows[-1][0]
            self._wake.notify()

    def flushed(self) -> "Future[None]":
        """Done when everything committed by now is in the ledger."""
        done: Future[None] = Future()
        with self._wake:
            if self._done_row >= self._last_row:
                done.set_result(None)
            else:
                self._waiters.append((self._last_row, done))
                self._wake.notify()
        return done

    def stop(self, timeout_s: float) -> None:
        """Flush what is there, for as long as the time allows; the rest stays in the journal."""
        with self._wake:
            self._stop_at = time.monotonic() + timeout_s
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()
        for _, waiter in self._waiters:
            waiter.cancel()

    def _work(self) -> None:
        self._garbage.start()
        while (rows := self._next_rows()) is not None:
            if rows or self._is_wanted:
                self._flush_until_done(rows)
                stored_bytes = 0 if self._failing else sum(row.stored_bytes for row in rows)
                self._pace.took(time.monotonic() - self._last_flush, stored_bytes)
                self._untidy = True
                rows.clear()
                self._garbage.put_aside()
            else:
                self._tidy()
        self._garbage.stop()

    @property
    def _is_wanted(self) -> bool:
        moved = self._shared is not None and self._shared.is_due
        return bool(self._rows or self.fold.waiting or self._unwritten or moved)

    def _tidy(self) -> None:
        """Let go of what is over, once nothing comes any more."""
        self.counters.traces_left += self.fold.sweep(self._clock_us())
        self._garbage.collect()
        try:
            self.on_idle()
        except Exception:  # memory that is not given back is no reason to stop
            log.exception("memory could not be given back")
        self._untidy = bool(self.fold.traces)
        self._last_flush = time.monotonic()

    def _next_rows(self) -> list[_Row] | None:
        """The rows of the next flush once it is due; `None` when the work is over."""
        with self._wake:
            while True:
                if self._stop_at is not None:
                    return self._take_rows() if self._rows and time.monotonic() < self._stop_at else None
                since_s = time.monotonic() - self._last_flush
                due_in_s = self._pace.due_in_s(since_s, self._decoded_bytes) if self._rows else RECHECK_S - since_s
                wanted = self._is_wanted
                if wanted and (due_in_s <= 0 or (self._rows and (self._waiters or self._decoded_bytes > BATCH_BYTES))):
                    return self._take_rows()
                tidy_in_s = SWEEP_S - since_s if self._untidy else None
                if not wanted and tidy_in_s is not None and tidy_in_s <= 0:
                    return []
                self._wake.wait(due_in_s if wanted else tidy_in_s)

    def _take_rows(self) -> list[_Row]:
        taken: list[_Row] = []
        operations = size = 0
        while self._rows and operations < BATCH_OPERATIONS and size < BATCH_BYTES:
            row = self._rows.popleft()
            taken.append(row)
            operations += row.decoded.operation_count if row.decoded else BATCH_OPERATIONS // 100
            size += max(row.memory_bytes, row.stored_bytes)
        self._decoded_bytes -= sum(row.memory_bytes for row in taken)
        self._last_flush = time.monotonic()
        return taken

    def _flush_until_done(self, rows: list[_Row]) -> None:
        pause_s = BACKOFF_S
        while True:
            try:
                self._flush(rows, first_try=pause_s == BACKOFF_S)
            except StoreError as error:
                self.counters.ledger_failures += 1
                self._failing = True
                log.warning("the ledger could not take a flush, trying again in %.1f s: %s", pause_s, error)
                if not self._pause(pause_s):
                    return
                pause_s = min(pause_s * 2, BACKOFF_MAX_S)
                continue
            except Exception:  # one body's content must not stop the others
                log.exception("a flush of %d bodies failed", len(rows))
                self._forget_unwritten()
                if len(rows) > 1:
                    for row in rows:
                        self._flush_until_done([row])
                    return
                self._drop(rows)
            self._failing = False
            self._done(rows)
            return

    def _pause(self, pause_s: float) -> bool:
        """False when the server stops and has waited long enough."""
        until = time.monotonic() + pause_s
        with self._wake:
            while (left_s := until - time.monotonic()) > 0:
                if self._stop_at is not None and time.monotonic() >= self._stop_at:
                    return False
                self._wake.wait(min(left_s, 0.2) if self._stop_at is not None else left_s)
        return True

    def _flush(self, rows: list[_Row], *, first_try: bool = True) -> None:
        self._forget_gone()
        operations, feedback = self._contents(rows)
        self._unwritten |= self._take(rows, operations)
        if first_try:  # on the next one, all of it is there already
            self.counters.duplicates += self.fold.duplicates
            self.counters.rejected += self.fold.foreign
        self.fold.duplicates = self.fold.foreign = 0
        changes = self._settle_unwritten()
        self._release(rows, feedback)
        for change in changes:
            if change.trace.trace_id in self.fold.traces:
                self._publish(change)
        self._unwritten.clear()
        self.counters.flushes += 1
        self.counters.traces_left += self.fold.shrink(self._clock_us())

    def _take(self, rows: list[_Row], operations: list[Operation]) -> set[str]:
        """Merge the operations with what is known of their traces; answers the traces that changed."""
        if self._shared is not None:
            self._journal.begin_flush(rows[-1].row_id if rows else 0, []).result()
            return self._shared.take(self.fold, operations, self._clock_us())
        found = self.fold.find(operations)
        self._restore(rows, operations, found)
        return self.fold.take(zip(operations, found, strict=True), self._clock_us())

    def _settle_unwritten(self) -> list[Changes]:
        changes = [self._settle_one(trace_id) for trace_id in self._unwritten if trace_id in self.fold.traces]
        self._write(changes)
        if self._shared is None:
            return changes
        written = {change.trace.trace_id: change for change in changes}
        moved = set(written)
        for _ in range(MAX_ROUNDS):
            moved = self._shared.moved_elsewhere(self.fold, moved, self._clock_us())
            if not moved:
                break
            again = [self._settle_one(trace_id) for trace_id in moved]
            self._write(again)
            written |= {change.trace.trace_id: change for change in again}
        self._shared.look_again(moved)
        self._unwritten |= set(written)
        return list(written.values())

    def _publish(self, change: Changes) -> None:
        row = trace_row(change.trace) if self._live.is_watched else None
        if row is None:
            self._live.pass_over()
        else:
            self._live.publish({"type": "trace", "project": row["project"], "trace_id": row["trace_id"], "row": row})
        self.fold.hollow_out(change.trace, (settled.run.run_id for settled in change.runs))

    def _contents(self, rows: list[_Row]) -> tuple[list[Operation], list[Feedback]]:
        self._decode_again(rows)
        gone = self.deleted()
        operations: list[Operation] = []
        feedback: list[Feedback] = []
        for row in rows:
            if row.decoded is None:
                continue
            decoded = row.decoded.unpack()
            operations += decoded.operations
            operations += self._attachments.as_operations(decoded, gone)
            feedback += decoded.feedback
        return self._without(gone, operations, feedback) if gone else (operations, feedback)

    def _without(
        self, gone: Collection[str], operations: list[Operation], feedback: list[Feedback]
    ) -> tuple[list[Operation], list[Feedback]]:
        self.fold.forget_waiting(lambda operation: is_about(operation, gone))
        kept = [operation for operation in operations if not is_about(operation, gone)]
        self.counters.deleted += len(operations) - len(kept)
        return kept, [given for given in feedback if given.body.get("run_id") not in gone]

    def _decode_again(self, rows: list[_Row]) -> None:
        missing = {row.row_id: row for row in rows if row.decoded is None}
        if not missing:
            return
        for row_id, entry in self._journal.read(list(missing)).result():
            try:
                missing[row_id].decoded = decode(entry, self._settings.body_max_bytes)
            except (BodyError, ValueError) as error:
                self.counters.dropped += 1
                missing[row_id].decoded = Decoded()
                log.error("journal row %d can no longer be read and is dropped: %s", row_id, error)

    def _restore(self, rows: list[_Row], operations: list[Operation], found: list[str | None]) -> None:
        """Take back from the ledger what it has, or may have, of the traces that move."""
        self.fold.reopen(operations)
        absent = self.fold.absent(found)
        upto_row = rows[-1].row_id if rows else 0
        known = self._journal.begin_flush(upto_row, absent).result()
        # An earlier process may have written these rows and died before it could say so.
        attempted = self._journal.backlog.attempted
        if rows and rows[0].row_id <= attempted:
            known |= set(absent)
        for trace_id in known:
            runs, refs = self._ledger.read_trace(trace_id), self._ledger.read_charge_keys(trace_id)
            if runs or refs:
                self.fold.restore(trace_id, runs, refs)
                self.counters.traces_restored += 1

    def _settle_one(self, trace_id: str) -> Changes:
        trace = self.fold.traces[trace_id]
        return settle_trace(trace, self._pricer, self.counters, self._settle, self.mask, self.estimator)

    def _write(self, changes: list[Changes]) -> None:
        try:
            self._write_together(changes)
        except StoreError:
            raise
        except Exception:  # one trace's content must not stop the others
            log.exception("a write of %d traces failed; each is tried alone", len(changes))
            for change in changes:
                self._write_alone(change)

    def _write_together(self, changes: list[Changes]) -> None:
        runs = [run for change in changes for run in change.runs]
        charges = [charge for change in changes for charge in change.charges]
        gone = [ref for change in changes for ref in change.gone]
        if runs or charges or gone:
            for name in {settled.run.project for settled in runs}:
                self._control.ensure_project(name, self._clock_us())
            moving = {change.trace.trace_id for change in changes}
            self._ledger.write(runs, charges, gone, self._shared.evidence(moving) if self._shared else None)
        for change in changes:
            change.confirm()
            self.observe(change.trace, change.charges)
        self.counters.runs_written += len(runs)
        self.counters.charges_written += len(charges)

    def _write_alone(self, change: Changes) -> None:
        try:
            self._write_together([change])
        except StoreError:
            raise
        except Exception:  # accepted, then lost: counted
            self.counters.dropped += 1
            self.fold.forget(change.trace.trace_id)
            log.exception("trace %s cannot be stored and is dropped", change.trace.trace_id)

    def _release(self, rows: list[_Row], feedback: list[Feedback]) -> None:
        waiting = {run_id: len(operations) for run_id, operations in self.fold.waiting.items()}
        release = Release(
            rows=[(row.row_id, row.stored_bytes) for row in rows],
            traces=list(self._unwritten),
            park={
                run_id: dump_operations(self.fold.waiting[run_id])
                for run_id, count in waiting.items()
                if self._parked.get(run_id) != count
            },
            unpark=[run_id for run_id in self._parked if run_id not in waiting],
            feedback=[(given.feedback_id, given.received_us, dump_feedback(given)) for given in feedback],
        )
        self._journal.release(release).result()
        self._parked = waiting

    def _done(self, rows: list[_Row]) -> None:
        with self._wake:
            if rows:
                self._done_row = max(self._done_row, rows[-1].row_id)
            self._oldest_s = self._rows[0].since_s if self._rows else None
            ready = [waiter for row_id, waiter in self._waiters if row_id <= self._done_row]
            self._waiters = [(row_id, waiter) for row_id, waiter in self._waiters if row_id > self._done_row]
        for waiter in ready:
            if waiter.set_running_or_notify_cancel():
                waiter.set_result(None)

    def _drop(self, rows: list[_Row]) -> None:
        self.counters.dropped += sum(row.decoded.operation_count if row.decoded else 1 for row in rows)
        self._journal.release(Release(rows=[(row.row_id, row.stored_bytes) for row in rows])).result()

    def _forget_gone(self) -> None:
        with self._wake:
            gone, self._gone = self._gone, []
        if gone:
            for trace in list(self.fold.traces.values()):
                if any(is_gone(trace.trace_id, trace.project()) for is_gone in gone):
                    self.fold.forget(trace.trace_id)
                    self._unwritten.discard(trace.trace_id)

    def _forget_unwritten(self) -> None:
        for trace_id in self._unwritten:
            self.fold.forget(trace_id)
        self._unwritten.clear()

    def _project_name(self, project_id: str) -> str | None:
        return next((p.name for p in self._control.projects() if p.project_id == project_id), None)
