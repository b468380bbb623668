"""Times of arrival go forward, whatever the machine's clock does."""

import pytest

from everytoken.ingest.clock import ForwardClock, latest_us
from everytoken.ingest.parked import dump_operations
from everytoken.store.journal import Backlog
from everytoken.wire.operations import Operation

NOON_US = 1_795_348_800_000_000
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000


class Machine:
    def __init__(self) -> None:
        self.wall_us = NOON_US
        self.pace_us = 5_000

    def later(self, us: int) -> None:
        self.wall_us += us
        self.pace_us += us

    def clock(self, after_us: int = 0) -> ForwardClock:
        return ForwardClock(after_us, wall_us=lambda: self.wall_us, pace_us=lambda: self.pace_us)


def test_it_tells_the_time_of_the_wall() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock() == NOON_US
    machine.later(7)
    assert clock() == NOON_US + 7


@pytest.mark.parametrize("back_us", [HOUR_US, DAY_US])
def test_set_back_it_goes_on_at_its_pace_until_the_wall_has_caught_up(back_us: int) -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock() == NOON_US
    machine.wall_us -= back_us
    machine.later(60_000_000)
    assert clock() == NOON_US + 60_000_000
    machine.wall_us += back_us
    machine.later(10)
    assert clock() == NOON_US + 60_000_010


@pytest.mark.parametrize("ahead_us", [HOUR_US, DAY_US])
def test_set_ahead_it_follows_and_does_not_return(ahead_us: int) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall_us += ahead_us
    assert clock() == NOON_US + ahead_us
    machine.wall_us -= ahead_us
    machine.later(3)
    assert clock() == NOON_US + ahead_us + 3


def test_it_begins_after_what_an_earlier_process_left() -> None:
    machine = Machine()
    waiting = [Operation("patch", "r", {}, NOON_US + DAY_US, 0, 2), Operation("patch", "r", {}, NOON_US, 1, 2)]
    assert latest_us(Backlog((), 0, {})) == 0
    assert latest_us(Backlog((), 0, {}, NOON_US)) == NOON_US
    left = latest_us(Backlog((), 0, {"r": dump_operations(waiting)}, NOON_US + HOUR_US))
    assert left == NOON_US + DAY_US
    assert machine.clock(left)() == NOON_US + DAY_US + 1
