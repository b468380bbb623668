"""A chat agent beside the server, such as the demo's: its messages, events and pictures under the server's origin.

The page may talk to its own origin alone, hence the passing on. Only the routes named here are passed, to one address
that the operator set; what the agent says is its own and no part of the product API.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import APIRouter, Header, Request
from fastapi.responses import Response, StreamingResponse
from starlette.background import BackgroundTask

from everytoken.config import Settings
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX

MAX_BODY_BYTES = 11 * 1024**2
"""A picture of 10 MB, the most that the agent keeps, and some air."""
MAX_CONNECTIONS = 40
"""Event streams and requests under way to the agent at a time; the next one waits, and is refused after a while."""
CONNECT_S, WAIT_S = 3.0, 5.0
SILENCE_S = 60.0
"""The agent's event streams send a comment every 15 s."""
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
PASSED_ON = ("content-type", "cache-control", "retry-after")
GUARDED = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
"""What the agent sends is shown as a picture or read as data, and never becomes a page of ours."""


class AgentLink:
    """The way to the agent."""

    def __init__(self, url: str, project: str) -> None:
        self.project = project
        """Where the agent's traces go."""
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S, pool=WAIT_S),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def pass_on(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The agent's answer, streamed as it comes.

        Raises:
            RequestError: no connection, or no answer in time.
        """
        request = self._client.build_request(method, path, content=body, headers=headers)
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.PoolTimeout:
            raise RequestError(
                "too many talk to the agent", code="agent_busy", hint="ask again", status=503, retry_s=5
            ) from None
        except httpx.HTTPError as error:
            raise RequestError(
                f"the agent does not answer: {type(error).__name__}",
                code="agent_silent",
                hint="is it still running?",
                status=502,
            ) from error
        kept = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        return StreamingResponse(
            _pieces(answer), answer.status_code, {**kept, **GUARDED}, background=BackgroundTask(answer.aclose)
        )


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes. An agent that goes away ends the stream; the reader comes back and is told."""
    try:
        async for piece in answer.aiter_raw():
            yield piece
    except httpx.HTTPError:
        return


@asynccontextmanager
async def agent_link(settings: Settings) -> AsyncIterator[AgentLink | None]:
    """The link while the server runs, or `None` without an agent."""
    if settings.agent_url is None:
        yield None
        return
    link = AgentLink(settings.agent_url, settings.agent_project)
    try:
        yield link
    finally:
        await link.close()


router = APIRouter(prefix=f"{PREFIX}/agent", include_in_schema=False)


def _link(request: Request) -> AgentLink:
    link = getattr(request.app.state, "agent", None)
    if not isinstance(link, AgentLink):
        raise RequestError(
            "no agent is attached", code="agent_missing", hint="everytoken demo attaches one", status=404
        )
    return link


@router.post("/chat/{chat_id}/messages")
async def send_message(request: Request, chat_id: str) -> Response:
    return await _post(request, f"/api/v1/chat/{_name(chat_id)}/messages", "application/json")


@router.post("/chat/{job_id}/input")
async def send_input(request: Request, job_id: str) -> Response:
    return await _post(request, f"/api/v1/chat/{_name(job_id)}/input", "application/json")


@router.post("/images")
async def send_picture(request: Request) -> Response:
    return await _post(request, "/api/v1/chat/images", request.headers.get("content-type", ""))


@router.get("/chat/{job_id}/events")
async def read_events(request: Request, job_id: str, last_event_id: Annotated[str | None, Header()] = None) -> Response:
    headers = {"last-event-id": last_event_id} if last_event_id else None
    return await _link(request).pass_on("GET", f"/api/v1/chat/{_name(job_id)}/events", headers=headers)


@router.get("/images/{name}")
async def read_picture(request: Request, name: str) -> Response:
    return await _link(request).pass_on("GET", f"/images/{_name(name)}")


async def _post(request: Request, path: str, content_type: str) -> Response:
    link = _link(request)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            raise RequestError(f"larger than {MAX_BODY_BYTES} bytes", code="body_large", field="body", status=413)
    return await link.pass_on("POST", path, body=bytes(body), headers={"content-type": content_type})


def _name(text: str) -> str:
    """One step of a path, and nothing that leads out of it."""
    if not NAME.fullmatch(text):
        raise RequestError("not a name", field="path", hint="letters, digits, -, _ and . between them")
    return text
