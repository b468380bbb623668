"""Google Cloud's billing export: rows of the BigQuery table as JSON or CSV, and the cost table of the console as CSV.

Columns: https://docs.cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage (2026-11). Nested
names are read with a dot or an underscore between them. Only rows of the Gemini API (`Generative Language API`) and of
Vertex AI that name a Gemini model are looked at. Dates in the console's reports are Pacific time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from everytoken.cli.statements.lines import BillLine, StatementError, amount, as_date, instant

ZONE = "America/Los_Angeles"
_MODEL = re.compile(
    r"gemini[ -](?P<number>\d+(?:[. ]\d+)?)[ -](?P<kind>flash[ -]lite|flash|pro|ultra|nano)"
    r"(?P<image>.*\bimage (?:output|generation))?"
)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "sku": ("sku.description", "sku_description", "SKU description", "SKU"),
    "service": ("service.description", "service_description", "Service description", "Service"),
    "start": ("usage_start_time", "Usage start time", "Usage start date", "usage_start_date", "Date"),
    "cost": ("cost", "Cost ($)", "Cost", "Unrounded Cost ($)", "Unrounded cost ($)"),
    "currency": ("currency", "Currency"),
    "amount": (
        "usage.amount_in_pricing_units", "usage_amount_in_pricing_units", "usage.amount", "usage_amount",
        "Usage amount",
    ),
    "unit": ("usage.pricing_unit", "usage_pricing_unit", "usage.unit", "usage_unit", "Usage unit"),
    "project": ("project.id", "project_id", "Project ID", "Project name"),
    "credits": ("credits", "Credits ($)", "Discounts ($)", "credits_amount"),
}  # fmt: skip
_SCALES = {"count": 1, "counts": 1, "token": 1, "tokens": 1, "requests": None, "1/1k": 1_000, "1k": 1_000, "1m": 10**6}


def is_row(value: Any) -> bool:
    """Whether a row is of a billing export."""
    return isinstance(value, Mapping) and _get(value, "sku") is not None and _get(value, "cost") is not None


def from_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[BillLine]:
    """Lines about Gemini models; other services' are passed over."""
    for row in rows:
        sku = str(_get(row, "sku") or "")
        found = model_of(sku)
        if found is None or str(row.get("cost_type") or "regular") != "regular":
            continue
        yield _line(row, sku, found)


def model_of(sku: str) -> str | None:
    """`gemini-2.5-flash` of a SKU's description; `None` when it names no Gemini model."""
    found = _MODEL.search(sku.lower())
    if found is None:
        return None
    number = found["number"].replace(" ", ".")
    image = "-image" if found["image"] else ""
    return f"gemini-{number}-{found['kind'].replace(' ', '-')}{image}"


def _line(row: Mapping[str, Any], sku: str, model: str) -> BillLine:
    currency = str(_get(row, "currency") or "USD").upper()
    rate = amount(row.get("currency_conversion_rate")) if currency != "USD" else Decimal(1)
    if not rate:
        raise StatementError(f"amounts in {currency} without currency_conversion_rate; only USD can be compared")
    start, words = _get(row, "start"), sku.lower()
    day = as_date(start)
    tokens = _tokens(row, words)
    kind = "output" if re.search("output|thinking|response", words) else "input" if "input" in words else None
    cached = kind != "output" and "cach" in words and "storage" not in words
    cost = amount(_get(row, "cost"))
    return BillLine(
        provider="google",
        start_us=None if day else instant(start),
        day=day,
        model=model,
        what=sku,
        input_tokens=tokens if kind == "input" or cached else None,
        cached_tokens=tokens if cached else None,
        output_tokens=tokens if kind == "output" else None,
        cost_usd=None if cost is None else cost / rate,
        credits_usd=_credits(row) / rate,
        tier="batch" if "batch" in words else None,
        key=_get(row, "project"),
    )


def _tokens(row: Mapping[str, Any], words: str) -> int | None:
    found = amount(_get(row, "amount"))
    unit = str(_get(row, "unit") or "").lower().strip()
    scale = _SCALES.get(unit)
    return None if found is None or not scale or re.search("grounding|search|storage", words) else int(found * scale)


def _credits(row: Mapping[str, Any]) -> Decimal:
    value = _get(row, "credits")
    if isinstance(value, list):
        return sum((amount(one.get("amount")) or Decimal(0) for one in value), Decimal(0))
    return amount(value) or Decimal(0)


def _get(row: Mapping[str, Any], name: str) -> Any:
    """A value by any of its names, nested or flat."""
    for spelled in _NAMES[name]:
        value = row.get(spelled)
        if value is None and "." in spelled:
            outer, _, inner = spelled.partition(".")
            held = row.get(outer)
            value = held.get(inner) if isinstance(held, Mapping) else None
        if value not in (None, "") and not isinstance(value, Mapping):
            return value
    return None
