"""A second process that decodes bodies while they come fast: `python -m everytoken.ingest.decoder`.

Python runs one thread at a time. What decoding takes, a third of all work, is taken from the thread that stores and
from the one that answers; on another core it takes nothing from them but the reading of what was decoded.

On its stdin and stdout go frames of 4 bytes of length and a pickle: a body, and in the same order what it held, or why
it is refused. It ends when its stdin does, so that it never outlives the server, however that ends.
"""

import asyncio
import contextlib
import gc
import logging
import os
import pickle
import struct
import sys
from collections import deque
from typing import Any, BinaryIO

from everytoken.ingest.decode import decode
from everytoken.ingest.packed import Packed, pack
from everytoken.store.journal import Entry
from everytoken.wire.body import BodyError
from everytoken.wire.operations import Decoded

WINDOW = 4
"""Bodies under way at one time: one is decoded while the next is written and the last is read."""
READ_BYTES = 4 * 1024**2
"""Of an answer that may wait unread."""
STUCK_S = 10.0
"""Longest wait for room; the longest body takes a second. A process that makes no progress is ended."""
STOP_S = 5.0
"""Longest wait for the process to end by itself."""

_LENGTH = struct.Struct(">I")

log = logging.getLogger("everytoken.ingest")


class DecoderGoneError(Exception):
    """The process ended. Nothing is known about the body; decode it here."""


class Decoder:
    """The process, as the event loop sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._room = asyncio.Semaphore(WINDOW)
        self._waiting: deque[asyncio.Future[Decoded | Packed]] = deque()
        self._is_gone = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, limit_bytes: int) -> "Decoder":
        """Bodies may be `limit_bytes` long when they are decompressed.

        Raises:
            OSError: no process can be made.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "everytoken.ingest.decoder", str(limit_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=READ_BYTES,
            start_new_session=True,  # Ctrl-C is for the server, which ends this process when it has stopped
        )
        return cls(process)

    @property
    def process_id(self) -> int:
        return self._process.pid

    async def send(self, entry: Entry, decoded: "asyncio.Future[Decoded | Packed]") -> None:
        """Hand a body over as soon as there is room; what came of it is told to `decoded`.

        Raises:
            DecoderGoneError: the process had ended before, or does not go on.
        """
        try:
            async with asyncio.timeout(STUCK_S):
                await self._room.acquire()
        except TimeoutError:
            log.warning("the second process has not decoded a body for %g s and is ended", STUCK_S)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            raise DecoderGoneError from None
        if self._is_gone:
            self._room.release()
            raise DecoderGoneError
        self._waiting.append(decoded)
        _write(self._stdin, pickle.dumps(entry))

    async def stop(self) -> None:
        """End the process, once it has answered what it has."""
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await self._stdout.readexactly(_LENGTH.size))
                self._tell(pickle.loads(await self._stdout.readexactly(length)))  # noqa: S301 - our own process
        except (asyncio.IncompleteReadError, ConnectionError):
            self._is_gone = True
            while self._waiting:
                self._tell(DecoderGoneError())

    def _tell(self, answer: Any) -> None:
        decoded = self._waiting.popleft()
        self._room.release()
        if decoded.cancelled():
            return
        if isinstance(answer, Exception):
            decoded.set_exception(answer)
        else:
            decoded.set_result(answer)


def _write(stream: "BinaryIO | asyncio.StreamWriter", data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)


def _answer(data: bytes, limit_bytes: int) -> bytes:
    try:
        return pickle.dumps(pack(decode(pickle.loads(data), limit_bytes)))  # noqa: S301 - from our own server
    except BodyError as error:
        return pickle.dumps(error)
    except Exception as error:  # it is raised where the body came from, as if it had been decoded there
        log.exception("a body could not be decoded")
        return pickle.dumps(RuntimeError(repr(error)))


def main() -> None:
    limit_bytes = int(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints does not belong among the answers
    gc.freeze()
    bodies = sys.stdin.buffer
    while head := bodies.read(_LENGTH.size):
        _write(answers, _answer(bodies.read(*_LENGTH.unpack(head)), limit_bytes))
        answers.flush()


if __name__ == "__main__":
    main()
