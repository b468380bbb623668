"""When a rule would have fired: the same readings and the same steps, over days that have been."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from everytoken.alerts import judge, windows
from everytoken.alerts.judge import Turn
from everytoken.alerts.readings import Reading, read
from everytoken.alerts.rules import Rule
from everytoken.store.ledger import Ledger

MAX_DAYS = 31
MAX_POINTS = 400
"""Of the course that is drawn; each is the reading of its stretch that is nearest to firing."""
MAX_TURNS = 200


@dataclass(frozen=True, slots=True)
class Preview:
    from_us: int
    to_us: int
    judged: int
    unknown: int
    """Instants at which the value was not known."""
    turns: list[Turn]
    truncated: bool
    """More happened than is listed."""
    level: int
    """How it stands at the end."""
    course: list[Reading]


def preview(ledger: Ledger, rule: Rule, zone: ZoneInfo, *, days: int, now_us: int) -> Preview:
    """The last `days` days, as the clock would have judged them."""
    from_us = now_us - days * windows.DAY_US
    readings = read(ledger, rule, zone, windows.instants(rule, from_us, now_us, zone))
    standing, turns = judge.replay(rule, readings)
    return Preview(
        from_us=from_us,
        to_us=now_us,
        judged=len(readings),
        unknown=sum(reading.level is None for reading in readings),
        turns=turns[:MAX_TURNS],
        truncated=len(turns) > MAX_TURNS,
        level=standing.level,
        course=_course(rule, readings),
    )


def _course(rule: Rule, readings: list[Reading]) -> list[Reading]:
    length = max(-(-len(readings) // MAX_POINTS), 1)
    return [_nearest(rule, readings[at : at + length]) for at in range(0, len(readings), length)]


def _nearest(rule: Rule, stretch: list[Reading]) -> Reading:
    """The lowest where firing is below, else the highest; an unknown one only where all are."""
    known = [reading for reading in stretch if reading.value is not None]
    if not known:
        return stretch[0]
    sign = -1 if rule.kind == "coverage" else 1
    return max(known, key=lambda reading: sign * (reading.value or 0))
