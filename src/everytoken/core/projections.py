"""A usage in the words of others: LangSmith, LangChain, OpenTelemetry, OpenInference, and our own metadata."""

from collections.abc import Mapping

from everytoken.core.charge import Cost, Layer
from everytoken.core.usage import Usage


def to_langsmith(usage: Usage, cost: Cost | None = None) -> dict[str, object]:
    """`usage_metadata` for a LangSmith run.

    LangSmith prices each detail, and the rest of the total, as disjoint slices. Costs are US dollars; an unknown cost
    sends no cost key. Fees that are not tokens are part of `total_cost` alone.
    """
    metadata = to_langchain(usage)
    return metadata if cost is None or cost.usd is None else metadata | _sides(usage, cost)


def to_langchain(usage: Usage) -> dict[str, object]:
    """`AIMessage.usage_metadata`: the totals and their disjoint details.

    `audio` and `image` go without their cached part; tool use and intersections lie across other slices and stay out.
    """
    sent, made = usage.input_token_details, usage.output_token_details
    inputs = {key: sent[key] for key in ("cache_read", "cache_creation") if key in sent}
    for m in ("audio", "image"):
        if m in sent:
            inputs[m] = min(sent[m] - sent.get(f"cache_read_{m}", 0), usage.input_tokens - sum(inputs.values()))
    outputs: dict[str, int] = {}
    for key in ("audio", "image", "reasoning"):
        if key in made:
            outputs[key] = min(made[key], usage.output_tokens - sum(outputs.values()))
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "input_token_details": inputs,
        "output_token_details": outputs,
    }


def _sides(usage: Usage, cost: Cost) -> dict[str, object]:
    """Dollars of input, output and all; the sides only where the arithmetic behind the cost is known."""
    total = {"total_cost": float(cost.usd or 0)}
    if not cost.lines:
        return dict(total)
    tokens = [line for line in cost.lines if line.token_class not in usage.meters]
    output = sum(line.usd for line in tokens if "output" in line.token_class or "reasoning" in line.token_class)
    whole = sum(line.usd for line in tokens)
    return {"input_cost": float(whole - output), "output_cost": float(output), **total}


def to_otel(usage: Usage, cost: Cost | None = None) -> dict[str, object]:
    """Span attributes of OpenTelemetry's GenAI conventions, and our own `everytoken.cost_usd` where a cost is known."""
    attributes: dict[str, object] = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
    }
    attributes |= _named(usage.input_token_details, _OTEL_INPUT) | _named(usage.output_token_details, _OTEL_OUTPUT)
    return attributes if cost is None or cost.usd is None else {**attributes, "everytoken.cost_usd": float(cost.usd)}


def to_openinference(usage: Usage, cost: Cost | None = None) -> dict[str, object]:
    """Span attributes of OpenInference."""
    attributes: dict[str, object] = {
        "llm.token_count.prompt": usage.input_tokens,
        "llm.token_count.completion": usage.output_tokens,
        "llm.token_count.total": usage.total_tokens,
    }
    attributes |= _named(usage.input_token_details, _OPENINFERENCE_INPUT)
    attributes |= _named(usage.output_token_details, _OPENINFERENCE_OUTPUT)
    if cost is None or cost.usd is None:
        return attributes
    names = {"input_cost": "prompt", "output_cost": "completion", "total_cost": "total"}
    return attributes | {f"llm.cost.{names[side]}": usd for side, usd in _sides(usage, cost).items()}


_OTEL_INPUT = {
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation": "gen_ai.usage.cache_creation.input_tokens",
}
_OTEL_OUTPUT = {"reasoning": "gen_ai.usage.reasoning.output_tokens"}
_OPENINFERENCE_INPUT = {
    "cache_read": "llm.token_count.prompt_details.cache_read",
    "cache_creation": "llm.token_count.prompt_details.cache_write",
    "audio": "llm.token_count.prompt_details.audio",
}
_OPENINFERENCE_OUTPUT = {
    "reasoning": "llm.token_count.completion_details.reasoning",
    "audio": "llm.token_count.completion_details.audio",
}


def _named(details: Mapping[str, int], names: Mapping[str, str]) -> dict[str, object]:
    return {name: details[key] for key, name in names.items() if key in details}


def to_everytoken(
    usage: Usage | None,
    *,
    response_id: str | None = None,
    response_model: str | None = None,
    call_path: str | None = None,
    layer: Layer | None = None,
    attempt: str | None = None,
    provider: str | None = None,
    request_model: str | None = None,
) -> dict[str, object]:
    """The entry of `metadata["everytoken"]`, plain JSON, from which `extract.evidence_of` reads all of it back.

    `usage` is `None` for a request whose usage is missing. Facts that are not known are left out.
    """
    known = {
        "response_id": response_id,
        "response_model": response_model,
        "call_path": call_path,
        "layer": layer,
        "attempt": attempt,
        "provider": provider,
        "request_model": request_model,
    }
    entry: dict[str, object] = {key: value for key, value in known.items() if value is not None}
    if usage is None:
        return {"usage": None, **entry}
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "input_token_details": dict(usage.input_token_details),
        "output_token_details": dict(usage.output_token_details),
        "meters": {name: str(amount) for name, amount in usage.meters.items()},
        "requests": usage.requests,
        "tier": usage.tier,
        "source": usage.source,
        "warnings": list(usage.warnings),
    }
    return {"usage": counts, **entry, "raw_usage": dict(usage.raw)}
