"""One trace in memory, and its runs: operations merged whatever order they came in, and what they amount to."""

from collections.abc import Iterable

from everytoken.core.charge import Charge, Evidence
from everytoken.core.run import Run, without_payload
from everytoken.ingest.merge import Place, build_run, merge, order_of, parent_of
from everytoken.store.rows import ChargeRef, SettledRun
from everytoken.wire.operations import Operation, RunFields
from everytoken.wire.times import write_segment

HOLLOW_BYTES = 512
"""What is counted for a run without its payload: mostly its metadata."""
MAX_OPERATIONS = 8
"""Operations of one run kept apart, so that a late one finds its place; beyond it the oldest updates become one."""
MAX_DEPTH = 200
"""Ancestors in a derived `dotted_order`; deeper runs are ordered among themselves only."""


class RunFold:
    """One run in memory: its operations, and what they last amounted to."""

    __slots__ = ("evidence", "hollow", "operations", "place", "run", "run_id", "written")

    def __init__(self, run_id: str, place: Place) -> None:
        self.run_id = run_id
        self.place = place
        self.operations: list[Operation] = []
        self.run: Run | None = None
        self.evidence: tuple[Evidence, ...] | None = None
        self.written: SettledRun | None = None
        """As the ledger has it; `None` when it has to be written."""
        self.hollow = False
        """Its payload is only in the ledger: it takes operations again once it is read back."""

    def hollow_out(self) -> bool:
        """Drop the payload of a run that has ended and is written; what settlement needs of it stays.

        Not while its create is missing: it is on its way, and would have to meet what the ledger has.
        """
        run, written = self.run, self.written
        if run is None or written is None or run.end_us is None or self.evidence is None or run.is_root:
            return False
        if not any(operation.kind == "post" for operation in self.operations):
            return False
        self.run = without_payload(run)
        self.written = SettledRun(self.run, written.node, written.is_node)
        self.operations = []
        self.hollow = True
        return True

    def add(self, operation: Operation) -> bool:
        """Whether it says anything new."""
        if not self.operations:
            self.operations.append(operation)
            return True
        last = max((o for o in self.operations if o.kind == operation.kind), key=lambda o: o.order, default=None)
        if last is not None and last.body == operation.body:
            if operation.order > last.order:  # said again later: it overwrites what may still come in between
                self.operations[self.operations.index(last)] = operation
            return False
        if any(o.order == operation.order for o in self.operations):
            return False
        self.operations.append(operation)
        if len(self.operations) > MAX_OPERATIONS:
            self.operations.sort(key=lambda o: o.order)
            first, second = self.operations[0], self.operations[1]
            joined = Operation(
                second.kind, self.run_id, merge((first, second)), second.received_us, second.index, second.size_bytes
            )
            self.operations[:2] = [joined]
        return True


class TraceFold:
    """One trace in memory."""

    __slots__ = (
        "aliases", "charges", "counted", "derived", "dirty", "refs", "runs", "size_bytes", "touched_us", "trace_id",
    )  # fmt: skip

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        self.runs: dict[str, RunFold] = {}
        self.aliases: dict[str, str] = {}
        """What children of a span call their parent → the run it became."""
        self.dirty: set[str] = set()
        """Runs whose operations changed since they were last built."""
        self.derived: set[str] = set()
        """Runs whose `dotted_order` is made from their ancestors: built again when a run joins."""
        self.charges: dict[str, tuple[Charge, Charge]] = {}
        """Charge key → the charge as settled, and as priced."""
        self.refs: set[ChargeRef] = set()
        """Every charge that the ledger has, or may have after a write that failed."""
        self.counted: set[str] = set()
        """Keys of the charges that the metrics have counted, and ids of the runs that told what was lost."""
        self.touched_us = 0
        self.size_bytes = 0

    def build(self) -> None:
        """Bring the runs up to date with their operations."""
        if any(self.runs[run_id].run is None for run_id in self.dirty):
            self.dirty |= self.derived
        for run_id in self.dirty:
            fold = self.runs[run_id]
            fields = self._fields(fold)
            derived = None if self._order_holds(run_id, fields) else self._derive_order(run_id)
            if derived is not None:
                self.derived.add(run_id)
            else:
                self.derived.discard(run_id)
            built = build_run(run_id, self.trace_id, fold.place, fields, derived)
            if built != fold.run:
                fold.run, fold.evidence, fold.written = built, None, None
        self.dirty.clear()

    def _fields(self, fold: RunFold) -> RunFields:
        fields = merge(fold.operations)
        parent = self.aliases.get(fields.get("parent_run_id", ""))
        return fields if parent is None else {**fields, "parent_run_id": parent}

    def _order_holds(self, run_id: str, fields: RunFields) -> bool:
        order = order_of(run_id, fields)
        if order is None or order.trace_id != self.trace_id:
            return False
        parent = fields.get("parent_run_id")
        return parent is None or parent == order.parent_run_id

    def _derive_order(self, run_id: str) -> str:
        """From the ancestors that are here, up to one whose own order holds."""
        segments: list[str] = []
        at: str | None = run_id
        passed = set()
        while at is not None and at not in passed and len(segments) < MAX_DEPTH:
            passed.add(at)
            fold = self.runs.get(at)
            if fold is None:
                break
            if fold.hollow and fold.run is not None:
                segments.append(fold.run.dotted_order)
                break
            fields = self._fields(fold)
            if at != run_id and self._order_holds(at, fields):
                segments.append(fields["dotted_order"])
                break
            segments.append(write_segment(fold.place.start_us, at))
            at = None if fold.place.is_root else parent_of(fields, order_of(at, fields))
        return ".".join(reversed(segments))

    def hollow_out(self, run_ids: Iterable[str]) -> int:
        """Drop what the ledger has of ended runs; answers the bytes that were freed."""
        freed = 0
        for run_id in run_ids:
            fold = self.runs[run_id]
            size = sum(operation.size_bytes for operation in fold.operations)
            if run_id not in self.derived and fold.hollow_out():
                freed += size - HOLLOW_BYTES
        self.size_bytes -= freed
        return freed

    def has_ended(self) -> bool:
        """Whether its root and all other runs that are known have ended and are in the ledger."""
        folds = self.runs.values()
        return self.trace_id in self.runs and all(
            fold.written is not None and fold.written.run.end_us is not None for fold in folds
        )

    def project(self) -> str | None:
        """The project of the root, else of any run: what a run that names none belongs to."""
        root = self.runs.get(self.trace_id) or next(iter(self.runs.values()), None)
        return root.place.project if root else None
