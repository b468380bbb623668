"""The pipeline: accepts a body, answers once it is on disk, and sees it through to the ledger."""

import asyncio
import hashlib
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass

from everytoken.config import Settings
from everytoken.core.charge import Charge
from everytoken.core.pricing import Pricer
from everytoken.core.settle import settle
from everytoken.ingest.decoding import Decoding
from everytoken.ingest.estimating import Estimator
from everytoken.ingest.flusher import Flusher
from everytoken.ingest.line import BusyError
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.masking import Mask
from everytoken.ingest.packed import Packed
from everytoken.ingest.ports import ControlPort, LedgerPort
from everytoken.ingest.restricting import restricted_type
from everytoken.ingest.settling import Settle
from everytoken.ingest.trace_fold import TraceFold
from everytoken.store.errors import StoreError
from everytoken.store.journal import Entry, Journal
from everytoken.wire.body import BodyError
from everytoken.wire.operations import Decoded, Rejection

IN_FLIGHT_BYTES = 256 * 1024**2
"""Received bodies held at one time, from their first byte to their commit."""
REMEMBERED_BODIES = 20_000
"""Digests of accepted bodies; the SDKs send the same bytes again for about half a minute after a lost answer."""
DRAIN_S = 20.0
"""Longest wait for the ledger when stopping; what is left then stays in the journal."""


SWITCH_S = 0.001
"""Longest the flusher keeps Python's lock from the event loop and the journal, which each answer needs several times.
Python's 5 ms gave acks of p50 11 and p99 131 ms at 2,100 runs/s, this 6 and 55 (one run each, shared machine, 2026-11).
"""


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
        self.decoding = Decoding(settings, self._flusher.allowed_bytes_per_s)
        self._accepted: OrderedDict[bytes, int] = OrderedDict()
        self._in_flight_bytes = 0
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
        await self.decoding.stop()
        await asyncio.to_thread(self._flusher.stop, DRAIN_S)

    def when_idle(self, call: Callable[[], None]) -> None:
        """Call it, in the flusher's thread, when nothing has come for some seconds."""
        self._flusher.on_idle = call

    def check_room(self, size_bytes: int) -> None:
        """Refuse a body of this size, as announced or as it came, while too many wait.

        Raises:
            BusyError: they do, or the server stops.
        """
        if self._stopping or not self.decoding.has_room(size_bytes):
            raise self._busy()

    def reserve(self, size_bytes: int) -> None:
        """Make room in memory for bytes that are about to be received; `free` gives it back.

        Raises:
            BusyError: there is none.
        """
        if self._in_flight_bytes + size_bytes > IN_FLIGHT_BYTES:
            raise self._busy()
        self._in_flight_bytes += size_bytes

    def _busy(self) -> BusyError:
        self.counters.refused += 1
        reason = "the server is stopping" if self._stopping else "too many requests are under way"
        return BusyError(reason, self.decoding.refuse())

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
        self.check_room(len(data))
        entry = Entry(route, data, self._stamp(), restricted_type(content_type, allowed), encoding, run_id)
        try:
            decoded = await self.decoding.decode(entry)
        except BodyError:
            self.counters.rejected += 1
            raise
        self.counters.rejected += len(decoded.rejections)
        if not decoded.is_empty:
            await self._commit(entry, decoded, digest)
        return Receipt(decoded.operation_count, not decoded.is_empty, decoded.rejections)

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
            "decode_queue_bytes": self.decoding.waiting_bytes,
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

    async def _commit(self, entry: Entry, decoded: Decoded | Packed, digest: bytes | None) -> None:
        try:
            await asyncio.wrap_future(self._journal.append(entry, decoded))
        except StoreError:
            self.counters.refused += 1
            raise
        self.counters.accepted_bodies += 1
        self.counters.accepted_operations += decoded.operation_count
        if digest is not None and not decoded.rejections:
            self._accepted[digest] = decoded.operation_count
            if len(self._accepted) > REMEMBERED_BODIES:
                self._accepted.popitem(last=False)

    def _stamp(self) -> int:
        """Time of arrival, and never the same twice: it decides who overwrites whom."""
        self._last_us = max(self._clock_us(), self._last_us + 1)
        return self._last_us
