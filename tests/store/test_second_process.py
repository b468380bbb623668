"""The second process that decodes: the same answers, started by load, ended by rest, and nothing lost when it dies."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from tests.store.ingest_world import BOUNDARY, NOON_US, World, body, patch, post, uid, until, usage

from everytoken.ingest import decoder as decoders
from everytoken.ingest import second_process
from everytoken.ingest.decode import decode
from everytoken.ingest.decoder import Decoder, DecoderGoneError
from everytoken.ingest.restricting import restricted_type
from everytoken.store.journal import Entry
from everytoken.wire.body import BodyEncodingError, BodyError, BodyTooLargeError, BodyUnreadableError

MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
LIMIT_BYTES = 1_000_000
RUNS = body(post(1, inputs={"q": "안녕"}, extra={"metadata": {"a": [1, None]}}), patch(1, outputs=usage(3, 4)))
OTHERS = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="attachment.{uid(1)}.picture"\r\n'
    f"Content-Type: image/png\r\n\r\n\x00\x01\r\n"
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="feedback.{uid(7)}"\r\n'
    f'Content-Type: application/json\r\n\r\n{{"score": 1}}\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="post.no-id"\r\n\r\n{{}}\r\n--{BOUNDARY}--\r\n'
).encode()
BATCH = orjson.dumps({"post": [post(2)[1]], "patch": [patch(3)[1]]})

ENTRIES = {
    "runs": Entry("multipart", RUNS, NOON_US, MULTIPART),
    "attachment, feedback and a part that is refused": Entry("multipart", OTHERS, NOON_US, MULTIPART),
    "a sender with one project": Entry("multipart", RUNS, NOON_US, restricted_type(MULTIPART, frozenset({"shop"}))),
    "batch": Entry("batch", BATCH, NOON_US, "application/json"),
    "one run": Entry("patch", orjson.dumps(patch(4)[1]), NOON_US, "application/json", run_id=uid(4)),
    "spans": Entry("otlp", b'{"resourceSpans": []}', NOON_US, "application/json"),
}
REFUSED = {
    "no boundary": (Entry("multipart", RUNS, NOON_US, "text/plain"), BodyEncodingError, "Content-Type"),
    "cut off": (Entry("multipart", RUNS[:-50], NOON_US, MULTIPART), BodyUnreadableError, "body"),
    "too long": (Entry("batch", b" " * (LIMIT_BYTES + 1), NOON_US, "application/json"), BodyTooLargeError, "body"),
}


@pytest_asyncio.fixture
async def decoder() -> AsyncIterator[Decoder]:
    started = await Decoder.start(LIMIT_BYTES)
    yield started
    await started.stop()


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Its first body is load enough, on however few cores."""
    monkeypatch.setattr(second_process, "BUSY_S", 0.0)
    monkeypatch.setattr(second_process, "_cores", lambda: 2)
    opened = World(tmp_path)
    opened.pipeline.start()
    yield opened
    await opened.close()


async def started(world: World, n: int = 1) -> int:
    """Send runs from `n` on until the process is there that this starts; its id."""
    for sent in range(n, n + 200):
        await world.send(post(sent, trace=sent))
        if (found := world.pipeline.decoding.second.process_id) is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("no process was started")


def is_there(process_id: int) -> bool:
    """Whether it runs: one that ended and was not waited for yet does not."""
    try:
        return "Z" not in Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_it_answers_what_the_server_itself_would(decoder: Decoder) -> None:
    loop = asyncio.get_running_loop()
    told = {name: loop.create_future() for name in ENTRIES}
    for name, entry in ENTRIES.items():
        await decoder.send(entry, told[name])
    for name, entry in ENTRIES.items():
        packed, here = await told[name], decode(entry, LIMIT_BYTES)
        assert packed.unpack() == here, name
        assert (packed.operation_count, packed.is_empty, packed.rejections) == (
            len(here.operations), here.is_empty, here.rejections,
        ), name  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_it_refuses_what_the_server_itself_would_and_goes_on(decoder: Decoder, name: str) -> None:
    entry, kind, field = REFUSED[name]
    refused, next_one = (asyncio.get_running_loop().create_future() for _ in range(2))
    await decoder.send(entry, refused)
    await decoder.send(ENTRIES["runs"], next_one)
    with pytest.raises(kind) as raised:
        await refused
    with pytest.raises(BodyError) as here:
        decode(entry, LIMIT_BYTES)
    assert (str(raised.value), raised.value.field) == (str(here.value), field)
    assert (await next_one).operation_count


async def test_who_went_away_is_not_told(decoder: Decoder) -> None:
    gone, there = (asyncio.get_running_loop().create_future() for _ in range(2))
    await decoder.send(ENTRIES["runs"], gone)
    gone.cancel()
    await decoder.send(ENTRIES["runs"], there)
    assert (await there).operation_count


async def test_load_starts_it_and_what_it_decoded_is_stored(world: World) -> None:
    await started(world, 1_000)
    await asyncio.gather(*(world.send(post(n, trace=n), patch(n, outputs=usage(1, n))) for n in range(30)))
    await world.pipeline.flush()
    assert {uid(n) for n in range(30)} <= {run_id for *_, run_id in world.ledger.runs}


async def test_when_it_dies_its_bodies_are_decoded_by_the_server(world: World) -> None:
    process_id = await started(world, 1_000)
    os.kill(process_id, signal.SIGSTOP)
    sending = asyncio.gather(*(world.send(post(n, trace=n)) for n in range(20)))
    await asyncio.sleep(0.05)
    assert not sending.done()
    os.kill(process_id, signal.SIGKILL)
    await sending
    await world.pipeline.flush()
    assert {uid(n) for n in range(20)} <= {run_id for *_, run_id in world.ledger.runs}
    assert world.pipeline.decoding.second.process_id is None


async def test_when_it_stands_still_it_is_ended_and_the_server_decodes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_id = await started(world, 1_000)
    monkeypatch.setattr(decoders, "STUCK_S", 0.1)
    os.kill(process_id, signal.SIGSTOP)
    await asyncio.gather(*(world.send(post(n, trace=n)) for n in range(20)))
    await world.pipeline.flush()
    assert {uid(n) for n in range(20)} <= {run_id for *_, run_id in world.ledger.runs}
    await until(lambda: not is_there(process_id))


async def test_it_ends_with_the_server_and_when_nothing_comes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_process, "REST_S", 0.05)
    resting = await started(world)
    await until(lambda: not is_there(resting))

    monkeypatch.setattr(second_process, "REST_S", 60.0)
    again = await started(world, 1_000)
    await world.pipeline.stop()
    assert again != resting
    assert not is_there(again)


async def test_one_core_has_no_room_for_it(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(second_process, "_cores", lambda: 1)
    alone = World(tmp_path / "alone")
    alone.pipeline.start()
    for n in range(1, 5):
        await alone.send(post(n, trace=n))
    assert alone.pipeline.decoding.second.process_id is None
    await alone.close()


async def test_after_its_death_nothing_is_sent_to_it() -> None:
    decoder = await Decoder.start(LIMIT_BYTES)
    os.kill(decoder.process_id, signal.SIGKILL)
    first = asyncio.get_running_loop().create_future()
    await decoder.send(ENTRIES["runs"], first)
    with pytest.raises(DecoderGoneError):
        await first
    with pytest.raises(DecoderGoneError):
        await decoder.send(ENTRIES["runs"], asyncio.get_running_loop().create_future())
    await decoder.stop()


def test_it_does_not_outlive_a_server_that_is_killed() -> None:
    script = (
        "import asyncio\nfrom everytoken.ingest.decoder import Decoder\n"
        "async def main():\n"
        "    decoder = await Decoder.start(1000)\n    print(decoder.process_id, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        process_id = int(server.stdout.readline())
        assert is_there(process_id)
        server.kill()
    deadline = time.monotonic() + 10
    while is_there(process_id) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_there(process_id)
