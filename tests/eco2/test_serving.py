"""The worker over HTTP: events in order, questions, coming back, metrics, refusals."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tests.eco2.capture import Capture
from tests.eco2.conftest import switch_on

from eco2 import jobs, server
from eco2.paths import PIXEL
from eco2.server import create_app
from eco2.services.images import MAX_IMAGE_BYTES
from eco2.settings import Settings
from everytoken.simulator.serve import Simulator

NEEDS_PLACE = "가까운 제로웨이스트 가게 어디 있어?"


@dataclass(frozen=True)
class Sent:
    """One server-sent event."""

    number: int
    type: str
    data: dict[str, Any]


@pytest.fixture
async def app(settings: Settings, simulator: Simulator) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://eco2") as client:
        yield client


async def send(client: httpx.AsyncClient, message: str, chat: str = "c1", **body: Any) -> str:
    response = await client.post(f"/api/v1/chat/{chat}/messages", json={"message": message, **body})
    assert response.status_code == 202, response.text
    accepted = response.json()
    assert accepted["status"] == "submitted"
    assert accepted["stream_url"] == f"/api/v1/chat/{accepted['job_id']}/events"
    job_id: str = accepted["job_id"]
    return job_id


async def read(client: httpx.AsyncClient, job_id: str, after: int | None = None) -> list[Sent]:
    """All events from `after` on, once the job is done."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    response = await client.get(f"/api/v1/chat/{job_id}/events", headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in response.text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append(Sent(int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


async def until(app: FastAPI, job_id: str, kind: str) -> None:
    """Wait for an event of the job."""
    async with asyncio.timeout(10):
        async for entry in app.state.jobs.get(job_id).follow(0):
            if entry and entry[1].type == kind:
                return


async def test_events_come_in_order_and_their_tokens_are_the_answer(client: httpx.AsyncClient) -> None:
    events = await read(client, await send(client, "유리병 어떻게 버려?"))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    done = events[-1]
    assert done.type == "done"
    assert "".join(event.data["text"] for event in events if event.type == "token") == done.data["answer"]
    stages = [(event.data["stage"], event.data["status"]) for event in events if event.type == "stage"]
    assert stages[:2] == [("intent", "started"), ("intent", "completed")]
    assert stages[-1] == ("answer", "completed")
    assert "weather" not in [stage for stage, _ in stages]  # it only enriches here
    assert done.data["usage"]["total_tokens"] == sum(
        event.data["total_tokens"] for event in events if event.type == "usage"
    )
    assert done.data["nodes"]["weather"]["llm_calls"] == 1


async def test_a_reader_who_comes_back_gets_the_rest(client: httpx.AsyncClient) -> None:
    job_id = await send(client, "안녕")
    events = await read(client, job_id)
    assert await read(client, job_id, after=4) == events[4:]
    assert await read(client, job_id, after=len(events)) == []
    assert await read(client, job_id) == events


async def test_a_question_waits_for_the_place_and_the_turn_resumes(client: httpx.AsyncClient, app: FastAPI) -> None:
    job_id = await send(client, NEEDS_PLACE)
    await until(app, job_id, "needs_input")
    await asyncio.sleep(0.05)
    assert app.state.jobs.get(job_id).finished_at is None
    reply = {"latitude": 37.4979, "longitude": 127.0276}
    assert (await client.post(f"/api/v1/chat/{job_id}/input", json=reply)).status_code == 202
    events = await read(client, job_id)
    kinds = [event.type for event in events]
    assert kinds.index("needs_input") < kinds.index("token")
    assert events[-1].data["nodes"]["location"]["status"] == "completed"
    assert (await client.post(f"/api/v1/chat/{job_id}/input", json=reply)).status_code == 409


async def test_a_question_without_a_reply_is_given_up_after_its_time(settings: Settings, simulator: Simulator) -> None:
    app = create_app(settings.model_copy(update={"input_timeout_s": 0.05}))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://eco2") as client,
    ):
        events = await read(client, await send(client, NEEDS_PLACE))
    assert "needs_input" in [event.type for event in events]
    assert events[-1].data["answer"]


async def test_a_conversation_goes_on_over_requests(client: httpx.AsyncClient, app: FastAPI) -> None:
    for message in ("하나", "둘"):
        await read(client, await send(client, message, chat="c9"))
    state = await app.state.jobs._agent.state("c9")
    assert [str(message.content) for message in state["messages"] if message.type == "human"] == ["하나", "둘"]


async def test_a_drawn_picture_can_be_fetched(client: httpx.AsyncClient) -> None:
    events = await read(client, await send(client, "분리배출 포스터 그려줘"))
    picture = await client.get(events[-1].data["image_url"])
    assert picture.headers["content-type"] == "image/png"


async def test_a_picture_that_was_sent_is_looked_at_by_its_link(client: httpx.AsyncClient) -> None:
    sent = await client.post("/api/v1/chat/images", content=PIXEL.content, headers={"content-type": "image/png"})
    assert sent.status_code == 201
    link = sent.json()["image_url"]
    assert (await client.get(link)).content == PIXEL.content
    events = await read(client, await send(client, "이거 어떻게 버려?", image_url=link))
    assert events[-1].data["nodes"]["vision"]["status"] == "completed"
    assert events[-1].data["nodes"]["vision"]["llm_calls"] == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"<svg/>", "image/svg+xml", 415),
        (b"x", "text/html", 415),
        (b"", "image/png", 422),
        (b"x" * (MAX_IMAGE_BYTES + 1), "image/png", 413),
    ],
)
async def test_what_is_no_picture_is_not_kept(
    client: httpx.AsyncClient, content: bytes, kind: str, status: int
) -> None:
    answer = await client.post("/api/v1/chat/images", content=content, headers={"content-type": kind})
    assert answer.status_code == status


async def test_stages_name_the_trace_they_belong_to(client: httpx.AsyncClient, traced: Capture) -> None:
    events = await read(client, await send(client, "안녕"))
    stages = [event for event in events if event.type == "stage"]
    assert {event.data["trace_id"] for event in stages} == {events[-1].data["trace_id"]} != {None}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"message": 5}',
        b'{"message": "  "}',
        json.dumps({"message": "가" * 100_001}).encode(),
        b'{"message": "a", "user_location": {"latitude": 91, "longitude": 0}}',
    ],
)
async def test_bad_requests_are_refused_with_a_reason(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/api/v1/chat/c1/messages", content=body)
    assert response.status_code == 422
    assert response.json()["detail"]


async def test_a_huge_body_is_refused_unread(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/chat/c1/messages", content=b"x" * (server.MAX_BODY_BYTES + 1))
    assert response.status_code == 413


async def test_an_unknown_job_is_not_found(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/chat/job_nobody/events")).status_code == 404
    assert (await client.post("/api/v1/chat/job_nobody/input", json={"address": "강남역"})).status_code == 404


async def test_more_turns_than_may_be_are_refused(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MAX_ACTIVE", 1)
    job_id = await send(client, NEEDS_PLACE)
    response = await client.post("/api/v1/chat/c2/messages", json={"message": "안녕"})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "2"
    await until(app, job_id, "needs_input")
    await client.post(f"/api/v1/chat/{job_id}/input", json={"address": "강남역"})
    await read(client, job_id)


async def test_old_jobs_are_forgotten(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 2)
    ids = []
    for _ in range(3):
        ids.append(await send(client, "안녕"))
        await read(client, ids[-1])
    assert (await client.get(f"/api/v1/chat/{ids[0]}/events")).status_code == 404
    assert (await client.get(f"/api/v1/chat/{ids[2]}/events")).status_code == 200


async def test_a_quiet_stream_is_kept_alive(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "KEEPALIVE_S", 0.02)
    job_id = await send(client, NEEDS_PLACE)
    await until(app, job_id, "needs_input")
    job = app.state.jobs.get(job_id)
    entries = job.follow(len(job.events))
    assert await anext(entries) is None
    await entries.aclose()
    await client.post(f"/api/v1/chat/{job_id}/input", json={"address": "강남역"})
    await read(client, job_id)


async def test_shutting_down_stops_what_is_under_way(settings: Settings, simulator: Simulator) -> None:
    app = create_app(settings)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://eco2") as client,
        app.router.lifespan_context(app),
    ):
        job_id = await send(client, NEEDS_PLACE)
        await until(app, job_id, "needs_input")
        job = app.state.jobs.get(job_id)
    assert job.finished_at is not None


async def test_metrics_are_all_written(client: httpx.AsyncClient, app: FastAPI, simulator: Simulator) -> None:
    picture = f"{simulator.urls['images']}/bottle.png"
    job_id = await send(client, "이거 어떻게 버려?", image_url=picture)
    await read(client, job_id)
    await read(client, job_id, after=1)
    switch_on(simulator, "no_usage", provider="openai", api="chat", times=1)
    await read(client, await send(client, "안녕", chat="c2"))
    switch_on(simulator, "500", provider="kakao")
    await read(client, await send(client, "서울역 근처 가게", chat="c3"))
    registry = app.state.metrics.registry
    silent = [
        metric.name
        for metric in registry.collect()
        if metric.type != "gauge" and not any(sample.value > 0 for sample in metric.samples)
    ]
    assert silent == []
    text = (await client.get("/metrics")).text
    assert 'chat_errors_total{error_type="ServiceError",intent="location"} 1.0' in text
    assert 'chat_llm_usage_missing_total{path="openai.chat"} 1.0' in text
    assert "chat_active_jobs 0.0" in text
    assert 'chat_worker_info{framework="langgraph",version="0.1.0"} 1.0' in text
    assert "job_" not in text


async def test_token_metrics_equal_the_bill(client: httpx.AsyncClient, app: FastAPI, simulator: Simulator) -> None:
    await read(client, await send(client, "유리병 어떻게 버려?"))
    sample = app.state.metrics.registry.get_sample_value
    billed = [entry["billed"] for entry in simulator.ledger() if entry["provider"] == "openai"]
    for kind in ("input", "output"):
        counted = sum(
            sample("chat_token_usage_total", {"provider": "openai", "type": kind, "model": "gpt-5.2", "node": node})
            or 0
            for node in ("intent", "weather", "answer")
        )
        assert counted == sum(entry[kind] for entry in billed)


async def test_health(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
