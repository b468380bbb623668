"""The live feed over HTTP: server-sent events that a browser resumes by itself (`Last-Event-ID`)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from everytoken.ingest.live import MAX_SUBSCRIBERS, LiveFeed, LiveFullError
from everytoken.query.errors import NotFoundError
from everytoken.server.access import of_request, still
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX, PROBLEMS, Using
from everytoken.store.visible import is_visible, visible_projects

HEARTBEAT_S = 15.0  # below the 30 to 60 s after which proxies drop a silent connection
RETRY_MS = 2_000
MAX_ID = 2**63 - 1

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get(
    "/live",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "One JSON object an event, until closed."}},
)
async def live(
    use: Using,
    request: Request,
    project: Annotated[str | None, Query(description="Only this project; all without it.")] = None,
    last_event_id: Annotated[str | None, Header(description="Id of the last event seen: go on after it.")] = None,
) -> StreamingResponse:
    """Runs, traces and charges as they change. An event of type `gap` says: load what is on screen anew."""
    if use.feed.subscribers >= MAX_SUBSCRIBERS:
        raise RequestError(
            "too many connections watch already", code="too_many_watchers", hint="close some pages", status=503
        )
    if project is not None and not is_visible(project):
        raise NotFoundError(f"no project {project[:200]!r}", field="query.project")
    watch = Watch(project, visible_projects(), lambda: still(use.control, of_request(request)))
    events = stream(use.feed, watch, _last_id(last_event_id))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@dataclass(frozen=True, slots=True)
class Watch:
    """Which events one subscriber gets, and for how long."""

    project: str | None = None
    seen: frozenset[str] | None = None
    """Projects of the caller's key; `None` for all."""
    allowed: Callable[[], bool] = lambda: True
    """Whether the key or login that opened the feed still stands."""

    def wants(self, event: Mapping[str, Any]) -> bool:
        return self.seen is None or event["type"] == "gap" or event["project"] in self.seen


async def stream(
    feed: LiveFeed, watch: Watch, last_id: int | None, *, heartbeat_s: float = HEARTBEAT_S
) -> AsyncIterator[bytes]:
    """The feed as bytes; a comment line whenever nothing happened for a while, so that dead connections are noticed."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    events = feed.subscribe(watch.project, last_id)
    upcoming = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _pending = await asyncio.wait({upcoming}, timeout=heartbeat_s)
            if not watch.allowed():
                return
            if not done:
                yield b": still here\n\n"
                continue
            if watch.wants(upcoming.result()):
                yield encode(upcoming.result())
            upcoming = asyncio.ensure_future(anext(events))
    except (StopAsyncIteration, LiveFullError):
        return
    finally:
        upcoming.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, LiveFullError):
            await upcoming


def encode(event: Mapping[str, Any]) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (event["id"], orjson.dumps(event))


def _last_id(text: str | None) -> int | None:
    """An id that is none of ours is no reason to refuse: the browser sends it again and again."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    return min(int(text), MAX_ID)
