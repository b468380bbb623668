"""A usage in the words of others: LangSmith, LangChain, OpenTelemetry, OpenInference, and our own metadata."""

from everytoken.core.charge import Cost
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
