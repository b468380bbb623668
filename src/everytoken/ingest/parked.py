"""Operations of runs that wait for the rest of themselves, as the journal keeps them between processes."""

from collections.abc import Iterable
from typing import Any

import orjson

from everytoken.wire.operations import Feedback, Operation


def dump_feedback(feedback: Feedback) -> bytes:
    return orjson.dumps({**feedback.body, "id": feedback.feedback_id}, default=str, option=orjson.OPT_NON_STR_KEYS)


def dump_operations(operations: Iterable[Operation]) -> bytes:
    rows = [(o.kind, o.run_id, o.body, o.received_us, o.index, o.size_bytes, _listed(o)) for o in operations]
    return orjson.dumps(rows, default=str, option=orjson.OPT_NON_STR_KEYS)


def _listed(operation: Operation) -> list[str] | None:
    return None if operation.allowed is None else sorted(operation.allowed)


def load_operations(data: bytes) -> list[Operation]:
    return [_operation(*row) for row in orjson.loads(data)]


def _operation(
    kind: Any,
    run_id: str,
    body: dict[str, Any],
    received_us: int,
    index: int,
    size: int,
    allowed: list[str] | None = None,  # absent from what an earlier version parked
) -> Operation:
    for key in ("tags", "flags"):
        if key in body:
            body[key] = tuple(body[key])
    only = None if allowed is None else frozenset(allowed)
    return Operation(kind, run_id, body, received_us, index, size, only)  # type: ignore[arg-type]  # RunFields as dumped
