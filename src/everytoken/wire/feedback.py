"""Feedback that travels as a part of an ingest body: what of it must be readable, so that it can be kept later."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from everytoken.wire.fields import FieldError, read_id
from everytoken.wire.times import read_time

SUBJECTS = ("run_id", "trace_id", "session_id")
"""What feedback may be about: a run, the root of a trace, or a project."""


def check_feedback(wire: Mapping[str, Any]) -> None:
    """Refuse what the server could not keep once it has acknowledged it.

    Raises:
        FieldError: the first field that cannot be read.
    """
    for name, read in _RULES.items():
        value = wire.get(name)
        if value is None and name != "key":
            continue
        try:
            read(value)
        except (ValueError, TypeError, OverflowError) as error:
            raise FieldError(name, str(error)) from error
    if not any(wire.get(name) for name in SUBJECTS):
        raise FieldError("run_id", "feedback is about a run, a trace or a project: send run_id, trace_id or session_id")


def _key(value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text that is not empty")


def _score(value: Any) -> None:
    try:
        finite = math.isfinite(float(value))
    except (ValueError, TypeError, OverflowError):
        finite = False
    if not finite:
        raise ValueError(f"{str(value)[:60]!r} is not a number; send one, or true or false, or a text as value")


_RULES: dict[str, Callable[[Any], Any]] = {
    "key": _key,
    "run_id": read_id,
    "trace_id": read_id,
    "session_id": read_id,
    "score": _score,
    "created_at": read_time,
}
