"""A server that hangs and a port where nobody listens: the application does not wait, and memory stays bounded.

Counted, not timed: which thread ever touched the connection, how much waited, how much was dropped.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import langsmith
import pytest
import requests

import everytoken
from everytoken.instrument.recorder import Recorder
from everytoken.instrument.session import _session

from .test_openai import COMPLETION, MESSAGES, client_of

CALLS = 500
QUEUE_MAX = 50


class Connections(requests.Session):
    """Real connections, and which threads made them."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()
        self.started = threading.Event()

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        self.threads.add(threading.current_thread().name)
        self.started.set()
        return super().request(*arguments, **{**options, "timeout": (0.5, 5)})


@contextmanager
def hanging() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def dead() -> Iterator[str]:
    """A port on which nobody listens, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def recorder() -> Recorder:
    assert _session.recorder is not None
    return _session.recorder


@pytest.fixture(autouse=True)
def _small_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERYTOKEN_QUEUE_MAX", str(QUEUE_MAX))
    monkeypatch.setenv("EVERYTOKEN_EXIT_TIMEOUT_S", "0.2")


def calls(url: str) -> tuple[Connections, list[tuple[int, int]]]:
    """Make the calls once the sender has met the server: its connections, and attempts and bytes waiting after each."""
    connections = Connections()
    everytoken.instrument(langsmith.Client(api_url=url, api_key="k", session=connections, auto_batch_tracing=False))
    client = client_of(lambda _: httpx2.Response(200, json=COMPLETION))
    client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert connections.started.wait(5)
    waiting: list[tuple[int, int]] = []
    for _ in range(CALLS):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        waiting.append((len(recorder()._ended), recorder()._ended_bytes))
    return connections, waiting


ANSWER_BYTES = len(httpx2.Response(200, json=COMPLETION).content)


def test_no_call_waits_for_a_server_that_hangs_and_what_is_too_much_is_dropped_and_counted() -> None:
    with hanging() as url:
        try:
            connections, waiting = calls(url)
            assert connections.threads == {"everytoken-recorder"}
            assert max(count for count, _ in waiting) == QUEUE_MAX
            # One more is in the sender's hands.
            assert max(held for _, held in waiting) <= (QUEUE_MAX + 1) * ANSWER_BYTES
            assert recorder().dropped == CALLS - QUEUE_MAX
            assert everytoken.flush(0.05) is False
        finally:
            everytoken.uninstrument()


def test_no_call_waits_for_a_port_where_nobody_listens_and_every_lost_run_is_counted() -> None:
    with dead() as url:
        try:
            connections, waiting = calls(url)
            assert connections.threads == {"everytoken-recorder"}
            assert max(count for count, _ in waiting) <= QUEUE_MAX
            assert everytoken.flush(8)
            assert recorder().dropped + recorder()._exporter().lost == CALLS + 1
            assert (recorder()._ended_bytes, len(recorder()._open)) == (0, 0)
        finally:
            everytoken.uninstrument()
