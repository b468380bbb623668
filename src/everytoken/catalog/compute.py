"""One recorded response to its usage and cost: what `everytoken prices compute` answers for a line of JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from everytoken.catalog.book import PriceBook
from everytoken.core.charge import Cost, CostLine
from everytoken.core.extract import Extraction, extract_usage
from everytoken.core.pricing import total_usd
from everytoken.core.usage import Usage


@dataclass(frozen=True, slots=True)
class _Request:
    provider: str | None
    model: str | None
    at_us: int
    shape: str


def compute(record: object, book: PriceBook, *, now_us: int) -> dict[str, Any]:
    """The usage, cost and arithmetic of one record `{"id", "provider", "model", "at", "shape", "context", "raw"}`.

    A record that cannot be read answers `{"id", "error"}`. `at` is an ISO date or time, UTC if it names no zone, or
    microseconds; without it the request happened now.
    """
    if not isinstance(record, Mapping):
        return {"id": None, "error": "not a JSON object"}
    identity = record.get("id")
    try:
        return {"id": identity, **_compute(record, book, now_us)}
    except ValueError as error:
        return {"id": identity, "error": str(error)}


def _compute(record: Mapping[str, Any], book: PriceBook, now_us: int) -> dict[str, Any]:
    shape, context = record.get("shape"), record.get("context") or {}
    if not isinstance(shape, str):
        raise ValueError("`shape` is missing")
    if "raw" not in record:
        raise ValueError("`raw` is missing")
    if not isinstance(context, Mapping):
        raise ValueError("`context` is not an object")
    model = _text(record, "model")
    request = _Request(_text(record, "provider"), model, _moment_us(record.get("at"), now_us), shape)
    context = {"model": model, **context} if model else context
    found = extract_usage(shape, record["raw"], context)
    costs = [cost for part in _requests(found, record["raw"], shape, context) for cost in _price(part, request, book)]
    total = _sum(costs, found)
    return {
        "usage": None if found.usage is None else _usage_json(found.usage),
        "warnings": list(found.usage.warnings) if found.usage else [],
        "cost_usd": money(total.usd),
        "status": total.status,
        "reason": total.reason,
        "price_entry": total.entry,
        "price_source": total.source,
        "breakdown": [_line_json(line) for line in total.lines],
    }


def _requests(found: Extraction, raw: object, shape: str, context: Mapping[str, Any]) -> Iterable[Extraction]:
    """The requests behind an extraction: a price step is decided by each request, not by their sum."""
    if shape != "gemini.requests" or not isinstance(raw, list | tuple) or found.usage is None:
        return (found,)
    return [
        extract_usage(
            "gemini.stream" if isinstance(request, list | tuple) else "gemini.generate_content", request, context
        )
        for request in raw
    ]


def _price(found: Extraction, request: _Request, book: PriceBook) -> list[Cost]:
    provider, at_us = request.provider, request.at_us

    def price(usage: Usage | None, model: str | None) -> Cost:
        return book.price(usage, provider=provider, model=model, at_us=at_us, call_path=request.shape)

    own = price(found.usage, request.model or found.response_model)
    # The name of a deployment says nothing about the model behind it; the answer does.
    if own.reason == "model_unknown" and found.response_model not in (None, request.model):
        own = price(found.usage, found.response_model)
    return [own, *(price(child.usage, child.model) for child in found.children)]


def _sum(costs: list[Cost], found: Extraction) -> Cost:
    """One cost out of several; unknown as soon as one of them is."""
    if found.usage is None:
        return Cost(usd=None, status="unpriced", reason="not_usage" if found.reason == "not_usage" else "usage_missing")
    unknown = next((cost for cost in costs if cost.usd is None), None)
    if unknown is not None:
        return unknown
    lines = tuple(line for cost in costs for line in cost.lines)
    first = next((cost for cost in costs if cost.status != "priced"), costs[0])
    return Cost(
        usd=total_usd(lines),
        status=first.status,
        reason=first.reason,
        entry=costs[0].entry,
        source=costs[0].source,
        lines=lines,
    )


def _text(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`{key}` is not a text")
    return value


def _moment_us(at: object, now_us: int) -> int:
    if at is None:
        return now_us
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    if not isinstance(at, str):
        raise ValueError("`at` is not an ISO time")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise ValueError(f"`at` is not an ISO time: {at[:40]!r}") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def money(usd: Decimal | None) -> str | None:
    """Plain decimal text without trailing zeros; `None` stays `None`."""
    if usd is None:
        return None
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _line_json(line: CostLine) -> dict[str, Any]:
    return {
        "token_class": line.token_class,
        "count": money(line.count),
        "rate_usd": money(line.rate_usd),
        "per": line.per,
        "usd": money(line.usd),
    }


def _usage_json(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "input_token_details": dict(usage.input_token_details),
        "output_token_details": dict(usage.output_token_details),
        "meters": {meter: money(count) for meter, count in usage.meters.items()},
        "requests": usage.requests,
        "source": usage.source,
        "tier": usage.tier,
    }
