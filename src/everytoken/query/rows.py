"""The rows the product API answers with: one frozen dataclass a shape, the source of the OpenAPI schema.

Money is decimal text in USD (`"0.011284"`), never a float; `null` means unknown, never 0. Times are UTC integer
microseconds (`*_us`); durations are milliseconds as floats (`*_ms`). Token counts on a row are sums over its charges.
"""

from dataclasses import dataclass, field


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
    """Whose root began in the window. One whose root never came is listed and not counted here."""
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
    outside: Totals
    """Of the charges outside any node: with the nodes' they add up to the project's."""
    truncated: bool
    """True when more nodes exist than are listed."""


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
    truncated: bool
    """True when more exist than are listed."""


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
