"""The pipeline: accepts a body, answers once it is on disk, and sees it through to the ledger."""

import asyncio
import hashlib
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from everytoken.config import Settings
from everytoken.core.charge import Charge
from everytoken.core.pricing import Pricer
from everytoken.core.settle import settle
from everytoken.ingest.decode import decode
from everytoken.ingest.decoder import DecoderGoneError
from everytoken.ingest.estimating import Estimator
from everytoken.ingest.flusher import Flusher
from everytoken.ingest.fold import TraceFold
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.masking import Mask
from everytoken.ingest.ports import ControlPort, LedgerPort
from everytoken.ingest.restricting import restricted_type
from everytoken.ingest.second_process import SecondProcess
from everytoken.ingest.settling import Settle
from everytoken.store.errors import StoreError
from everytoken.store.journal import Entry, Journal
from everytoken.wire.body import BodyError
from everytoken.wire.operations import Decoded, Rejection

INLINE_BYTES = 64 * 1024
"""Received bodies up to this size are decoded in the event loop: about 5 ms, less than a change of threads may cost."""
IN_FLIGHT_BYTES = 256 * 1024**2
"""Received bodies held at one time, from their first byte to their commit."""
LINE_BYTES = 768 * 1024
"""Received bodies that wait for their turn to be decoded: about a quarter second of work when the ledger cannot follow.
The next is refused and comes again, where a longer line would only let every answer come later."""
BODY_COST_BYTES = 2 * 1024
"""What a body costs beside its bytes, in bytes that take as long."""
SLICE_S = 0.02
"""How long bodies are decoded before the event loop looks at its sockets again. One body at a time would let hundreds
of refusals stand before the next."""
CATCH_UP_S, CATCH_UP_STEP_S = 0.25, 0.01
"""Longest that one body waits for the ledger to catch up, and how often it looks. Bodies that came faster than they
are stored would fill the memory, or be read and decoded a second time from the journal."""
REMEMBERED_BODIES = 20_000
"""Digests of accepted bodies; the SDKs send the same bytes again for about half a minute after a lost answer."""
DRAIN_S = 20.0
"""Longest wait for the ledger when stopping; what is left then stays in the journal."""


SWITCH_S = 0.001
"""Longest the flusher keeps Python's lock from the event loop and the journal, which each answer needs several times.
Python's 5 ms gave acks of p50 11 and p99 131 ms at 2,100 runs/s, this 6 and 55 (one run each, shared machine, 2026-11).
"""


class BusyError(StoreError):
    """Too much is under way; the same request may be sent again."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one body. Everything accepted is on disk."""

    operations: int
    kept: bool = True
    """False when all of it was rejected, or there was nothing in it."""
    rejections: tuple[Rejection, ...] = ()
    duplicate: bool = False
    """The same bytes were accepted before; nothing was stored again."""


class Pipeline:
    """`accept` and `flush` belong to the event loop; the flusher has a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        ledger: LedgerPort,
        control: ControlPort,
        pricer: Pricer,
        live: LiveFeed,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        *,
        settle: Settle = settle,
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock_us = clock_us
        self._flusher = Flusher(settings, journal, ledger, control, pricer, live, clock_us, settle=settle)
        self.counters = self._flusher.counters
        journal.committed = self._flusher.committed
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="everytoken-decode")
        self._accepted: OrderedDict[bytes, int] = OrderedDict()
        self._in_flight_bytes = 0
        self._line: deque[tuple[Entry, asyncio.Future[Decoded]]] = deque()
        self._line_bytes = 0
        self._serving: asyncio.Task[None] | None = None
        self.second = SecondProcess(settings)
        self._last_us = 0
        self._stopping = False

    def mask_with(self, mask: Mask) -> None:
        """Mask runs with it from now on: before `start`, all of them."""
        self._flusher.mask = mask

    def leave_out(self, deleted: Callable[[], Collection[str]]) -> None:
        """Store nothing more of the traces and runs whose ids it tells. To be called before `start`."""
        self._flusher.deleted = deleted

    def start(self) -> None:
        """Take up what an earlier process left in the journal, and begin to flush."""
        sys.setswitchinterval(SWITCH_S)
        self._flusher.start()

    async def stop(self) -> None:
        """Refuse what comes, flush what was accepted. The journal stays open; its owner closes it."""
        self._stopping = True
        await self.second.stop()
        await asyncio.to_thread(self._flusher.stop, DRAIN_S)
        self._decoder.shutdown()

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call it, in the flusher's thread, when nothing has come for some seconds."""
        self._flusher.on_idle = call

    def reserve(self, size_bytes: int) -> None:
        """Make room for bytes that are about to be received; `free` gives it back.

        Raises:
            BusyError: too much is under way, or the server stops.
        """
        if self._stopping or self._line_bytes >= LINE_BYTES or self._in_flight_bytes + size_bytes > IN_FLIGHT_BYTES:
            raise self._busy()
        self._in_flight_bytes += size_bytes

    def _busy(self) -> BusyError:
        self.counters.refused += 1
        return BusyError("the server is stopping" if self._stopping else "too many requests are under way")

    def free(self, size_bytes: int) -> None:
        self._in_flight_bytes -= size_bytes

    async def accept(
        self,
        route: str,
        data: bytes,
        *,
        content_type: str = "",
        encoding: str = "",
        run_id: str | None = None,
        allowed: frozenset[str] | None = None,
    ) -> Receipt:
        """Decode one body and answer once the journal has it. It writes to the projects `allowed`; `None`: to any.

        Raises:
            BodyError: nothing of it can be used; it was not kept.
            BusyError: too many wait already; it was not kept.
            JournalFullError: there is no room; it was not kept.
            JournalClosedError: the server is stopping.
        """
        # Only a multipart body is known by its bytes: its boundary is new for every request and kept by every retry.
        digest = hashlib.blake2b(data, digest_size=16).digest() if route == "multipart" and not allowed else None
        known = self._accepted.get(digest) if digest else None
        if known is not None:
            self.counters.duplicates += 1
            return Receipt(known, duplicate=True)
        entry = Entry(route, data, self._stamp(), restricted_type(content_type, allowed), encoding, run_id)
        try:
            decoded = await self._decode(entry)
        except BodyError:
            self.counters.rejected += 1
            raise
        self.counters.rejected += len(decoded.rejections)
        if not decoded.is_empty:
            await self._commit(entry, decoded, digest)
        return Receipt(len(decoded.operations), not decoded.is_empty, decoded.rejections)

    async def flush(self) -> None:
        """Return when everything acknowledged before is visible to reads."""
        await asyncio.wrap_future(self._flusher.flushed())

    def forget(self, gone: Callable[[str, str | None], bool]) -> None:
        """Let go of the traces for which `gone(trace id, project)` holds: the ledger has deleted them."""
        self._flusher.forget(gone)

    def gauges(self) -> dict[str, int]:
        """Sizes of the queues and of what is in memory, now."""
        fold = self._flusher.fold
        return {
            "journal_bytes": self._journal.used_bytes,
            "journal_queue": self._journal.queued,
            "flush_queue_bodies": self._flusher.queued_rows,
            "flush_queue_bytes": self._flusher.decoded_bytes,
            "in_flight_bytes": self._in_flight_bytes,
            "decode_queue_bytes": self._line_bytes,
            "traces_in_memory": len(fold.traces),
            "runs_in_memory": fold.run_count,
            "runs_waiting": len(fold.waiting),
        }

    def lag_s(self) -> float:
        """Age of the oldest acknowledged body that the ledger has not taken, in seconds."""
        return self._flusher.lag_s

    def meter(self, observe: Callable[[TraceFold, Iterable[Charge]], None]) -> None:
        """Tell `observe` of the charges that the ledger has taken, in the flusher's thread."""
        self._flusher.observe = observe

    def estimate_with(self, estimator: Estimator) -> None:
        """From here on, estimate calls that told no usage. To be called before `start`."""
        self._flusher.estimator = estimator

    def counts(self) -> dict[str, int]:
        """The counters since the start."""
        return asdict(self.counters)

    async def _decode(self, entry: Entry) -> Decoded:
        if len(entry.data) > INLINE_BYTES:
            await self._catch_up()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._decoder, decode, entry, self._settings.body_max_bytes)
        if self._line and self._line_bytes + _cost(entry) > LINE_BYTES:
            raise self._busy()
        decoded: asyncio.Future[Decoded] = asyncio.get_running_loop().create_future()
        self._line.append((entry, decoded))
        self._line_bytes += _cost(entry)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve_line())
        try:
            return await decoded
        except DecoderGoneError:
            return await self._decode(entry)

    async def _serve_line(self) -> None:
        """Decode what waits, and let the event loop look at its sockets now and then: it refuses what does not fit."""
        while self._line:
            await self._catch_up()
            until_s = time.monotonic() + SLICE_S
            while self._line and time.monotonic() < until_s:
                entry, decoded = self._line.popleft()
                self._line_bytes -= _cost(entry)
                if not await self.second.takes(entry, decoded):
                    self._decode_here(entry, decoded)
            await asyncio.sleep(0)

    def _decode_here(self, entry: Entry, decoded: "asyncio.Future[Decoded]") -> None:
        if decoded.cancelled():
            return
        began_s = time.monotonic()
        try:
            decoded.set_result(decode(entry, self._settings.body_max_bytes))
        except Exception as error:  # noqa: BLE001 - it is raised where the body came from
            decoded.set_exception(error)
        self.second.decoded_here(time.monotonic() - began_s)

    async def _catch_up(self) -> None:
        until_s = time.monotonic() + CATCH_UP_S
        while self._flusher.is_behind and time.monotonic() < until_s:  # noqa: ASYNC110 - the flusher is a thread
            await asyncio.sleep(CATCH_UP_STEP_S)

    async def _commit(self, entry: Entry, decoded: Decoded, digest: bytes | None) -> None:
        try:
            await asyncio.wrap_future(self._journal.append(entry, decoded))
        except StoreError:
            self.counters.refused += 1
            raise
        self.counters.accepted_bodies += 1
        self.counters.accepted_operations += len(decoded.operations)
        if digest is not None and not decoded.rejections:
            self._accepted[digest] = len(decoded.operations)
            if len(self._accepted) > REMEMBERED_BODIES:
                self._accepted.popitem(last=False)

    def _stamp(self) -> int:
        """Time of arrival, and never the same twice: it decides who overwrites whom."""
        self._last_us = max(self._clock_us(), self._last_us + 1)
        return self._last_us


def _cost(entry: Entry) -> int:
    return len(entry.data) + BODY_COST_BYTES
