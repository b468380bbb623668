"""The LangGraph graph behind a trace: which runs are executions of nodes, and which edges must have led to them.

LangGraph does not send its graph, so edges are inferred from what node runs carry (langgraph 1.2.22, langsmith 0.15):
the tag `graph:step:N`, and the metadata `langgraph_step`, `langgraph_triggers` and `langgraph_checkpoint_ns`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from everytoken.core.lineage import NO_PARENT, Lineage, first_text
from everytoken.core.run import Run
from everytoken.core.sums import NOTHING, Sums

START, END = "__start__", "__end__"
NAMESPACE_SEPARATOR = "|"
EdgeKind = Literal["step", "send", "nested"]

_STEP_TAG = re.compile(r"graph:step:(\d{1,9})\Z")
_GOTO = re.compile(r"node='([^']*)'")
"""A `Send` where it was turned into text: `Send(node='worker', arg={...})`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeShape:
    """One execution of a node."""

    run_id: str
    node: str
    path: str
    """The node's name below those of the nodes its graph runs in: `outer|inner`. The name itself on the outermost."""
    step: int
    start_us: int
    end_us: int | None
    status: str
    is_outermost: bool
    """No other node execution stands above it."""
    sums: Sums
    """Over the charges made in it and below."""

    @property
    def duration_us(self) -> int | None:
        return None if self.end_us is None else max(self.end_us - self.start_us, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNodeShape:
    """All executions of one node. What a node inside a node cost is part of the outer one's sums."""

    node: str
    """`path` of its executions, or `__start__` and `__end__`."""
    executions: int
    errors: int
    duration_us: int | None
    """Sum over the executions; `None` while one of them runs, and for the two ends."""
    wall_us: int | None
    """Time in which at least one of them ran: of a fan-out the slowest and not the sum."""
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeShape:
    source: str
    target: str
    count: int
    """How often it was taken."""
    kind: EdgeKind
    """`step`, `send` for a fan-out, `nested` from a node to the first nodes of the graph inside it."""


@dataclass(frozen=True, slots=True)
class _Execution:
    at: int
    shape: NodeShape
    triggers: tuple[str, ...]
    outer: str | None
    """`path` of the node around the graph it is part of."""
    declared: frozenset[str]
    """Destinations that the node's routing function or `Command` named; empty when it named none."""


def graph_of(
    lineage: Lineage, sums_at: Callable[[int], Sums]
) -> tuple[tuple[NodeShape, ...], tuple[GraphNodeShape, ...], tuple[EdgeShape, ...]]:
    """Node executions by start, the nodes by first start, and the edges between them."""
    executions = _executions(lineage, sums_at)
    by_graph: dict[int | str | None, list[_Execution]] = {}
    for execution in executions:
        above = lineage.parents[execution.at]
        # Executions whose graph run never came still belong together by the namespace they ran in.
        graph = above if above != NO_PARENT else execution.outer
        by_graph.setdefault(graph, []).append(execution)
    counts: dict[tuple[str, str, EdgeKind], int] = {}
    for graph, members in by_graph.items():
        ended = not isinstance(graph, int) or lineage.runs[graph].end_us is not None
        for source, target, kind, count in _edges(members, ended=ended):
            counts[source, target, kind] = counts.get((source, target, kind), 0) + count
    edges = tuple(
        EdgeShape(source=source, target=target, count=count, kind=kind)
        for (source, target, kind), count in sorted(counts.items())
    )
    shapes = tuple(e.shape for e in executions)
    return shapes, _graph_nodes(shapes, edges), edges


def _executions(lineage: Lineage, sums_at: Callable[[int], Sums]) -> list[_Execution]:
    """Executions of nodes, by start."""
    is_node = [is_execution(lineage, i) for i in range(len(lineage.runs))]
    below_node = [False] * len(is_node)
    declared: dict[int, set[str]] = {}
    for i in lineage.order:
        above = lineage.parents[i]
        if above == NO_PARENT:
            continue
        below_node[i] = below_node[above] or is_node[above]
        if is_node[above] and not is_node[i]:
            declared.setdefault(above, set()).update(_destinations(lineage.runs[i], routing=True))
    found = []
    at_nodes = [i for i in lineage.order if is_node[i]]
    # A routing function may return keys of a path map instead of names: those say nothing.
    known = {END, *(_node_name(lineage.runs[i]) for i in at_nodes)}
    for i in at_nodes:
        run = lineage.runs[i]
        goto = known & (declared.get(i, set()) | _destinations(run, routing=False))
        found.append(_execution(i, run, sums_at(i), outermost=not below_node[i], declared=frozenset(goto)))
    return sorted(found, key=lambda e: (e.shape.start_us, e.shape.run_id))


def is_execution(lineage: Lineage, at: int) -> bool:
    """A run tagged with its step, or one named like its node below a run of another namespace."""
    run = lineage.runs[at]
    if any(_STEP_TAG.match(tag) for tag in run.tags if tag.startswith("graph:step:")):
        return True
    name = run.metadata.get("langgraph_node")
    if name is None or name != run.name:
        return False
    above = lineage.parents[at]
    outer = None if above == NO_PARENT else lineage.runs[above].metadata.get("langgraph_checkpoint_ns")
    return outer != run.metadata.get("langgraph_checkpoint_ns")


def _execution(at: int, run: Run, sums: Sums, *, outermost: bool, declared: frozenset[str]) -> _Execution:
    node = _node_name(run)
    namespace = first_text(run.metadata, ("langgraph_checkpoint_ns",)) or ""
    # Each segment is `node:<task id>`; the last one is this execution's own.
    around = [segment.partition(":")[0] for segment in namespace.split(NAMESPACE_SEPARATOR)[:-1]]
    triggers = run.metadata.get("langgraph_triggers")
    shape = NodeShape(
        run_id=run.run_id,
        node=node,
        path=NAMESPACE_SEPARATOR.join([*around, node]),
        step=_step(run),
        start_us=run.start_us,
        end_us=run.end_us,
        status=run.status,
        is_outermost=outermost,
        sums=sums,
    )
    texts = tuple(t for t in triggers if isinstance(t, str)) if isinstance(triggers, Sequence) else ()
    return _Execution(at, shape, texts, NAMESPACE_SEPARATOR.join(around) or None, declared)


def _node_name(run: Run) -> str:
    return first_text(run.metadata, ("langgraph_node",)) or run.name


def _step(run: Run) -> int:
    step = run.metadata.get("langgraph_step")
    if isinstance(step, int) and not isinstance(step, bool):
        return step
    matches = (_STEP_TAG.match(tag) for tag in run.tags)
    return next((int(m.group(1)) for m in matches if m), 0)


def _destinations(run: Run, *, routing: bool) -> set[str]:
    """Nodes that a routing function's run returned, or that a node's returned `Command` goes to."""
    output = run.outputs.get("output") if isinstance(run.outputs, Mapping) else None
    if routing:
        # A routing function runs with the node keys of its source, but in the namespace of the graph around it.
        namespaces = [run.metadata.get(key) for key in ("langgraph_checkpoint_ns", "checkpoint_ns")]
        return _names(output) if namespaces[0] is not None and namespaces[0] != namespaces[1] else set()
    return _names(output.get("goto")) if isinstance(output, Mapping) and "goto" in output else set()


def _names(value: object) -> set[str]:
    """Node names in a destination: a name, a `Send` as text or as a mapping, or a list of these."""
    if isinstance(value, str):
        sent = _GOTO.search(value) if value.startswith("Send(") else None
        return {sent.group(1)} if sent else {value}
    if isinstance(value, Mapping):
        node = value.get("node")
        return {node} if isinstance(node, str) else set()
    if isinstance(value, list):
        return {name for item in value if not isinstance(item, list) for name in _names(item)}
    return set()


def _edges(members: list[_Execution], *, ended: bool) -> Iterator[tuple[str, str, EdgeKind, int]]:
    """Edges taken in one run of a graph: from the nodes of one step to those of the next."""
    steps: dict[int, list[_Execution]] = {}
    for execution in members:
        steps.setdefault(execution.shape.step, []).append(execution)
    before: Counter[_Source] = Counter()
    for _, here in sorted(steps.items()):
        for target, arrivals in Counter(map(_target, here)).items():
            if not before:
                kind: EdgeKind = "nested" if here[0].outer else "step"
                yield here[0].outer or START, target.path, kind, arrivals
            sources = _sources(target, before)
            for path in {s.path for s in sources}:
                left = sum(before[s] for s in sources if s.path == path)
                yield path, target.path, "send" if target.sent else "step", arrivals * (1 if target.sent else left)
        before = Counter(_Source(e.shape.path, e.shape.node, e.declared) for e in here)
        last = here
    for execution in (e for e in members if ended and e.outer is None and e.shape.status == "success"):
        if END in execution.declared or execution.shape.step == last[0].shape.step:
            yield execution.shape.path, END, "step", 1


@dataclass(frozen=True, slots=True)
class _Source:
    path: str
    node: str
    declared: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Target:
    path: str
    node: str
    sent: bool
    joined: frozenset[str]
    """Nodes that a join waited for: its trigger is `join:a+b:target`."""


def _target(execution: _Execution) -> _Target:
    joins = (t.removeprefix("join:").partition(":")[0] for t in execution.triggers if t.startswith("join:"))
    joined = frozenset(name for join in joins for name in join.split("+"))
    return _Target(execution.shape.path, execution.shape.node, "__pregel_push" in execution.triggers, joined)


def _sources(target: _Target, before: Iterable[_Source]) -> list[_Source]:
    """Which nodes of the step before led here: those that a join names, that said so, or that said nothing."""
    everyone = list(before)
    if target.joined:
        return [s for s in everyone if s.node in target.joined] or everyone
    said = [s for s in everyone if target.node in s.declared]
    silent = [s for s in everyone if not s.declared]
    if target.sent:
        return said or silent or everyone
    return said + silent or everyone


def _graph_nodes(executions: tuple[NodeShape, ...], edges: tuple[EdgeShape, ...]) -> tuple[GraphNodeShape, ...]:
    by_path: dict[str, list[NodeShape]] = {}
    for execution in executions:
        by_path.setdefault(execution.path, []).append(execution)
    ends = {e.source for e in edges} | {e.target for e in edges}
    return (
        *(_end_node(name) for name in (START,) if name in ends),
        *(_graph_node(path, group) for path, group in by_path.items()),
        *(_end_node(name) for name in (END,) if name in ends),
    )


def _end_node(name: str) -> GraphNodeShape:
    return GraphNodeShape(node=name, executions=1, errors=0, duration_us=None, wall_us=None, sums=NOTHING)


def _graph_node(path: str, executions: list[NodeShape]) -> GraphNodeShape:
    spans = [(e.start_us, e.end_us) for e in executions if e.end_us is not None]
    done = len(spans) == len(executions)
    total = sum(max(end - start, 0) for start, end in spans)
    sums = executions[0].sums
    for other in executions[1:]:
        sums += other.sums
    return GraphNodeShape(
        node=path,
        executions=len(executions),
        errors=sum(e.status == "error" for e in executions),
        duration_us=total if done else None,
        wall_us=total - overlap_us(spans) if done else None,
        sums=sums,
    )


def overlap_us(spans: Iterable[tuple[int, int]]) -> int:
    """Time of `spans` one after the other less the time covered by any of them."""
    saved = 0
    covered_to: int | None = None
    for start, end in sorted((s, max(e, s)) for s, e in spans):
        if covered_to is not None:
            saved += max(min(end, covered_to) - start, 0)
        covered_to = end if covered_to is None else max(covered_to, end)
    return saved
