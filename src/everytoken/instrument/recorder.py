"""From the caller's thread to the server: takes attempts as they end, sends them as runs from a thread of its own."""

import atexit
import os
import queue
import threading
import time
from typing import Any

from everytoken.instrument.attempt import Attempt, Parentage
from everytoken.instrument.endpoint import Endpoint
from everytoken.instrument.guard import failed, guarded, logger
from everytoken.instrument.runs import post_run, post_start

QUEUE_MAX = 10_000
"""Ended attempts waiting to be sent. Beyond it they are dropped and counted: the application's memory stays bounded."""
OPEN_MAX = 10_000
"""Open attempts watched for a start; more are recorded all the same, when they end."""
START_AFTER_S = 0.5  # a run posted whole costs 0.11 ms of CPU, posted and patched 0.24 ms (langsmith 0.15, 2026-11)
POLL_S = 0.25


class Recorder:
    """Begins attempts, and sends them when they end. One a process; restarts its thread after a fork."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._ended: queue.Queue[Attempt | threading.Event] = queue.Queue(QUEUE_MAX)
        self._open: dict[Any, Attempt] = {}
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()
        self._stopping = False
        self.dropped = 0
        """Attempts lost because the queue was full."""
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def wanted(self) -> bool:
        """False when the application switched tracing off around this call."""
        from langsmith.run_helpers import get_tracing_context

        return not self._stopping and get_tracing_context()["enabled"] is not False

    def begin(
        self,
        *,
        endpoint: Endpoint,
        provider: str,
        model: str | None,
        request: Any,
        streamed: bool,
        retry: int = 0,
    ) -> Attempt:
        """A new attempt under the run of the calling context."""
        attempt = Attempt(
            endpoint=endpoint,
            provider=provider,
            model=model,
            request=request,
            streamed=streamed,
            retry=retry,
            parentage=self._parentage(),
            on_end=self._on_end,
        )
        if len(self._open) < OPEN_MAX:
            self._open[attempt.run_id] = attempt
        self._ensure_thread()
        return attempt

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything that ended before is handed to the server; False when the time ran out."""
        deadline = time.monotonic() + timeout_s
        done = threading.Event()
        try:
            self._ended.put(done, timeout=timeout_s)
        except queue.Full:
            return False
        self._ensure_thread()
        if not done.wait(timeout_s):
            return False
        for client in {id(one): one for one in (self._client,)}.values():
            client.flush(timeout=max(deadline - time.monotonic(), 0.1))
        return time.monotonic() <= deadline

    @guarded
    def close(self) -> None:
        """End what is open as cancelled and send what is left, within two seconds."""
        self._stopping = True
        for attempt in list(self._open.values()):
            attempt.abandoned()
        if self._thread is not None:
            self.flush(2.0)

    def _parentage(self) -> Parentage:
        from langsmith.run_helpers import get_tracing_context

        context = get_tracing_context()
        parent = context["parent"]
        tags, metadata = tuple(context["tags"] or ()), dict(context["metadata"] or {})
        if parent is None:
            return Parentage(
                client=context["client"] or self._client, project=context["project_name"], tags=tags, metadata=metadata
            )
        return Parentage(
            client=parent.ls_client or context["client"] or self._client,
            project=parent.session_name,
            trace_id=parent.trace_id,
            run_id=parent.id,
            dotted_order=parent.dotted_order,
            tags=tags,
            metadata=metadata,
        )

    def _on_end(self, attempt: Attempt) -> None:
        self._open.pop(attempt.run_id, None)
        try:
            self._ended.put_nowait(attempt)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1:
                logger.warning("everytoken: more than %d calls wait to be sent; further ones are dropped", QUEUE_MAX)

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._start_lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="everytoken-recorder", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            try:
                item = self._ended.get(timeout=POLL_S)
            except queue.Empty:
                self._post_starts()
                continue
            if isinstance(item, threading.Event):
                item.set()
            else:
                _send(item, self.dropped)

    def _post_starts(self) -> None:
        now = time.perf_counter()
        for attempt in list(self._open.values()):
            if not attempt.posted and now - attempt.started_perf > START_AFTER_S and not attempt.endpoint.is_poll:
                attempt.posted = True
                guarded(post_start)(attempt)

    def _after_fork(self) -> None:
        self._thread = None
        self._start_lock = threading.Lock()
        self._ended = queue.Queue(QUEUE_MAX)
        self._open = {}


def _send(attempt: Attempt, dropped: int) -> None:
    try:
        post_run(attempt, dropped=dropped)
    except Exception as error:  # noqa: BLE001 the thread must outlive one record it could not send
        failed("recorder.send", error)
