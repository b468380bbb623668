"""A process that dies at the worst moment: its successor, on the same folder and ledger, loses and doubles nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.store.ingest_world import MemoryLedger, World, patch, post, uid, until, usage

LLM: dict[str, Any] = {"run_type": "llm", "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}}}


class DiedError(BaseException):
    """Ends the flusher's thread where a kill would."""


@pytest.fixture
def quiet_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _args: None)


async def die(world: World, on_write: Callable[[], None] | None, fault: Callable[[Any], None] | None = None) -> None:
    """Send what makes the flusher write, and die there."""
    world.ledger.after_write, world.ledger.fault = on_write, fault
    await world.send(patch(2, trace_id=uid(1), outputs=usage(6, 1)), patch(1, trace_id=uid(1)))
    await world.send(post(3, trace=3, **LLM, outputs=usage(1, 1)))
    await until(lambda: not world.pipeline._flusher._thread.is_alive())
    world.ledger.after_write = world.ledger.fault = None
    world.journal.close()


def raise_died(*_: Any) -> None:
    raise DiedError


@pytest.mark.usefixtures("quiet_threads")
@pytest.mark.parametrize("moment", ["before the write", "after the write"])
async def test_nothing_is_lost_or_doubled_by_a_death_around_a_write(tmp_path: Path, moment: str) -> None:
    ledger = MemoryLedger()
    world = World(tmp_path, ledger)
    world.pipeline.start()
    await world.send(post(1), post(2, parent=1, **LLM))
    await world.pipeline.flush()
    await die(world, *((None, raise_died) if moment.startswith("before") else (raise_died, None)))
    successor = World(tmp_path, ledger)
    assert len(successor.journal.backlog.rows) == 2
    successor.pipeline.start()
    await successor.pipeline.flush()
    assert sorted(s.run.run_id for s in ledger.runs.values()) == [uid(1), uid(2), uid(3)]
    assert (ledger.tokens, len(ledger.charges), ledger.run(uid(2)).name) == (9, 2, "run 2")
    assert successor.journal.used_bytes == 0
    await successor.close()


@pytest.mark.usefixtures("quiet_threads")
async def test_a_charge_written_just_before_the_death_is_taken_away_when_more_is_known(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    world = World(tmp_path, ledger)
    ledger.after_write = raise_died
    world.pipeline.start()
    await world.send(post(1), post(2, parent=1, **LLM))
    await until(lambda: not world.pipeline._flusher._thread.is_alive())
    ledger.after_write = None
    assert [ref.charge_key for ref in ledger.charges] == [f"run:{uid(2)}"]
    # Accepted before the death, never flushed: the run turns out to be no model call.
    await world.send(patch(2, trace_id=uid(1), run_type="chain"))
    world.journal.close()
    successor = World(tmp_path, ledger)
    successor.pipeline.start()
    await successor.pipeline.flush()
    assert (ledger.charges, ledger.run(uid(2)).run_type) == ({}, "chain")
    await successor.close()


async def test_bodies_that_were_never_flushed_are_flushed_by_the_next_process(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    world = World(tmp_path, ledger)
    for n in range(1, 30):
        await world.send(post(n, trace=n, **LLM, outputs=usage(1, 0)))
    world.journal.close()
    successor = World(tmp_path, ledger)
    successor.pipeline.start()
    await successor.pipeline.flush()
    assert (len(ledger.runs), ledger.tokens, ledger.reads) == (29, 29, [])
    await successor.close()
