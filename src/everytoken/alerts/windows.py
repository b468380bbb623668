"""When a rule is judged, and over which span: calendar periods in the project's time zone, clock changes included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from everytoken.alerts.rules import Rule, WindowName
from everytoken.query.buckets import bucket_starts

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
LENGTH_US: dict[WindowName, int] = {
    "5m": 5 * MINUTE_US,
    "15m": 15 * MINUTE_US,
    "1h": HOUR_US,
    "6h": 6 * HOUR_US,
    "24h": 24 * HOUR_US,
}
STEP_US: dict[WindowName, int] = {"1h": 5 * MINUTE_US, "6h": 30 * MINUTE_US, "24h": HOUR_US}
"""How often a rolling window is looked at; those that are not here, and periods to date, every minute."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def step_us(rule: Rule) -> int:
    """Time between two instants at which the rule is judged."""
    if rule.kind == "projection":
        return HOUR_US
    if rule.kind == "anomaly":
        return HOUR_US
    return STEP_US.get(rule.window, MINUTE_US)


def instant_before(rule: Rule, at_us: int, zone: ZoneInfo) -> int:
    """The latest instant, at or before `at_us`, at which the rule is judged."""
    if rule.kind == "anomaly":  # whole hours of the wall clock
        return bucket_starts(at_us, at_us + 1, "hour", zone)[0]
    return at_us - at_us % step_us(rule)


def instant_due(rule: Rule, evaluated_us: int, at_us: int, zone: ZoneInfo) -> int:
    """The instant to judge at `at_us`, when the last one was `evaluated_us` (0: none).

    The end of a period comes before anything of the next one, however late: what its last minutes spent is told.
    """
    latest_us = instant_before(rule, at_us, zone)
    if rule.is_to_date and 0 < evaluated_us < latest_us:
        started_us = span(rule, latest_us, zone)[0]
        if evaluated_us < started_us:
            return started_us
    return latest_us


def instants(rule: Rule, from_us: int, to_us: int, zone: ZoneInfo) -> list[int]:
    """Every instant in (from, to] at which the rule is judged."""
    found = []
    at_us = instant_before(rule, to_us, zone)
    while at_us > from_us:
        found.append(at_us)
        at_us = instant_before(rule, at_us - 1, zone)
    return found[::-1]


def span(rule: Rule, at_us: int, zone: ZoneInfo) -> tuple[int, int]:
    """From (inclusive) and to (exclusive) of what is judged at an instant.

    Midnight itself still judges the day that ends with it, so that its last minute is not missed.
    """
    if rule.window in LENGTH_US:
        return at_us - LENGTH_US[rule.window], at_us
    return period_start(rule.window, at_us - 1, zone), at_us


def period_start(window: WindowName, at_us: int, zone: ZoneInfo) -> int:
    """Start of the day, week (Monday) or month that holds an instant."""
    if window == "month":
        return bucket_starts(at_us, at_us + 1, "month", zone)[0]
    if window == "day":
        return bucket_starts(at_us, at_us + 1, "day", zone)[0]
    local = local_of(at_us, zone)
    return _instant(datetime(local.year, local.month, local.day) - timedelta(days=local.weekday()), zone)


def month_end(at_us: int, zone: ZoneInfo) -> int:
    """Start of the month after the one that holds an instant."""
    local = local_of(at_us, zone)
    return _instant(datetime(local.year + local.month // 12, local.month % 12 + 1, 1), zone)


def weeks_earlier(at_us: int, weeks: int, zone: ZoneInfo) -> int:
    """The same reading of the wall clock so many weeks before."""
    return _instant(local_of(at_us, zone).replace(tzinfo=None) - timedelta(weeks=weeks), zone)


def local_of(at_us: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    since = wall.replace(tzinfo=zone).astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
