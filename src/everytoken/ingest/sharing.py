"""Traces of which several servers receive parts: each settles what all of them know. See docs/adr/0004-cluster.md.

What a server receives it first adds to the operations that all servers read, then it reads what the others added, and
only then settles. Of two that do so at once at least one therefore sees both parts, and what saw more wins.
"""

import itertools
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from everytoken.ingest.fold import DEFAULT_PROJECT, RECHECKED, Fold
from everytoken.ingest.masking import Mask
from everytoken.ingest.masking_operations import masked
from everytoken.ingest.parked import dump_operations, load_operations
from everytoken.ingest.ports import LedgerPort
from everytoken.store.evidence import count_in
from everytoken.store.operations import OperationKey, StoredOperation
from everytoken.wire.operations import Operation
from everytoken.wire.times import DottedOrder

YOUNG_US = 12 * 3_600 * 1_000_000
"""A trace that began within this has all of its operations in the log, which keeps them for a day. Of an older one the
runs are read back from the ledger too."""
MAX_ROUNDS = 5
"""How often one flush settles a trace again because another server wrote to it meanwhile; the next flush goes on."""

Placed = tuple[Operation, str]


@dataclass(slots=True)
class _Known:
    """What the present state of a trace was made of."""

    base: int = 0
    """Operations behind what was read back from the ledger."""
    keys: set[OperationKey] = field(default_factory=set)


class SharedTraces:
    """The traces in memory, kept together with what other servers receive of them. Used by the flusher's thread."""

    def __init__(self, ledger: LedgerPort, mask: Callable[[], Mask | None] = lambda: None) -> None:
        """`mask` is what content goes through before other servers see it."""
        self._mask = mask
        self._ledger = ledger
        self._log = ledger.operations
        self._writer = uuid.uuid4().hex
        """This process. What an earlier one added counts as another server's: it is not in memory."""
        self._known: dict[str, _Known] = {}
        self._again: set[str] = set()
        """Traces that another server may have written to since they were last settled here."""
        self.rebuilt = 0

    def locate(self, run_id: str) -> tuple[str, str] | None:
        """Project and trace of a run that the ledger has, or that a server has received; the project may be ''."""
        found = self._ledger.locate_run(run_id)
        if found is None and (place := self._log.places([run_id]).get(run_id)) is not None:
            return "", place
        return found

    def take(self, fold: Fold, operations: Sequence[Operation], now_us: int) -> set[str]:
        """Merge what was received, here and elsewhere; answers the traces that changed.

        Raises:
            StoreUnavailableError: the ledger is away; the same again later loses nothing.
        """
        self._known = {trace_id: known for trace_id, known in self._known.items() if trace_id in fold.traces}
        fold.reopen(operations)
        found = fold.find(operations)
        waiting = self._waiting(fold)
        placed = [(o, trace) for o, trace in zip(operations, found, strict=True) if trace is not None]
        self._add(fold, [*placed, *waiting])
        moving = {trace_id for _, trace_id in (*placed, *waiting)} | self._again
        touched = self._gather(fold, moving, [*placed, *waiting], now_us)
        self._again = set()
        rest = [(o, t) for o, t in zip(operations, found, strict=True) if t is None or t not in touched]
        for operation, trace_id in (*rest, *waiting):
            if trace_id is not None:
                self._known.setdefault(trace_id, _Known()).keys.add(_key(operation))
        return touched | fold.take([*rest, *(pair for pair in waiting if pair[1] not in touched)], now_us)

    def moved_elsewhere(self, fold: Fold, trace_ids: Collection[str], now_us: int) -> set[str]:
        """Read again what other servers received of traces that were just written; answers those that changed.

        A server that added its part before this one looked is seen here; one that adds it later sees what was written.
        """
        return self._gather(fold, {trace_id for trace_id in trace_ids if trace_id in fold.traces}, [], now_us)

    def look_again(self, trace_ids: Iterable[str]) -> None:
        """In the next flush, even when nothing comes of them."""
        self._again |= set(trace_ids)

    @property
    def is_due(self) -> bool:
        return bool(self._again)

    def evidence(self, trace_ids: Iterable[str]) -> dict[str, int]:
        """How many operations each trace was settled from."""
        known = {trace_id: self._known.get(trace_id, _Known()) for trace_id in trace_ids}
        return {trace_id: held.base + len(held.keys) for trace_id, held in known.items()}

    def _waiting(self, fold: Fold) -> list[Placed]:
        """Operations that wait here for the rest of their run, as far as their trace is known to anyone."""
        oldest = list(itertools.islice(fold.waiting.items(), RECHECKED))
        told = {
            run_id: next((t for o in operations if (t := fold.trace_id(o)) is not None), None)
            for run_id, operations in oldest
        }
        unknown = [run_id for run_id, trace_id in told.items() if trace_id is None]
        places = self._log.places(unknown) if unknown else {}
        return [
            (operation, trace_id)
            for run_id, operations in oldest
            if (trace_id := told[run_id] or places.get(run_id)) is not None
            for operation in operations
        ]

    def _add(self, fold: Fold, placed: Iterable[Placed]) -> None:
        """Let all servers see what this one received."""
        fresh = [
            (operation, trace_id, key)
            for operation, trace_id in placed
            if (key := _key(operation)) not in self._known.get(trace_id, _Known()).keys
        ]
        if not fresh:
            return
        mask = self._mask()
        projects = {} if mask is None else self._projects(fold, [(operation, trace) for operation, trace, _ in fresh])
        self._log.add(
            [
                StoredOperation(
                    trace_id,
                    key,
                    dump_operations([operation if mask is None else masked(operation, mask, projects[trace_id])]),
                )
                for operation, trace_id, key in fresh
            ],
            self._writer,
        )

    def _projects(self, fold: Fold, placed: Sequence[Placed]) -> dict[str, str]:
        """By trace, the project whose masks hold: what its runs say, here or where they were received."""
        found: dict[str, str] = {}
        for operation, trace_id in placed:
            trace = fold.traces.get(trace_id)
            named = fold.project_of(operation.body) or (trace.project() if trace else None)
            if named and trace_id not in found:
                found[trace_id] = named
        unknown = {trace_id for _, trace_id in placed} - found.keys()
        for trace_id, operations in (self._log.read(unknown) if unknown else {}).items():
            loaded = (fold.project_of(load_operations(operation.body)[0].body) for operation in operations)
            found[trace_id] = next(filter(None, loaded), DEFAULT_PROJECT)
        return {**dict.fromkeys(unknown, DEFAULT_PROJECT), **found}

    def _gather(self, fold: Fold, moving: set[str], placed: Sequence[Placed], now_us: int) -> set[str]:
        """Build the traces anew of which the log holds more than memory and `placed` do."""
        if not moving:
            return set()
        opened = {trace_id for trace_id in moving if trace_id not in fold.traces}
        here: dict[str, set[OperationKey]] = {}
        for operation, trace_id in placed:
            here.setdefault(trace_id, set()).add(_key(operation))
        stored = self._log.keys(moving, writer=self._writer, whole=opened)
        news = {
            trace_id
            for trace_id in moving
            if stored.get(trace_id, set())
            - here.get(trace_id, set())
            - (self._known[trace_id].keys if trace_id in self._known else set())
        }
        aged = self._aged(opened, placed, now_us)
        return self._rebuild(fold, news | aged, now_us)

    def _aged(self, opened: set[str], placed: Sequence[Placed], now_us: int) -> set[str]:
        """Traces that may be older than the log, and that the ledger has runs of."""
        young = {
            trace_id
            for operation, trace_id in placed
            if (began_us := _began_us(operation, trace_id)) is not None and now_us - began_us < YOUNG_US
        }
        doubtful = opened - young
        return set(self._log.versions(doubtful)) if doubtful else set()

    def _rebuild(self, fold: Fold, trace_ids: set[str], now_us: int) -> set[str]:
        if not trace_ids:
            return set()
        operations = self._log.read(trace_ids)
        refs = self._log.charge_keys(trace_ids)
        versions = self._log.versions(trace_ids)
        told = {
            trace_id: {operation.key.run_id for operation in operations.get(trace_id, [])} for trace_id in trace_ids
        }
        runs = {
            trace_id: [run for run in self._ledger.read_trace(trace_id) if run.run_id not in told[trace_id]]
            for trace_id in versions
        }
        # From here on nothing asks a store: a trace is built anew whole, or stays as it was.
        duplicates, touched = fold.duplicates, set()
        for trace_id in trace_ids:
            known = self._known.pop(trace_id, _Known())
            fold.forget(trace_id)
            stored = operations.get(trace_id, [])
            kept = runs.get(trace_id, [])
            base = max(known.base, count_in(versions.get(trace_id, 0))) if kept else known.base
            self._known[trace_id] = _Known(base, {operation.key for operation in stored})
            fold.restore(trace_id, kept, refs.get(trace_id, []))
            loaded = sorted((load_operations(operation.body)[0] for operation in stored), key=lambda o: o.order)
            touched |= fold.take([(operation, trace_id) for operation in loaded], now_us)
            if not fold.traces[trace_id].runs:  # all of them still wait for the rest of themselves
                fold.forget(trace_id)
            else:
                touched.add(trace_id)
            self.rebuilt += 1
        fold.duplicates = duplicates
        return {trace_id for trace_id in touched if trace_id in fold.traces}


def _key(operation: Operation) -> OperationKey:
    digest = int.from_bytes(blake2b(dump_operations([operation]), digest_size=8).digest(), "big")
    return OperationKey(operation.run_id, operation.kind, operation.received_us, operation.index, digest)


def _began_us(operation: Operation, trace_id: str) -> int | None:
    """The start of the trace, as far as one of its operations tells."""
    order = operation.body.get("dotted_order", "").partition(".")[0]
    if order:
        try:
            return DottedOrder(order).start_us
        except ValueError:
            return None
    return operation.body.get("start_us") if operation.run_id == trace_id else None
