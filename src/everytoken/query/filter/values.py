"""What stands in a filter, read as what it is compared with. Each refuses, with its position, what it cannot be."""

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.tree import Literal, Scalar, Value
from everytoken.query.window import parse_instant

MAX_INT = 2**62

_SECONDS = re.compile(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*(us|ms|s|sec|m|min|h|d)(?![a-z])\s*", re.ASCII)
_BACKSLASH = re.compile(r"\\([%_\\])?")
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
MAX_DURATION_CHARS = 60


def name_of(literal: Literal) -> str:
    """A field's name as it is looked up."""
    return str(literal.value).lower()


def items_of(value: Literal) -> Sequence[Scalar]:
    """The values of a list."""
    assert isinstance(value.value, tuple)  # the parser saw to it
    return value.value


def text_of(value: Literal, what: str) -> str:
    """A value that must be text; `what` names it in the complaint."""
    return as_text(value.value, value, what)


def as_text(item: Value, at: Literal, what: str = "text") -> str:
    if item is None:
        raise FilterError(f"null is not {what}", at.position, "null goes with eq and neq, as in neq(error, null)")
    if not isinstance(item, str):
        said = json.dumps(item)[:40]
        raise FilterError(f"{what} is written in quotes, not {said}", at.position, f'write "{said}"')
    return item


def pattern_of(text: str) -> str:
    """A backslash that escapes nothing stands for itself; the engine would refuse it at the end."""
    return _BACKSLASH.sub(lambda found: found.group() if found.group(1) else "\\\\", text)


def plain_of(value: Any) -> str:
    """As it stands in stored JSON, but for the quotes of a string."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def id_of(item: Value, at: Literal) -> str:
    """A UUID in lower case."""
    try:
        return str(uuid.UUID(str(item)))
    except ValueError:
        raise FilterError(f"{str(item)[:60]!r} is no id", at.position, "ids are UUIDs") from None


def instant_of(item: Scalar, at: Literal) -> int:
    """UTC microseconds of a time."""
    if isinstance(item, bool) or not isinstance(item, str | int):
        raise FilterError("not a time", at.position, 'write ISO-8601 in quotes, such as "2026-11-22T09:30:00Z"')
    try:
        return parse_instant(str(item))
    except ValueError as error:
        raise FilterError(str(error), at.position) from None


def seconds_of(item: Scalar, at: Literal) -> float:
    """Seconds of a number, or of text with units, the largest first or not."""
    if not isinstance(item, str):
        return number_of(item, at)
    parts = list(_SECONDS.finditer(item)) if len(item) <= MAX_DURATION_CHARS else []
    if parts and "".join(part.group() for part in parts) == item:
        return sum(float(part.group(1)) * _UNITS[part.group(2)] for part in parts)
    try:
        return number_of(item, at)
    except FilterError:
        hint = 'write seconds, or text such as "5s", "250ms" or "1m30s"'
        raise FilterError("not a duration", at.position, hint) from None


def number_of(item: Value, at: Literal) -> float:
    if isinstance(item, str):
        try:
            item = float(item)
        except ValueError:
            item = None
    if not isinstance(item, int | float) or isinstance(item, bool) or not abs(item) < MAX_INT:
        raise FilterError("not a number here", at.position, "write digits, such as 100 or 0.05")
    return float(item)


def object_of(value: Literal, name: str) -> dict[str, Any]:
    """The JSON object that `has` looks for in the map `name`; it holds something."""
    try:
        wanted = json.loads(text_of(value, "a JSON object"))
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict) or not wanted:
        raise FilterError("has needs a JSON object in quotes", value.position, f'write has({name}, \'{{"k": "v"}}\')')
    return wanted
