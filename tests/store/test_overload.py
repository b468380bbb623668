"""More than can be taken, and less room than is needed: refused at once and clearly, and nothing accepted is lost."""

import asyncio
import errno
import random
import resource
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.store.ingest_world import World, patch, post, uid, until, usage

from everytoken.ingest import decoding
from everytoken.ingest.decode import decode
from everytoken.ingest.fold import REST_US
from everytoken.ingest.line import BODY_COST_BYTES, LEAST_BYTES, BusyError
from everytoken.ingest.pace import Pace
from everytoken.store.errors import StoreError, StoreUnavailableError
from everytoken.store.journal import Entry, JournalFullError
from everytoken.wire.operations import Decoded


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = World(tmp_path)
    opened.pipeline.start()
    yield opened
    await opened.close()


async def test_of_more_than_the_line_holds_the_rest_is_refused_at_once_and_all_accepted_is_stored(
    world: World,
) -> None:
    sent = 2 * LEAST_BYTES // BODY_COST_BYTES
    answers = await asyncio.gather(*(world.send(post(n, trace=n)) for n in range(1, sent + 1)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, BusyError)]
    await world.pipeline.flush()
    assert 0 < len(refused) < sent
    assert len(answers) - len(refused) == len(world.ledger.runs)
    assert world.pipeline.counters.refused == len(refused)
    assert world.pipeline.gauges()["decode_queue_bytes"] == 0


async def test_a_long_body_neither_waits_behind_the_others_nor_lets_them_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a thread of its own, and a bound of its own."""
    monkeypatch.setattr(decoding, "LARGE_BYTES", 2_000)
    monkeypatch.setattr(decoding, "LARGE_LINE_BYTES", 30_000)
    held = threading.Event()

    def slow(entry: Entry, limit_bytes: int) -> Decoded:
        if len(entry.data) > 2_000:
            held.wait(30)
        return decode(entry, limit_bytes)

    monkeypatch.setattr(decoding, "decode", slow)
    long = {"text": random.Random(7).randbytes(20_000).hex()}
    first = asyncio.create_task(world.send(post(1, trace=1, inputs=long)))
    await until(lambda: world.pipeline.gauges()["decode_queue_bytes"] > 20_000)
    with pytest.raises(BusyError):
        await world.send(post(2, trace=2, inputs=long))
    await world.send(post(3, trace=3))
    assert not first.done()
    held.set()
    await first
    await world.pipeline.flush()
    assert {run_id for *_, run_id in world.ledger.runs} == {uid(1), uid(3)}
    assert world.pipeline.gauges()["decode_queue_bytes"] == 0


async def test_bodies_come_no_faster_than_a_ledger_that_is_behind_and_do_not_wait_for_one_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "allowed_bytes_per_s", lambda _self, _waiting: 1.0)  # a byte a second
    began = time.monotonic()
    await world.send(post(2, trace=2))
    assert time.monotonic() - began >= decoding.PAUSE_S

    def away(_runs: object) -> None:
        raise StoreUnavailableError("away")

    world.ledger.fault = away
    await world.send(post(3, trace=3))
    await until(lambda: world.pipeline.counters.ledger_failures > 0)
    monkeypatch.setattr(decoding, "PAUSE_S", 60)
    began = time.monotonic()
    await world.send(post(4, trace=4))
    assert time.monotonic() - began < 60
    world.ledger.fault = None


async def test_an_ended_trace_leaves_when_nothing_more_comes_and_takes_a_late_update_from_the_ledger(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everytoken.ingest.flusher.SWEEP_S", 0.05)
    idle: list[int] = []
    world.pipeline.when_idle(lambda: idle.append(1))
    await world.send(post(1), patch(1, outputs=usage(3, 4)), post(2, trace=2))
    await world.pipeline.flush()
    world.now_us += REST_US + 1_000
    await until(lambda: world.pipeline.gauges()["traces_in_memory"] == 1)
    await until(lambda: bool(idle))
    assert world.pipeline.gauges()["runs_in_memory"] == 1, "the trace that still runs stays"
    await world.send(patch(1, tags=["late"]))
    await world.pipeline.flush()
    assert world.ledger.run(uid(1)).tags == ("late",)
    assert world.ledger.run(uid(1)).name == "run 1"


async def test_a_clock_that_jumps_back_or_ahead_changes_neither_order_nor_sums(world: World) -> None:
    await world.send(post(1, run_type="llm"))
    world.now_us -= 3_600_000_000
    await world.send(patch(1, outputs=usage(3, 4)))
    world.now_us += 7_200_000_000
    await world.send(patch(1, tags=["after"]))
    await world.pipeline.flush()
    run = world.ledger.run(uid(1))
    assert (run.outputs, run.tags, world.ledger.tokens) == (usage(3, 4), ("after",), 7)


async def test_a_full_disk_refuses_what_comes_and_keeps_what_came(tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk: writes beyond it fail as they do there."""
    world = World(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    world.ledger.fault = _no_space  # the ledger has no room either
    accepted = 0
    try:
        world.pipeline.start()
        await world.send(post(1))
        accepted += 1
        wal = tmp_path / "journal.db-wal"
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 20_000, hard))
        answers = [await _try(world, n) for n in range(2, 40)]
        assert JournalFullError in answers
        accepted += answers.count(None)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await world.send(post(500, trace=500))
        accepted += 1
        world.ledger.fault = None
        await world.pipeline.flush()
        assert len(world.ledger.runs) == accepted
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
        await world.close()


async def _try(world: World, n: int) -> type[Exception] | None:
    try:
        await world.send(post(n, trace=n, inputs={"text": [uid(n * k) for k in range(100)]}))
    except StoreError as error:
        return type(error)
    return None


def _no_space(_runs: object) -> None:
    raise StoreUnavailableError(f"errno {errno.ENOSPC}: no space left on device")
