"""The shape of a trace: its tree in order, sums by run, node and trace, what ran at once and what the time went to.

Every sum is one over charges. A trace may still be running, lack its root or be a million runs long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from everytoken.core.charge import Charge
from everytoken.core.graph import EdgeShape, GraphNodeShape, NodeShape, graph_of, overlap_us
from everytoken.core.lineage import NO_PARENT, THREAD_KEYS, USER_KEYS, Lineage, first_text, trace_lineage
from everytoken.core.run import Run
from everytoken.core.sums import NOTHING, Sums, sums_of

NOT_ENDED = 2**63 - 1
"""Stands for the end of a run that has none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShape:
    """Where one run stands in its trace."""

    run: Run
    depth: int
    """0 for the root and for runs whose parents never came."""
    node: str | None
    """The innermost LangGraph node it belongs to."""
    is_node: bool
    """It is one execution of a node."""
    offset_us: int
    """Start, measured from the start of the trace."""
    duration_us: int | None
    ttft_us: int | None
    parallel: bool
    """A sibling overlaps it in time."""
    critical: bool
    """It lies on the critical path."""
    own: Sums
    """Over the charges this run owns."""
    subtree: Sums
    """Over the charges owned here and below."""
    models: tuple[str, ...]
    """Models of the subtree's charges, sorted."""
    charge_keys: tuple[str, ...]
    flags: tuple[str, ...]
    """The run's own, and `orphan` or `parent_cycle`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceShape:
    """One trace as its views need it."""

    root: Run | None
    """`None` while the root has not come."""
    status: str
    """The root's, or `pending`."""
    start_us: int
    end_us: int | None
    """The root's end; `None` while it runs."""
    duration_us: int | None
    ttft_us: int | None
    """First token that the user saw, measured from the start of the trace: see `first_seen_us`."""
    thread_id: str | None
    user_id: str | None
    models: tuple[str, ...]
    totals: Sums
    run_count: int
    runs: tuple[RunShape, ...]
    """In tree order: every run before its children, siblings by time; the first of them when no more were asked for."""
    nodes: tuple[NodeShape, ...]
    """Executions of LangGraph nodes, by start."""
    graph_nodes: tuple[GraphNodeShape, ...]
    edges: tuple[EdgeShape, ...]
    critical_path: tuple[str, ...]
    """Run ids in time order: at each level the chain of siblings that ended last, each waiting for the one before."""
    saved_us: int | None
    """Time of the outermost nodes one after the other, less the time in which any of them ran: what running them
    in parallel saved. `None` while one of them runs or when there are none."""
    orphans: tuple[str, ...]


def shape_trace(runs: Iterable[Run], charges: Iterable[Charge], *, shown: int | None = None) -> TraceShape:
    """The shape of the trace that `runs` belong to, with the sums of `charges`. Linear in runs, but for sorting.

    `shown` bounds the runs whose own shapes are made; everything else is of the whole trace.
    """
    lineage = trace_lineage(runs)
    children = _children(lineage)
    ordered, depth = _tree_order(lineage, children)
    owned = _owned(lineage, charges := list(charges))
    own = [sums_of(owned[i]) if i in owned else NOTHING for i in range(len(lineage.runs))]
    subtree, models = _subtrees(lineage, own, owned)
    critical = _critical_path(lineage, children)
    on_path = set(critical)
    parallel = _parallel(lineage, children)
    nodes, graph_nodes, edges = graph_of(lineage, lambda i: subtree[i])
    executions = {n.run_id for n in nodes}
    innermost = lineage.inherited("langgraph_node")
    root_at = lineage.root()
    root = lineage.runs[root_at] if root_at is not None and lineage.runs[root_at].is_root else None
    start_us = root.start_us if root else min((r.start_us for r in lineage.runs), default=0)
    first_us = first_seen_us(lineage.runs, root)

    def shape(i: int) -> RunShape:
        run = lineage.runs[i]
        placing = ("orphan",) * (run.run_id in lineage.orphans) + ("parent_cycle",) * (run.run_id in lineage.cyclic)
        return RunShape(
            run=run,
            depth=depth[i],
            node=innermost[i],
            is_node=run.run_id in executions,
            offset_us=run.start_us - start_us,
            duration_us=run.duration_us,
            ttft_us=None if run.first_token_us is None else max(run.first_token_us - run.start_us, 0),
            parallel=bool(parallel[i]),
            critical=i in on_path,
            own=own[i],
            subtree=subtree[i],
            models=models[i],
            charge_keys=tuple(c.charge_key for c in owned.get(i, ())),
            flags=run.flags + placing,
        )

    return TraceShape(
        root=root,
        status=root.status if root else "pending",
        start_us=start_us,
        end_us=root.end_us if root else None,
        duration_us=root.duration_us if root else None,
        ttft_us=None if first_us is None else max(first_us - start_us, 0),
        thread_id=first_text(root.metadata, THREAD_KEYS) if root else None,
        user_id=first_text(root.metadata, USER_KEYS) if root else None,
        models=tuple(sorted({c.model for c in charges if c.model})),
        totals=sums_of(charges),
        run_count=len(ordered),
        runs=tuple(shape(i) for i in ordered[:shown]),
        nodes=nodes,
        graph_nodes=graph_nodes,
        edges=edges,
        critical_path=tuple(lineage.runs[i].run_id for i in critical),
        saved_us=_saved_us(nodes) if root and root.end_us is not None else None,
        orphans=tuple(sorted(lineage.orphans)),
    )


def first_seen_us(runs: Iterable[Run], root: Run | None) -> int | None:
    """When the user saw the first token: the root's own, else that of the streamed call which ended last.

    A trace streams its answer at its end. What earlier calls streamed, to classify or to plan, nobody was shown.
    """
    if root is not None and root.first_token_us is not None:
        return root.first_token_us
    streamed = [run for run in runs if run.first_token_us is not None]
    last = max(streamed, key=lambda run: (run.end_us or NOT_ENDED, run.start_us), default=None)
    return None if last is None else last.first_token_us


def _saved_us(nodes: Sequence[NodeShape]) -> int | None:
    outermost = [n for n in nodes if n.is_outermost]
    spans = [(n.start_us, n.end_us) for n in outermost if n.end_us is not None]
    return overlap_us(spans) if spans and len(spans) == len(outermost) else None


def _children(lineage: Lineage) -> dict[int, list[int]]:
    """Positions of the children by that of the parent, in display order; tops stand under `NO_PARENT`."""
    children: dict[int, list[int]] = {}
    for i in lineage.order:
        children.setdefault(lineage.parents[i], []).append(i)
    root = lineage.root()
    for siblings in children.values():
        siblings.sort(key=lambda i: (i != root, *_display_rank(lineage.runs[i])))
    return children


def _display_rank(run: Run) -> tuple[str, int, str]:
    """Siblings sort by the last segment of their dotted order, which begins with the start as `%Y%m%dT%H%M%S%fZ`."""
    if run.dotted_order:
        return (run.dotted_order.rpartition(".")[2], run.start_us, run.run_id)
    seconds, micros = divmod(run.start_us, 1_000_000)
    try:
        segment = f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%S}{micros:06}Z{run.run_id}"
    except (ValueError, OverflowError, OSError):  # a start outside the calendar
        segment = ""
    return (segment, run.start_us, run.run_id)


def _tree_order(lineage: Lineage, children: dict[int, list[int]]) -> tuple[list[int], list[int]]:
    """Positions in tree order, and the depth of each position."""
    ordered: list[int] = []
    depth = [0] * len(lineage.runs)
    stack = list(reversed(children.get(NO_PARENT, [])))
    while stack:
        i = stack.pop()
        ordered.append(i)
        for child in reversed(children.get(i, ())):
            depth[child] = depth[i] + 1
            stack.append(child)
    return ordered, depth


def _owned(lineage: Lineage, charges: Iterable[Charge]) -> dict[int, list[Charge]]:
    position = {run.run_id: i for i, run in enumerate(lineage.runs)}
    owned: dict[int, list[Charge]] = {}
    for charge in charges:
        if charge.run_id in position:
            owned.setdefault(position[charge.run_id], []).append(charge)
    return owned


def _subtrees(
    lineage: Lineage, own: list[Sums], owned: dict[int, list[Charge]]
) -> tuple[list[Sums], list[tuple[str, ...]]]:
    """Sums and models of each run with everything below it. Runs without charges below share one empty value."""
    sums = list(own)
    models: list[tuple[str, ...]] = [()] * len(own)
    for i, charges in owned.items():
        models[i] = tuple(sorted({c.model for c in charges if c.model}))
    for i in reversed(lineage.order):
        above = lineage.parents[i]
        if above == NO_PARENT or sums[i] is NOTHING:
            continue
        sums[above] = sums[i] if sums[above] is NOTHING else sums[above] + sums[i]
        if models[i] != models[above]:
            models[above] = tuple(sorted({*models[above], *models[i]}))
    return sums, models


def _end(run: Run) -> int:
    return NOT_ENDED if run.end_us is None else max(run.end_us, run.start_us)


def _parallel(lineage: Lineage, children: dict[int, list[int]]) -> bytearray:
    """Which runs a sibling overlaps. One that has not ended overlaps whatever starts after it."""
    parallel = bytearray(len(lineage.runs))
    runs = lineage.runs
    for siblings in children.values():
        by_start = sorted(siblings, key=lambda i: (runs[i].start_us, _end(runs[i]), runs[i].run_id))
        longest = by_start[0]
        for i in by_start[1:]:
            if runs[i].start_us < _end(runs[longest]):
                parallel[i] = parallel[longest] = 1
            longest = max(longest, i, key=lambda k: _end(runs[k]))
    return parallel


def _critical_path(lineage: Lineage, children: dict[int, list[int]]) -> list[int]:
    """Positions on the critical path of the root, by start. Backwards from each run's end: its child that ended
    last, then that child's sibling that ended last before it began, and so on."""
    root = lineage.root()
    if root is None:
        return []
    runs = lineage.runs
    path = [root]
    depth = {root: 0}
    for i in path:
        latest_first = sorted(children.get(i, ()), key=lambda k: (-_end(runs[k]), runs[k].start_us, runs[k].run_id))
        in_time = [k for k in latest_first if _end(runs[k]) <= _end(runs[i])] or latest_first
        limit = NOT_ENDED
        for child in in_time:
            if _end(runs[child]) <= limit:
                limit = runs[child].start_us
                depth[child] = depth[i] + 1
                path.append(child)
    return sorted(path, key=lambda i: (runs[i].start_us, depth[i], runs[i].run_id))
