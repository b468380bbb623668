"""From one state of a rule to the next: what is told when, and that it is told once. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from zoneinfo import ZoneInfo

from everytoken.alerts import windows
from everytoken.alerts.readings import Reading
from everytoken.alerts.rules import Rule

HOLD_US = windows.DAY_US
"""How long an alert stays up while its value is not known: silence is no recovery, nor a reason to stay up for ever."""

Happening = Literal["fired", "resolved"]
Reason = Literal["limit", "recovered", "new_period", "no_data", "changed", "disabled"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a rule between two instants."""

    level: int = 0
    since_us: int | None = None
    period_us: int | None = None
    known_us: int | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Something to tell."""

    happening: Happening
    reason: Reason
    level: int
    """The level reached, or the one that is over."""
    reading: Reading


def step(rule: Rule, standing: Standing, reading: Reading) -> tuple[Standing, list[Turn]]:
    """The standing after a reading, and what has happened.

    A number that grows over a calendar period stays up until the period ends, even if a correction of a price takes it
    back: the money was told to be spent. All others come down with their value.
    """
    turns: list[Turn] = []
    if rule.is_to_date and standing.period_us != reading.from_us:
        if standing.level:
            turns.append(Turn("resolved", "new_period", standing.level, reading))
        standing = Standing(period_us=reading.from_us, known_us=standing.known_us)
    if reading.level is None:
        return _held(standing, reading, turns)
    standing = replace(standing, known_us=reading.at_us)
    if reading.level > standing.level:
        turns.append(Turn("fired", "limit", reading.level, reading))
        standing = replace(standing, level=reading.level, since_us=standing.since_us or reading.at_us)
    elif reading.level < standing.level and not rule.is_to_date:
        turns.append(Turn("resolved", "recovered", standing.level, reading))
        standing = replace(standing, level=0, since_us=None)
    return standing, turns


def _held(standing: Standing, reading: Reading, turns: list[Turn]) -> tuple[Standing, list[Turn]]:
    known_us = standing.known_us or standing.since_us
    if standing.level and known_us is not None and reading.at_us - known_us >= HOLD_US:
        turns.append(Turn("resolved", "no_data", standing.level, reading))
        standing = replace(standing, level=0, since_us=None)
    return standing, turns


def replay(rule: Rule, readings: Iterable[Reading]) -> tuple[Standing, list[Turn]]:
    """What would have happened over some readings, from a state in which all is well."""
    standing, turns = Standing(), []
    for reading in readings:
        standing, more = step(rule, standing, reading)
        turns += more
    return standing, turns


def local_text(at_us: int, zone: ZoneInfo) -> str:
    """`2026-11-23 00:05 KST`."""
    local = windows.local_of(at_us, zone)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
