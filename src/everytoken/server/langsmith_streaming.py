"""A page of LangSmith's v2: at once, or piece by piece to clients that accept server-sent events.

A stream is a list of JSON Patches (RFC 6902) that build the same page: one event for each item, one for the cursor,
then `end`. What fails on the way ends it with `error`.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from everytoken.server.langsmith_context import answer, problem_body
from everytoken.store.columns import dump
from everytoken.store.errors import StoreError

CHUNK = 100
"""Items read at a time, so that the first arrive while the last are not read yet."""
EVENT_STREAM = "text/event-stream"

Items = list[dict[str, Any]]
ReadPage = Callable[[int, str | None], tuple[Items, str | None]]
"""At most so many items after a cursor, and the cursor of those that follow."""

log = logging.getLogger("everytoken.server")


def page_answer(request: Request, read: ReadPage, *, size: int, cursor: str | None) -> Response:
    """A page of at most `size` items, in the form that the client accepts.

    Raises whatever reading the first items raises; from then on a stream tells it.
    """
    if EVENT_STREAM not in request.headers.get("accept", ""):
        items, following = read(size, cursor)
        return answer({"items": items, "next_cursor": following, "has_more": following is not None})
    first = read(min(size, CHUNK), cursor)
    return StreamingResponse(_events(first, read, size), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"})


def _events(first: tuple[Items, str | None], read: ReadPage, left: int) -> Iterator[bytes]:
    items, following = first
    try:
        while True:
            for item in items:
                yield _event("data", [{"op": "add", "path": "/items/-", "value": item}])
            left -= len(items)
            if left <= 0 or following is None:
                break
            items, following = read(min(left, CHUNK), following)
        yield _event("data", [{"op": "add", "path": "/next_cursor", "value": following}])
        yield _event("end", {})
    except StoreError as error:
        log.warning("a stream of runs ended early: %s", error)
        yield _event("error", problem_body(503, str(error), remedy="ask again in a moment"))


def _event(name: str, data: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + dump(data).encode() + b"\n\n"
