"""What servers that share a ledger tell each other of a trace: the operations that each of them received."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from everytoken.store.rows import ChargeRef, charge_ref

PAGE = 50_000
"""Rows of one answer; a larger trace takes several."""
DELETED = 10_000
"""Traces of one deletion, whose ids travel with it."""
NIL = "00000000-0000-0000-0000-000000000000"
LEAST_US = -(2**63)

Select = Callable[..., list[dict[str, Any]]]
Insert = Callable[[str, pa.Table], None]


@dataclass(frozen=True, slots=True, order=True)
class OperationKey:
    """One operation, the same for whoever reads it."""

    run_id: str
    kind: str
    received_us: int
    part: int
    """Position in the body it came in."""
    digest: int
    """Of its content: two servers may receive in the same microsecond."""


@dataclass(frozen=True, slots=True)
class StoredOperation:
    trace_id: str
    key: OperationKey
    body: bytes


class OperationLog:
    """The operations of the last day, by trace."""

    def __init__(self, select: Select, insert: Insert) -> None:
        self._select = select
        self._insert = insert

    def add(self, operations: Sequence[StoredOperation], writer: str) -> None:
        """Visible to all servers when it returns; adding one again changes nothing."""
        keys = [operation.key for operation in operations]
        columns = {
            "trace_id": pa.array([operation.trace_id for operation in operations], pa.string()),
            "run_id": pa.array([key.run_id for key in keys], pa.string()),
            "kind": pa.array([key.kind for key in keys], pa.string()),
            "received_us": pa.array([key.received_us for key in keys], pa.int64()),
            "part": pa.array([key.part for key in keys], pa.uint32()),
            "digest": pa.array([key.digest for key in keys], pa.uint64()),
            "writer": pa.array([writer] * len(keys), pa.string()),
            "body": pa.array([operation.body.decode() for operation in operations], pa.string()),
        }
        self._insert("operations", pa.table(columns))

    def keys(self, trace_ids: Iterable[str], *, writer: str, whole: Iterable[str] = ()) -> dict[str, set[OperationKey]]:
        """By trace, what others than `writer` added; of the traces in `whole`, what it added too."""
        found: dict[str, set[OperationKey]] = {}
        wanted = {"trace_ids": list(trace_ids), "whole": list(whole), "writer": writer}
        for row in self._pages("operation_keys", wanted):
            found.setdefault(str(row["trace_id"]), set()).add(_key(row))
        return found

    def read(self, trace_ids: Iterable[str]) -> dict[str, list[StoredOperation]]:
        """All operations of these traces."""
        found: dict[str, list[StoredOperation]] = {}
        for row in self._pages("operation_rows", {"trace_ids": list(trace_ids)}):
            trace_id = str(row["trace_id"])
            found.setdefault(trace_id, []).append(StoredOperation(trace_id, _key(row), row["body"].encode()))
        return found

    def places(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Run → trace, of runs that some operation is about."""
        rows = self._select("operation_places", run_ids=list(run_ids))
        return {str(row["run_id"]): str(row["trace_id"]) for row in rows}

    def traces_of(self, project: str, trace_ids: Sequence[str] = ()) -> Iterator[list[str]]:
        """Traces with operations here and runs in a project, `DELETED` at a time; only of those given, if some are.

        Their ids are read, and not left to the deletion to find: a replicated table refuses a change with a subquery.
        """
        wanted = {"project": project, "trace_ids": list(trace_ids), "limit": DELETED}
        some, after = [NIL], NIL
        while some:
            some = [str(row["trace_id"]) for row in self._select("operations_of", **wanted, after=after)]
            if some:
                after = some[-1]
                yield some

    def charge_keys(self, trace_ids: Iterable[str]) -> dict[str, list[ChargeRef]]:
        """By trace, the charges that the ledger has now."""
        found: dict[str, list[ChargeRef]] = {}
        after: dict[str, Any] = {"after_trace": NIL, "after_project": "", "after_key": "", "after_us": LEAST_US}
        wanted = list(trace_ids)
        while True:
            rows = self._select("charge_keys_of", trace_ids=wanted, limit=PAGE, **after)
            for row in rows:
                ref = charge_ref(row)
                found.setdefault(ref.trace_id, []).append(ref)
            if len(rows) < PAGE:
                return found
            after = {
                "after_trace": ref.trace_id,
                "after_project": ref.project,
                "after_key": ref.charge_key,
                "after_us": ref.started_us,
            }

    def versions(self, trace_ids: Iterable[str]) -> dict[str, int]:
        """By trace, the highest version of its runs; a trace without runs is left out."""
        rows = self._select("trace_versions", trace_ids=list(trace_ids))
        return {str(row["trace_id"]): row["version"] for row in rows}

    def _pages(self, name: str, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        after: dict[str, Any] = {
            "after_trace": NIL, "after_run": NIL, "after_kind": "", "after_us": LEAST_US, "after_part": 0,
            "after_digest": 0,
        }  # fmt: skip
        while True:
            rows = self._select(name, **wanted, **after, limit=PAGE)
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1]
            after = {
                "after_trace": last["trace_id"], "after_run": last["run_id"], "after_kind": last["kind"],
                "after_us": last["received_us"], "after_part": last["part"], "after_digest": last["digest"],
            }  # fmt: skip


def _key(row: Mapping[str, Any]) -> OperationKey:
    return OperationKey(str(row["run_id"]), row["kind"], row["received_us"], row["part"], row["digest"])
