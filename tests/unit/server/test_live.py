"""The feed as bytes on the wire."""

import asyncio
from collections.abc import AsyncIterator

from everytoken.ingest.live import LiveFeed
from everytoken.server.live import Watch, encode, stream


def test_an_event_is_one_id_line_and_one_data_line_whatever_it_holds() -> None:
    assert encode({"id": 7, "name": "a\nb\r\n\ndata: x 강남"}) == (
        'id: 7\ndata: {"id":7,"name":"a\\nb\\r\\n\\ndata: x 강남"}\n\n'.encode()
    )


async def test_a_silent_feed_sends_heartbeats_and_loses_nothing_by_them() -> None:
    feed = LiveFeed(clock_us=lambda: 100)
    events = stream(feed, Watch(), None, heartbeat_s=0.01)
    assert await anext(events) == b"retry: 2000\n\n"
    assert await anext(events) == b": still here\n\n"
    feed.publish({"type": "trace", "project": "p"})
    assert await _next_event(events) == b'id: 100\ndata: {"id":100,"type":"trace","project":"p"}\n\n'
    feed.close()
    assert [chunk async for chunk in events if not chunk.startswith(b":")] == []


async def test_a_reader_that_leaves_frees_its_place() -> None:
    feed = LiveFeed()
    events = stream(feed, Watch(), None, heartbeat_s=0.01)
    await anext(events)
    await anext(events)
    assert feed.subscribers == 1
    await events.aclose()  # type: ignore[attr-defined] # an async generator, which the annotation hides
    await asyncio.sleep(0)
    assert feed.subscribers == 0


async def _next_event(events: AsyncIterator[bytes]) -> bytes:
    async for chunk in events:
        if chunk.startswith(b"id:"):
            return chunk
    raise AssertionError("the feed ended")
