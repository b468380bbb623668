"""Clients that never finish their headers are let go."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import uvicorn
from starlette.types import Receive, Scope, Send

from everytoken.server.slow_clients import BoundedProtocol


class Quick(BoundedProtocol):
    headers_s = 0.3


class Patient(BoundedProtocol):
    headers_s = 1.5


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.5)  # an answer may take longer than headers may
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def connected(
    protocol: type[BoundedProtocol],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of a server that speaks this protocol."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, http=protocol, port=0)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def said(*pieces: bytes, pause_s: float = 0.0) -> bytes:
    """What the server answers to a client that sends these."""
    async with connected(Quick) as (reader, writer):
        answering = asyncio.create_task(reader.read(12))
        for piece in pieces:
            writer.write(piece)
            await asyncio.wait({answering}, timeout=pause_s)
        return await asyncio.wait_for(answering, 20)


async def heard(reader: asyncio.StreamReader) -> bytes:
    """All that the server says until it closes, which for a client that is still sending is a reset."""
    told = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := await reader.read(4_096):
            told += piece
    return told


async def test_a_connection_that_says_nothing_is_closed() -> None:
    assert await said() == b"HTTP/1.1 408"


async def test_headers_that_trickle_in_are_cut_off() -> None:
    assert await said(b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n", pause_s=0.2) == b"HTTP/1.1 408"


async def test_an_answer_may_take_its_time() -> None:
    assert await said(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == b"HTTP/1.1 200"


async def test_a_body_that_still_trickles_in_after_its_answer_holds_no_connection() -> None:
    """A refusal needs no key: whoever went on sending a byte now and then held the connection for good."""
    async with connected(Quick) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n")
        reading = asyncio.create_task(heard(reader))
        for _ in range(40):
            writer.write(b"x")
            await asyncio.wait({reading}, timeout=0.1)
        assert reading.done()
        assert (await reading).startswith(b"HTTP/1.1 200")


async def test_a_body_that_ends_after_its_answer_leaves_the_connection_to_the_next_request() -> None:
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
    async with connected(Patient) as (reader, writer):
        for _ in range(2):
            writer.write(request)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            writer.write(b"xxx")
            await asyncio.sleep(2.0)  # longer than the rest of a body may take
