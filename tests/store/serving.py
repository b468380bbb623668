"""A real `everytoken serve` process on a free loopback port, and the product API as a test asks it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.ports import free_port

START_S = 60.0


def command(*arguments: str, program: str = "everytoken.cli") -> list[str]:
    return [sys.executable, "-m", program, "serve", *arguments]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "EVERYTOKEN_"))}


@dataclass
class Server:
    url: str
    process: "subprocess.Popen[str]"
    http: httpx.Client

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        answer = self.http.get(f"/everytoken/v1{path}", params=params or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def flush(self) -> None:
        assert self.http.post("/everytoken/v1/flush").json()["flushed"] is True

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def serving(data: Path, *, program: str = "everytoken.cli", **variables: str) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen(
        command("--port", str(port), "--data", str(data), program=program),
        stderr=subprocess.PIPE,
        text=True,
        env=environment() | variables,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=30.0) as http:
            _await_ready(process, http)
            yield Server(url, process, http)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        if process.stderr is not None:
            process.stderr.close()


def _await_ready(process: "subprocess.Popen[str]", http: httpx.Client) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            if http.get("/ok").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("the server was not ready in time")
