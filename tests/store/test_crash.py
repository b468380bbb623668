"""kill -9 at any point: nothing that was acknowledged is lost, nothing is there twice, every charge is as sent.

One data folder lives through all kills. Each round starts a real `everytoken serve` on it, compares all that was ever
acknowledged with all that is stored, loads the server and kills it: while the journal commits, while a trace is
settled, while the ledger is written, while a ledger of an older schema is migrated, while the server starts, or at any
moment. The server tells in a file what it is at, so that a kill is aimed and what it met is known; where in the phase
it falls is chance. Bodies whose answer never came are sent again, the same bytes, as the SDKs do. `--kills` says how
many, `--seed` repeats a run's choices; how often which phase was met is printed.
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
from tests.store.watched_serve import NAMES, Phases

from everytoken.config import Settings
from everytoken.store.clickhouse import DATABASE, embedded
from everytoken.store.columnar import SCHEMA_VERSION, TABLES, Layout, found_version
from everytoken.store.ledger import Ledger

PROJECT = "crash"
FLUSH_MS = "20"
SENDERS = 3
PAUSE_S = 0.06
"""Between two bodies of one sender: few enough that all that was ever sent can be compared after each kill."""
WATCHED = "tests.store.watched_serve"
OLD = Path(__file__).parents[1] / "data" / "ledger_schema"
AIMS = ("journal", "settle", "flush", "migration", "journal", "settle", "flush", "migration", "any moment", "start")
"""Of ten kills, in an order of chance."""
DEPTH_S = {"journal": 0.0005, "settle": 0.001, "flush": 0.03, "migration": 0.1}
"""How far into a phase a kill may fall: about what the phase takes."""
AIM_S = 10.0
"""Longest wait for the phase; then the kill falls where it falls."""
STARTING, ACKNOWLEDGED, IDLE = "a start", "what waits for its flush", "nothing under way"
"""What a kill met that met none of the phases."""


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


@dataclass
class Killer:
    """Kills a server in a phase that it tells of, or at any moment."""

    phases: Phases
    chance: random.Random

    def kill(self, process: "subprocess.Popen[Any]", aim: str, after_s: float) -> list[str]:
        """What was under way when it died."""
        time.sleep(after_s)
        if aim in NAMES:
            until_s = time.monotonic() + AIM_S
            while not self.phases.is_under_way(aim) and time.monotonic() < until_s:
                time.sleep(0.0001)
            time.sleep(self.chance.uniform(0, DEPTH_S[aim]))
        process.kill()
        process.wait(30)
        return self.phases.under_way()


async def load_and_kill(server: Server, sent: Sent, killer: Killer, aim: str) -> list[str]:
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
        after_s = killer.chance.uniform(0.02, 0.5)
        return await asyncio.to_thread(killer.kill, server.process, aim, after_s)


def kill_while_starting(data: Path, killer: Killer, aim: str) -> list[str]:
    arguments = command("--port", str(free_port()), "--data", str(data), program=WATCHED)
    variables = environment() | watching(data)
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env=variables) as process:
        return killer.kill(process, aim, 0.0 if aim == "migration" else killer.chance.uniform(0.2, 1.8))


def watching(data: Path) -> dict[str, str]:
    return {"PHASES": str(phases_of(data)), "EVERYTOKEN_FLUSH_INTERVAL_MS": FLUSH_MS}


def phases_of(data: Path) -> Path:
    return data.with_name("phases")


def make_old(data: Path, version: int) -> None:
    """Put all rows of the ledger into the tables of an older schema, as the program of that time left them."""
    client = embedded(Settings(data=data), data / "ledger")(database=DATABASE)
    try:
        if found_version(client, Layout(DATABASE)) != SCHEMA_VERSION:
            return  # the last kill met the start before it had come so far
        for table in ("run_versions", "charge_versions"):
            client.command(f"RENAME TABLE {table} TO {table}_now")
        for table in set(TABLES) - {"run_versions", "charge_versions"}:
            client.command(f"DROP TABLE {table} SYNC")
        for statement in filter(str.strip, (OLD / f"{version}.sql").read_text().split(";\n")):
            client.command(statement)
        for table in ("run_versions", "charge_versions"):
            columns = client.query(
                f"SELECT name FROM system.columns WHERE database = '{DATABASE}' AND table = '{table}'"
            )
            names = ", ".join(name for (name,) in columns.result_rows)
            client.command(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}_now")
            client.command(f"DROP TABLE {table}_now SYNC")
        for view in ("runs", "charges"):
            client.command(f"DROP VIEW IF EXISTS {view}")
    finally:
        client.close()


def left_in(data: Path, scratch: Path) -> str:
    """What a kill that met no phase left, told by a copy of the journal."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for file in data.glob("journal.db*"):
        shutil.copy(file, scratch)
    with closing(sqlite3.connect(scratch / "journal.db")) as journal:
        held = journal.execute("SELECT count(*) FROM bodies").fetchone()[0]
    return ACKNOWLEDGED if held else IDLE


def pages(server: Server, path: str, name: str, limit: int = 500) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"project": PROJECT, "limit": limit}
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
        assert (by_run[run_id]["quality"], by_run[run_id]["cost_status"]) == ("exact", "priced")
    compare_runs(pages(server, "/export/runs", "runs", 2_000), sent)
    traces = pages(server, "/traces", "traces")
    expected = Counter(sent.runs[run_id].trace_id for run_id in sent.created)
    counted = {trace["trace_id"]: trace["runs"] for trace in traces}
    assert len(counted) == len(traces), "a trace is there twice"
    assert {trace_id: counted.get(trace_id) for trace_id in expected} == dict(expected)
    counters = server.get("/health")["counters"]
    assert (counters["dropped"], counters["settle_failures"], counters["price_failures"]) == (0, 0, 0)


def compare_runs(stored: list[dict[str, Any]], sent: Sent) -> None:
    by_id = {run["run_id"]: run for run in stored}
    assert len(by_id) == len(stored), "a run is there twice"
    assert sent.created <= by_id.keys(), "a run is lost"
    assert by_id.keys() <= sent.runs.keys()
    for run_id in sent.created:
        assert by_id[run_id]["trace_id"] == sent.runs[run_id].trace_id
        assert by_id[run_id]["inputs"] == dict(sent.runs[run_id].create)[".inputs"]
    for run_id in sent.updated:
        assert by_id[run_id]["end_us"] == sent.runs[run_id].end_us
        assert by_id[run_id]["outputs"] == dict(sent.runs[run_id].update)[".outputs"]


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


def aims(chance: random.Random, kills: int) -> list[str]:
    """Ten at a time, shuffled; the first ones have something to meet."""
    made: list[str] = []
    while len(made) < kills:
        ten = list(AIMS)
        chance.shuffle(ten)
        made += ten
    made[0] = "flush"
    return made[:kills]


def kill_once(data: Path, sent: Sent, killer: Killer, aim: str) -> list[str]:
    """Start, compare, load and kill; or kill before there is anything to compare with."""
    if aim == "migration":
        make_old(data, killer.chance.randint(1, SCHEMA_VERSION - 1))
    if aim in ("migration", "start"):
        return kill_while_starting(data, killer, aim)
    with serving(data, program=WATCHED, **watching(data)) as server:
        compare(server, sent)
        return asyncio.run(load_and_kill(server, sent, killer, aim))


@pytest.mark.timeout(900)
def test_a_server_that_is_killed_at_any_point_loses_nothing_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    kills = request.config.getoption("--kills")
    seed = request.config.getoption("--seed") or time.time_ns() % 1_000_000
    chance = random.Random(seed)
    data, phases = tmp_path / "data", Phases(phases_of(tmp_path / "data"))
    killer = Killer(phases, chance)
    sent = Sent(Traffic(seed, PROJECT, time.time_ns() // 1000, text_chars=60))
    met: Counter[str] = Counter()
    for aim in aims(chance, kills):
        phases.clear()
        found = kill_once(data, sent, killer, aim)
        met.update(found or [STARTING if aim in ("migration", "start") else left_in(data, tmp_path / "scratch")])
    with serving(data, **watching(data)) as server:
        compare(server, sent)
        finish(server, sent)
        compare(server, sent)
        assert server.stop() == 0
    assert sent.updated == sent.created == sent.runs.keys()
    assert sorted(stored_runs(data)) == sorted((run.run_id, run.trace_id, run.end_us) for run in sent.runs.values())
    with capsys.disabled():
        told = ", ".join(f"{count} {phase}" for phase, count in met.most_common())
        print(f"\nkill -9, seed {seed}: {kills} kills met {told}; {len(sent.runs)} runs, 0 lost, 0 doubled")  # noqa: T201
    assert min(met[phase] for phase in NAMES) >= kills // 16, "some phase was hardly met"
    assert met[IDLE] <= max(kills // 5, 2), "too many kills met nothing"
