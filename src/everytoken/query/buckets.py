"""Buckets of time: where a minute, hour, day or month begins in a time zone, clock changes included."""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Bucket = Literal["minute", "hour", "day", "month"]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)

MAX_BUCKETS = 1500  # a day of minutes; beyond it a chart has more columns than the screen has pixels
_MINUTE_US, _HOUR_US, _DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
_AUTO: tuple[tuple[int, Bucket], ...] = (
    (3 * _HOUR_US, "minute"),
    (7 * _DAY_US, "hour"),
    (800 * _DAY_US, "day"),
)


class BucketError(ValueError):
    """The window does not fit into buckets of that length."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
        """What to ask for instead."""


def auto_bucket(from_us: int, to_us: int) -> Bucket:
    """The length that gives a window about 24 to 180 columns."""
    return next((bucket for longest_us, bucket in _AUTO if to_us - from_us <= longest_us), "month")


def bucket_starts(from_us: int, to_us: int, bucket: Bucket, zone: ZoneInfo) -> list[int]:
    """Start of every bucket that overlaps [from, to), UTC microseconds, ascending.

    A day of 23 or 25 hours is one bucket; the hour that a clock change repeats is two.

    Raises:
        BucketError: they would be more than `MAX_BUCKETS`, or reach beyond the years 1 to 9999 of that zone.
    """
    try:
        return _starts(from_us, to_us, bucket, zone)
    except (OverflowError, ValueError) as error:
        if isinstance(error, BucketError):
            raise
        beyond = f"a {bucket} of the window is in no year from 1 to 9999 in {zone.key}"
        raise BucketError(beyond, "narrow the window") from error


def _starts(from_us: int, to_us: int, bucket: Bucket, zone: ZoneInfo) -> list[int]:
    starts: list[int] = []
    at_us = _floor(from_us, bucket, zone)
    while at_us < to_us:
        if len(starts) == MAX_BUCKETS:
            many = f"the window holds more than {MAX_BUCKETS} buckets of a {bucket}"
            raise BucketError(many, "ask for a longer bucket, or narrow the window")
        starts.append(at_us)
        at_us = _next(at_us, bucket, zone)
    return starts


def _floor(at_us: int, bucket: Bucket, zone: ZoneInfo) -> int:
    local = _local(at_us, zone)
    if bucket in ("minute", "hour"):
        # Whole minutes and hours of the wall clock, but reckoned in UTC: a repeated hour stays two.
        past = timedelta(seconds=local.second, microseconds=local.microsecond)
        past += timedelta(minutes=local.minute) if bucket == "hour" else timedelta()
        return at_us - _microseconds(past)
    midnight = datetime(local.year, local.month, local.day if bucket == "day" else 1, tzinfo=zone)
    return _instant(midnight)


def _next(at_us: int, bucket: Bucket, zone: ZoneInfo) -> int:
    if bucket == "minute":
        return at_us + _MINUTE_US
    if bucket == "hour":
        return _floor(at_us + _HOUR_US, "hour", zone)
    local = _local(at_us, zone)
    if bucket == "day":
        following = datetime(local.year, local.month, local.day) + timedelta(days=1)
    else:
        following = datetime(local.year + local.month // 12, local.month % 12 + 1, 1)
    return _instant(following.replace(tzinfo=zone))


def _local(at_us: int, zone: ZoneInfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)).astimezone(zone)


def _instant(local: datetime) -> int:
    return _microseconds(local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC))


def _microseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
