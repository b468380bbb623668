"""From the caller's thread to the server: takes attempts as they end, reads and sends them from a thread of its own."""

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

# The public functions build a dict of nine at ten times the cost, and their module takes half a second to import.
from langsmith._internal import _context

from everytoken.instrument.answer import Answer, read_answer
from everytoken.instrument.attempt import DROPPED, Attempt, Parentage
from everytoken.instrument.budget import BUDGETS
from everytoken.instrument.content import ContentPolicy
from everytoken.instrument.context import CONTENT
from everytoken.instrument.endpoint import BATCH_RESULTS, Endpoint
from everytoken.instrument.guard import failed, guarded, logger
from everytoken.instrument.imports import LOADING
from everytoken.instrument.settings import ClientSettings
from everytoken.instrument.threads import CARRIED
from everytoken.instrument.told import Told, batch_results

LOAD_MAX_S = 10.0
"""Longest time the end of a process waits for an import of ours that is under way. It takes half a second, on a machine
with too much to do several, and no server can hold it up: the time for sending begins after it."""
OPEN_MAX = 10_000
"""Open attempts watched for a start; more are recorded all the same, when they end."""
POLL_S = 0.25
"""How long ended attempts wait for others. Reading and sending them one by one takes twice the CPU: each wakes the
thread, and each request costs 1 ms (langsmith 0.15, 2026-11)."""
WAKE_ATTEMPTS, WAKE_BYTES = 100, 4 * 1024**2
"""So many, or so much of them, do not wait."""
_INHERITED = ("thread_id", "session_id", "conversation_id", "user_id", "checkpoint_ns")
"""Keys that a run needs of its own to count for its thread, user and node."""


class Exporter(Protocol):
    """Where records go: LangSmith runs or OpenTelemetry spans."""

    lost: int
    """Runs that no server took, as far as it is told."""
    untold: int
    """How many losses stood in runs that were lost themselves."""

    def start(self, attempt: Attempt, content: ContentPolicy) -> None: ...
    def end(self, attempt: Attempt, answer: Answer, content: ContentPolicy, extra: dict[str, Any]) -> None: ...
    def send(self, *, now: bool) -> None: ...
    def flush(self, timeout_s: float) -> None: ...


class Framework(Protocol):
    """A framework with runs of its own for model calls."""

    def claim(self, attempt: Attempt) -> bool: ...


class Recorder:
    """Begins attempts, and sends them when they end. One a process; a fork's child starts anew."""

    def __init__(self, exporter: Callable[[], Exporter], settings: ClientSettings) -> None:
        self._make_exporter = exporter
        self.settings = settings
        self._policies = {mode: ContentPolicy(mode, settings.mask) for mode in ("full", "masked", "none")}
        self._closed = False
        self.framework: Framework | None = None
        """Who may report an attempt in our place."""
        self._reset()
        if hasattr(os, "register_at_fork"):
            # A fork handler can't be taken back: it must not keep a closed recorder alive.
            this = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _reset_if_alive(this))

    def _reset(self) -> None:
        self._made: Exporter | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._loaded = threading.Event()
        self._ended: deque[tuple[Attempt | threading.Event, int]] = deque()
        self._ended_bytes = 0
        self._open: dict[Any, Attempt] = {}
        self._told = Told()
        self._saw_parent = False
        self.dropped = 0
        """Attempts lost because too many, or too much of them, waited."""
        self._lost_reported = 0
        self.lost_by_others = 0
        """Batches that langsmith's own threads gave up, and runs they had no room for."""
        self._others_reported = 0

    def wanted(self) -> bool:
        """False when the application switched tracing off around this call."""
        return not self._closed and _context._TRACING_ENABLED.get() is not False

    def begin(
        self,
        *,
        endpoint: Endpoint,
        provider: str,
        model: str | None,
        request: Any,
        streamed: bool,
        retry: int = 0,
        server: str | None = None,
    ) -> Attempt:
        """A new attempt under the run of the calling context.

        Raises:
            BudgetExceeded: a budget of the application's says so.
        """
        attempt = Attempt(
            endpoint=endpoint,
            provider=provider,
            model=model,
            request=request,
            streamed=streamed,
            retry=retry,
            server=server,
            parentage=self._parentage(),
            on_end=self._on_end,
        )
        if BUDGETS and not endpoint.is_poll:
            BUDGETS.admit(attempt)
        if self.framework is not None and not endpoint.is_poll and self.framework.claim(attempt):
            attempt.on_end = _reported_by_framework
        elif len(self._open) < OPEN_MAX:
            self._open[attempt.run_id] = attempt
        self._ensure_thread()
        return attempt

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything that ended before is handed to the server; False when the time ran out."""
        deadline = time.monotonic() + timeout_s
        done = threading.Event()
        self._ended.append((done, 0))
        self._wake.set()
        self._ensure_thread()
        if not done.wait(timeout_s):
            return False
        self._exporter().flush(max(deadline - time.monotonic(), 0.05))
        return time.monotonic() <= deadline

    @guarded
    def close(self) -> None:
        """End what is open as cancelled and send what is left, within the time the settings give."""
        self._closed = True
        for attempt in list(self._open.values()):
            attempt.abandoned()
        if self._thread is not None:
            self._loaded.wait(LOAD_MAX_S)
            self.flush(self.settings.exit_timeout_s)

    def _parentage(self) -> Parentage:
        parent = _context.get_current_run_tree()
        metadata = dict(_context._METADATA.get() or {})
        client = _context._CLIENT.get()
        common: dict[str, Any] = {
            "tags": tuple(_context._TAGS.get() or ()),
            "metadata": metadata,
            "content": CONTENT.get(),
        }
        if self.settings.export == "otel":
            from opentelemetry.context import get_current

            common["span"] = get_current()
        if parent is not None and CARRIED.get() and parent.end_time is not None:
            parent = None
        if parent is None:
            lost = self._saw_parent and threading.current_thread() is not threading.main_thread()
            return Parentage(client=client, project=_context._PROJECT_NAME.get(), is_orphan=lost, **common)
        self._saw_parent = True
        for key, value in parent.metadata.items():
            if key in _INHERITED or key.startswith("langgraph_"):
                metadata.setdefault(key, value)
        return Parentage(
            client=parent.ls_client or client,
            project=parent.session_name,
            trace_id=parent.trace_id,
            run_id=parent.id,
            dotted_order=parent.dotted_order,
            **common,
        )

    def _on_end(self, attempt: Attempt) -> None:
        self._open.pop(attempt.run_id, None)
        self.take(attempt)

    def take(self, attempt: Attempt) -> None:
        """Queue an ended attempt, or count it as dropped."""
        size = attempt.size_bytes
        with self._lock:
            full = len(self._ended) >= self.settings.queue_max
            if full or self._ended_bytes + size > self.settings.queue_max_bytes:
                self._drop()
                return
            self._ended_bytes += size
            self._ended.append((attempt, size))
            many = len(self._ended) >= WAKE_ATTEMPTS or self._ended_bytes >= WAKE_BYTES
        if (many or BUDGETS) and not self._wake.is_set():  # a budget has to know soon what was spent
            self._wake.set()

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            logger.warning("everytoken: more calls wait to be sent than may; further ones are dropped and counted")

    def _ensure_thread(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                if self.settings.export == "otel":
                    self._make_ready()
                self._thread = threading.Thread(target=self._work, name="everytoken-recorder", daemon=True)
                self._thread.start()

    @guarded
    def _make_ready(self) -> None:
        """At exit a tracer provider can no longer be made, and one of the application's own must close after us."""
        atexit.unregister(self.close)
        atexit.register(self.close)
        self._exporter()

    def _work(self) -> None:
        guarded(self._exporter)()  # while the first call waits for its answer: a short process may end right after it
        self._loaded.set()
        delivered = 0.0
        while True:
            self._wake.clear()
            while self._ended:
                self._next()
                self._deliver(now=False)
            self._post_starts()
            if time.monotonic() - delivered >= POLL_S:
                self._deliver(now=True)
                delivered = time.monotonic()
            self._wake.wait(POLL_S)

    def _exporter(self) -> Exporter:
        """Made in the recorder's thread, at the first call: its import takes longer than most calls."""
        if self._made is None:
            with LOADING:
                self._made = self._make_exporter()
        return self._made

    def _next(self) -> None:
        item, size = self._ended.popleft()
        if isinstance(item, threading.Event):
            self._deliver(now=True)
            item.set()
            return
        self._finish(item)
        with self._lock:
            self._ended_bytes -= size

    def _deliver(self, *, now: bool) -> None:
        if self._made is None:
            return
        try:
            self._made.send(now=now)
        except Exception as error:  # noqa: BLE001 the thread must outlive a batch it could not send
            failed("recorder.deliver", error)

    def _post_starts(self) -> None:
        now = time.perf_counter()
        for attempt in list(self._open.values()):
            late = now - attempt.started_perf > self.settings.start_after_s
            if late and not attempt.posted and not attempt.endpoint.is_poll:
                attempt.posted = True
                guarded(self._exporter().start)(attempt, self._policy(attempt))

    def _finish(self, attempt: Attempt) -> None:
        try:
            if attempt.endpoint is BATCH_RESULTS:
                body = attempt.body if isinstance(attempt.body, bytes) else b"".join(attempt.chunks)
                for line in batch_results(attempt, body):
                    self._send(line)
            else:
                self._send(attempt)
        except Exception as error:  # noqa: BLE001 the thread must outlive one record it could not send
            failed("recorder.send", error)

    def _send(self, attempt: Attempt) -> None:
        answer = read_answer(attempt)
        BUDGETS.settle(attempt, answer.found)
        if not self._told.is_news(attempt, answer.value, answer.found):
            return
        self._exporter().end(attempt, answer, self._policy(attempt), self.losses())

    def losses(self) -> dict[str, Any]:
        """Metadata that tells what was lost since this was last asked: it goes to the server with the next run."""
        told: dict[str, Any] = {}
        lost = self.dropped + (self._made.lost + self._made.untold if self._made is not None else 0)
        if lost > self._lost_reported:
            told[DROPPED] = lost - self._lost_reported
            self._lost_reported = lost
        if self.lost_by_others > self._others_reported:
            told["everytoken_lost_by_langsmith"] = self.lost_by_others - self._others_reported
            self._others_reported = self.lost_by_others
        return told

    def _policy(self, attempt: Attempt) -> ContentPolicy:
        parent = attempt.parentage
        return self._rules(parent.content, parent.trace_id or attempt.run_id, parent.client)

    def content_of(self, trace_id: UUID | None, client: Any) -> ContentPolicy:
        """The content rules for a run of this context that `client` sends."""
        return self._rules(CONTENT.get(), trace_id, client)

    def _rules(self, own: str | None, trace_id: UUID | None, client: Any) -> ContentPolicy:
        """The content mode of a call: its own, else the settings', which may leave some traces out."""
        if own is not None:
            return self._policies[own]
        rates = [self.settings.content_sample, getattr(client, "tracing_sample_rate", None)]
        rates = [rate for rate in rates if rate is not None and rate < 1]
        if rates and trace_id is not None:
            from langsmith._internal._sampling import is_sampled_by_id

            if not all(is_sampled_by_id(trace_id, rate) for rate in rates):
                return self._policies["none"]
        return self._policies[self.settings.content]


def _reported_by_framework(attempt: Attempt) -> None:
    """The framework's run reports it when that ends."""


def _reset_if_alive(this: "weakref.ref[Recorder]") -> None:
    recorder = this()
    if recorder is not None:
        guarded(recorder._reset)()
