"""Disks without room, files that cannot be opened, clocks that jump: a real server refuses, keeps what it accepted, and
goes on by itself once the fault is over.

Limits of the server's process, set from outside while it runs, stand for the machine's: a file that may not grow for a
full disk, a number of open files for a system that has no more.
"""

import contextlib
import os
import resource
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import orjson
import pytest
import zstandard
from tests.ports import free_port
from tests.store.samples import TRACE, opened
from tests.store.samples import run as ledger_run
from tests.store.serving import Server, command, environment, serving
from tests.store.shifted_serve import shift

START, END = "2026-11-22T12:00:00.000001Z", "2026-11-22T12:00:01.000001Z"
UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data", EVERYTOKEN_FLUSH_INTERVAL_MS="20") as server:
        yield server


@contextmanager
def limited(server: Server, what: int, most: int) -> Iterator[None]:
    """The server's process may not go beyond it for a while."""
    before = resource.prlimit(server.process.pid, what)
    resource.prlimit(server.process.pid, what, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, what, before)


def call(project: str = "shop", **more: Any) -> dict[str, Any]:
    """One finished model call of 7 tokens."""
    run_id = str(uuid.uuid4())
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    times = {"start_time": START, "end_time": END}
    return {
        "id": run_id, "trace_id": run_id, "name": "ask", "run_type": "llm", "session_name": project, **times,
        "inputs": {}, "outputs": {"usage_metadata": usage}, **more,
    }  # fmt: skip


def send(server: Server, run: dict[str, Any], attachment: bytes = b"") -> httpx.Response:
    """In a body that zstd makes small, however large what it says."""
    parts = {f"post.{run['id']}": (None, orjson.dumps(run), "application/json")}
    if attachment:
        parts[f"attachment.{run['id']}.photo"] = (None, attachment, f"image/png; length={len(attachment)}")
    request = server.http.build_request("POST", "/runs/multipart", files=parts)
    headers = {"content-type": request.headers["content-type"], "content-encoding": "zstd"}
    return server.http.post("/runs/multipart", content=zstandard.compress(request.read()), headers=headers)


def counters(server: Server) -> dict[str, int]:
    found: dict[str, int] = server.get("/health")["counters"]
    return found


def until_it_fails(server: Server) -> None:
    deadline = time.monotonic() + 15
    while counters(server)["ledger_failures"] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert counters(server)["ledger_failures"] > 0


def holds(server: Server, calls: int, project: str = "shop") -> None:
    """Everything accepted, once."""
    server.flush()
    summary = server.get(f"/projects/{project}/summary")
    assert (summary["llm_calls"], summary["total_tokens"]) == (calls, 7 * calls)
    assert counters(server)["dropped"] == 0


def test_while_the_ledger_s_disk_is_full_the_journal_keeps_what_comes(server: Server) -> None:
    large = {"text": "the same text again " * 50_000}
    with limited(server, resource.RLIMIT_FSIZE, 400_000):
        assert [send(server, call(inputs=large)).status_code for _ in range(4)] == [202] * 4
        until_it_fails(server)
        assert server.http.get("/ok").status_code == 200
    holds(server, 4)


def test_while_the_attachments_disk_is_full_their_runs_wait_in_the_journal(server: Server, tmp_path: Path) -> None:
    photo, run = b"\x89PNG" + bytes(1_000_000), call()
    with limited(server, resource.RLIMIT_FSIZE, 400_000):
        assert send(server, run, photo).status_code == 202
        until_it_fails(server)
        assert [file for file in (tmp_path / "data" / "attachments").rglob("*") if file.is_file()] == []
    holds(server, 1)
    (where,) = server.http.get(f"/runs/{run['id']}").json()["s3_urls"].values()
    assert server.http.get(where["presigned_url"]).content == photo


def test_while_the_journal_s_disk_is_full_runs_are_refused_and_reads_go_on(server: Server) -> None:
    assert send(server, call()).status_code == 202
    server.flush()
    with limited(server, resource.RLIMIT_FSIZE, 1):
        for _ in range(3):
            refused = send(server, call())
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
            assert "nothing was kept, send it again later" in refused.json()["error"]
        changed = server.http.post("/sessions", json={"name": "new"})
        assert changed.status_code == 503, changed.text
        holds(server, 1)
    assert send(server, call()).status_code == 202
    assert server.http.post("/sessions", json={"name": "new"}).status_code == 200
    holds(server, 2)


def test_without_a_file_to_open_nothing_accepted_is_lost(server: Server) -> None:
    assert send(server, call()).status_code == 202
    server.flush()
    with limited(server, resource.RLIMIT_NOFILE, 10):  # fewer than are open: there is none more
        accepted = [send(server, call(project)).status_code for project in ("shop", "shop", "new")]
        accepted.append(send(server, call(), b"photo").status_code)
        assert accepted == [202] * 4
        until_it_fails(server)
    holds(server, 4)
    holds(server, 1, "new")


def test_connections_that_only_stand_there_leave_the_engine_its_files(server: Server) -> None:
    assert send(server, call()).status_code == 202
    port = httpx.URL(server.url).port
    assert port is not None
    with limited(server, resource.RLIMIT_NOFILE, 450), ExitStack() as stack:
        many = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(500)]
        assert many[-1].recv(12) == b"HTTP/1.1 503"
        assert send(server, call()).status_code == 202
        holds(server, 2)
        assert server.get("/projects/shop/models")["models"]
    with httpx.Client(base_url=server.url) as later:
        deadline = time.monotonic() + 10
        while later.get("/ok").status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert later.get("/ok").status_code == 200


class Watcher(threading.Thread):
    """A live feed, open once this stands, read until it ends."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.lines: list[str] = []
        with ExitStack() as stack:
            http = stack.enter_context(httpx.Client(base_url=url, timeout=30.0))
            self.feed = stack.enter_context(http.stream("GET", "/everytoken/v1/live"))
            assert self.feed.status_code == 200
            self.open = stack.pop_all()
        self.start()

    def run(self) -> None:
        with self.open:
            self.lines.extend(self.feed.iter_lines())

    def saw(self, run_id: str) -> bool:
        deadline = time.monotonic() + 10
        while not any(run_id in line for line in self.lines) and time.monotonic() < deadline:
            time.sleep(0.02)
        return any(run_id in line for line in self.lines)


@pytest.mark.parametrize("jump_s", [3_600, -3_600, 86_400, -86_400])
def test_a_clock_that_jumps_stops_nothing_and_changes_no_number(tmp_path: Path, jump_s: int) -> None:
    clock = tmp_path / "clock"
    shift(clock, 0)
    variables = {"SHIFT": str(clock), "EVERYTOKEN_FLUSH_INTERVAL_MS": "20"}
    with serving(tmp_path / "data", program="tests.store.shifted_serve", **variables) as server:
        feed = Watcher(server.url)
        before, across, after = call(), call(), call()
        began = {name: value for name, value in across.items() if name not in ("outputs", "end_time")}
        assert [send(server, run).status_code for run in (before, began)] == [202] * 2
        server.flush()
        shift(clock, jump_s * 1_000_000)
        ended = {"end_time": END, "outputs": across["outputs"]}  # as old clients do: it does not say of which trace
        assert server.http.patch(f"/runs/{across['id']}", json=ended).status_code == 202
        assert send(server, after).status_code == 202
        holds(server, 3)
        assert feed.saw(after["id"])
        summary = server.get("/projects/shop/summary")
        assert (summary["p50_ms"], summary["p95_ms"]) == (1_000.0, 1_000.0)
        assert 0 < server.get("/health")["uptime_ms"] < 120_000
        assert server.stop() == 0


@pytest.mark.parametrize("jump_s", [3_600, -86_400])
def test_what_is_said_last_holds_though_the_clock_jumped_between_two_processes(tmp_path: Path, jump_s: int) -> None:
    clock, data = tmp_path / "clock", tmp_path / "data"
    shift(clock, 0)
    run = call()
    with serving(
        data, program="tests.store.shifted_serve", SHIFT=str(clock), EVERYTOKEN_FLUSH_INTERVAL_MS="60000"
    ) as s:
        assert send(s, call()).status_code == 202
        assert s.http.post("/everytoken/v1/flush").status_code == 200  # the next flush is a minute away
        assert send(s, run).status_code == 202
        assert s.http.patch(f"/runs/{run['id']}", json={"tags": ["first"]}).status_code == 202
        s.stop(9)
    shift(clock, jump_s * 1_000_000)
    with serving(data, program="tests.store.shifted_serve", SHIFT=str(clock)) as server:
        assert server.http.patch(f"/runs/{run['id']}", json={"tags": ["last"]}).status_code == 202
        holds(server, 2)
        assert server.http.get(f"/runs/{run['id']}").json()["tags"] == ["last"]


def test_a_part_that_the_disk_damaged_is_set_aside_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = "01a204f2-8c53-7543-9601-00000000000b"
    with opened(tmp_path) as ledger:
        for trace_id in (TRACE, other):
            ledger.write([ledger_run(trace_id)], [], [])
    newest = max((tmp_path / "ledger" / "store").glob("*/*/2*_2_2_*"))
    os.truncate(newest / "data.bin", 10)
    with opened(tmp_path) as ledger:
        assert [len(ledger.read_trace(trace_id)) for trace_id in (TRACE, other)] == [1, 0]
    (told,) = (record.getMessage() for record in caplog.records if record.name == "everytoken.ledger")
    assert told.startswith("the disk has damaged the ledger; 1 parts are set aside")
    assert "run_versions/broken-on-start_" in told


def test_told_to_stop_it_ends_what_is_open_and_keeps_all_it_accepted(tmp_path: Path) -> None:
    grpc_port = free_port()
    variables = {"EVERYTOKEN_FLUSH_INTERVAL_MS": "60000", "EVERYTOKEN_OTLP_GRPC_PORT": str(grpc_port)}
    with serving(tmp_path / "data", **variables) as server, ExitStack() as stack:
        assert send(server, call()).status_code == 202
        server.flush()  # the next one is a minute away
        assert [send(server, call()).status_code for _ in range(30)] == [202] * 30
        feed = Watcher(server.url)
        address = ("127.0.0.1", httpx.URL(server.url).port or 0)
        silent, half = (stack.enter_context(socket.create_connection(address)) for _ in range(2))
        half.sendall(b"POST /runs/multipart HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf of it")
        channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{grpc_port}"))
        grpc.channel_ready_future(channel).result(10)
        began_s = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began_s < 15
        feed.join(5)
        assert not feed.is_alive()
        for connection in (silent, half):
            connection.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                while connection.recv(4_096):
                    pass  # what it was told before the end
    with serving(tmp_path / "data") as server:
        holds(server, 31)


def with_files(limit: str, *started: str) -> list[str]:
    """The command, under a shell's `ulimit`."""
    return ["sh", "-c", f'ulimit {limit} && exec "$@"', "sh", *started]


def test_a_limit_of_open_files_is_raised_and_one_that_stays_too_low_is_refused(tmp_path: Path) -> None:
    started = command("--port", str(free_port()), "--data", str(tmp_path / "data"))
    refused = subprocess.run(
        with_files("-n 200", *started), capture_output=True, text=True, timeout=60, env=environment(), check=False
    )
    assert (refused.returncode, refused.stderr.splitlines()) == (
        2,
        ["everytoken: this process may open 200 files; it needs 448", "hint: raise the limit: ulimit -n 4096"],
    )
    raised = with_files("-S -n 300", *started)
    with subprocess.Popen(raised, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("everytoken listens on http://127.0.0.1:")
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] > 300
        process.terminate()
        assert process.wait(30) == 0
