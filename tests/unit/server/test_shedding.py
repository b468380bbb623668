"""A body without room is refused by its headers, in the words of its protocol; everything else goes on."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from tests.store.ingest_world import World, body, post, uid

from everytoken.ingest.decoding import Decoding
from everytoken.server.langsmith_ingest import langsmith_ingest_router
from everytoken.server.otlp import otlp_router
from everytoken.server.scopes import OPEN, declared
from everytoken.server.shedding import SheddingMiddleware

MULTIPART = "multipart/form-data; boundary=b0undary"
ROUTES = [
    ("POST", "/runs/multipart"),
    ("POST", "/api/v1/runs/batch"),
    ("POST", "/api/runs/"),
    ("PATCH", f"/runs/{uid(1)}"),
    ("POST", "/otel/v1/traces"),
    ("POST", "/v1/traces"),
]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path)
    opened.pipeline.start()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.state.services = SimpleNamespace(pipeline=world.pipeline)
    app.state.gate = SimpleNamespace(need=lambda method, path: declared(method, path) or OPEN)
    app.include_router(langsmith_ingest_router(world.pipeline, world.settings))
    app.include_router(otlp_router(world.pipeline, world.settings))
    app.add_middleware(SheddingMiddleware, server=app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for bodies under 100 bytes alone."""
    monkeypatch.setattr(Decoding, "has_room", lambda _self, size_bytes: size_bytes < 100)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_body_without_room_is_refused_unread(
    world: World, http: httpx.AsyncClient, method: str, path: str
) -> None:
    read = False

    async def content() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"x" * 100

    answer = await http.request(method, path, content=content(), headers={"Content-Length": "100"})
    assert (answer.status_code, answer.headers["Retry-After"], read) == (503, "1", False)
    assert "too many requests are under way; send it again" in answer.text
    assert world.pipeline.counters.refused == 1


@pytest.mark.usefixtures("full")
async def test_each_protocol_is_answered_in_its_own_words(http: httpx.AsyncClient) -> None:
    langsmith = await http.post("/runs/multipart", content=b"x" * 100)
    assert set(langsmith.json()) == {"detail", "error", "field"}
    protobuf = await http.post("/v1/traces", content=b"x" * 100, headers={"Content-Type": "application/x-protobuf"})
    assert (protobuf.headers["Content-Type"], protobuf.content[:2]) == ("application/x-protobuf", bytes((0x08, 14)))
    json = await http.post("/v1/traces", content=b"x" * 100, headers={"Content-Type": "application/json"})
    assert (json.headers["Content-Type"], json.json()["code"]) == ("application/json", 14)


@pytest.mark.usefixtures("full")
async def test_what_asks_is_answered_all_the_same(http: httpx.AsyncClient) -> None:
    assert (await http.get("/info")).status_code == 200


async def test_with_room_it_stands_in_nobodys_way(world: World, http: httpx.AsyncClient) -> None:
    answer = await http.post("/runs/multipart", content=body(post(1)), headers={"Content-Type": MULTIPART})
    assert answer.status_code == 202
    await world.pipeline.flush()
    assert world.ledger.run(uid(1)).name == "run 1"


def test_refusals_leave_at_a_hundred_a_second_and_none_is_held_for_more_than_three_seconds() -> None:
    shedding = SheddingMiddleware(FastAPI(), server=FastAPI())
    at_once = [shedding.hold_s(100.0) for _ in range(2_000)]
    assert at_once[0] == 0
    assert at_once[100] == pytest.approx(1.0)
    assert max(at_once) == 3.0
    assert shedding.hold_s(110.0) == 0
