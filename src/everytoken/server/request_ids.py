"""A name for each request, in the answer and in the log: what a person reads out to whoever looks after the server."""

import re
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from everytoken.server.answer_headers import guarded

HEADER = "X-Request-Id"
_HEADER = HEADER.lower().encode()
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Of a proxy before us, kept so that its log and ours tell of the same request; anything else is not repeated."""


class RequestIdMiddleware:
    """Puts the id into the request's state as `request_id` and into every answer, beside what guards the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        request_id = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex[:16].encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*guarded(message.get("headers", ())), (_HEADER, request_id)]}
            await send(message)

        await self._app(scope, receive, named)
