"""Python's collector while runs come in: what was put aside is found later, and the process is left as it was."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from everytoken.ingest import garbage
from everytoken.ingest.garbage import Garbage


class Cycle:
    def __init__(self) -> None:
        self.own = self


def lost_cycle() -> "weakref.ref[Cycle]":
    return weakref.ref(Cycle())


@pytest.fixture(autouse=True)
def _as_python_has_it() -> Iterator[None]:
    """Another test may have left a pipeline that died at work."""
    left = gc.get_threshold()
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*left)


@pytest.fixture
def working() -> Iterator[Garbage]:
    found = Garbage()
    found.start()
    yield found
    found.stop()


def test_what_is_put_aside_is_left_alone_until_there_is_time(working: Garbage) -> None:
    gone = lost_cycle()
    working.put_aside()
    gc.collect()
    assert gone() is not None

    working.collect()
    assert gone() is None


def test_without_any_rest_it_is_looked_through_now_and_then(working: Garbage, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = lost_cycle()
    monkeypatch.setattr(garbage, "COLLECT_EVERY_S", -1.0)
    working.put_aside()
    assert gone() is None


def test_the_collector_is_afterwards_what_it_was() -> None:
    before = gc.get_threshold()
    found = Garbage()
    found.start()
    assert gc.get_threshold() != before
    found.put_aside()
    found.stop()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
