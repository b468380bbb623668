"""Bodies for which there is no room are refused by their headers alone.

Under overload most of what comes is refused, and what a refusal costs is taken from the bodies that are accepted:
through all routes it cost four times as much (docs/performance.md).
"""

from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from everytoken.ingest.line import BusyError
from everytoken.server import langsmith_ingest, otlp
from everytoken.server.receiving import announced_bytes, busy
from everytoken.server.scopes import INGEST


class SheddingMiddleware:
    """Before the gate, which would look for the key of a request that nobody has time for."""

    def __init__(self, app: ASGIApp, *, server: FastAPI) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refused(Request(scope)) if scope["type"] == "http" else None
        await (refused or self._app)(scope, receive, send)

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
