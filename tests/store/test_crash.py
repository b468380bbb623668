"""kill -9 at random moments: nothing that was acknowledged is lost, nothing is there twice, every charge is as sent.

Each round loads a real `everytoken serve` and kills it, every fourth round while it starts and replays. The next start
has to hold all that was ever acknowledged. Bodies whose answer never came are sent again, the same bytes, as the SDKs
do. `--kills 50` is the full run (`make crash`), `--seed` repeats one; how often a kill met which stage is printed.
"""

import asyncio
import random
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ports import free_port
from tests.store.serving import Server, command, environment, serving
from tests.store.traffic import SentRun, Traffic

from everytoken.config import Settings
from everytoken.store.ledger import Ledger

PROJECT = "crash"
FLUSH_MS = "20"
SENDERS = 4
PAUSE_S = 0.03
"""Between two bodies of one sender: about 120 bodies a second, so that all that was sent can be compared each time."""
STAGES = ("starting", "nothing left", "committed, not flushed", "in a flush")


@dataclass
class Body:
    headers: dict[str, str]
    data: bytes
    creates: list[SentRun]
    updates: list[SentRun]


@dataclass
class Sent:
    """All that ever left the senders, and what of it was acknowledged."""

    traffic: Traffic
    runs: dict[str, SentRun] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    """Runs whose create was acknowledged."""
    updated: set[str] = field(default_factory=set)
    unsure: list[Body] = field(default_factory=list)
    """Bodies that never had an answer."""
    running: list[SentRun] = field(default_factory=list)
    """Runs whose update has not left yet."""

    def next_body(self) -> Body:
        """The runs of one new trace, and the ends of some that were created before."""
        if self.unsure:
            return self.unsure.pop(0)
        creates = self.traffic.trace(nodes=1)
        updates, self.running = self.running[:5], [*self.running[5:], *creates]
        return self.write(creates, updates)

    def write(self, creates: list[SentRun], updates: list[SentRun]) -> Body:
        self.runs.update({run.run_id: run for run in creates})
        return Body(*self.traffic.body(creates, updates), creates, updates)

    async def deliver(self, http: httpx.AsyncClient, body: Body) -> None:
        try:
            answer = await http.post("/runs/multipart", content=body.data, headers=body.headers)
        except httpx.TransportError:
            self.unsure.append(body)
            raise
        assert answer.status_code == 202, answer.text
        self.created |= {run.run_id for run in body.creates}
        self.updated |= {run.run_id for run in body.updates}


async def load_and_kill(server: Server, sent: Sent, after_s: float) -> None:
    """Send from several tasks; kill the server at a moment that none of them chooses."""

    async def send() -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=10.0) as http:
            while True:
                try:
                    await sent.deliver(http, sent.next_body())
                except httpx.TransportError:
                    return
                await asyncio.sleep(PAUSE_S)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(SENDERS):
            tasks.create_task(send())
        await asyncio.sleep(after_s)
        server.process.kill()


def kill_while_starting(data: Path, after_s: float) -> None:
    arguments = command("--port", str(free_port()), "--data", str(data))
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env=environment())
    time.sleep(after_s)
    process.kill()
    process.wait(30)


def stage_of(data: Path, scratch: Path) -> str:
    """What the kill met, told by a copy of the journal that it left."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for file in data.glob("journal.db*"):
        shutil.copy(file, scratch)
    with closing(sqlite3.connect(scratch / "journal.db")) as journal:
        first = journal.execute("SELECT min(id) FROM bodies").fetchone()[0]
        mark = journal.execute("SELECT value FROM marks WHERE name = 'attempted'").fetchone()
    if first is None:
        return "nothing left"
    return "in a flush" if mark is not None and first <= mark[0] else "committed, not flushed"


def pages(server: Server, path: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"project": PROJECT, "limit": 500}
    while True:
        page = server.get(path, **asked)
        found += page[name]
        if page["next"] is None:
            return found
        asked["cursor"] = page["next"]


def classes(charge: dict[str, Any]) -> dict[str, Any]:
    return {
        "input_tokens": charge["input_tokens"],
        "output_tokens": charge["output_tokens"],
        "total_tokens": charge["total_tokens"],
        "input_token_details": charge["input_token_details"],
        "output_token_details": charge["output_token_details"],
    }


def compare(server: Server, sent: Sent) -> None:
    """Every acknowledged run and charge is there once, as it was sent; nothing is there that was not sent."""
    if not sent.created:
        return  # the project appears with its first run, and none was acknowledged yet
    server.flush()
    charges = pages(server, "/charges", "charges")
    by_run = {charge["run_id"]: charge for charge in charges}
    assert len(by_run) == len(charges), "a charge is there twice"
    calls = {run_id: run for run_id, run in sent.runs.items() if run.usage is not None}
    assert by_run.keys() <= calls.keys()
    assert calls.keys() & sent.created <= by_run.keys(), "a charge is lost"
    for run_id in calls.keys() & sent.updated:
        assert classes(by_run[run_id]) == calls[run_id].usage
    traces = pages(server, "/traces", "traces")
    expected = Counter(sent.runs[run_id].trace_id for run_id in sent.created)
    stored = {trace["trace_id"]: trace["runs"] for trace in traces}
    assert len(stored) == len(traces), "a trace is there twice"
    assert {trace_id: stored.get(trace_id) for trace_id in expected} == dict(expected)
    counters = server.get("/health")["counters"]
    assert (counters["dropped"], counters["settle_failures"], counters["price_failures"]) == (0, 0, 0)


def finish(server: Server, sent: Sent) -> None:
    """Send again what had no answer, and the ends that are still due."""

    async def send() -> None:
        async with httpx.AsyncClient(base_url=server.url, timeout=30.0) as http:
            while sent.unsure:
                await sent.deliver(http, sent.unsure.pop(0))
            if sent.running:
                await sent.deliver(http, sent.write([], sent.running))

    asyncio.run(send())
    sent.running.clear()


def stored_runs(data: Path) -> list[tuple[str, str, int]]:
    """Every row of a run that is left once versions are merged: id, trace, end in microseconds."""
    ledger = Ledger.open(Settings(data=data))
    try:
        rows = ledger._writer.query(
            "SELECT toString(run_id), toString(trace_id), end_us.2 FROM run_versions FINAL"
        ).result_rows
    finally:
        ledger.close()
    return [(run_id, trace_id, end_us) for run_id, trace_id, end_us in rows]


@pytest.mark.timeout(900)
def test_a_server_that_is_killed_at_any_moment_loses_nothing_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = request.config.getoption("--kills")
    seed = request.config.getoption("--seed") or time.time_ns() % 1_000_000
    chance = random.Random(seed)
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    sent = Sent(Traffic(seed, PROJECT, time.time_ns() // 1000, text_chars=60))
    met: Counter[str] = Counter()
    for round_ in range(kills):
        if round_ % 4 == 3:
            kill_while_starting(data, chance.uniform(0.1, 2.5))
            met["starting"] += 1
            continue
        with serving(data, EVERYTOKEN_FLUSH_INTERVAL_MS=FLUSH_MS) as server:
            compare(server, sent)
            asyncio.run(load_and_kill(server, sent, chance.uniform(0.02, 0.9)))
            server.process.wait(30)
        met[stage_of(data, scratch)] += 1
    with serving(data, EVERYTOKEN_FLUSH_INTERVAL_MS=FLUSH_MS) as server:
        compare(server, sent)
        finish(server, sent)
        compare(server, sent)
        assert server.stop() == 0
    assert sent.updated == sent.created == sent.runs.keys()
    assert sorted(stored_runs(data)) == sorted((run.run_id, run.trace_id, run.end_us) for run in sent.runs.values())
    with capsys.disabled():
        stages = ", ".join(f"{met[stage]} {stage}" for stage in STAGES)
        print(f"\nkill -9, seed {seed}: {kills} kills ({stages}); {len(sent.runs)} runs, 0 lost, 0 doubled")  # noqa: T201
    assert met["in a flush"] + met["committed, not flushed"] > 0, "no kill met work under way"
