"""Streamed answers as bytes: seen on their way to the application, and without the one event it did not ask for."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

from everytoken.instrument.attempt import CANCELLED, CHUNKS_MAX, Attempt
from everytoken.instrument.bodies import decompressor, is_compressed
from everytoken.instrument.events import decode_events
from everytoken.instrument.guard import failed

_USAGE = b'"usage"'


class UsageEventFilter:
    """Takes the usage chunk that we asked for out of a chat stream, however its bytes are cut.

    Only an event whose `choices` is empty and whose `usage` is set is dropped.
    """

    def __init__(self) -> None:
        self.held = b""

    def feed(self, data: bytes) -> bytes:
        """Bytes to pass on now: all complete events but the dropped one. An incomplete event waits for its end."""
        if not self.held and _USAGE not in data and data.endswith(b"\n\n"):
            return data  # one piece, one event: nearly all are so
        self.held += data
        end = max(self.held.rfind(b"\n\n") + 2, self.held.rfind(b"\r\n\r\n") + 4)
        if end < 4:  # nothing found: rfind gave -1 for both
            return b""
        complete, self.held = self.held[:end], self.held[end:]
        return _without_usage_event(complete) if _USAGE in complete else complete

    def rest(self) -> bytes:
        """What was held back when the stream ended."""
        held, self.held = self.held, b""
        return held


def without_usage_event(body: bytes) -> bytes:
    """A whole stream that was read at once, without the event we asked for."""
    usage_filter = UsageEventFilter()
    return usage_filter.feed(body) + usage_filter.rest()


def _without_usage_event(complete: bytes) -> bytes:
    separator = b"\r\n\r\n" if b"\r\n\r\n" in complete else b"\n\n"
    return separator.join(event for event in complete.split(separator) if not _is_usage_event(event))


def _is_usage_event(event: bytes) -> bool:
    if _USAGE not in event:
        return False
    body = next(iter(decode_events(event)), None)
    return isinstance(body, dict) and body.get("choices") == [] and bool(body.get("usage"))


class _Tee:
    """What both kinds of byte stream share; entered while the body is read.

    Holds no response, so that dropping the response still frees it at once.
    """

    def __init__(
        self, stream: Any, attempt: Attempt, hide_usage: bool, decompress: Callable[[bytes], bytes] | None
    ) -> None:
        self._stream = stream
        self._attempt = attempt
        self._chunks = attempt.chunks
        self._filter = UsageEventFilter() if hide_usage else None
        self._decompress = decompress

    def _pass(self, data: bytes) -> bytes:
        """Note a piece; what of it the application is to see. Runs once a piece: calls are what it costs."""
        if self._decompress is not None:
            data = self._decompress(data)
        try:
            chunks = self._chunks
            if chunks and len(chunks) < CHUNKS_MAX:
                chunks.append(data)
            else:
                self._attempt.piece(data)
            usage_filter = self._filter
            if usage_filter is None or (not usage_filter.held and _USAGE not in data and data.endswith(b"\n\n")):
                return data
            return usage_filter.feed(data)
        except Exception as error:  # noqa: BLE001 a fault of ours must not cost the user a chunk
            failed("sse.pass", error)
            return data

    def _rest(self) -> bytes:
        return b"" if self._filter is None else self._filter.rest()

    def __enter__(self) -> None:
        """The body is read from here on."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._attempt.end("success")
        else:
            self._attempt.fail(error)

    def __del__(self) -> None:
        self._attempt.end(CANCELLED)


def tee(response: Any, attempt: Attempt, *, hide_usage: bool, is_async: bool) -> None:
    """Put a tee before the byte stream of an httpx or httpx2 response that is still to be read."""
    library = sys.modules[type(response).__module__.partition(".")[0]]  # httpx and httpx2 name their classes alike
    kind = _tees(library.SyncByteStream, library.AsyncByteStream)[is_async]
    decompress: Callable[[bytes], bytes] | None = None
    if hide_usage and is_compressed(attempt.content_encoding):
        # We asked for plain bytes and the server compressed all the same: what is to be taken out must be readable.
        decompress = decompressor(attempt.content_encoding)
        hide_usage = decompress is not None
        if hide_usage:
            del response.headers["content-encoding"]
            attempt.content_encoding = None
    response.stream = kind(response.stream, attempt, hide_usage, decompress)


@cache
def _tees(sync_base: Any, async_base: Any) -> tuple[Any, Any]:
    """The tee as a byte stream of one HTTP library, sync and async."""

    class SyncTee(_Tee, sync_base):  # type: ignore[misc] # the base is one of two libraries' classes
        def __iter__(self) -> Iterator[bytes]:
            with self:
                for data in self._stream:
                    if passed := self._pass(data):
                        yield passed
                if rest := self._rest():
                    yield rest

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._attempt.end(CANCELLED)

    class AsyncTee(_Tee, async_base):  # type: ignore[misc] # the base is one of two libraries' classes
        async def __aiter__(self) -> AsyncIterator[bytes]:
            with self:
                async for data in self._stream:
                    if passed := self._pass(data):
                        yield passed
                if rest := self._rest():
                    yield rest

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._attempt.end(CANCELLED)

    return SyncTee, AsyncTee
