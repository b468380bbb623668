"""Feedback as it is kept, of whatever shape it comes in: what cannot be read of it must stand in the way of nothing."""

import math
import uuid
from collections.abc import Mapping
from typing import Any

from everytoken.query.window import parse_instant

MAX_KEY_CHARS = 180


def as_feedback(wire: Mapping[str, Any], *, at_us: int) -> dict[str, Any] | None:
    """Feedback as it is kept; `None` for what is none: without a key, with an id or a score that cannot be one.

    What else is of a type that clients could not read back is left out, so that it spoils no list.
    """
    key = wire.get("key")
    try:
        ids = {name: _id(wire.get(name)) for name in ("id", "run_id", "trace_id", "session_id")}
        created_us = parse_instant(str(wire["created_at"])) if wire.get("created_at") else at_us
        score = None if wire.get("score") is None else float(wire["score"])
    except (ValueError, TypeError, OverflowError):
        return None
    if not isinstance(key, str) or not key or (score is not None and not math.isfinite(score)):
        return None
    correction, extra, config = (wire.get(name) for name in ("correction", "extra", "feedback_config"))
    return {
        **{name: _known_id(wire.get(name)) for name in ("comparative_experiment_id", "feedback_group_id")},
        "value": wire.get("value"),
        "correction": correction if isinstance(correction, dict | str) else None,
        "extra": extra if isinstance(extra, dict) else None,
        "error": wire.get("error") if isinstance(wire.get("error"), bool) else None,
        "start_time": _known_time(wire.get("start_time")),
        "feedback_config": config if isinstance(config, dict) else None,
        "comment": None if wire.get("comment") is None else str(wire["comment"]),
        "id": ids["id"] or str(uuid.uuid4()),
        "run_id": ids["run_id"] or ids["trace_id"],
        "trace_id": ids["trace_id"],
        "session_id": ids["session_id"],
        "key": key[:MAX_KEY_CHARS],
        "score": score,
        "feedback_source": _source(wire.get("feedback_source")),
        "created_us": created_us,
        "modified_us": at_us,
    }


def _source(told: Any) -> dict[str, Any]:
    """Who says it: a type, and what goes with it."""
    if not isinstance(told, dict):
        return {"type": "api", "metadata": {}}
    kind, metadata = told.get("type"), told.get("metadata")
    return {
        **told,
        "type": kind if isinstance(kind, str) else "api",
        "metadata": metadata if isinstance(metadata, dict) else {},
    }


def _id(value: Any) -> str | None:
    return None if value is None else str(uuid.UUID(str(value)))


def _known_id(value: Any) -> str | None:
    try:
        return _id(value)
    except ValueError:
        return None


def _known_time(value: Any) -> str | int | None:
    try:
        parse_instant(str(value))
    except ValueError:
        return None
    return value if isinstance(value, str | int) else None
