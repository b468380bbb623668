"""One trace as the page draws it: the shape that `core.trace` finds, in the API's units."""

from everytoken.core.lineage import THREAD_KEYS, USER_KEYS, first_text
from everytoken.core.run import Run
from everytoken.core.trace import RunShape, TraceShape, shape_trace
from everytoken.query.charges import charge_row
from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.query.totals import ms, total_fields, totals
from everytoken.query.trace_rows import Graph, GraphEdge, GraphNode, RunRow, TraceRow, TraceView
from everytoken.store.columns import known, read_charge, read_run
from everytoken.store.ledger import MAX_TRACE_RUNS, Ledger
from everytoken.store.together import together

MAX_RUNS_SHOWN = 10_000  # what the page promises to draw without a long pause
NO_PROOF = {"cost_lines": "", "raw_usage": "", "differences": ""}
"""What stands behind a charge is read for those that are shown; the sums of a trace do without."""


def read_trace(ledger: Ledger, trace_id: str, project: str | None = None, limit: int = MAX_RUNS_SHOWN) -> TraceView:
    """Runs in tree order with own and subtree numbers, the charges behind them, the graph and the critical path.

    Beyond `limit` runs, in tree order, their rows and charges are left out and counted; every sum and the graph are
    of the whole trace.

    Raises:
        NotFoundError: no run of that trace is stored.
    """
    wanted = as_uuid(trace_id, field="path.trace_id")
    place = ledger.find_trace(wanted, project)
    if place is None:
        raise NotFoundError(f"no trace {trace_id}", field="path.trace_id")
    found, charge_rows = together(
        lambda: ledger.select("trace_runs", **place.params(), limit=MAX_TRACE_RUNS),
        lambda: ledger.select("trace_charges", **place.params(), limit=MAX_TRACE_RUNS),
    )
    is_cut = len(found) > limit
    charges = [read_charge(row | NO_PROOF if is_cut else row) for row in charge_rows]
    shape = shape_trace([read_run(row) for row in found], charges, shown=limit)
    shown = shape.runs
    if is_cut:
        keys = {key for run in shown for key in run.charge_keys}
        charges = [read_charge(row) for row in charge_rows if row["charge_key"] in keys]
    head = shape.root or min((read_run(row) for row in found), key=lambda run: (run.start_us, run.run_id))
    previews = next((row for row in found if str(row["run_id"]) == head.run_id), found[0])
    return TraceView(
        trace=_trace(shape, head, known(previews, "input_preview") or "", known(previews, "output_preview") or ""),
        runs=[_run(run) for run in shown],
        charges=[charge_row(charge) for charge in charges[:MAX_RUNS_SHOWN]],
        graph=_graph(shape),
        critical_path=list(shape.critical_path),
        saved_ms=ms(shape.saved_us),
        truncated_runs=shape.run_count - len(shown),
    )


def _trace(shape: TraceShape, head: Run, input_preview: str, output_preview: str) -> TraceRow:
    """The row as a list has it: of the root or, where the root never came, of the earliest run."""
    return TraceRow(
        trace_id=head.trace_id,
        project=head.project,
        name=head.name,
        status=head.status,
        start_us=head.start_us,
        duration_ms=ms(head.duration_us),
        ttft_ms=ms(shape.ttft_us),
        runs=shape.run_count,
        models=list(shape.models),
        thread_id=first_text(head.metadata, THREAD_KEYS),
        user_id=first_text(head.metadata, USER_KEYS),
        tags=sorted(head.tags),
        input_preview=input_preview,
        output_preview=output_preview,
        error=head.error,
        rootless=shape.root is None,
        **total_fields(shape.totals),
    )


def _run(shape: RunShape) -> RunRow:
    run = shape.run
    return RunRow(
        run_id=run.run_id,
        parent_run_id=run.parent_run_id,
        depth=shape.depth,
        name=run.name,
        run_type=run.run_type,
        status=run.status,
        node=shape.node,
        is_node=shape.is_node,
        start_us=run.start_us,
        offset_ms=shape.offset_us / 1000,
        duration_ms=ms(shape.duration_us),
        ttft_ms=ms(shape.ttft_us),
        parallel=shape.parallel,
        critical=shape.critical,
        own=totals(shape.own),
        subtree=totals(shape.subtree),
        models=list(shape.models),
        charge_keys=list(shape.charge_keys),
        tags=list(run.tags),
        error=run.error,
        flags=list(shape.flags),
    )


def _graph(shape: TraceShape) -> Graph:
    return Graph(
        nodes=[
            GraphNode(
                node=node.node,
                executions=node.executions,
                totals=totals(node.sums),
                duration_ms=ms(node.duration_us),
                errors=node.errors,
            )
            for node in shape.graph_nodes
        ],
        edges=[
            GraphEdge(source=edge.source, target=edge.target, count=edge.count, kind=edge.kind) for edge in shape.edges
        ],
    )
