"""JSON from outside: read fast when plain, leniently when not, and never deeper than we can write again."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import orjson

MAX_DEPTH = 200
"""orjson writes at most 254 levels, and what we store is wrapped in a few levels of our own."""

MAX_MENDS = 8
"""Texts of one value that are put together again; one for each line of a traceback that shows such a text."""
MAX_MENDED_CHARACTERS = 1024**2
"""Each such mend reads the value again."""
MAX_ESCAPES = 1_000
"""Escapes that there are none of: as many as texts that show half of an emoji can leave, and no attack."""

LONGEST_WHOLE = 20
"""Characters of an integer that may be within 64 bits."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UP_TO_NO_ESCAPE = re.compile(r'((?:[^\\]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+)(\\|\Z)')
_CUT_SHORT = re.compile(r'\\\\"\s*\Z')


class JsonError(ValueError):
    """Not JSON, or deeper than `MAX_DEPTH`."""


def load_json(data: bytes) -> Any:
    """The decoded value. Lone surrogates become U+FFFD, integers beyond 64 bits floats, numbers beyond those `None`.

    Raises:
        JsonError: with a sentence that says where it went wrong.
    """
    value = load_deep_json(data)
    if may_be_deep(data):
        check_depth(value)
    return value


def load_deep_json(data: bytes) -> Any:
    """As `load_json`, as deep as it may be: some 1,000 levels. Its parts are to be checked.

    Raises:
        JsonError: with a sentence that says where it went wrong.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _load_lenient(data)


def may_be_deep(data: bytes) -> bool:
    """Whether it has brackets enough to be deeper than `MAX_DEPTH`, which takes no time to see."""
    return len(data) > 2 * MAX_DEPTH and data.count(b"[") + data.count(b"{") > MAX_DEPTH


def check_depth(value: Any) -> None:
    """Refuse what could not be written again.

    Raises:
        JsonError: it is deeper than `MAX_DEPTH`.
    """
    if deeper_than(value, MAX_DEPTH):
        raise JsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _load_lenient(data: bytes) -> Any:
    text = data.decode("utf-8", "replace")
    try:
        try:
            value = _parse(text)
        except json.JSONDecodeError:
            value = _parse_mended(text)
        rewritten = _LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
        return orjson.loads(rewritten)
    except RecursionError as error:
        raise JsonError(f"the JSON is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise JsonError(f"not readable as JSON: {str(error)[:200]}") from error


def _parse(text: str) -> Any:
    return json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=lambda _name: None)


def _parse_mended(text: str) -> Any:
    """What LangSmith's Python SDK writes of an error whose message holds half of an emoji, and so for other texts.

    It cuts lone surrogates out of JSON that is written already. A text that shows one as Python's `repr` does is
    `\\\\ud83d` in JSON: it takes the second backslash for the beginning of one (langsmith 0.4 to 0.15,
    `_internal/_serde.py`). The backslash that is left escapes a letter that has no escape, or the backslash of the
    next escape, so that a quote within the text ends it.
    """
    text = _UP_TO_NO_ESCAPE.sub(lambda found: found[1] + 2 * found[2], text, MAX_ESCAPES)
    for _ in range(MAX_MENDS if len(text) <= MAX_MENDED_CHARACTERS else 0):
        try:
            return _parse(text)
        except json.JSONDecodeError as error:
            cut = _CUT_SHORT.search(text, max(0, error.pos - 20), error.pos)
            if cut is None:
                raise
            text = f"{text[: cut.start()]}\\{text[cut.start() :]}"
    return _parse(text)


def _whole(text: str) -> int | float | None:
    return int(text) if len(text) <= LONGEST_WHOLE else _finite(text)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def deeper_than(value: Any, limit: int) -> bool:
    """Whether lists and objects lie in one another deeper than that."""
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
