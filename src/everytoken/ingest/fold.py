"""The fold: operations gathered to runs and traces that are still moving, within a bound of runs and bytes."""

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from everytoken.core.run import Run
from everytoken.ingest.merge import (
    Place,
    merge,
    order_of,
    parent_of,
    restored,
    span_alias,
    start_of,
    trace_of,
)
from everytoken.ingest.restricting import may_touch
from everytoken.ingest.trace_fold import RunFold, TraceFold
from everytoken.store.rows import ChargeRef
from everytoken.wire.operations import Operation, RunFields

MAX_RUNS = 60_000
"""Runs in memory: at 5,000 runs/s those of the last twelve seconds."""
MAX_BYTES = 64 * 1024**2
"""JSON of what is in memory; as Python objects it takes about four times as much."""
REST_US = 30_000_000
"""A trace that has ended leaves after this when nothing else comes: the SDKs resend for about so long."""
MAX_IDLE_US = 600_000_000
"""A trace that has not moved for ten minutes leaves even when there is room."""
MAX_WAITING = 50_000
"""Runs that wait for the rest of themselves; beyond it the oldest are taken as they are."""
PATIENCE_US = 60_000_000
"""How long a run waits for its name, start, trace or project. The SDKs give up resending after about half a minute."""
RECHECKED = 200
"""Waiting runs, the oldest, looked at again in one flush."""
DEFAULT_PROJECT = "default"


class Fold:
    """All traces in memory, the one that moved last at the end. Used by one thread."""

    def __init__(
        self,
        *,
        project_name: Callable[[str], str | None],
        locate: Callable[[str], tuple[str, str] | None],
        max_runs: int = MAX_RUNS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """`project_name` maps a project's id to its name; `locate` finds project and trace of a stored run."""
        self.traces: OrderedDict[str, TraceFold] = OrderedDict()
        self.waiting: OrderedDict[str, list[Operation]] = OrderedDict()
        self.run_count = 0
        self.size_bytes = 0
        self.waiting_bytes = 0
        self.duplicates = 0
        self.foreign = 0
        """Operations that their sender's key may not make."""
        self._project_name = project_name
        self._locate = locate
        self._max_runs = max_runs
        self._max_bytes = max_bytes
        self._trace_by_run: dict[str, str] = {}

    def _place_at_once(self, operation: Operation, trace_id: str | None) -> RunFold | None:
        """The place of a posted run that says all that its place depends on, as nearly every one does.

        Not of one whose sender may not write everywhere: whether it may be there has to be seen first.
        """
        fields = operation.body
        if trace_id is None or operation.kind != "post" or not fields.get("name") or not fields.get("project"):
            return None
        order = order_of(operation.run_id, fields)
        start_us = start_of(fields, order)
        if start_us is None or operation.run_id in self.waiting or operation.allowed is not None:
            return None
        is_root = parent_of(fields, order) is None
        return self._place(self._open(trace_id), operation.run_id, Place(fields["project"], start_us, is_root))

    def trace_id(self, operation: Operation) -> str | None:
        """The trace an operation belongs to, as far as the operation and what is in memory tell."""
        known = self._trace_by_run.get(operation.run_id)
        if known is not None:
            return known
        fields = operation.body
        stated = fields.get("trace_id")
        if stated is not None:
            return stated
        order = order_of(operation.run_id, fields)
        found = trace_of(operation.run_id, fields, order, posted=operation.kind == "post")
        parent = parent_of(fields, order)
        return found or (self._trace_by_run.get(parent) if parent else None)

    def find(self, operations: Sequence[Operation]) -> list[str | None]:
        """As `trace_id` for each, and asks the ledger about runs that nothing in memory or in the batch places."""
        coming = {operation.run_id for operation in operations if operation.kind == "post"} | self.waiting.keys()
        found: list[str | None] = []
        for operation in operations:
            trace_id = self.trace_id(operation)
            if trace_id is None:
                mentioned = (operation.run_id, operation.body.get("parent_run_id"))
                unknown = [run_id for run_id in mentioned if run_id is not None and run_id not in coming]
                located = next((place for run_id in unknown if (place := self._locate(run_id))), None)
                trace_id = located[1] if located else None
            found.append(trace_id)
        return found

    def reopen(self, operations: Iterable[Operation]) -> None:
        """Let go of traces in which an operation meets a run whose payload only the ledger has."""
        for operation in operations:
            trace = self.traces.get(self._trace_by_run.get(operation.run_id, ""))
            if trace is not None and trace.runs[operation.run_id].hollow:
                self.forget(trace.trace_id)

    def hollow_out(self, trace: TraceFold, run_ids: Iterable[str]) -> None:
        """Drop what the ledger has of the trace's ended runs."""
        self.size_bytes -= trace.hollow_out(run_ids)

    def absent(self, found: Iterable[str | None]) -> list[str]:
        """Traces that the next `take` may open: they have to be restored first if the ledger knows them."""
        wanted = {trace_id for trace_id in found if trace_id is not None}
        for run_id, operations in itertools.islice(self.waiting.items(), RECHECKED):
            fields = merge(operations)
            order = order_of(run_id, fields)
            wanted.add(trace_of(run_id, fields, order, posted=False) or parent_of(fields, order) or run_id)
        return [trace_id for trace_id in wanted if trace_id not in self.traces]

    def restore(self, trace_id: str, runs: Iterable[Run], refs: Iterable[ChargeRef]) -> None:
        """Take back a trace that the ledger knows."""
        trace = self._open(trace_id)
        trace.refs.update(refs)
        trace.counted.update(ref.charge_key for ref in trace.refs if ref.has_ended)
        runs = list(runs)
        trace.counted.update(run.run_id for run in runs)
        for run in runs:
            if run.run_id in trace.runs:
                continue
            operation, place = restored(run)
            self._add(trace, self._place(trace, run.run_id, place), operation, {})

    def wait(self, operations: Iterable[Operation]) -> None:
        """Keep operations of runs that have no place yet."""
        for operation in operations:
            waiting = self.waiting.setdefault(operation.run_id, [])
            if all(known.order != operation.order for known in waiting):
                waiting.append(operation)
                self.waiting_bytes += operation.size_bytes

    def forget_waiting(self, is_gone: Callable[[Operation], bool]) -> None:
        """Let go of what waits and is about something that was deleted."""
        for run_id, operations in list(self.waiting.items()):
            if any(map(is_gone, operations)):
                self.waiting_bytes -= sum(operation.size_bytes for operation in self.waiting.pop(run_id))

    def take(self, operations: Iterable[tuple[Operation, str | None]], now_us: int) -> set[str]:
        """Merge operations with the trace that `find` gave; answers the ids of the traces that changed."""
        touched: dict[str, None] = {}
        for operation, trace_id in operations:
            operation = self._apart(operation)  # noqa: PLW2901 the same operation, on the run it belongs to
            placed_in = self._trace_by_run.get(operation.run_id)
            if placed_in is not None:
                trace = self.traces[placed_in]
                self._add(trace, trace.runs[operation.run_id], operation, touched)
            elif (fold := self._place_at_once(operation, trace_id)) is not None and trace_id is not None:
                self._add(self.traces[trace_id], fold, operation, touched)
            else:
                self.wait([operation])
                self._try_place(operation.run_id, trace_id, now_us, touched, more=True)
        placed = True
        while placed:  # a run that found its place may be the parent another one waits for
            waiting = len(self.waiting)
            for run_id in list(itertools.islice(self.waiting, RECHECKED)):
                self._try_place(run_id, None, now_us, touched)
            placed = len(self.waiting) < waiting
        while len(self.waiting) > MAX_WAITING or self.waiting_bytes > self._max_bytes // 4:
            self._try_place(next(iter(self.waiting)), None, now_us, touched, patient=False)
        for trace_id in touched:
            self.traces[trace_id].touched_us = now_us
            self.traces.move_to_end(trace_id)
        return set(touched)

    def shrink(self, now_us: int) -> int:
        """Let the oldest traces go that the ledger has; answers how many left."""
        left = 0
        while self.traces:
            trace = next(iter(self.traces.values()))
            full = self.run_count > self._max_runs or self.size_bytes > self._max_bytes
            if not full and now_us - trace.touched_us < MAX_IDLE_US:
                break
            self.forget(trace.trace_id)
            left += 1
        return left

    def sweep(self, now_us: int) -> int:
        """Let the traces go that have ended and come to rest; answers how many left."""
        over = [
            trace.trace_id
            for trace in self.traces.values()
            if now_us - trace.touched_us > MAX_IDLE_US or (now_us - trace.touched_us > REST_US and trace.has_ended())
        ]
        for trace_id in over:
            self.forget(trace_id)
        return len(over)

    def forget(self, trace_id: str) -> None:
        """Let one trace go."""
        trace = self.traces.pop(trace_id, None)
        if trace is None:
            return
        self.run_count -= len(trace.runs)
        self.size_bytes -= trace.size_bytes
        for run_id in trace.runs:
            self._trace_by_run.pop(run_id, None)

    def _open(self, trace_id: str) -> TraceFold:
        trace = self.traces.get(trace_id)
        if trace is None:
            trace = self.traces[trace_id] = TraceFold(trace_id)
        return trace

    def _place(self, trace: TraceFold, run_id: str, place: Place) -> RunFold:
        fold = trace.runs[run_id] = RunFold(run_id, place)
        self._trace_by_run[run_id] = trace.trace_id
        self.run_count += 1
        return fold

    def _add(self, trace: TraceFold, fold: RunFold, operation: Operation, touched: dict[str, None]) -> None:
        if not may_touch(operation, fold.place.project):
            self.foreign += 1
            return
        if not fold.add(operation):
            self.duplicates += 1
            return
        alias = span_alias(operation.body)
        if alias is not None and alias != fold.run_id:
            trace.aliases[alias] = fold.run_id
        trace.dirty.add(fold.run_id)
        trace.size_bytes += operation.size_bytes
        self.size_bytes += operation.size_bytes
        touched[trace.trace_id] = None

    def _apart(self, operation: Operation) -> Operation:
        """Two spans of one trace without a parent would be one run: the later one keeps an id of its own.

        It stands beside the root and not below it, where one model call would be taken for a part of the other.
        """
        trace = self.traces.get(operation.run_id)
        root = None if trace is None else trace.runs.get(operation.run_id)
        alias = span_alias(operation.body) if root is not None else None
        if root is None or alias is None or span_alias(merge(root.operations)) in (None, alias):
            return operation
        return replace(operation, run_id=alias)

    def _try_place(
        self,
        run_id: str,
        trace_id: str | None,
        now_us: int,
        touched: dict[str, None],
        *,
        patient: bool = True,
        more: bool = False,
    ) -> None:
        """Move a waiting run into its trace once its trace, project, name and start are known.

        What its post does not say, nothing will: `langsmith.AsyncClient` tells no start of a run. Except when there may
        be `more` of it among the operations that came together.
        """
        operations = self.waiting[run_id]
        patient = patient and now_us - operations[0].received_us < PATIENCE_US
        fields = merge(operations)
        order = order_of(run_id, fields)
        posted = any(o.kind == "post" for o in operations)
        parent = parent_of(fields, order)
        trace_id = (
            self._trace_by_run.get(run_id)
            or trace_id
            or trace_of(run_id, fields, order, posted=posted)
            or (self._trace_by_run.get(parent) if parent else None)
        )
        start_us = start_of(fields, order)
        if patient and (trace_id is None or ((more or not posted) and (start_us is None or not fields.get("name")))):
            return
        trace_id = trace_id or parent or run_id
        is_root = parent is None and (posted or run_id == trace_id)
        project = self._project(trace_id, fields, is_root=is_root, patient=patient)
        if project is None:
            return
        if self._is_foreign(operations, trace_id, project):
            self.foreign += len(self.waiting[run_id])
            self.waiting_bytes -= sum(operation.size_bytes for operation in self.waiting.pop(run_id))
            return
        trace = self._open(trace_id)
        fold = trace.runs.get(run_id) or self._place(
            trace, run_id, Place(project, operations[0].received_us if start_us is None else start_us, is_root)
        )
        del self.waiting[run_id]
        for operation in operations:
            self.waiting_bytes -= operation.size_bytes
            self._add(trace, fold, operation, touched)

    def _is_foreign(self, operations: Sequence[Operation], trace_id: str, project: str) -> bool:
        """Whether none of these may be where they say they belong: in another project, or in a trace of one."""
        trace = self.traces.get(trace_id)
        around = (trace.project() if trace else None) or project
        return not any(may_touch(one, project) and may_touch(one, around) for one in operations)

    def project_of(self, fields: RunFields) -> str | None:
        """The project that fields name, by its name or by its id."""
        return fields.get("project") or (self._project_name(fields["project_id"]) if "project_id" in fields else None)

    def _project(self, trace_id: str, fields: RunFields, *, is_root: bool, patient: bool) -> str | None:
        """By name, else by id, else that of the trace; `None` while it may still become known."""
        named = self.project_of(fields)
        if named:
            return named
        trace = self.traces.get(trace_id)
        inherited = None if trace is None else trace.project()
        if inherited is None and (is_root or not patient):
            return DEFAULT_PROJECT
        return inherited
