"""Retention does not believe a clock that was set ahead a moment ago."""

import asyncio
from typing import Any

import pytest

from everytoken.server.retention import Leaps, retaining

NOON_S, DAY_S = 1_795_348_800.0, 86_400.0


class Machine:
    def __init__(self) -> None:
        self.wall_s = NOON_S
        self.pace_s = 5.0

    def leaps(self) -> Leaps:
        return Leaps(lambda: self.wall_s, lambda: self.pace_s)


class Told(Leaps):
    """A clock that leaped by so much before each look; what happened, in order."""

    def __init__(self, *ahead_s: float) -> None:
        super().__init__()
        self.happened: list[str] = []
        self._told = list(ahead_s)

    def ahead_s(self) -> float:
        leaped_s = self._told.pop(0) if self._told else 0.0
        self.happened.append(f"{leaped_s:.0f}")
        return leaped_s

    def sweep(self) -> bool:
        self.happened.append("swept")
        return False


def test_a_leap_is_what_the_wall_is_ahead_of_the_time_that_passed() -> None:
    machine = Machine()
    leaps = machine.leaps()
    machine.wall_s += 3_700
    machine.pace_s += 100
    assert leaps.ahead_s() == 3_600
    assert leaps.ahead_s() == 0
    machine.wall_s -= DAY_S
    assert leaps.ahead_s() == -DAY_S


async def test_the_sweep_after_the_clock_was_set_ahead_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(0, 3_600, 0, -DAY_S, 365 * DAY_S, 0)
    sweeper: Any = told
    async with retaining(sweeper, 0.001, told), asyncio.timeout(10):
        while len(told.happened) < 10:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)
    assert told.happened[:10] == ["0", "swept", "3600", "0", "swept", "-86400", "swept", "31536000", "0", "swept"]
    assert "the clock was set ahead by 3600 s: nothing is dropped before the next sweep" in caplog.text
