"""One HTTP attempt on its way: what was asked, when, under which run, and what has come back so far."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from langsmith._internal._uuid import uuid7

from everytoken.instrument.endpoint import Endpoint

CANCELLED = "cancelled"
DROPPED = "everytoken_dropped"
"""Key of a run's metadata: how many attempts this process has lost since it last said so."""
_NEVER_SENT = frozenset(
    {
        "ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "LocalProtocolError", "ProxyError",
        "InvalidURL", "ClientConnectorError", "ClientConnectorDNSError", "ClientConnectorCertificateError",
        "ConnectionTimeoutError", "NewConnectionError", "SSLError",
    }
)  # fmt: skip
"""Errors of httpx, httpx2, aiohttp and requests that say that no request reached the provider: nothing was billed."""
_CANCELLATIONS = frozenset({"CancelledError", "KeyboardInterrupt", "GeneratorExit"})
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
    content: str | None = None
    """Content mode asked for around this call; `None` is what the settings say."""
    is_orphan: bool = False
    """True when the caller's thread lost the run that it belongs to."""
    span: Any = None
    """The OpenTelemetry context of the caller, when spans are exported."""


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
    server: str | None = None
    """Host and port that was asked: two servers may give the same id to different answers."""
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
    never_sent: bool = False
    """True when the connection failed before the provider saw the request."""
    response_name: str | None = None
    """What names the answer where the provider gives it no id: a line of a batch."""
    spent: Any = None
    """What the budgets that apply have set aside for this call."""
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

    @property
    def refused(self) -> bool:
        """True when the provider billed nothing: it answered with an error, or never saw the request."""
        return self.never_sent or (self.status_code is not None and self.status_code >= 400)

    @property
    def own_order(self) -> str:
        """This run's part of the dotted order."""
        return f"{self.started:%Y%m%dT%H%M%S%fZ}{self.run_id}"

    @property
    def size_bytes(self) -> int:
        """Memory that the answer holds, roughly: decoded events count as what a short one takes."""
        body = len(self.body) if self.body is not None else 0
        raw = self.chunks and isinstance(self.chunks[0], bytes)
        return body + (sum(map(len, self.chunks)) if raw else 500 * len(self.chunks))

    @property
    def has_ended(self) -> bool:
        return self._ended.locked()

    def end(self, outcome: str, error: str | None = None) -> None:
        """Close the record; every call after the first does nothing."""
        if not self._ended.acquire(blocking=False):
            return
        self.duration_s = time.perf_counter() - self.started_perf
        self.outcome, self.error = "error" if self.refused else outcome, error
        self.on_end(self)

    def fail(self, error: BaseException) -> None:
        """The call ended with an exception: the application's own cancellation, or a fault of the provider's side."""
        kind = type(error).__name__
        self.never_sent = kind in _NEVER_SENT
        if kind in _CANCELLATIONS:
            self.end(CANCELLED)
        else:
            self.end("error", repr(error))

    def abandoned(self) -> None:
        """The consumer let go before the end: what was seen is what is known."""
        self.end(CANCELLED)
