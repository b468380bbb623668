"""How many values JSON holds, counted before it is read: as Python objects they take many times their bytes."""

import re

from everytoken.wire.body import BodyTooLargeError

MAX_VALUES = 1_000_000
"""Of one body. An object of one member is two, and takes 230 bytes: a body may grow to some 120 MB while it is read.
A thousand embeddings of 1,000 numbers, or a request full of runs (some 50 values each), are below it."""

WINDOW_BYTES = 256 * 1024
"""Looked at in one go; the pieces between its strings take about twelve times as much while they are counted."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
"""One that does not end is read to the end of the data: else each quote in it would be tried as the first of a string,
and a megabyte of them would take hours."""
_WHOLE = re.compile(rb'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
"""Up to the first string that does not end."""


def count_values(data: bytes) -> int:
    """Members and elements, near enough: commas and opening brackets outside of strings. Ends beyond `MAX_VALUES`."""
    rough = _rough(data)
    return rough if rough <= MAX_VALUES else _outside_of_strings(data)


def check_values(data: bytes) -> None:
    """Refuse a body of more than `MAX_VALUES` values.

    Raises:
        BodyTooLargeError: it is one.
    """
    if len(data) > MAX_VALUES and count_values(data) > MAX_VALUES:
        raise too_many_values()


def too_many_values() -> BodyTooLargeError:
    return BodyTooLargeError(f"the body holds more than {MAX_VALUES} JSON values; send fewer runs in one request")


def _outside_of_strings(data: bytes) -> int:
    total = position = 0
    while position < len(data) and total <= MAX_VALUES:
        whole = _WHOLE.match(data, position, position + WINDOW_BYTES)
        assert whole is not None  # it matches nothing, too
        total += _rough(_STRING.sub(b"", whole[0]))
        position = whole.end()
        if cut := _STRING.match(data, position):
            position = cut.end()
    return total


def _rough(data: bytes) -> int:
    return data.count(b",") + data.count(b"{") + data.count(b"[")
