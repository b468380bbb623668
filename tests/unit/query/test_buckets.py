"""Where buckets begin, on days on which clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from everytoken.query.buckets import MAX_BUCKETS, Bucket, BucketError, auto_bucket, bucket_starts

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def starts(first: str, end: str, bucket: Bucket, zone: str) -> list[str]:
    found = bucket_starts(at(first), at(end), bucket, ZoneInfo(zone))
    return [datetime.fromtimestamp(us / 1_000_000, UTC).strftime("%m-%dT%H:%M") for us in found]


def test_a_day_begins_at_midnight_of_the_zone() -> None:
    assert starts("2026-11-22T03:00:00Z", "2026-11-23T15:00:00Z", "day", "Asia/Seoul") == ["11-21T15:00", "11-22T15:00"]


def test_the_day_on_which_clocks_go_back_is_one_bucket_of_25_hours() -> None:
    # Berlin: 2026-10-25 03:00 becomes 02:00.
    found = starts("2026-10-24T22:00:00Z", "2026-10-26T00:00:00Z", "day", "Europe/Berlin")
    assert found == ["10-24T22:00", "10-25T23:00"]


def test_the_day_on_which_clocks_go_forward_has_23_hours() -> None:
    # New York: 2026-03-08 02:00 becomes 03:00.
    found = starts("2026-03-08T05:00:00Z", "2026-03-09T05:00:00Z", "day", "America/New_York")
    assert found == ["03-08T05:00", "03-09T04:00"]


def test_the_repeated_hour_is_two_buckets() -> None:
    found = starts("2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z", "hour", "Europe/Berlin")
    assert found == ["10-24T23:00", "10-25T00:00", "10-25T01:00", "10-25T02:00"]


def test_hours_of_a_zone_with_half_an_hour_begin_at_its_whole_hours() -> None:
    assert starts("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z", "hour", "Asia/Kolkata") == [
        "11-22T09:30",
        "11-22T10:30",
    ]


def test_months_and_minutes() -> None:
    months = starts("2026-11-22T00:00:00Z", "2027-01-02T00:00:00Z", "month", "UTC")
    assert months == ["11-01T00:00", "12-01T00:00", "01-01T00:00"]
    minutes = starts("2026-11-22T00:00:30Z", "2026-11-22T00:02:00Z", "minute", "UTC")
    assert minutes == ["11-22T00:00", "11-22T00:01"]


def test_more_buckets_than_a_chart_can_show_are_refused() -> None:
    zone = ZoneInfo("UTC")
    assert len(bucket_starts(0, MAX_BUCKETS * HOUR_US, "hour", zone)) == 1500
    with pytest.raises(BucketError, match="more than 1500 buckets of a hour"):
        bucket_starts(0, MAX_BUCKETS * HOUR_US + 1, "hour", zone)


@pytest.mark.parametrize(
    ("length_us", "bucket"),
    [(HOUR_US, "minute"), (DAY_US, "hour"), (7 * DAY_US, "hour"), (30 * DAY_US, "day"), (20_000 * DAY_US, "month")],
)
def test_the_length_suits_the_window(length_us: int, bucket: Bucket) -> None:
    assert auto_bucket(0, length_us) == bucket


@pytest.mark.parametrize("bucket", ["minute", "hour", "day", "month"])
@pytest.mark.parametrize(
    ("first", "end", "zone"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z", "America/New_York"),
        ("9999-12-31T22:59:00Z", "9999-12-31T23:59:00Z", "Asia/Seoul"),
    ],
)
def test_a_window_at_the_ends_of_the_calendar_is_refused_with_a_reason(
    bucket: Bucket, first: str, end: str, zone: str
) -> None:
    with pytest.raises(BucketError, match=f"in no year from 1 to 9999 in {zone}") as raised:
        starts(first, end, bucket, zone)
    assert raised.value.hint == "narrow the window"


def test_the_day_on_which_midnight_does_not_exist_begins_when_the_clocks_went_forward() -> None:
    # Cairo: 2026-04-24 00:00 becomes 01:00.
    found = starts("2026-04-22T22:00:00Z", "2026-04-25T00:00:00Z", "day", "Africa/Cairo")
    assert found == ["04-22T22:00", "04-23T22:00", "04-24T21:00"]


def test_clocks_that_go_back_by_half_an_hour_leave_no_moment_in_two_buckets() -> None:
    # Lord Howe Island: 2026-04-05 02:00 becomes 01:30.
    found = starts("2026-04-04T14:00:00Z", "2026-04-04T16:00:00Z", "hour", "Australia/Lord_Howe")
    assert found == ["04-04T14:00", "04-04T14:30", "04-04T15:30"]
