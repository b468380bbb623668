"""Bounds on what comes before a body: how long headers may take, how many there may be, and how many connections.

uvicorn bounds none of them (0.51, 2026-11): a client that sends a byte now and then would hold a connection for ever,
one that sends headers without end would fill the memory, and one that only connects would leave no file to open. Its
`limit_concurrency` counts a connection once it asks something.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from everytoken.server.open_files import most_connections

HEADERS_S = 20.0
"""From the first byte, or from a connection that sends none, to the end of the headers."""
MAX_HEADERS_BYTES = 64 * 1024
"""nginx stops at 32 KiB, most clients long before."""
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-type: application/json\r\ncontent-length: 41\r\n\r\n"
    b'{"error":"too many connections are open"}'
)
LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class HeadersTooLargeError(ValueError):
    """The parser turns it into an answer of 400."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which gives up on clients that are slow or endless before the request is even known."""

    headers_s = HEADERS_S

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._late: asyncio.TimerHandle | None = None
        self._headers_bytes = 0
        self._arrives = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            transport.write(FULL)
            transport.close()
        else:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_headers()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._headers_bytes = 0
        self._arrives = True
        if self._late is None:
            self._expect_headers()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._have_headers()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._arrives = False
        self._have_headers()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._arrives and self._late is None and not self.transport.is_closing():
            # Answered before its body was there, as a refusal is: what still comes keeps uvicorn from closing.
            self._late = self.loop.call_later(self.headers_s, self.transport.close)

    def _count(self, size: int) -> None:
        self._headers_bytes += size
        if self._headers_bytes > MAX_HEADERS_BYTES:
            raise HeadersTooLargeError("too many headers")

    def _expect_headers(self) -> None:
        self._late = self.loop.call_later(self.headers_s, self._give_up)

    def _have_headers(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.write(LATE)
            self.transport.close()
