"""One HTTP attempt on its way: what was asked, when, under which run, and what has come back so far."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from langsmith import uuid7

from everytoken.instrument.endpoint import Endpoint

CANCELLED = "cancelled"
CHUNKS_MAX = 200_000
"""Chunks kept of one stream. Beyond it the oldest content is let go; usage stands at the end."""


@dataclass(slots=True, kw_only=True, eq=False)
class Parentage:
    """Where an attempt hangs: taken from the caller's context when the request leaves."""

    client: Any = None
    project: str | None = None
    trace_id: UUID | None = None
    run_id: UUID | None = None
    dotted_order: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """A request that may be billed. Handed to the sender exactly once, when it ends."""

    endpoint: Endpoint
    provider: str
    model: str | None
    request: Mapping[str, Any] | None
    """The JSON the user's call turned into; without what we added."""
    streamed: bool
    parentage: Parentage
    on_end: Callable[["Attempt"], None]
    run_id: UUID = field(default_factory=uuid7)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_perf: float = field(default_factory=time.perf_counter)
    retry: int = 0
    """Retries the SDK had taken before this attempt."""
    first_token_s: float | None = None
    duration_s: float | None = None
    body: bytes | str | None = None
    """The whole answer, when it did not stream."""
    chunks: list[Any] = field(default_factory=list)
    """Pieces of a streamed answer: raw bytes of server-sent events, or decoded events."""
    status_code: int | None = None
    content_encoding: str | None = None
    """Compression of `chunks` when they are raw bytes."""
    outcome: str = "pending"
    """`success`, `error` or `cancelled`."""
    error: str | None = None
    framework_run: Any = None
    """The framework's own llm run for this call, which is enriched instead of opening a second."""
    posted: bool = False
    """True once a start was sent, because the call stayed open."""
    _ended: threading.Lock = field(default_factory=threading.Lock)

    def piece(self, chunk: Any) -> None:
        """Note a piece of the stream."""
        if self.first_token_s is None:
            self.first_token_s = time.perf_counter() - self.started_perf
        if len(self.chunks) >= CHUNKS_MAX:
            del self.chunks[: CHUNKS_MAX // 2]
        self.chunks.append(chunk)

    def end(self, outcome: str, error: str | None = None) -> None:
        """Close the record; every call after the first does nothing."""
        if not self._ended.acquire(blocking=False):
            return
        self.duration_s = time.perf_counter() - self.started_perf
        self.outcome, self.error = outcome, error
        self.on_end(self)

    def abandoned(self) -> None:
        """The consumer let go before the end: what was seen is what is known."""
        self.end(CANCELLED)
