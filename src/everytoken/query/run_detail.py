"""One run's payload, read when someone looks at it."""

from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.query.rows import RunDetail
from everytoken.store.columns import load
from everytoken.store.ledger import Ledger


def read_run(ledger: Ledger, trace_id: str, run_id: str, project: str | None = None) -> RunDetail:
    """What the run carried.

    Raises:
        NotFoundError: no such run in that trace.
    """
    rows = ledger.select(
        "run_detail",
        trace_id=as_uuid(trace_id, field="path.trace_id"),
        run_id=as_uuid(run_id, field="path.run_id"),
        project=project,
    )
    if not rows:
        raise NotFoundError(f"no run {run_id} in trace {trace_id}", field="path.run_id")
    row = rows[0]
    return RunDetail(
        run_id=str(row["run_id"]),
        trace_id=str(row["trace_id"]),
        inputs=load(row["inputs"]),
        outputs=load(row["outputs"]),
        metadata=load(row["metadata"]) or {},
        extra=load(row["extra"]) or {},
        events=load(row["events"]) or [],
        error=row["error"],
        tags=list(row["tags"]),
    )
