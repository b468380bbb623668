"""One line of a provider's export, whatever its format, and the name under which a model is compared."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Provider = Literal["openai", "google"]

_DATED = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|latest)$")


class StatementError(ValueError):
    """The file is no export that is known; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """What was billed for one model (or one thing) in one span of time. `None` is what the export leaves out."""

    provider: Provider
    start_us: int | None
    """Start of its span, UTC; `None` for a line with a date alone."""
    day: str | None = None
    """Its date, in the zone of the bill, where the export gives no instant."""
    model: str | None = None
    what: str | None = None
    """The line item, such as `input`; `None` for usage of all kinds."""
    requests: int | None = None
    input_tokens: int | None = None
    """Cached ones included."""
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    """Before credits."""
    credits_usd: Decimal = Decimal(0)
    """Discounts and credits, negative."""
    tier: str | None = None
    """`batch`, or the service tier."""
    key: str | None = None
    """API key or project that the traffic came from."""


def family(model: str | None) -> str | None:
    """The model without its snapshot: bills name `gpt-4o-2024-08-06` where a request may have named `gpt-4o`."""
    if not model:
        return None
    name = model.strip().lower().removeprefix("models/").rpartition("/")[2]
    return _DATED.sub("", name) or name


def instant(value: Any) -> int | None:
    """UTC microseconds of epoch seconds or of an ISO text.

    Raises:
        StatementError: it is neither.
    """
    if value in (None, ""):
        return None
    text = str(value).strip()
    try:
        if re.fullmatch(r"\d{9,11}(\.0+)?", text):
            return int(float(text)) * 1_000_000
        moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    except ValueError as error:
        raise StatementError(f"{text[:60]!r} is not a time") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp()) * 1_000_000


def as_date(value: Any) -> str | None:
    """An ISO date, where the text is one alone."""
    text = str(value or "").strip()
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None


def amount(value: Any) -> Decimal | None:
    """A decimal; thousands may have commas. `None` for the empty text.

    Raises:
        StatementError: it is no number.
    """
    if value in (None, ""):
        return None
    try:
        found = Decimal(str(value).replace(",", "").replace("$", "").strip())
    except InvalidOperation as error:
        raise StatementError(f"{str(value)[:60]!r} is not a number") from error
    if not found.is_finite():
        raise StatementError(f"{str(value)[:60]!r} is not a number")
    return found


def count(value: Any) -> int | None:
    found = amount(value)
    return None if found is None else int(found)
