"""Rows about single traces: traces, their runs, charges and graph, and threads of them. Units as in `rows`."""

from dataclasses import dataclass, field
from typing import Any

from everytoken.query.rows import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLineRow:
    token_class: str
    count: str
    rate_usd: str
    per: int
    usd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRow:
    charge_key: str
    project: str
    trace_id: str
    run_id: str
    run_ids: list[str]
    node: str | None
    thread_id: str | None
    user_id: str | None
    release: str | None
    """The version or commit of the application that made the request."""
    call_path: str
    provider: str | None
    request_model: str | None
    response_model: str | None
    response_id: str | None
    tier: str | None
    quality: str
    layer: str
    layers_seen: list[str]
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    input_token_details: dict[str, int]
    output_token_details: dict[str, int]
    meters: dict[str, str]
    cost_usd: str | None
    cost_status: str
    cost_reason: str | None
    cost_lines: list[CostLineRow]
    """The arithmetic: they add up to `cost_usd`."""
    price_entry: str | None
    price_source: str | None
    status: str
    started_at: int
    """UTC microseconds."""
    duration_ms: float | None
    ttft_ms: float | None
    flags: list[str]
    raw_usage: dict[str, Any] = field(default_factory=dict)
    """The provider's own usage object, unaltered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    charges: list[ChargeRow]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceRow(Totals):
    """One trace in a list: its root run and the sum of its charges."""

    trace_id: str
    project: str
    name: str
    status: str
    """`pending` while it runs."""
    start_us: int
    duration_ms: float | None
    ttft_ms: float | None = None
    runs: int = 0
    models: list[str] = field(default_factory=list)
    thread_id: str | None = None
    user_id: str | None = None
    tags: list[str] = field(default_factory=list)
    input_preview: str = ""
    output_preview: str = ""
    error: str | None = None
    rootless: bool = False
    """True when the root never came: name, status, time and previews are those of the earliest run that did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    traces: list[TraceRow]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run of a trace, in tree order, with the numbers of its own charges and of its subtree's."""

    run_id: str
    parent_run_id: str | None
    depth: int
    """0 for the root."""
    name: str
    run_type: str
    status: str
    node: str | None
    is_node: bool
    """True for the run that is one execution of a LangGraph node."""
    start_us: int
    offset_ms: float
    """Start, measured from the start of the trace."""
    duration_ms: float | None
    ttft_ms: float | None
    parallel: bool
    """True when a sibling under the same parent overlaps it in time."""
    critical: bool
    """True when the run lies on the critical path of the trace."""
    own: Totals
    subtree: Totals
    models: list[str]
    charge_keys: list[str]
    """Charges this run owns."""
    tags: list[str]
    error: str | None
    flags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    node: str
    """`__start__` and `__end__` stand for the ends."""
    executions: int
    totals: Totals
    duration_ms: float | None
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    source: str
    target: str
    count: int
    kind: str
    """`step` for a plain edge, `send` for a fan-out by Send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    nodes: list[GraphNode] = field(default_factory=list)
    edges: list[GraphEdge] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyEdge:
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All that a trace's graph may do, to be drawn beneath what it did."""

    source: str
    """`compiled` when a run told its graph, `observed` when recent traces that share a node were put together."""
    traces: int
    """How many other traces were put together."""
    nodes: list[str]
    """Named as in `Graph`."""
    edges: list[TopologyEdge]


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView:
    trace: TraceRow
    runs: list[RunRow]
    charges: list[ChargeRow]
    graph: Graph
    critical_path: list[str]
    """Run ids, in time order."""
    saved_ms: float | None
    """Sequential time of the graph's nodes less the wall time: what running in parallel saved. `null` while running."""
    truncated_runs: int = 0
    """Runs that exist beyond the ones listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """What one run carried: loaded when it is looked at."""

    run_id: str
    trace_id: str
    inputs: Any
    outputs: Any
    metadata: dict[str, Any]
    extra: dict[str, Any]
    events: list[dict[str, Any]]
    error: str | None
    tags: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView:
    """One conversation: its traces in time order, with what each turn cost."""

    project: str
    thread_id: str
    totals: Totals
    """Over the traces listed."""
    turns: list[TraceRow]
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DearTrace(TraceRow):
    dearest_run_id: str
    """The run of its dearest charge."""
    dearest_node: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DearTraces:
    project: str
    traces: list[DearTrace]
    """The dearest first; traces without a priced charge are left out."""
