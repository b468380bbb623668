"""Clients that never finish their headers are let go."""

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send

from everytoken.server.slow_clients import BoundedProtocol


class Quick(BoundedProtocol):
    headers_s = 0.3


async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.5)  # an answer may take longer than headers may
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def said(*pieces: bytes, pause_s: float = 0.0) -> bytes:
    """What the server answers to a client that sends these."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, http=Quick, port=0)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answering = asyncio.create_task(reader.read(12))
    for piece in pieces:
        writer.write(piece)
        await asyncio.wait({answering}, timeout=pause_s)
    answer = await asyncio.wait_for(answering, 20)
    writer.close()
    server.should_exit = True
    await serving
    return answer


async def test_a_connection_that_says_nothing_is_closed() -> None:
    assert await said() == b"HTTP/1.1 408"


async def test_headers_that_trickle_in_are_cut_off() -> None:
    assert await said(b"GET / HTTP/1.1\r\n", b"a: b\r\n", b"c: d\r\n", pause_s=0.2) == b"HTTP/1.1 408"


async def test_an_answer_may_take_its_time() -> None:
    assert await said(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == b"HTTP/1.1 200"
