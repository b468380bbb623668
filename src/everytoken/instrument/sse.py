"""Streamed answers as bytes: seen on their way to the application, and without the one event it did not ask for."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

import orjson

from everytoken.instrument.attempt import CANCELLED, CHUNKS_MAX, Attempt
from everytoken.instrument.bodies import decompressor, is_compressed
from everytoken.instrument.guard import failed

_USAGE = b'"usage"'
_TERMINAL_EVENTS = (
    b'"response.completed"', b'"response.incomplete"', b'"response.failed"',
    b'"image_generation.completed"', b'"image_edit.completed"', b'"transcript.text.done"', b"data: [DONE]",
)  # fmt: skip


class UsageEventFilter:
    """Takes the usage chunk that we asked for out of a chat stream, however its bytes are cut.

    Only an event whose `choices` is empty and whose `usage` is set is dropped.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Bytes to pass on now: all complete events but the dropped one. An incomplete event waits for its end."""
        if not self._held and _USAGE not in data and data.endswith(b"\n\n"):
            return data  # one piece, one event: nearly all are so
        self._held += data
        end = max(self._held.rfind(b"\n\n") + 2, self._held.rfind(b"\r\n\r\n") + 4)
        if end < 4:  # nothing found: rfind gave -1 for both
            return b""
        complete, self._held = self._held[:end], self._held[end:]
        return _without_usage_event(complete) if _USAGE in complete else complete

    def rest(self) -> bytes:
        """What was held back when the stream ended."""
        held, self._held = self._held, b""
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


def decode_events(body: bytes) -> list[Any]:
    """The JSON of every event, in order. `[DONE]`, comments and the cut end of an aborted stream are left out."""
    lines = [line[5:] for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip() != b"[DONE]"]
    try:
        whole: list[Any] = orjson.loads(b"[" + b",".join(lines) + b"]")
    except orjson.JSONDecodeError:
        return [event for line in lines for event in _decoded(line)]
    return whole


def _decoded(line: bytes) -> list[Any]:
    try:
        return [orjson.loads(line)]
    except orjson.JSONDecodeError:
        return []


def is_complete(body: bytes) -> bool:
    """True when the provider had said its last word, though the reader may have stopped before the end of the body."""
    events = body.rsplit(b"\n\n", 3)[-3:]
    return any(mark in event for event in events for mark in _TERMINAL_EVENTS)


class _Tee:
    """What both kinds of byte stream share. Holds no response, so that dropping the response still frees it at once."""

    def __init__(
        self, stream: Any, attempt: Attempt, hide_usage: bool, decompress: Callable[[bytes], bytes] | None
    ) -> None:
        self._stream = stream
        self._attempt = attempt
        self._filter = UsageEventFilter() if hide_usage else None
        self._decompress = decompress

    def _pass(self, data: bytes) -> bytes:
        """Note a piece; what of it the application is to see."""
        attempt = self._attempt
        if self._decompress is not None:
            data = self._decompress(data)
        try:
            if attempt.first_token_s is None or len(attempt.chunks) >= CHUNKS_MAX:
                attempt.piece(data)
            else:
                attempt.chunks.append(data)  # half of the cost of a call a piece
            return data if self._filter is None else self._filter.feed(data)
        except Exception as error:  # noqa: BLE001 a fault of ours must not cost the user a chunk
            failed("sse.pass", error)
            return data

    def _rest(self) -> bytes:
        return b"" if self._filter is None else self._filter.rest()

    def __del__(self) -> None:
        self._attempt.end(CANCELLED)


def tee(response: Any, attempt: Attempt, *, hide_usage: bool, is_async: bool) -> None:
    """Put a tee before the byte stream of an httpx or httpx2 response that is still to be read."""
    library = type(response).__module__.partition(".")[0]
    kind = _async_tee(library) if is_async else _sync_tee(library)
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
def _sync_tee(library: str) -> Any:
    base: Any = sys.modules[library].SyncByteStream  # httpx and httpx2 both have it

    class SyncTee(_Tee, base):  # type: ignore[misc] # the base is one of two libraries' classes
        def __iter__(self) -> Iterator[bytes]:
            try:
                for data in self._stream:
                    passed = self._pass(data)
                    if passed:
                        yield passed
                rest = self._rest()
                if rest:
                    yield rest
                self._attempt.end("success")
            except BaseException as error:
                self._attempt.fail(error)
                raise

        def close(self) -> None:
            try:
                self._stream.close()
            finally:
                self._attempt.end(CANCELLED)

    return SyncTee


@cache
def _async_tee(library: str) -> Any:
    base: Any = sys.modules[library].AsyncByteStream  # httpx and httpx2 both have it

    class AsyncTee(_Tee, base):  # type: ignore[misc] # the base is one of two libraries' classes
        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for data in self._stream:
                    passed = self._pass(data)
                    if passed:
                        yield passed
                rest = self._rest()
                if rest:
                    yield rest
                self._attempt.end("success")
            except BaseException as error:
                self._attempt.fail(error)
                raise

        async def aclose(self) -> None:
            try:
                await self._stream.aclose()
            finally:
                self._attempt.end(CANCELLED)

    return AsyncTee
