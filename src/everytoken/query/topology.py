"""What a trace's graph could have done: the topology it was compiled with where it says so, else what others did.

LangGraph does not send its graph. An application may tell it, in the metadata key `everytoken_graph` of any run of the
trace; without that, the paths of recent traces that share a node with it are laid together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from everytoken.core.graph import END, START, graph_of
from everytoken.core.lineage import trace_lineage
from everytoken.core.run import Run
from everytoken.core.sums import NOTHING
from everytoken.query.cursors import FIRST_PAGE_ID, FIRST_PAGE_US
from everytoken.query.errors import NotFoundError
from everytoken.query.found_traces import Head, newest_roots
from everytoken.query.ids import as_uuid
from everytoken.query.trace_rows import Topology, TopologyEdge
from everytoken.query.traces import CHILD_EARLIEST_US
from everytoken.query.window import Window
from everytoken.store.columns import read_run
from everytoken.store.ledger import MAX_TRACE_RUNS, Ledger

DECLARED = "everytoken_graph"
SAMPLE = 20  # other traces read; each costs as much as opening it
SAMPLE_RUNS = 2_000  # larger ones are left out: what they add is not worth their reading
MAX_NODES, MAX_EDGES = 500, 2_000  # a graph beyond this cannot be read on a screen

Shape = tuple[set[str], set[tuple[str, str]]]


def read_topology(ledger: Ledger, trace_id: str, project: str | None = None) -> Topology:
    """Nodes and edges that a trace like this one may take.

    Raises:
        NotFoundError: no run of that trace is stored.
    """
    wanted = as_uuid(trace_id, field="path.trace_id")
    runs = _runs(ledger, wanted, project)
    if not runs:
        raise NotFoundError(f"no trace {trace_id}", field="path.trace_id")
    declared = next(filter(None, map(_declared, runs)), None)
    if declared is not None:
        return _topology(declared, "compiled", traces=0)
    root = next((run for run in runs if run.is_root), None)
    names, links = _taken(runs)
    if not names or root is None:
        return _topology((names, links), "observed", traces=0)
    own = names - {START, END}
    alike = [shape for shape in _others(ledger, root) if own & shape[0]]
    for shape in alike:
        names |= shape[0]
        links |= shape[1]
    return _topology((names, links), "observed", traces=len(alike))


def _runs(ledger: Ledger, trace_id: str, project: str | None) -> list[Run]:
    place = ledger.find_trace(trace_id, project)
    if place is None:
        return []
    return [read_run(row) for row in ledger.select("trace_runs", **place.params(), limit=MAX_TRACE_RUNS)]


def _taken(runs: Iterable[Run]) -> Shape:
    _, nodes, edges = graph_of(trace_lineage(runs), lambda _: NOTHING)
    return {node.node for node in nodes}, {(edge.source, edge.target) for edge in edges}


def _declared(run: Run) -> Shape | None:
    """`{"nodes": [name], "edges": [[source, target]]}` as a run told it; anything else in that key is not a graph."""
    told = run.metadata.get(DECLARED)
    if not isinstance(told, Mapping):
        return None
    nodes = {name for name in _sequence(told.get("nodes")) if isinstance(name, str)}
    pairs = [tuple(pair[:2]) for pair in map(_sequence, _sequence(told.get("edges"))) if len(pair) >= 2]
    edges = {(source, target) for source, target in pairs if isinstance(source, str) and isinstance(target, str)}
    ends = {name for pair in edges for name in pair}
    return (nodes | ends, edges) if nodes or edges else None


def _sequence(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _others(ledger: Ledger, root: Run) -> Iterator[Shape]:
    """What recent traces took, the newest first."""
    beyond = Head(FIRST_PAGE_ID, FIRST_PAGE_ID, FIRST_PAGE_US)
    roots = newest_roots(ledger, root.project, Window(), beyond, SAMPLE + 1)
    ids = [head.trace_id for head in roots if head.trace_id != root.trace_id]
    if not ids:
        return
    within = {"project": root.project, "trace_ids": ids, "from_us": roots[-1].start_us - CHILD_EARLIEST_US}
    for row in ledger.select("trace_run_counts", **within):
        if 1 < row["runs"] <= SAMPLE_RUNS:
            yield _taken(_runs(ledger, str(row["trace_id"]), root.project))


def _topology(shape: Shape, source: str, *, traces: int) -> Topology:
    names, links = shape
    return Topology(
        source=source,
        traces=traces,
        nodes=sorted(names)[:MAX_NODES],
        edges=[TopologyEdge(source=a, target=b) for a, b in sorted(links)[:MAX_EDGES]],
    )
