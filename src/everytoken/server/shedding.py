"""Bodies for which there is no room are refused by their headers alone, and so many a second.

Under overload most of what comes is refused, and what a refusal costs is taken from the bodies that are accepted.
"""

import asyncio
import time

from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from everytoken.ingest.line import BusyError
from everytoken.server import langsmith_ingest, otlp
from everytoken.server.receiving import announced_bytes, busy
from everytoken.server.scopes import INGEST

REFUSALS_PER_S = 100
"""Answers that leave in a second. A client that does not wait as `Retry-After` asks it to waits for its answer instead:
64 of them had 1,400 refusals a second, and took four fifths of the server from what was accepted."""
HOLD_S = 3.0
"""Longest that an answer is held; the SDKs give up after ten seconds."""


class SheddingMiddleware:
    """Before the gate, which would look for the key of a request that nobody has time for."""

    def __init__(self, app: ASGIApp, *, server: FastAPI) -> None:
        self._app = app
        self._server = server
        self._turn_s = 0.0
        """When the next refusal may leave."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(Request(scope)) if scope["type"] == "http" else None
        if refused is not None:
            await asyncio.sleep(self.hold_s(time.monotonic()))
        await (refused or self._app)(scope, receive, send)

    def hold_s(self, now_s: float) -> float:
        """How long the next refusal waits for its turn."""
        self._turn_s = min(max(self._turn_s + 1 / REFUSALS_PER_S, now_s), now_s + HOLD_S)
        return self._turn_s - now_s

    def _refused(self, request: Request) -> Response | None:
        state = self._server.state
        if not hasattr(state, "services") or state.gate.need(request.method, request.scope["path"]) != INGEST:
            return None
        try:
            state.services.pipeline.check_room(announced_bytes(request.headers))
        except BusyError as error:
            return _answer(request.scope["path"], request.headers, error)
        return None


def _answer(path: str, headers: Headers, error: BusyError) -> Response:
    if path.rstrip("/").endswith("/traces"):
        return otlp.refused(headers.get("content-type", ""), busy(error))
    return langsmith_ingest.refused(busy(error))
