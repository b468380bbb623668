"""Many times what a real server can take, from clients that come again at once: it says no quickly, goes on answering
questions, and stores exactly what it said yes to.
"""

import asyncio
import time
from pathlib import Path

import httpx
from tests.store.serving import Server, serving
from tests.store.traffic import Traffic

PROJECT = "flood"
CLIENTS, BODIES = 40, 120
TRACES_PER_BODY, RUNS_PER_TRACE = 6, 17


def bodies() -> list[tuple[dict[str, str], bytes]]:
    """Traces that have ended, 102 runs in each body."""
    traffic = Traffic(11, PROJECT, time.time_ns() // 1000 - 60_000_000)
    whole = [[run for _ in range(TRACES_PER_BODY) for run in traffic.trace(nodes=4)] for _ in range(BODIES)]
    return [traffic.body(runs, runs) for runs in whole]


async def flood(url: str) -> tuple[list[httpx.Response], list[httpx.Response]]:
    """Every body until it is accepted. The refusals, and the answers to questions that were asked meanwhile."""
    waiting, refused, asked = bodies(), [], []

    async def sender(http: httpx.AsyncClient) -> None:
        while waiting:
            headers, data = waiting.pop()
            while (answer := await http.post("/runs/multipart", headers=headers, content=data)).status_code != 202:
                refused.append(answer)

    async def reader(http: httpx.AsyncClient) -> None:
        while waiting:
            for path in ("/ok", "/everytoken/v1/health", f"/everytoken/v1/traces?project={PROJECT}"):
                asked.append(await http.get(path))

    limits = httpx.Limits(max_connections=CLIENTS + 1)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http, asyncio.TaskGroup() as tasks:
        tasks.create_task(reader(http))
        for _ in range(CLIENTS):
            tasks.create_task(sender(http))
    return refused, asked


def stored(server: Server) -> tuple[int, int]:
    """Runs, and model calls."""
    server.flush()
    summary = server.get(f"/projects/{PROJECT}/summary")
    return summary["runs"], summary["llm_calls"]


def test_a_flood_is_refused_in_time_and_what_was_accepted_is_stored_once(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        refused, asked = asyncio.run(flood(server.url))
        assert refused
        assert {answer.status_code for answer in refused} == {503}
        assert all(1 <= int(answer.headers["Retry-After"]) <= 10 for answer in refused)
        assert all("too many requests are under way" in answer.json()["error"] for answer in refused)
        assert asked
        assert all(answer.is_success or answer.status_code == 404 for answer in asked), "404: no run is stored yet"
        traces = BODIES * TRACES_PER_BODY
        assert stored(server) == (traces * RUNS_PER_TRACE, traces * 4)
        counters = server.get("/health")["counters"]
        assert (counters["accepted_bodies"], counters["dropped"]) == (BODIES, 0)
        assert counters["refused"] == len(refused)
