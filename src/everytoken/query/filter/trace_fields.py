"""What a filter over traces may speak of: the root's own fields, and what the charges of the trace say."""

from dataclasses import dataclass

from everytoken.query.filter.fields import FIELDS, PAIRS, SEARCHED, Field
from everytoken.query.filter.parse import OPERATORS

CHARGED = "charged."
"""Marks SQL that needs the charges of the traces (`store/sql/traces_charged.sql`)."""

KNOWN_NANO_USD = "round(ifNull(toFloat64(charged.known_usd), 0) * 1000000000)"
TOTAL_COST = "if(charged.unpriced = 0, ifNull(toFloat64(charged.known_usd), 0), NULL)"
DURATION_US = "if(end_us.1 > 0, greatest(end_us.2 - start_us, 0), NULL)"
_BEGUN_US = "if(isNull(charged.begun_us), NULL, greatest(assumeNotNull(charged.begun_us) - start_us, 0))"
TTFT_US = f"if(first_token_us.1 > 0, greatest(first_token_us.2 - start_us, 0), {_BEGUN_US})"

TRACE_FIELDS: dict[str, Field] = {
    **{name: field for name, field in FIELDS.items() if field.kind != "sum"},
    **{
        field.name: field
        for field in (
            Field("ttft", "seconds", f"({TTFT_US} / 1000000)"),
            Field("total_tokens", "number", "(charged.input_sum + charged.output_sum)"),
            Field("prompt_tokens", "number", "charged.input_sum"),
            Field("completion_tokens", "number", "charged.output_sum"),
            Field("total_cost", "number", TOTAL_COST),
            Field("llm_calls", "number", "charged.llm_calls"),
            Field("model", "tags", "charged.models"),
            Field("node", "tags", "charged.nodes"),
            Field("user", "tags", "charged.users"),
            Field("provider", "tags", "charged.providers"),
            Field("call_path", "tags", "charged.call_paths"),
            Field("environment", "tags", "charged.environments"),
            Field("release", "tags", "charged.releases"),
            Field("quality", "tags", "charged.qualities"),
            Field("cost_status", "tags", "charged.cost_states"),
        )
    },
}
"""`model` to `cost_status` hold when any charge of the trace has the value; totals are over all its charges."""

_ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte", "in")
OPERATORS_OF = {
    "text": (*_ORDERED, "like"),
    "id": ("eq", "neq", "in"),
    "time": _ORDERED,
    "seconds": _ORDERED,
    "number": _ORDERED,
    "truth": ("eq", "neq"),
    "tags": ("has", "eq", "neq", "in", "like"),
    "pair": ("eq", "neq", "in", "like", "gt", "gte", "lt", "lte"),
}
VALUES = {
    "status": ("pending", "success", "error", "interrupted", "cancelled"),
    "run_type": ("llm", "embedding", "tool", "chain", "retriever", "prompt", "parser"),
    "quality": ("exact", "partial", "estimated", "missing"),
    "cost_status": ("priced", "approximate", "estimated", "unpriced"),
}
"""Of fields with few values, all of them. Those of the others are in the facets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    name: str
    kind: str
    """`text`, `id`, `time`, `seconds`, `number`, `truth`, `tags` (any of several texts) or `pair` (key or value)."""
    operators: list[str]
    values: list[str]
    """All it may be, where these are few; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLanguage:
    """What a page needs to complete a filter while it is typed (`docs/reference/filter-language.md` has it all)."""

    operators: list[str]
    """Every one is a call: `operator(field, value)`; `and`, `or` and `not` take other calls."""
    fields: list[FilterField]
    searched: list[str]
    """Fields that `search(field, "text")` may name."""
    example: str


def filter_language() -> FilterLanguage:
    fields = [(field.name, field.kind) for field in TRACE_FIELDS.values()] + [(name, "pair") for name in PAIRS]
    return FilterLanguage(
        operators=list(OPERATORS),
        fields=[
            FilterField(name=name, kind=kind, operators=list(OPERATORS_OF[kind]), values=list(VALUES.get(name, ())))
            for name, kind in fields
        ],
        searched=list(SEARCHED),
        example='and(eq(model, "gpt-5.2"), gt(latency, "5s"), gt(total_cost, 0.01))',
    )
