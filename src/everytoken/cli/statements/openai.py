"""OpenAI's usage and cost exports: the pages of `/v1/organization/usage/*` and `/v1/organization/costs`, and their CSV.

Fields: https://developers.openai.com/api/reference/resources/admin (2026-11) and `openai` 3.54,
`types/admin/organization`. The CSV of the dashboard has the same names, `amount.value` written `amount_value`, and one
line a bucket with empty cells where nothing was used. A line item is `gpt-4o-2024-08-06, input`. Days are UTC.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from everytoken.cli.statements.lines import BillLine, StatementError, amount, count, instant

ZONE = "UTC"
MARKS = frozenset({"num_model_requests", "amount_value", "input_tokens"})
"""A CSV with one of these columns and `start_time` is OpenAI's."""


def is_page(value: Any) -> bool:
    """Whether a JSON value is a page of the API, or one bucket of it."""
    if not isinstance(value, Mapping):
        return False
    return value.get("object") == "bucket" or (value.get("object") == "page" and isinstance(value.get("data"), list))


def from_pages(pages: Iterable[Any]) -> Iterator[BillLine]:
    """Lines of pages, or of buckets one by one."""
    for page in pages:
        for bucket in page["data"] if page.get("object") == "page" else [page]:
            results = bucket.get("results", bucket.get("result"))
            if not isinstance(results, list):
                raise StatementError("a bucket without results")
            for result in results:
                money = result.get("amount") or {}
                flat = {**result, "amount_value": money.get("value"), "amount_currency": money.get("currency")}
                yield _line({**flat, "start_time": bucket.get("start_time")})


def from_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[BillLine]:
    """Lines of the CSV; a bucket in which nothing happened is none."""
    for row in rows:
        if any(row.get(name) not in (None, "") for name in ("amount_value", "num_model_requests", "input_tokens")):
            yield _line(row)


def _line(row: Mapping[str, Any]) -> BillLine:
    start_us = instant(row.get("start_time") or row.get("start_time_iso"))
    if start_us is None:
        raise StatementError("a line without start_time")
    key = row.get("api_key_id") or row.get("project_id") or None
    cost_usd = _usd(row)
    if cost_usd is not None or row.get("line_item"):
        model, what = _item(row.get("line_item"))
        tokens = _quantity(row)
        return BillLine(
            provider="openai",
            start_us=start_us,
            model=model,
            what=what,
            input_tokens=tokens if what and "input" in what else None,
            cached_tokens=tokens if what and "cached" in what else None,
            output_tokens=tokens if what == "output" else None,
            cost_usd=cost_usd or Decimal(0),
            key=key,
        )
    batch = str(row.get("batch")).lower() == "true"
    return BillLine(
        provider="openai",
        start_us=start_us,
        model=row.get("model") or None,
        requests=count(row.get("num_model_requests")),
        input_tokens=count(row.get("input_tokens")),
        cached_tokens=count(row.get("input_cached_tokens")),
        output_tokens=count(row.get("output_tokens")) or 0,
        tier="batch" if batch else row.get("service_tier") or None,
        key=key,
    )


def _usd(row: Mapping[str, Any]) -> Decimal | None:
    value = amount(row.get("amount_value"))
    currency = str(row.get("amount_currency") or "usd").lower()
    if value is not None and currency != "usd":
        raise StatementError(f"amounts in {currency}; only USD can be compared")
    return value


def _item(text: Any) -> tuple[str | None, str | None]:
    """Model and kind of a line item; a thing that is no model, such as web searches, is kind alone."""
    name, _, kind = str(text or "").partition(", ")
    return (name, kind.strip().lower()) if kind else (None, name or None)


def _quantity(row: Mapping[str, Any]) -> int | None:
    found = amount(row.get("quantity"))
    scale = {"tokens": 1, "1000_tokens": 1_000}.get(str(row.get("quantity_unit")))
    return None if found is None or scale is None else int(found * scale)
