"""A request body from its first byte to its receipt, within bounds of size, time and memory, in any protocol."""

import asyncio
from collections.abc import Mapping

from fastapi import Request
from starlette.requests import ClientDisconnect

from everytoken.ingest.line import BusyError
from everytoken.ingest.pipeline import Pipeline, Receipt
from everytoken.server.gate import writable_by
from everytoken.store.errors import StoreError
from everytoken.wire.body import BodyEncodingError, BodyError, BodyTooLargeError

RECEIVE_TIMEOUT_S = 60
"""A body that takes longer is from a client that is stuck, or that means to hold connections open."""
RESERVE_STEP_BYTES = 256 * 1024
RETRY_FULL_S = "10"


class RefusedError(Exception):
    """Nothing of the body was kept."""

    def __init__(self, status: int, error: str, *, field: str = "body", retry_s: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        """Of HTTP."""
        self.field = field
        self.retry_s = retry_s
        """Seconds after which the same request may be sent again; `None` when that would not help."""


async def receive_body(
    request: Request,
    pipeline: Pipeline,
    limit_bytes: int,
    *,
    route: str,
    content_type: str,
    run_id: str | None = None,
    timeout_s: float = RECEIVE_TIMEOUT_S,
) -> Receipt:
    """Read the body, and answer once it is on disk.

    Raises:
        RefusedError: with the status that says why.
    """
    held = _Held(pipeline)
    try:
        if announced_bytes(request.headers) > limit_bytes:
            raise held.too_large(limit_bytes)
        data = await _body(request, held, limit_bytes, timeout_s)
        return await accept(
            pipeline,
            data,
            route=route,
            content_type=content_type,
            encoding=request.headers.get("content-encoding", ""),
            run_id=run_id,
            allowed=writable_by(request),
        )
    except BusyError as error:
        raise busy(error) from error
    except ClientDisconnect as error:
        raise RefusedError(400, "the client left before the body had arrived") from error
    finally:
        held.free()


async def accept(
    pipeline: Pipeline,
    data: bytes,
    *,
    route: str,
    content_type: str,
    encoding: str = "",
    run_id: str | None = None,
    allowed: frozenset[str] | None = None,
) -> Receipt:
    """Hand a received body to the pipeline.

    Raises:
        RefusedError: with the status that says why.
    """
    try:
        return await pipeline.accept(
            route, data, content_type=content_type, encoding=encoding, run_id=run_id, allowed=allowed
        )
    except BodyError as error:
        raise RefusedError(_status(error), str(error), field=error.field) from error
    except BusyError as error:
        raise busy(error) from error
    except StoreError as error:
        raise RefusedError(503, f"{error}; nothing was kept, send it again later", retry_s=RETRY_FULL_S) from error


def announced_bytes(headers: Mapping[str, str]) -> int:
    """Length of the body; 0 when its headers do not tell."""
    length = headers.get("content-length", "")
    return int(length[:18]) if length.isdigit() else 0


def busy(error: BusyError) -> RefusedError:
    return RefusedError(503, f"{error}; send it again", retry_s=str(error.retry_s))


class _Held:
    """What one request has reserved of the memory for bodies under way."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._bytes = 0

    def grow(self, to_bytes: int) -> None:
        while self._bytes < to_bytes:
            self._pipeline.reserve(RESERVE_STEP_BYTES)
            self._bytes += RESERVE_STEP_BYTES

    def free(self) -> None:
        self._pipeline.free(self._bytes)
        self._bytes = 0

    def too_large(self, limit_bytes: int) -> RefusedError:
        self._pipeline.counters.rejected += 1
        return RefusedError(413, f"the body is larger than {limit_bytes} bytes; send fewer runs in one request")

    def too_late(self, timeout_s: float) -> RefusedError:
        self._pipeline.counters.refused += 1
        return RefusedError(408, f"the body did not arrive within {timeout_s:g} s")


async def _body(request: Request, held: _Held, limit_bytes: int, timeout_s: float) -> bytes:
    data = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.stream():
                held.grow(len(data) + len(chunk))
                data += chunk
                if len(data) > limit_bytes:
                    raise held.too_large(limit_bytes)
    except TimeoutError:
        raise held.too_late(timeout_s) from None
    return bytes(data)


def _status(error: BodyError) -> int:
    if isinstance(error, BodyTooLargeError):
        return 413
    return 415 if isinstance(error, BodyEncodingError) else 400
