"""Feedback in numbers: what LangSmith calls `feedback_stats`."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

MAX_COMMENTS = 10


def feedback_stats(bodies: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By key: number, spread of the scores, how often each value, some comments."""
    by_key: dict[str, list[Mapping[str, Any]]] = {}
    for body in bodies:
        by_key.setdefault(body["key"], []).append(body)
    return {key: _stat(held) for key, held in sorted(by_key.items())}


def _stat(held: list[Mapping[str, Any]]) -> dict[str, Any]:
    scores = [float(body["score"]) for body in held if body.get("score") is not None]
    values = Counter(body["value"] for body in held if isinstance(body.get("value"), str))
    return {
        "n": len(held),
        "avg": statistics.fmean(scores) if scores else None,
        "min": min(scores, default=None),
        "max": max(scores, default=None),
        "stdev": statistics.pstdev(scores) if scores else None,
        "values": dict(values),
        "comments": [body["comment"] for body in held if body.get("comment")][:MAX_COMMENTS],
        "sources": [body["feedback_source"] for body in held if body.get("feedback_source")][:MAX_COMMENTS],
        "errors": 0,
        "contains_thread_feedback": False,
    }
