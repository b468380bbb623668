"""Bodies are decoded in turn: in the event loop, in a thread, or in a second process while they come fast."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from everytoken.config import Settings
from everytoken.ingest.decode import decode
from everytoken.ingest.decoder import DecoderGoneError
from everytoken.ingest.line import Line
from everytoken.ingest.packed import Packed
from everytoken.ingest.second_process import SecondProcess
from everytoken.store.journal import Entry
from everytoken.wire.operations import Decoded

INLINE_BYTES = 64 * 1024
"""Received bodies up to this size are decoded in the event loop: about 5 ms, less than a change of threads may cost."""
LARGE_BYTES = 1024 * 1024
"""Received bodies above this size have a thread and a line of their own: the SDKs' longest takes two seconds, and all
the others would wait behind it."""
LARGE_LINE_BYTES = 8 * 1024**2
"""Large bodies that wait or are decoded; one more is taken only when there is none. About three seconds of work."""
SLICE_S = 0.02
"""How long bodies are decoded before the event loop looks at its sockets again."""
AHEAD_S = 0.05
"""So much work of the ledger bodies may be ahead of it before the next one pauses: several at a time share a commit."""
PAUSE_S, PAUSE_STEP_S = 0.25, 0.01
"""Longest that one body waits for the ledger to catch up, and how often it looks. Bodies that came faster than they
are stored would fill the memory, or be read and decoded a second time from the journal."""

Turn = tuple[Entry, "asyncio.Future[Decoded | Packed]"]


class Decoding:
    """Belongs to the event loop."""

    def __init__(self, settings: Settings, allowed_bytes_per_s: Callable[[], float | None]) -> None:
        self._limit_bytes = settings.body_max_bytes
        self._allowed_bytes_per_s = allowed_bytes_per_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="everytoken-decode")
        self._line: Line[Turn] = Line()
        self._serving: asyncio.Task[None] | None = None
        self._large_bytes = 0
        self._ahead_until_s = 0.0
        """When the ledger will have had the time for what was let pass, by its speed of late."""
        self.second = SecondProcess(settings)

    @property
    def waiting_bytes(self) -> int:
        return self._line.waiting_bytes + self._large_bytes

    def has_room(self, size_bytes: int) -> bool:
        """Whether a body of this size would be decoded soon."""
        if size_bytes > LARGE_BYTES:
            return not self._large_bytes or self._large_bytes + size_bytes <= LARGE_LINE_BYTES
        return not self._line.is_full

    def refuse(self) -> int:
        """Count a body for which there is no room; in how many seconds it may come again."""
        return self._line.refuse()

    async def decode(self, entry: Entry) -> Decoded | Packed:
        """What the body holds. Ask `has_room` before.

        Raises:
            BodyError: nothing of it can be used.
        """
        if len(entry.data) > LARGE_BYTES:
            return await self._decode_large(entry)
        decoded: asyncio.Future[Decoded | Packed] = asyncio.get_running_loop().create_future()
        self._line.join((entry, decoded), len(entry.data))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        try:
            return await decoded
        except DecoderGoneError:
            return await self.decode(entry)

    async def stop(self) -> None:
        await self.second.stop()
        self._thread.shutdown()

    async def _decode_large(self, entry: Entry) -> Decoded:
        self._large_bytes += len(entry.data)
        try:
            await self._keep_pace(entry)
            return await self._in_thread(entry)
        finally:
            self._large_bytes -= len(entry.data)

    async def _in_thread(self, entry: Entry) -> Decoded:
        return await asyncio.get_running_loop().run_in_executor(self._thread, decode, entry, self._limit_bytes)

    async def _serve(self) -> None:
        """Decode what waits, and let the event loop look at its sockets now and then: it refuses what does not fit."""
        while self._line:
            until_s = time.monotonic() + SLICE_S
            while self._line and time.monotonic() < until_s:
                entry, decoded = self._line.next()
                if decoded.cancelled():
                    continue
                await self._keep_pace(entry)
                if not await self.second.takes(entry, decoded):
                    await self._decode_here(entry, decoded)
            await asyncio.sleep(0)

    async def _decode_here(self, entry: Entry, decoded: "asyncio.Future[Decoded | Packed]") -> None:
        began_s = time.monotonic()
        try:
            found = (
                decode(entry, self._limit_bytes) if len(entry.data) <= INLINE_BYTES else await self._in_thread(entry)
            )
        except Exception as error:  # noqa: BLE001 - it is raised where the body came from
            if not decoded.cancelled():
                decoded.set_exception(error)
        else:
            if not decoded.cancelled():
                decoded.set_result(found)
        self.second.decoded_here(time.monotonic() - began_s)

    async def _keep_pace(self, entry: Entry) -> None:
        """While the ledger is behind, let no more pass than it takes: now and then wait until it has had the time."""
        per_s = self._allowed_bytes_per_s()
        if per_s is None:
            return
        began_s = time.monotonic()
        self._ahead_until_s = max(self._ahead_until_s, began_s) + len(entry.data) / per_s
        if self._ahead_until_s - began_s <= AHEAD_S:
            return
        until_s = min(self._ahead_until_s, began_s + PAUSE_S)
        while self._allowed_bytes_per_s() is not None:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, PAUSE_STEP_S))
