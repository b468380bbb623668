"""The ledger's words: evidence of a billed provider request, and the charge that settlement makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from everytoken.core.usage import Usage

Quality = Literal["exact", "partial", "estimated", "missing"]
CostStatus = Literal["priced", "approximate", "estimated", "unpriced"]
Layer = Literal["transport", "sdk", "framework", "agents", "otel", "manual"]
"""Who reported: the HTTP attempt, a wrapped SDK client, LangChain's callback, the Agents SDK's tracer,
an OpenTelemetry instrumentation, or application code. Earlier ones stand nearer to the provider and win."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one run says about one billed provider request. A run may bear several (a LangChain batch), or none."""

    run_id: str
    index: int = 0
    """Position among the evidence of the same run; 0 for the only one."""
    usage: Usage | None
    """`None`: the request is known to have happened, its usage is not."""
    provider: str | None
    """Who bills: `openai`, `azure-openai`, `google`, `google-vertex`, `anthropic`, ... `None` if nothing says so."""
    request_model: str | None
    response_model: str | None
    response_id: str | None
    call_path: str
    """Provider × API × mode, such as `openai.chat.stream` or `gemini.generate.search`."""
    layer: Layer
    place: str
    """Where the usage stood: `metadata.usage_metadata`, `outputs.usage`, `generations`, `extra.metrics`, ... or ``."""
    cached_answer: bool = False
    """True when the framework answered from its own cache: the repeated usage is not billed again."""
    attempt: str | None = None
    """Identity of the HTTP attempt when the reporter numbers them; differing attempts are never merged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a usage costs, with the arithmetic behind it."""

    usd: Decimal | None
    """`None` when unknown, with `reason`; `0` only when known to be free. Never rounded."""
    status: CostStatus
    reason: str | None = None
    """`model_unknown`, `tier_unpriced`, `meter_unpriced`, `prepaid`, `usage_missing`, `before_first_price`, ..."""
    entry: str | None = None
    """The price entry that matched, such as `openai/gpt-5.2`."""
    source: str | None = None
    """`genai-prices 0.2.3`, `override:<file>` or `built-in:<file>`."""
    lines: tuple["CostLine", ...] = ()


@dataclass(frozen=True, slots=True)
class CostLine:
    """One row of the arithmetic: `count` units at `rate_usd` per `per` units."""

    token_class: str
    """A disjoint slice (`input`, `cache_read`, `output`, ...) or a meter (`web_search`)."""
    count: Decimal
    rate_usd: Decimal
    per: int
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One billed provider request. Every total anywhere is a sum over charges."""

    charge_key: str
    """Unique within the trace and stable under re-settlement of the same runs."""
    project: str
    trace_id: str
    run_id: str
    """The run that owns the charge: the one nearest to the provider."""
    node: str | None = None
    """Innermost LangGraph node the request was made in."""
    thread_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    environment: str | None = None
    release: str | None = None
    """The version or commit of the application that made the request."""
    tags: tuple[str, ...] = ()
    call_path: str = ""
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    quality: Quality = "missing"
    layer: Layer = "manual"
    layers_seen: tuple[str, ...] = ()
    usage: Usage | None = None
    cost: Cost = field(default_factory=lambda: Cost(usd=None, status="unpriced", reason="not_priced"))
    status: str = "pending"
    started_us: int = 0
    duration_us: int | None = None
    ttft_us: int | None = None
    flags: tuple[str, ...] = ()
    """`on_chain_run`, `layers_disagree`, `orphan`, ... and the usage's own warning codes."""
    run_ids: tuple[str, ...] = ()
    """Every run that testified to this request, the owner first."""
    differences: Mapping[str, Any] = field(default_factory=dict)
    """Where layers disagreed: field → {layer: value}; the owner's value was kept."""

    @property
    def model(self) -> str | None:
        """The model to price and to group by: what answered, else what was asked for."""
        return self.response_model or self.request_model
