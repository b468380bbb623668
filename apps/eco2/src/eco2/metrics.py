"""Prometheus metrics: written by the calls themselves and by the events of each turn. Never labelled by job or user."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from eco2.agent import Event
from eco2.state import CONTEXT_OF
from eco2.telemetry import CallRecord

SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60)
NODE_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
INTERVAL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1)
PIECES = (10, 50, 100, 200, 500, 1000, 2000)


class Metrics:
    """One registry a process. `record` is the meter of the telemetry, `watch` sees the events of a turn pass by."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        registry = self.registry = CollectorRegistry()
        Info("chat_worker", "The worker", registry=registry).info({"version": "0.1.0", "framework": "langgraph"})

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=registry)

        self._requests = counter("chat_requests_total", "Turns", "intent", "status", "provider")
        self._request_s = histogram("chat_request_duration_seconds", "A turn", SECONDS, "intent", "provider")
        self._errors = counter("chat_errors_total", "Failed nodes", "intent", "error_type")
        self._intents = counter("chat_intent_distribution_total", "Turns by intent", "intent")
        self._active = Gauge("chat_active_jobs", "Turns under way", registry=registry)
        self._vision = counter("chat_vision_requests_total", "Pictures looked at", "status", "provider")
        self._vision_s = histogram("chat_vision_duration_seconds", "Looking at a picture", SECONDS, "provider")
        self._subagents = counter("chat_subagent_calls_total", "Gathering nodes", "subagent", "status")
        self._subagent_s = histogram("chat_subagent_duration_seconds", "A gathering node", NODE_SECONDS, "subagent")
        self._node_s = histogram("chat_node_duration_seconds", "A node", NODE_SECONDS, "node")
        self._tokens = counter("chat_token_usage_total", "LLM tokens", "provider", "type", "model", "node")
        self._calls = counter(
            "chat_llm_calls_total", "Provider requests", "path", "provider", "model", "node", "status"
        )
        self._cost = counter("chat_llm_cost_usd_total", "US dollars, priced calls only", "provider", "model", "node")
        self._missing = counter("chat_llm_usage_missing_total", "Provider requests without usage", "path")
        self._pieces = counter("chat_stream_tokens_total", "Pieces of answers (not LLM tokens)", "node", "status")
        self._streams = counter("chat_stream_requests_total", "Streamed answers", "status")
        self._interval_s = histogram(
            "chat_stream_token_interval_seconds", "Between two pieces", INTERVAL_SECONDS, "provider"
        )
        self._stream_s = histogram("chat_stream_duration_seconds", "First to last piece", SECONDS, "node", "status")
        self._piece_count = histogram("chat_stream_token_count", "Pieces an answer", PIECES, "node")
        self._recoveries = counter("chat_stream_recovery_total", "Readers that came back", "type", "status")
        self._streaming = Gauge("chat_stream_active", "Readers of events", registry=registry)

    def render(self) -> bytes:
        return generate_latest(self.registry)

    def record(self, record: CallRecord) -> None:
        """Count one provider request."""
        provider = "google" if record.path.provider == "google_genai" else record.path.provider
        labels = {"provider": provider, "model": record.model, "node": record.node}
        self._calls.labels(path=record.path.name, status=record.status, **labels).inc()
        if record.usage is None:
            self._missing.labels(path=record.path.name).inc()
        else:
            self._tokens.labels(type="input", **labels).inc(record.usage.input_tokens)
            self._tokens.labels(type="output", **labels).inc(record.usage.output_tokens)
        if record.cost_usd is not None:
            self._cost.labels(**labels).inc(float(record.cost_usd))

    def recovered(self, *, known: bool) -> None:
        self._recoveries.labels(type="catch_up", status="success" if known else "error").inc()

    def reading(self, change: int) -> None:
        self._streaming.inc(change)

    async def watch(self, events: AsyncGenerator[Event, None]) -> AsyncIterator[Event]:
        """The same events, counted as they pass."""
        stream = _Stream()
        errors: list[str] = []
        done: Mapping[str, Any] | None = None
        self._active.inc()
        try:
            async with aclosing(events):
                async for event in events:
                    if event.type == "token":
                        self._piece(stream)
                    elif event.type == "error":
                        errors.append(event.data["error_type"])
                    elif event.type == "done":
                        done = event.data
                    yield event
        finally:
            self._active.dec()
            self._finish(done, errors, stream)

    def _piece(self, stream: "_Stream") -> None:
        now = time.monotonic()
        if stream.pieces:
            self._interval_s.labels(provider=self._provider).observe(now - stream.last)
        else:
            stream.first = now
        stream.last = now
        stream.pieces += 1

    def _finish(self, done: Mapping[str, Any] | None, errors: list[str], stream: "_Stream") -> None:
        intent = (done or {}).get("intent") or "unknown"
        status = "success" if done and not errors else "error"
        self._requests.labels(intent=intent, status=status, provider=self._provider).inc()
        for error in errors:
            self._errors.labels(intent=intent, error_type=error).inc()
        if stream.pieces:
            self._pieces.labels(node="answer", status=status).inc(stream.pieces)
            self._streams.labels(status=status).inc()
            self._stream_s.labels(node="answer", status=status).observe(stream.last - stream.first)
            self._piece_count.labels(node="answer").observe(stream.pieces)
        if done is None:
            return
        self._intents.labels(intent=intent).inc()
        self._request_s.labels(intent=intent, provider=self._provider).observe(done["duration_ms"] / 1000)
        for name, node in done["nodes"].items():
            self._node(name, node["status"], node["duration_ms"] / 1000)

    def _node(self, name: str, status: str, seconds: float) -> None:
        self._node_s.labels(node=name).observe(seconds)
        if name in CONTEXT_OF:
            self._subagents.labels(subagent=name, status=status).inc()
            self._subagent_s.labels(subagent=name).observe(seconds)
        elif name == "vision":
            self._vision.labels(status=status, provider=self._provider).inc()
            self._vision_s.labels(provider=self._provider).observe(seconds)


class _Stream:
    """The pieces of one answer."""

    def __init__(self) -> None:
        self.pieces = 0
        self.first = self.last = 0.0
