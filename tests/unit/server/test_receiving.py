"""A body that never ends is given up, and gives back the room that was kept for it."""

import asyncio
from typing import Any, cast

import pytest
from fastapi import Request

from everytoken.ingest.counters import Counters
from everytoken.ingest.pipeline import Pipeline
from everytoken.server.receiving import RESERVE_STEP_BYTES, RefusedError, receive_body


class Room:
    """Of a pipeline, the room for bodies under way."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.held: list[int] = []
        self.bytes = 0

    def reserve(self, size_bytes: int) -> None:
        self.bytes += size_bytes
        self.held.append(self.bytes)

    def free(self, size_bytes: int) -> None:
        self.bytes -= size_bytes


def request(*chunks: bytes) -> Request:
    """A request whose client sends these and then nothing, with its connection open."""
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    return Request({"type": "http", "method": "POST", "path": "/runs", "headers": []}, receive)


async def test_a_body_that_stops_on_its_way_is_given_up_and_its_room_is_free_again() -> None:
    room = Room()
    with pytest.raises(RefusedError, match=r"did not arrive within 0\.05 s") as refused:
        await receive_body(
            request(b"x" * 10, b"y"), cast(Pipeline, room), 1000, route="post", content_type="", timeout_s=0.05
        )
    assert refused.value.status == 408
    assert (room.counters.refused, room.counters.rejected) == (1, 0)
    assert room.held == [RESERVE_STEP_BYTES]
    assert room.bytes == 0


async def test_a_body_that_grows_beyond_the_limit_is_rejected_and_counted() -> None:
    room = Room()
    with pytest.raises(RefusedError, match="larger than 15 bytes") as refused:
        await receive_body(
            request(b"x" * 10, b"y" * 10), cast(Pipeline, room), 15, route="post", content_type="", timeout_s=1
        )
    assert refused.value.status == 413
    assert (room.counters.refused, room.counters.rejected) == (0, 1)
    assert room.bytes == 0
