"""The routes as clients meet them: the unmodified SDK's runs arrive whole; what is wrong gets a 4xx that says so."""

import asyncio
import contextlib
import gzip
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import langsmith
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.ingest_world import World, body, patch, post, uid, usage

from everytoken.server.langsmith_ingest import langsmith_ingest_router
from everytoken.store.errors import StoreUnavailableError

MULTIPART = {"Content-Type": "multipart/form-data; boundary=b0undary"}
MOUNTS = ("", "/api", "/api/v1")


class Served:
    """The routes on a real port, over a world in memory."""

    def __init__(self, world: World, url: str) -> None:
        self.world = world
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, timeout=30)


def app_of(world: World) -> FastAPI:
    app = FastAPI()
    router = langsmith_ingest_router(world.pipeline, world.settings)
    for mount in MOUNTS:
        app.include_router(router, prefix=mount)
    return app


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    world = World(tmp_path / "data")
    world.pipeline.start()
    server = uvicorn.Server(uvicorn.Config(app_of(world), port=0, log_level="error", lifespan="off", ws="none"))
    socket = server.config.bind_socket()
    task = asyncio.create_task(server.serve([socket]))
    serving = Served(world, f"http://127.0.0.1:{socket.getsockname()[1]}")
    yield serving
    await serving.http.aclose()
    server.should_exit = True
    await task
    socket.close()
    await world.close()


def forget_environment() -> None:
    """The SDK reads its variables once; they have changed."""
    langsmith.utils.get_env_var.cache_clear()  # type: ignore[attr-defined]  # lru_cache under an overload


@pytest.fixture
def no_tracing_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("LANGSMITH_", "LANGCHAIN_")):
            monkeypatch.delenv(name)
    forget_environment()
    yield
    forget_environment()


def trace_with_client(url: str) -> None:
    """An application's trace: a chain, two model calls and one that fails, sent by the SDK's own threads."""
    client = langsmith.Client(api_url=url, api_key="none", auto_batch_tracing=True)

    @langsmith.traceable(run_type="llm", metadata={"ls_provider": "openai", "ls_model_name": "gpt-5.2"})
    def ask(question: str) -> dict[str, Any]:
        if question == "fail":
            raise ValueError("강남역")
        return {"content": question.upper(), **usage(10, len(question))}

    @langsmith.traceable
    def agent(question: str) -> str:
        with contextlib.suppress(ValueError):
            ask("fail")
        return str(ask(question)["content"]) + str(ask("again")["content"])

    with langsmith.tracing_context(enabled=True, client=client, project_name="sdk"):
        assert agent("hello") == "HELLOAGAIN"
    client.flush()
    client.close()


@pytest.mark.usefixtures("no_tracing_variables")
@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("compressed", [True, False])
async def test_the_unmodified_sdk_s_trace_arrives_whole(
    served: Served, monkeypatch: pytest.MonkeyPatch, mount: str, compressed: bool
) -> None:
    if not compressed:
        monkeypatch.setenv("LANGSMITH_DISABLE_RUN_COMPRESSION", "true")
        forget_environment()
    await asyncio.to_thread(trace_with_client, served.url + mount)
    await served.world.pipeline.flush()
    ledger = served.world.ledger
    runs = sorted((s.run for s in ledger.runs.values()), key=lambda r: r.dotted_order)
    assert [(r.name, r.run_type, r.status, r.project) for r in runs] == [
        ("agent", "chain", "success", "sdk"),
        ("ask", "llm", "error", "sdk"),
        ("ask", "llm", "success", "sdk"),
        ("ask", "llm", "success", "sdk"),
    ]
    assert {r.parent_run_id for r in runs[1:]} == {runs[0].run_id}
    assert runs[1].error is not None
    assert runs[1].error.startswith("ValueError('강남역')")
    assert all(r.flags == () and r.end_us is not None for r in runs)
    assert sorted(c.usage.total_tokens for c in ledger.charges.values() if c.usage) == [15, 15]
    assert served.world.pipeline.counters.rejected == 0


@pytest.mark.usefixtures("no_tracing_variables")
async def test_runs_made_by_hand_without_ids_of_their_trace_arrive(served: Served) -> None:
    def by_hand() -> None:
        client = langsmith.Client(api_url=served.url, api_key="none")
        parent, child = uuid.uuid4(), uuid.uuid4()
        start = datetime.now(UTC)
        client.create_run("outer", {"q": 1}, "chain", id=parent, project_name="hand", start_time=start)
        client.create_run("inner", {"q": 2}, "llm", id=child, parent_run_id=parent, project_name="hand")
        client.update_run(child, outputs=usage(3, 4))
        client.update_run(parent, outputs={"a": 1})
        client.flush()
        client.close()

    await asyncio.to_thread(by_hand)
    await served.world.pipeline.flush()
    runs = {s.run.name: s.run for s in served.world.ledger.runs.values()}
    assert runs["inner"].trace_id == runs["outer"].run_id == runs["outer"].trace_id
    assert (runs["outer"].status, runs["inner"].status, served.world.ledger.tokens) == ("success", "success", 7)


async def test_info_tells_the_sdk_all_it_reads(served: Served) -> None:
    for mount in MOUNTS:
        info = (await served.http.get(f"{mount}/info")).json()
        assert set(info["batch_ingest_config"]) == {
            "use_multipart_endpoint", "scale_up_qsize_trigger", "scale_up_nthreads_limit",
            "scale_down_nempty_trigger", "size_limit", "size_limit_bytes",
        }  # fmt: skip
        assert info["instance_flags"]["zstd_compression_enabled"] is True
        assert info["version"] == "0.16.30"


async def test_each_way_of_sending_one_run_stores_it(served: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for byte in body(post(2, trace=2)):
            yield bytes([byte])

    http, gzipped = served.http, {**MULTIPART, "Content-Encoding": "gzip"}
    answers = [
        await http.post("/runs/multipart", content=body(post(1)), headers=MULTIPART),
        await http.post("/api/runs/multipart", content=chunks(), headers=MULTIPART),
        await http.post("/api/v1/runs/multipart/", content=gzip.compress(body(post(3, trace=3))), headers=gzipped),
        await http.post("/runs/batch", json={"post": [post(4, trace=4)[1]], "patch": [patch(4)[1]]}),
        await http.post("/runs", json=post(5, trace=5)[1]),
        await http.patch(f"/runs/{uid(5)}", json={"outputs": {"a": 1}, "end_time": "2026-11-22T13:00:00"}),
    ]
    assert [answer.status_code for answer in answers] == [202] * 6
    await served.world.pipeline.flush()
    assert sorted(s.run.run_id for s in served.world.ledger.runs.values()) == [uid(n) for n in range(1, 6)]
    assert served.world.ledger.run(uid(5)).outputs == {"a": 1}


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "field", "says"),
    [
        ("/runs/multipart", b"x", MULTIPART, 400, "body", "does not start with the boundary"),
        ("/runs/multipart", b"x", {**MULTIPART, "Content-Encoding": "zstd"}, 400, "body", "not a readable zstd stream"),
        ("/runs/multipart", b"x", {**MULTIPART, "Content-Encoding": "br"}, 415, "Content-Encoding", "send zstd, gzip"),
        ("/runs/multipart", b"{}", {"Content-Type": "application/json"}, 415, "Content-Type", "use POST /runs/batch"),
        ("/runs/batch", b"{", {}, 400, "body", "not readable as JSON"),
        ("/runs/batch", b"[" * 100_000, {}, 400, "body", "nested deeper than 200 levels"),
        ("/runs", b"{}", {}, 422, "id", "is not a UUID"),
        ("/runs", json.dumps({"id": uid(1), "start_time": "x"}).encode(), {}, 422, "start_time", "send ISO 8601"),
    ],
)
async def test_what_is_wrong_gets_a_4xx_that_names_the_field_and_the_cure(
    served: Served, path: str, content: bytes, headers: dict[str, str], status: int, field: str, says: str
) -> None:
    answer = await served.http.post(path, content=content, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert says in answer.json()["detail"]
    assert served.world.journal.used_bytes == 0


async def test_a_run_that_cannot_be_read_is_reported_and_its_neighbour_is_stored(served: Served) -> None:
    wrong = post(2, trace=2, tags="not a list")
    answer = await served.http.post("/runs/multipart", content=body(post(1), wrong), headers=MULTIPART)
    assert answer.status_code == 202
    assert answer.json()["rejected"] == [
        {"part": f"post.{uid(2)}", "field": "tags", "reason": "must be a list of texts"}
    ]
    await served.world.pipeline.flush()
    assert [s.run.run_id for s in served.world.ledger.runs.values()] == [uid(1)]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(served: Served, announced: bool) -> None:
    served.world.settings.body_max_bytes = 2_000

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    content: Any = b" " * 2_001 if announced else endless()
    with contextlib.suppress(httpx.WriteError, httpx.ReadError):  # the server may hang up on what it will not read
        answer = await served.http.post("/runs/batch", content=content)
        assert (answer.status_code, answer.json()["detail"][:35]) == (413, "the body is larger than 2000 bytes;")
    assert served.world.pipeline.gauges()["in_flight_bytes"] == 0


async def test_a_full_journal_answers_503_and_says_when_to_come_back(served: Served) -> None:
    def away(_runs: object) -> None:
        raise StoreUnavailableError("away")

    served.world.ledger.fault = away
    served.world.journal.max_bytes = 10
    answer = await served.http.post("/runs", json=post(1)[1])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "send it again later" in answer.json()["error"]
    served.world.ledger.fault = None


async def test_a_stopping_server_answers_503(served: Served) -> None:
    await served.world.pipeline.stop()
    answer = await served.http.post("/runs", json=post(1)[1])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


PATHS = st.sampled_from(["/runs/multipart", "/runs/batch", "/runs", f"/api/runs/{uid(1)}", "/api/v1/runs/x"])
CODINGS = st.sampled_from(["", "zstd", "gzip", "br", "identity"])
TYPES = st.sampled_from(["multipart/form-data; boundary=b0undary", "application/json", "", "multipart/form-data"])
BODIES = st.binary(max_size=400) | st.builds(
    lambda whole, at, byte: whole[: at % len(whole)] + byte + whole[at % len(whole) + 1 :],
    st.sampled_from([body(post(1), patch(1)), json.dumps({"post": [post(1)[1]]}).encode()]),
    st.integers(0, 5_000),
    st.binary(max_size=2),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, coding=CODINGS, content_type=TYPES, data=BODIES)
async def test_random_bytes_never_give_a_5xx(
    fuzzed: httpx.AsyncClient, path: str, coding: str, content_type: str, data: bytes
) -> None:
    method = "PATCH" if "/runs/" in path and path[-4:] not in ("part", "atch") else "POST"
    headers = {"Content-Encoding": coding, "Content-Type": content_type}
    answer = await fuzzed.request(method, path, content=data, headers=headers)
    assert 200 <= answer.status_code < 500


@pytest.fixture
async def fuzzed(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    world = World(tmp_path / "fuzz")
    world.pipeline.start()
    transport = httpx.ASGITransport(app_of(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
    await world.pipeline.flush()
    assert world.pipeline.counters.dropped == 0
    await world.close()
