"""The rows the product API answers with: one frozen dataclass a shape, the source of the OpenAPI schema.

Money is decimal text in USD (`"0.011284"`), never a float; `null` means unknown, never 0. Times are UTC integer
microseconds (`*_us`); durations are milliseconds as floats (`*_ms`). Token counts on a row are sums over its charges.
"""

from dataclasses import dataclass, field
from typing import Any

from everytoken.query.problem_codes import Code


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
class Problem:
    """The body of every 4xx and 5xx answer of the product API."""

    error: str
    """What happened, in one sentence."""
    code: Code
    """Its stable name; the reference lists them."""
    field: str | None = None
    """The request field at fault, such as `query.from`."""
    hint: str | None = None
    """What to do about it."""
    position: int | None = None
    """Of a filter, the characters before the fault, from 0."""


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
class AttachedAgent:
    project: str
    """Where its traces go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the server knows about itself. A count that is not 0 where it should be is shown, never hidden."""

    status: str
    """`ok`, or `starting` before ingest works."""
    version: str
    schema_version: int
    uptime_ms: float
    projects: int
    agent: AttachedAgent | None
    """The chat agent that the page may talk to; usually there is none."""
    counters: dict[str, int]
    """Since the start: bodies accepted, refused, rejected and dropped, runs and charges written, what waits where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint(Totals):
    """One bucket of one group. Buckets without a charge are left out: there, every figure is 0 or unknown."""

    start_us: int
    """One of `Series.starts_us`."""
    errors: int = 0
    """Calls that ended in error."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    """Duration of a call."""
    ttft_p50_ms: float | None = None
    ttft_p95_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesGroup:
    key: str | None
    """Value of the dimension; `null` where the charges do not say, and for `other`."""
    other: bool
    """True for the rest beyond the dearest groups, as one."""
    points: list[SeriesPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Charges over time, split by one dimension, in buckets of a time zone."""

    project: str
    by: str
    """By `tag`, a charge counts under each of its tags. By `class`, tokens and cost are those of the class."""
    bucket: str
    tz: str
    from_us: int | None
    to_us: int | None
    """The window; `null` when the project has no charge and the window is open."""
    starts_us: list[int]
    """Start of every bucket, with charges or without. The first may begin before the window."""
    groups: list[SeriesGroup]
    """The dearest first, the rest last."""
    grouped: int
    """How many groups stand behind `other`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow(Totals):
    """The charges of one user or thread over a window. Work without a model call leaves no trace here."""

    key: str | None
    """`null` for the charges that name none."""
    traces: int
    users: int
    threads: int
    models: list[str]
    errors: int = 0
    """Calls that ended in error."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    """Duration of a call."""
    first_us: int
    last_us: int
    share: float | None = None
    """Part of the window's known cost, 0 to 1; `null` when that cost is 0 or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    project: str
    groups: list[GroupRow]
    """The dearest first."""
    truncated: bool = False
    """True when more exist than are listed."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """Known cost of one window and the calls it paid for."""

    llm_calls: int
    priced_calls: int
    cost_known_usd: str
    per_call_usd: str | None
    """Known cost over priced calls; `null` without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one group contributed to the change of cost between two windows."""

    key: str | None
    before: CostParts
    after: CostParts
    change_usd: str
    volume_usd: str
    """The part due to more or fewer calls, at the earlier cost per call."""
    unit_usd: str
    """The part due to a dearer or cheaper call. With `volume_usd` it is exactly `change_usd`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions:
    project: str
    by: str
    from_us: int
    to_us: int
    before_from_us: int
    before_to_us: int
    total: Contribution
    groups: list[Contribution]
    """The largest change first, in either direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow(Totals):
    """One version or commit of the application, with the charges of the window that it made."""

    release: str
    first_us: int
    """Its first call ever; before the window for one that was there already."""
    last_us: int
    """Its last call in the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    project: str
    releases: list[ReleaseRow]
    """The newest first. Calls that do not say what made them are in none."""
    truncated: bool = False
    """True when more made calls than are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageCause:
    """Why some calls of a path are not exact or not priced, and what to do."""

    code: str
    """Such as `stream_without_usage`; `docs` and the page explain each."""
    kind: str
    """`usage`, `price`, or `none` where nothing needs to be done."""
    calls: int
    first_us: int
    last_us: int
    models: list[str]
    release: str | None
    """Which release made the oldest of these calls; `null` when it does not say."""
    trace_ids: list[str]
    """Examples: the newest and the oldest."""
    text: str
    """The cure in one sentence."""
    snippet: str | None
    """The cure to copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow(Totals):
    """One call path (provider × API × mode)."""

    call_path: str
    """Empty when the runs do not say."""
    reports: bool
    """True when no call of it lacks usage for a reason that can be cured."""
    first_us: int
    last_us: int
    causes: list[CoverageCause]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageNote:
    """What settlement noticed and did not count twice."""

    kind: str
    """`duplicate`, `layers_disagree`, `orphan`, `parent_cycle` or `on_chain_run`."""
    calls: int
    """Charges concerned."""
    reports: int
    """For `duplicate`, the reports that were not counted again; else `calls`."""
    first_us: int
    last_us: int
    trace_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Totals):
    project: str
    paths: list[CoverageRow]
    """Those that need attention first."""
    reporting: int
    """How many of `paths` report usage."""
    dropped_by_clients: int
    """Runs that clients say they lost before they were sent: everytoken's own, and langsmith's beside it."""
    dropped_by_langsmith: int
    """Those of them that langsmith's threads lost."""
    notes: list[CoverageNote]
