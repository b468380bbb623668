"""Which runs of one trace hold a text: in their name, error, inputs or outputs."""

from dataclasses import dataclass

import orjson

from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.store.ledger import Ledger

MAX_FOUND = 10_000  # as many as the page lists


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRuns:
    """In no order: the reader has the order of the tree."""

    run_ids: list[str]
    truncated: bool = False


def search_trace(ledger: Ledger, trace_id: str, text: str, project: str | None = None) -> FoundRuns:
    """Runs that hold `text`, whatever its case. Models are not looked at: the reader knows those of each run.

    Raises:
        NotFoundError: no run of that trace is stored.
    """
    place = ledger.find_trace(as_uuid(trace_id, field="path.trace_id"), project)
    if place is None:
        raise NotFoundError(f"no trace {trace_id}", field="path.trace_id")
    escaped = orjson.dumps(text)[1:-1].decode()
    rows = ledger.select("trace_search", **place.params(), text=text, escaped=escaped, limit=MAX_FOUND + 1)
    found = [str(row["run_id"]) for row in rows]
    return FoundRuns(run_ids=found[:MAX_FOUND], truncated=len(found) > MAX_FOUND)
