"""When a second process decodes: once bodies come fast, and until nothing came for a while."""

import asyncio
import logging
import os
import time

from everytoken.config import Settings
from everytoken.ingest.decoder import Decoder, DecoderGoneError
from everytoken.ingest.packed import Packed
from everytoken.store.journal import Entry
from everytoken.wire.operations import Decoded

WINDOW_S = 1.0
BUSY_S = 0.1
"""Decoding in the server's own process within one window, above which another is started."""
REST_S = 60.0
"""How long it stays when nothing comes, and how long none is started after one that failed. It takes some 60 MB, and
half a second of CPU to start."""

log = logging.getLogger("everytoken.ingest")


class SecondProcess:
    """Belongs to the event loop."""

    def __init__(self, settings: Settings) -> None:
        self._limit_bytes = settings.body_max_bytes
        self._is_wanted = settings.decode_apart and _cores() > 1
        self._decoder: Decoder | None = None
        self._changing: asyncio.Task[None] | None = None
        self._window_s = self._used_s = 0.0
        """When the window began, and when a body was last taken."""
        self._not_before_s = 0.0
        self._here_s = 0.0

    @property
    def process_id(self) -> int | None:
        return None if self._decoder is None else self._decoder.process_id

    def decoded_here(self, took_s: float) -> None:
        """So long the server itself took for a body; where that adds up, the process is started."""
        now_s = time.monotonic()
        if now_s - self._window_s > WINDOW_S:
            self._window_s, self._here_s = now_s, 0.0
        self._here_s += took_s
        idle = self._changing is None and self._decoder is None
        if self._is_wanted and idle and self._here_s > BUSY_S and now_s >= self._not_before_s:
            self._changing = asyncio.create_task(self._start())

    async def takes(self, entry: Entry, decoded: "asyncio.Future[Decoded | Packed]") -> bool:
        """Whether the process has taken the body, once there is room; it tells `decoded`, or that it ended before."""
        if self._decoder is None:
            return False
        self._used_s = time.monotonic()
        try:
            await self._decoder.send(entry, decoded)
        except DecoderGoneError:
            self._lost()
            return False
        return True

    async def stop(self) -> None:
        self._is_wanted = False
        if self._changing is not None:
            await self._changing
        await self._end()

    async def _start(self) -> None:
        try:
            self._decoder = await Decoder.start(self._limit_bytes)
        except OSError as error:
            log.warning("no second process decodes: %s", error)
            self._lost()
        else:
            self._used_s = time.monotonic()
            asyncio.get_running_loop().call_later(REST_S, self._look)
        self._changing = None

    def _look(self) -> None:
        if self._decoder is None or not self._is_wanted:
            return
        left_s = self._used_s + REST_S - time.monotonic()
        if left_s > 0:
            asyncio.get_running_loop().call_later(left_s, self._look)
        else:
            self._changing = asyncio.create_task(self._end())

    async def _end(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            await decoder.stop()
        self._changing = None

    def _lost(self) -> None:
        self._decoder = None
        self._not_before_s = time.monotonic() + REST_S


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
