"""One run's payload, read when someone looks at it."""

from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.query.trace_rows import RunDetail
from everytoken.store.columns import known, load
from everytoken.store.ledger import Ledger


def read_run(ledger: Ledger, trace_id: str, run_id: str, project: str | None = None) -> RunDetail:
    """What the run carried.

    Raises:
        NotFoundError: no such run in that trace.
    """
    place = ledger.find_trace(as_uuid(trace_id, field="path.trace_id"), project)
    wanted = as_uuid(run_id, field="path.run_id")
    rows = ledger.select("run_detail", **place.params(), run_id=wanted) if place else []
    if not rows:
        raise NotFoundError(f"no run {run_id} in trace {trace_id}", field="path.run_id")
    row = rows[0]
    return RunDetail(
        run_id=str(row["run_id"]),
        trace_id=str(row["trace_id"]),
        inputs=load(known(row, "inputs")),
        outputs=load(known(row, "outputs")),
        metadata=load(known(row, "metadata")) or {},
        extra=load(known(row, "extra")) or {},
        events=load(known(row, "events")) or [],
        error=known(row, "error"),
        tags=list(known(row, "tags") or ()),
    )
