"""One way to read what a provider sent: SDK object, snake_case dump, camelCase JSON or any Mapping."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import islice
from typing import Any

MAX_DEPTH = 8
"""Nesting kept of a raw usage object; providers send three levels. Deeper data is cut."""
MAX_ITEMS = 1_000
"""Entries kept of one mapping or list of a raw usage object."""
MAX_TEXT = 4_096
"""Characters kept of one text inside a raw usage object."""
_WIDE = 2**63

_OPAQUE = (str, bytes, bytearray, int, float, complex, list, tuple, set, frozenset, Decimal)
"""Values whose attributes are methods, never fields of a response."""


@lru_cache(maxsize=512)
def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@lru_cache(maxsize=512)
def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def fields(source: object, names: Sequence[str]) -> dict[str, Any]:
    """Those of the fields `names` (snake_case) that are not null, by one pass over a Mapping."""
    if isinstance(source, Mapping):
        named = {
            snake(key): value
            for key, value in source.items()
            if isinstance(key, str) and len(key) <= 64 and value is not None
        }
        return {name: named[name] for name in names if name in named}
    return {name: value for name in names if (value := get(source, name)) is not None}


def get(source: object, name: str) -> Any:
    """The field `name` (snake_case) of `source`, under that name or its camelCase; `None` if there is none."""
    # The exact types first: an isinstance check against Mapping costs ten times a dict lookup.
    if source is None:
        return None
    if type(source) is dict or isinstance(source, Mapping):
        value = source.get(name)
        return source.get(camel(name)) if value is None else value
    if isinstance(source, _OPAQUE):
        return None
    return getattr(source, name, None)


def first(source: object, *names: str) -> Any:
    """The first of several fields that is not null."""
    for name in names:
        value = get(source, name)
        if value is not None:
            return value
    return None


def dig(source: object, *path: str) -> Any:
    """The field at the end of a path of fields."""
    for name in path:
        source = get(source, name)
    return source


def items(value: object) -> Sequence[Any]:
    """`value` if it is a list, else nothing."""
    return value if isinstance(value, list | tuple) else ()


def text(value: object) -> str | None:
    """A non-empty text, or the text of an enum."""
    if value is None:
        return None
    if isinstance(value, Enum):
        value = value.value
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def is_record(value: object) -> bool:
    """True for a Mapping or an attribute object: something that can have fields."""
    return value is not None and not isinstance(value, _OPAQUE)


def plain(value: object, depth: int = MAX_DEPTH) -> Any:
    """`value` as plain JSON data, otherwise unaltered: what is kept as `Usage.raw`."""
    if value is None or (type(value) is int and -_WIDE < value < _WIDE):
        return value  # most of a usage object: counts, and counts that are null
    if isinstance(value, str | int | float | Decimal | Enum):
        return _plain_scalar(value)
    if depth <= 0:
        return None
    if isinstance(value, Mapping):
        return _plain_pairs(value.items(), depth)
    if isinstance(value, list | tuple):
        return [plain(item, depth - 1) for item in value[:MAX_ITEMS]]
    if callable(dump := getattr(value, "model_dump", None)):
        return plain(dump(exclude_unset=True), depth)
    return _plain_pairs(getattr(value, "__dict__", {}).items(), depth)


def _plain_scalar(value: str | int | float | Decimal | Enum | None) -> Any:
    """JSON knows neither NaN nor enums, and its readers no integer beyond 64 bits."""
    if isinstance(value, Enum):
        return _plain_scalar(value.value)
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and abs(value) >= _WIDE:
        return str(value) if abs(value) < 2**4096 else None
    return str(value) if isinstance(value, Decimal) else value


def _plain_pairs(pairs: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
    return {str(key)[:MAX_TEXT]: plain(item, depth - 1) for key, item in islice(pairs, MAX_ITEMS)}
