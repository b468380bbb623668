"""Operations of runs that wait for the rest of themselves, as the journal keeps them between processes."""

from collections.abc import Iterable
from typing import Any

import orjson

from everytoken.wire.operations import Feedback, Operation


def dump_feedback(feedback: Feedback) -> bytes:
    return orjson.dumps({**feedback.body, "id": feedback.feedback_id}, default=str, option=orjson.OPT_NON_STR_KEYS)


def dump_operations(operations: Iterable[Operation]) -> bytes:
    rows = [(o.kind, o.run_id, o.body, o.received_us, o.index, o.size_bytes) for o in operations]
    return orjson.dumps(rows, default=str, option=orjson.OPT_NON_STR_KEYS)


def load_operations(data: bytes) -> list[Operation]:
    return [_operation(*row) for row in orjson.loads(data)]


def _operation(kind: Any, run_id: str, body: dict[str, Any], received_us: int, index: int, size: int) -> Operation:
    for key in ("tags", "flags"):
        if key in body:
            body[key] = tuple(body[key])
    return Operation(kind, run_id, body, received_us, index, size)  # type: ignore[arg-type]  # RunFields as dumped
