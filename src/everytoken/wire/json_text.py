"""JSON from outside: read fast when plain, leniently when not, and never deeper than we can write again."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import orjson

MAX_DEPTH = 200
"""orjson writes at most 254 levels, and what we store is wrapped in a few levels of our own."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonError(ValueError):
    """Not JSON, or deeper than `MAX_DEPTH`."""


def load_json(data: bytes) -> Any:
    """The decoded value. NaN and infinities become `None`, lone surrogates U+FFFD, integers beyond 64 bits floats.

    Raises:
        JsonError: with a sentence that says where it went wrong.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _load_lenient(data)
    openings = data.count(b"[") + data.count(b"{") if len(data) > 2 * MAX_DEPTH else 0
    if openings > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise JsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    return value


def _load_lenient(data: bytes) -> Any:
    text = data.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=lambda _name: None)
        rewritten = _LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
        return orjson.loads(rewritten)
    except RecursionError as error:
        raise JsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise JsonError(f"not readable as JSON: {str(error)[:200]}") from error


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _deeper_than(value: Any, limit: int) -> bool:
    level = _containers([value])
    for _ in range(limit):
        if not level:
            return False
        level = [
            child for parent in level for child in _containers(parent.values() if type(parent) is dict else parent)
        ]
    return bool(level)


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if type(value) is dict or type(value) is list]
