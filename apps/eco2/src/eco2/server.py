"""The worker over HTTP: send a message, read its events as they come, answer what it asks."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ValidationError

from eco2.agent import open_agent
from eco2.jobs import FullError, Job, Jobs
from eco2.messages import Location, NewMessage
from eco2.metrics import Metrics
from eco2.services.images import MAX_IMAGE_BYTES, TYPES, Images
from eco2.settings import Settings
from eco2.telemetry import flush

MAX_BODY_BYTES = 1024**2
"""Twice the longest message in UTF-8."""
RETRY_AFTER_S = 2

Body = TypeVar("Body", bound=BaseModel)


router = APIRouter()


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens its clients and conversations when it starts."""
    if not settings.public_url:
        settings = settings.model_copy(update={"public_url": "/images"})
    metrics = Metrics(settings.provider)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_agent(settings, metrics) as agent:
            app.state.jobs, app.state.images = Jobs(agent, metrics), agent.kit.images
            yield
            await app.state.jobs.close()
        await asyncio.to_thread(flush)

    app = FastAPI(title="Eco² chat worker", lifespan=lifespan)
    app.state.settings, app.state.metrics = settings, metrics
    app.include_router(router)
    app.mount("/images", StaticFiles(directory=settings.images_dir.expanduser(), check_dir=False), name="images")
    return app


@router.post("/api/v1/chat/{chat_id}/messages", status_code=202)
async def send(chat_id: str, request: Request) -> dict[str, str]:
    """Start a turn of the conversation `chat_id`."""
    body = await _read(request, NewMessage)
    limit = request.app.state.settings.message_max_chars
    if not body.message.strip() and not body.image_url:
        raise HTTPException(422, "message is empty")
    if len(body.message) > limit:
        raise HTTPException(422, f"message is longer than {limit} characters")
    try:
        job = _jobs(request).submit(
            session_id=chat_id,
            message=body.message,
            image_url=body.image_url,
            location=body.user_location.as_state() if body.user_location else None,
            user_id=body.user_id,
        )
    except FullError:
        raise HTTPException(429, "too many turns under way", {"Retry-After": str(RETRY_AFTER_S)}) from None
    job_id = job.request.job_id
    return {"job_id": job_id, "stream_url": f"/api/v1/chat/{job_id}/events", "status": "submitted"}


@router.get("/api/v1/chat/{job_id}/events")
async def events(
    job_id: str, request: Request, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Server-sent events of a turn, from its beginning or from after `Last-Event-ID`."""
    job, metrics = _job(request, job_id), _metrics(request)
    after = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    if last_event_id:
        metrics.recovered(known=0 < after <= len(job.events))
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_sse(job, after, metrics), media_type="text/event-stream", headers=headers)


@router.post("/api/v1/chat/{job_id}/input", status_code=202)
async def answer(job_id: str, request: Request) -> dict[str, str]:
    """Answer the question of a `needs_input` event."""
    where = (await _read(request, Location)).as_state()
    if where is None:
        raise HTTPException(422, "latitude and longitude, or address")
    if not _job(request, job_id).reply(where):
        raise HTTPException(409, "nothing was asked")
    return {"job_id": job_id, "status": "accepted"}


@router.post("/api/v1/chat/images", status_code=201)
async def keep_picture(request: Request) -> dict[str, str]:
    """Keep the picture that is the body; its link may be the `image_url` of a message."""
    mime_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if mime_type not in TYPES:
        raise HTTPException(415, f"a picture is one of {', '.join(TYPES)}")
    content = await _body(request, MAX_IMAGE_BYTES)
    if not content:
        raise HTTPException(422, "the picture is empty")
    images: Images = request.app.state.images
    return {"image_url": await images.store(content, mime_type)}


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/metrics")
async def prometheus(request: Request) -> Response:
    return Response(_metrics(request).render(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


def _jobs(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    return jobs


def _job(request: Request, job_id: str) -> Job:
    job = _jobs(request).get(job_id)
    if job is None:
        raise HTTPException(404, "no such job, or it was forgotten")
    return job


async def _read(request: Request, kind: type[Body]) -> Body:
    try:
        return kind.model_validate_json(await _body(request, MAX_BODY_BYTES))
    except ValidationError as error:
        problems: Any = json.loads(error.json(include_url=False, include_input=False))
        raise HTTPException(422, problems) from error


async def _body(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > limit:
            raise HTTPException(413, f"larger than {limit} bytes")
    return bytes(content)


async def _sse(job: Job, after: int, metrics: Metrics) -> AsyncIterator[str]:
    metrics.reading(1)
    try:
        async for entry in job.follow(after):
            if entry is None:
                yield ": keepalive\n\n"
                continue
            number, event = entry
            yield f"id: {number}\nevent: {event.type}\ndata: {json.dumps(event.data, ensure_ascii=False)}\n\n"
    finally:
        metrics.reading(-1)
