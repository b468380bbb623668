"""The rows the product API answers with: one frozen dataclass a shape, the source of the OpenAPI schema.

Money is decimal text in USD (`"0.011284"`), never a float; `null` means unknown, never 0. Times are UTC integer
microseconds (`*_us`); durations are milliseconds as floats (`*_ms`). Token counts on a row are sums over its charges.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityCounts:
    """How many charges are known how well."""

    exact: int = 0
    partial: int = 0
    estimated: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The figures every view shares. Estimated tokens and cost are outside these totals."""

    llm_calls: int = 0
    """Charges, that is billed provider requests."""
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cache_read_tokens: int = 0
    """Part of `input_tokens`."""
    reasoning_tokens: int = 0
    """Part of `output_tokens`."""
    cost_usd: str | None = None
    """The exact sum when every charge is priced, else `null`: see `cost_known_usd` and `unpriced_calls`."""
    cost_known_usd: str = "0"
    """Sum over the priced charges."""
    unpriced_calls: int = 0
    quality: QualityCounts = field(default_factory=QualityCounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Totals):
    project: str
    traces: int = 0
    runs: int = 0
    errors: int = 0
    """Traces whose root ended in error."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    """Duration of traces (root runs)."""
    from_us: int | None = None
    to_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRow(Summary):
    project_id: str
    created_us: int
    last_run_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Projects:
    projects: list[ProjectRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow(Totals):
    """One LangGraph node over a window, with the charges made inside it. Nodes that call no model are listed too."""

    node: str
    executions: int
    errors: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    share: float | None = None
    """Part of the window's known cost, 0 to 1; `null` when that cost is 0 or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    project: str
    nodes: list[NodeRow]


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
class Problem:
    """The body of every 4xx and 5xx answer of the product API."""

    error: str
    """What happened, in one sentence."""
    field: str | None = None
    """The request field at fault, such as `query.from`."""
    hint: str | None = None
    """What to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow(Totals):
    """One model of one provider over a window."""

    provider: str | None
    model: str | None
    """What answered, else what was asked for; `null` when neither is known."""
    errors: int = 0
    """Calls that ended in error."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    """Duration of a call."""
    ttft_p50_ms: float | None = None
    share: float | None = None
    """Part of the window's known cost, 0 to 1; `null` when that cost is 0 or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    project: str
    models: list[ModelRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """Everything acknowledged before the request is visible to reads."""

    flushed: bool
    waited_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the server knows about itself. A count that is not 0 where it should be is shown, never hidden."""

    status: str
    """`ok`, or `starting` before ingest works."""
    version: str
    schema_version: int
    uptime_ms: float
    projects: int
    counters: dict[str, int]
    """Since the start: bodies accepted, refused, rejected and dropped, runs and charges written, what waits where."""
