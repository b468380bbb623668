"""What the server takes and gives on this machine: `python tests/bench/server.py [rates] [reads] [large] [overload]`.

A real `everytoken serve` process, real HTTP, the bodies of the Python SDK: multipart in zstd, traces of 17 runs with
prompts and completions of 1 KB, creates and updates apart. The sender is a process of its own on the same cores, its
bodies written beforehand, so that what it costs is HTTP alone.
"""

# ruff: noqa: T201  a benchmark speaks on stdout

import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.store.serving import Server, serving
from tests.store.traffic import SentRun, Traffic

from everytoken.config import Settings
from everytoken.store.ledger import Ledger

PROJECT = "bench"
RUNS_PER_TRACE = 17
TRACES_PER_BODY = 3
RUNS_PER_BODY = RUNS_PER_TRACE * TRACES_PER_BODY
SENDERS = 8
OVERLOAD_SENDERS, IMPATIENT_SENDERS = 400, 64
"""Connections that each send the next body as soon as the last is answered; after a refusal the first wait as
`Retry-After` asks them to, the others not at all."""
REST_S = 50
"""After it traces that have ended are let go of, and memory has been given back."""
LARGE_NODES, FIRST_SHOWN = 2_500, 500
FIRST_RUNS, MANY_RUNS = 100_000, 1_000_000
RATE_RUNS = 60_000
"""Runs of one measurement of the rate: more than ten seconds at the bar."""
READ_ROUNDS, READ_S, LOAD_S = 40, 4.0, 48
"""A question is asked so often, or for so long; runs arrive for as long as all of them take."""
MONTH_DAYS = 30
BROWSER_CONNECTIONS = 6
"""To one server, of any browser of today."""
READ_LOAD = 1_000
"""Runs per second that arrive while reads are measured."""
SPREAD_DAYS = 10
COPIES = MANY_RUNS // FIRST_RUNS - 1
TICK = os.sysconf("SC_CLK_TCK")

Body = tuple[dict[str, str], bytes]


def bodies(seed: int, count: int, start_us: int, step_us: int) -> list[Body]:
    """Each holds the creates of three traces and the updates of the three before."""
    traffic = Traffic(seed, PROJECT, start_us, step_us)
    running: list[SentRun] = []
    made = []
    for _ in range(count):
        created = [run for _ in range(TRACES_PER_BODY) for run in traffic.trace(nodes=4)]
        made.append(traffic.body(created, running))
        running = created
    return made


@dataclass
class Sending:
    seconds: float
    late: int
    """Bodies that left later than their turn: the rate was not reached."""
    acks_ms: list[float]
    refusals_ms: list[float]
    """Answered with 503 and `Retry-After`, after so long."""

    def quantile(self, share: float) -> float:
        return quantile(self.acks_ms, share)


def quantile(times_ms: list[float], share: float) -> float:
    ordered = sorted(times_ms)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def send(url: str, made: list[Body], rate: float = 0.0, senders: int = SENDERS, *, patient: bool = True) -> Sending:
    """All bodies from some connections; with a rate, in runs per second, each body in its turn."""
    return asyncio.run(_send(url, made, rate, senders, patient))


async def _send(url: str, made: list[Body], rate: float, senders: int, patient: bool) -> Sending:
    host, port = url.removeprefix("http://").split(":")
    waiting = deque(enumerate(made))
    acks_ms: list[float] = []
    refusals_ms: list[float] = []
    late = 0
    began = time.perf_counter()

    async def sender() -> None:
        nonlocal late
        reader, writer = await asyncio.open_connection(host, int(port))
        while waiting:
            number, (headers, data) = waiting.popleft()
            if rate:
                due_s = began + number * RUNS_PER_BODY / rate - time.perf_counter()
                late += due_s < -0.05
                await asyncio.sleep(max(due_s, 0))
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            sent = time.perf_counter()
            request = f"POST /runs/multipart HTTP/1.1\r\nHost: {host}\r\n{head}Content-Length: {len(data)}\r\n\r\n"
            writer.write(request.encode() + data)
            answer = await reader.readuntil(b"\r\n\r\n")
            took_ms = (time.perf_counter() - sent) * 1000
            fields = dict(line.lower().split(b": ", 1) for line in answer.splitlines()[1:-1])
            await reader.readexactly(int(fields[b"content-length"]))
            if answer.startswith(b"HTTP/1.1 503"):
                refusals_ms.append(took_ms)
                waiting.append((number, (headers, data)))
                await asyncio.sleep(int(fields[b"retry-after"]) if patient else 0)
            else:
                assert answer.startswith(b"HTTP/1.1 202"), answer
                acks_ms.append(took_ms)
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(senders):
            tasks.create_task(sender())
    return Sending(time.perf_counter() - began, late, acks_ms, refusals_ms)


def cpu_s(server: Server) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_mb(server: Server) -> float:
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def disk_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def now_us() -> int:
    return time.time_ns() // 1000


class Bench:
    def __init__(self, server: Server, data: Path, pool: ProcessPoolExecutor) -> None:
        self.server, self.data, self._pool = server, data, pool
        self._seed = 0
        self._browser = ThreadPoolExecutor(BROWSER_CONNECTIONS)
        self.sent_runs = 0

    def write(self, runs: int, start_us: int, step_us: int) -> list[Body]:
        self._seed += 1
        return self._pool.submit(bodies, self._seed, runs // RUNS_PER_BODY, start_us, step_us).result()

    def ingest(self, runs: int, rate: float = 0.0) -> Sending:
        made = self.write(runs, now_us(), 600)
        before_s, began = cpu_s(self.server), time.perf_counter()
        sending = self._pool.submit(send, self.server.url, made, rate).result()
        self.server.flush()
        took_s, count = time.perf_counter() - began, len(made) * RUNS_PER_BODY
        self.sent_runs += count
        print(
            f"ingest {'at ' + format(rate, ',.0f') + ' runs/s' if rate else 'at full load':<18}"
            f" acknowledged {count / sending.seconds:7,.0f} runs/s   stored {count / took_s:7,.0f} runs/s"
            f"   ack p50 {sending.quantile(0.5):5.0f} ms  p99 {sending.quantile(0.99):5.0f} ms"
            f"   CPU {(cpu_s(self.server) - before_s) / count * 1000:.3f} s per 1k runs"
            f"   RSS {rss_mb(self.server):.0f} MB   late {sending.late}"
        )
        return sending

    def fill(self, runs: int) -> None:
        """Up to this many runs, spread over the days before now."""
        span_us = SPREAD_DAYS * 86_400_000_000
        while self.sent_runs < runs:
            count = min(100_000, runs - self.sent_runs + RUNS_PER_BODY)
            step_us = span_us // (runs // RUNS_PER_TRACE)
            made = self.write(count, now_us() - span_us + self.sent_runs // RUNS_PER_TRACE * step_us, step_us)
            self._pool.submit(send, self.server.url, made).result()
            self.server.flush()
            self.sent_runs += len(made) * RUNS_PER_BODY

    def reads(self, label: str) -> None:
        for name, ask in self._questions().items():
            took: list[float] = []
            until, before_s = time.perf_counter() + READ_S, cpu_s(self.server)
            while len(took) < READ_ROUNDS and time.perf_counter() < until:
                began = time.perf_counter()
                ask()
                took.append((time.perf_counter() - began) * 1000)
            cpu_ms = (cpu_s(self.server) - before_s) / len(took) * 1000  # under ingest, that of the ingest too
            took.sort()
            p95 = took[int(len(took) * 0.95)]
            print(
                f"read {label:<34} {name:<24} p50 {statistics.median(took):6.0f} ms   p95 {p95:6.0f} ms of {len(took)}"
                f"   CPU {cpu_ms:.0f} ms"
            )

    def _questions(self) -> dict[str, Callable[[], Any]]:
        get, now = self.server.get, datetime.now(UTC)
        listed = get("/traces", project=PROJECT, limit=200)["traces"]
        ids = iter([trace["trace_id"] for trace in listed] * 10)
        day, days = (now - timedelta(days=1)).isoformat(), (now - timedelta(days=SPREAD_DAYS)).isoformat()
        within_day: dict[str, Any] = {"from": day}
        within_days: dict[str, Any] = {"from": days}
        month: dict[str, Any] = {"from": (now - timedelta(days=MONTH_DAYS)).isoformat()}
        hourly = {**within_days, "bucket": "hour", "by": "model", "tz": "Asia/Seoul"}
        return {
            "list of 50 traces": lambda: get("/traces", project=PROJECT, limit=50),
            "one trace of 17 runs": lambda: get(f"/traces/{next(ids)}", project=PROJECT),
            "node table, 24 h": lambda: get(f"/projects/{PROJECT}/nodes", **within_day),
            "hourly series, 10 days": lambda: get(f"/projects/{PROJECT}/series", **hourly),
            "summary, 10 days": lambda: get(f"/projects/{PROJECT}/summary", **within_days),
            "facets, 30 days": lambda: get(f"/projects/{PROJECT}/facets", **month),
            "coverage, 30 days": lambda: get(f"/projects/{PROJECT}/coverage", **month),
            "series by user, 30 days": lambda: get(f"/projects/{PROJECT}/series", by="user", **month),
            "text in no run, 24 h": lambda: get("/search", q="Zürichsee", project=PROJECT, **within_day),
            "overview, 30 days": lambda: self._overview(month, now),
        }

    def _overview(self, month: dict[str, Any], now: datetime) -> None:
        """All that the page asks for, as a browser asks for it."""
        earlier = {"from": (now - timedelta(days=2 * MONTH_DAYS)).isoformat(), "to": month["from"]}
        asked: list[tuple[str, dict[str, Any]]] = [
            *((path, month) for path in ("summary", "coverage", "nodes", "dearest")),
            ("series", {"by": "class", **month}),
            ("series", {"by": "none", **month}),
            ("series", earlier),
            ("contributions", {"by": "model", **month}),
        ]
        waiting = [self._browser.submit(self.server.get, f"/projects/{PROJECT}/{path}", **q) for path, q in asked]
        for answer in waiting:
            answer.result()

    def reads_idle_and_loaded(self) -> None:
        stored = self.server.get(f"/projects/{PROJECT}/summary")["runs"]
        assert stored == self.sent_runs, f"{stored} runs are stored, not {self.sent_runs}"
        label = f"at {stored:,} runs"
        self.reads(f"{label}, idle")
        with self._load():
            self.reads(f"{label}, {READ_LOAD:,} runs/s in")

    @contextmanager
    def _load(self) -> Iterator[None]:
        """Runs that arrive until the block ends."""
        made = self.write(LOAD_S * READ_LOAD, now_us(), 17_000)
        sending = self._pool.submit(send, self.server.url, made, READ_LOAD)
        time.sleep(2)
        yield
        print(f"     meanwhile: ack p99 {sending.result().quantile(0.99):.0f} ms, late {sending.result().late}")
        self.sent_runs += len(made) * RUNS_PER_BODY


def multiply(data: Path) -> None:
    """Store every run and charge nine times more, each time under other ids and a little later.

    HTTP would take ten minutes for it, and what is measured afterwards is how much stands in the ledger. Weeks that are
    over become one part each, as the engine leaves them six hours after the last write.
    """
    ledger = Ledger.open(Settings(data=data, memory_max_bytes=4 * 1024**3))
    digits = "123456789"[:COPIES]
    for table, start_us, names in (
        ("run_versions", "start_us", ("trace_id", "run_id", "parent_run_id")),
        ("charge_versions", "started_us", ("trace_id", "run_id")),
    ):
        rows = f"(SELECT * FROM {table} WHERE startsWith(toString(run_id), '0'))"
        for later_us, digit in enumerate(digits, start=1):
            uuids = ", ".join(f"toUUID(concat('{digit}', substring(toString({name}), 2))) AS {name}" for name in names)
            if table == "charge_versions":
                uuids += f", concat('{digit}', charge_key) AS charge_key"
            ledger._writer.command(
                f"INSERT INTO {table} SELECT * REPLACE ({start_us} + {later_us * 500_000} AS {start_us}, {uuids})"
                f" FROM {rows}"
            )
    now = datetime.now(UTC)
    for week in range(1, SPREAD_DAYS // 7 + 2):
        monday = f"{now - timedelta(days=now.weekday() + 7 * week):%Y-%m-%d}"
        ledger._writer.command(f"OPTIMIZE TABLE run_versions PARTITION '{monday}' FINAL")
    ledger.close()


def cold_start(data: Path) -> float:
    began = time.perf_counter()
    with serving(data):
        return time.perf_counter() - began


def rates(server: Server, data: Path, pool: ProcessPoolExecutor) -> Bench:
    bench = Bench(server, data, pool)
    time.sleep(3)
    print(f"idle: RSS {rss_mb(server):.0f} MB")
    bench.ingest(10_000)  # warm
    full = bench.ingest(RATE_RUNS)
    bench.ingest(RATE_RUNS // 2, rate=len(full.acks_ms) * RUNS_PER_BODY / full.seconds / 2)
    bench.ingest(RATE_RUNS // 2, rate=2_500)
    time.sleep(REST_S)
    print(f"idle {REST_S} s after the load: RSS {rss_mb(server):.0f} MB")
    return bench


def reads(data: Path, pool: ProcessPoolExecutor) -> None:
    with serving(data) as server:
        bench = Bench(server, data, pool)
        bench.fill(FIRST_RUNS)
    filled = bench.sent_runs
    print(f"at {filled:,} runs: {disk_bytes(data / 'ledger') / filled:,.0f} bytes of ledger per run")
    aside = shutil.copytree(data, data.with_name("aside"), symlinks=True)  # runs that come meanwhile are not multiplied
    with serving(aside) as server:
        bench.server = server
        bench.reads_idle_and_loaded()
    with ProcessPoolExecutor(1) as once:  # an engine lets go of its folder when its process ends
        once.submit(multiply, data).result()
    print(f"cold start, ten times as many runs: {cold_start(data):.2f} s")
    with serving(data) as server:
        bench.server, bench.sent_runs = server, filled * (COPIES + 1)
        bench.reads_idle_and_loaded()
        print(f"RSS {rss_mb(server):.0f} MB")


def large_trace(folder: Path) -> None:
    """One trace of 10,001 runs: its first rows, and all of it."""
    with serving(folder) as server:
        traffic = Traffic(5, PROJECT, now_us() - 60_000_000)
        runs = traffic.trace(nodes=LARGE_NODES)
        for at in range(0, len(runs), 100):
            headers, data = traffic.body(runs[at : at + 100], runs[at : at + 100])
            assert server.http.post("/runs/multipart", headers=headers, content=data).status_code == 202
        server.flush()
        for limit in (FIRST_SHOWN, 10_000):
            took, before_s = [], cpu_s(server)
            for _ in range(5):
                began = time.perf_counter()
                server.get(f"/traces/{runs[0].trace_id}", project=PROJECT, limit=limit)
                took.append((time.perf_counter() - began) * 1000)
            print(
                f"trace of {len(runs):,} runs, the first {limit:,}: median {statistics.median(took):.0f} ms"
                f"   fastest {min(took):.0f} ms   CPU {(cpu_s(server) - before_s) / len(took) * 1000:.0f} ms"
            )


def overload(folder: Path, pool: ProcessPoolExecutor) -> None:
    """Far more connections than can be served at once: what is accepted, how soon, and whether all of it is stored."""
    with serving(folder) as server:
        bench = Bench(server, folder, pool)
        server.http.timeout = 300.0  # all that was accepted has to be stored first
        bench.ingest(10_000)
        bench.ingest(RATE_RUNS)
        for senders, patient in ((OVERLOAD_SENDERS, True), (IMPATIENT_SENDERS, False)):
            made = bench.write(RATE_RUNS, now_us(), 600)
            sending = pool.submit(send, server.url, made, 0.0, senders, patient=patient).result()
            server.flush()
            bench.sent_runs += len(made) * RUNS_PER_BODY
            health = server.get("/health")["counters"]
            assert health["accepted_bodies"] == bench.sent_runs // RUNS_PER_BODY, health
            assert health["dropped"] == 0, health
            assert server.get(f"/projects/{PROJECT}/summary")["runs"] == bench.sent_runs
            print(
                f"{senders} connections, {'patient' if patient else 'impatient'}: {len(made):,} bodies accepted"
                f" in {sending.seconds:.1f} s, all stored   ack p50 {sending.quantile(0.5):.0f} ms"
                f"  p99 {sending.quantile(0.99):.0f} ms   {len(sending.refusals_ms):,} refused,"
                f" p99 {quantile(sending.refusals_ms, 0.99):.0f} ms   RSS {rss_mb(server):.0f} MB"
            )


def main(parts: list[str]) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1) as pool:
        pool.submit(os.getpid).result()
        # As installed, with its bytecode: a workplace may forbid to write it beside the sources.
        os.environ |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        cold_start(Path(folder) / "first")
        if "rates" in parts:
            empty_s = [cold_start(Path(folder) / f"empty{n}") for n in range(3)]
            print(f"cold start, empty folder: {statistics.median(empty_s):.2f} s (median of 3)")
            with serving(Path(folder) / "rates") as server:
                rates(server, Path(folder) / "rates", pool)
        if "overload" in parts:
            overload(Path(folder) / "overload", pool)
        if "large" in parts:
            large_trace(Path(folder) / "large")
        if "reads" in parts:
            reads(Path(folder) / "reads", pool)
        print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["rates", "overload", "large", "reads"])
