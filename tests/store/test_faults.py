"""Disks without room, files that cannot be opened, clocks that jump: a real server refuses, keeps what it accepted, and
goes on by itself once the fault is over.

Limits of the server's process, set from outside while it runs, stand for the machine's: a file that may not grow for a
full disk, a number of open files for a system that has no more.
"""

import resource
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import zstandard
from tests.store.serving import Server, serving

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
