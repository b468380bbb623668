"""How many values JSON holds, counted before it is read: as Python objects they take many times their bytes."""

import re

from everytoken.wire.body import BodyTooLargeError

MAX_VALUES = 1_000_000
"""Of one body. An object of one member is two, and takes 230 bytes: a body may grow to some 120 MB while it is read.
A thousand embeddings of 1,000 numbers, or a request full of runs (some 50 values each), are below it."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def count_values(data: bytes) -> int:
    """Members and elements, near enough: commas and opening brackets outside of strings."""
    if _rough(data) <= MAX_VALUES:
        return _rough(data)
    return _rough(_STRING.sub(b"", data))


def check_values(data: bytes) -> None:
    """Refuse a body of more than `MAX_VALUES` values.

    Raises:
        BodyTooLargeError: it is one.
    """
    if len(data) > MAX_VALUES and count_values(data) > MAX_VALUES:
        raise too_many_values()


def too_many_values() -> BodyTooLargeError:
    return BodyTooLargeError(f"the body holds more than {MAX_VALUES} JSON values; send fewer runs in one request")


def _rough(data: bytes) -> int:
    return data.count(b",") + data.count(b"{") + data.count(b"[")
