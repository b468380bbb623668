"""The executions of one node that one looks at first: the slowest, the dearest, the failed."""

from dataclasses import dataclass
from typing import Any

from everytoken.query.projects import known_project
from everytoken.query.rows import Totals
from everytoken.query.totals import ms, sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.columns import known
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """One execution of a node."""

    trace_id: str
    run_id: str
    start_us: int
    duration_ms: float | None
    status: str
    error: str | None
    """Its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpend(Totals):
    """What one trace spent in a node, over all its executions."""

    trace_id: str
    run_id: str
    """The run of the dearest call."""
    start_us: int
    """Start of the first call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRuns:
    project: str
    node: str
    slowest: list[NodeRun]
    dearest: list[NodeSpend]
    failed: list[NodeRun]
    """The latest first."""


def list_worst(ledger: Ledger, control: Control, project: str, node: str, window: Window, *, limit: int) -> WorstRuns:
    """Nothing of each where the node did not run in the window."""
    known_project(control, project)
    params = {"project": project, "node": node, "limit": limit, **window.params()}
    return WorstRuns(
        project=project,
        node=node,
        slowest=[_run(row) for row in ledger.select("node_worst_runs", by="duration", **params)],
        dearest=[
            NodeSpend(
                trace_id=str(row["trace_id"]),
                run_id=str(row["dearest_run_id"]),
                start_us=row["start_us"],
                **total_fields(sums_of_row(row)),
            )
            for row in ledger.select("node_dearest_traces", **params)
        ],
        failed=[_run(row) for row in ledger.select("node_worst_runs", by="errors", **params)],
    )


def _run(row: dict[str, Any]) -> NodeRun:
    start_us, end_us = row["start_us"], known(row, "end_us")
    return NodeRun(
        trace_id=str(row["trace_id"]),
        run_id=str(row["run_id"]),
        start_us=start_us,
        duration_ms=None if end_us is None else ms(max(end_us - start_us, 0)),
        status=known(row, "status") or "pending",
        error=row["error_head"] or None,
    )
