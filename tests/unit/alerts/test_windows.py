"""When a rule is judged and over which span. Instants are worked out on a calendar, not by the code."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from everytoken.alerts import windows
from everytoken.alerts.rules import Rule

SEOUL, NEW_YORK, KATHMANDU = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * 1_000_000


def rule(kind: Any, window: Any) -> Rule:
    return Rule(rule_id="r", project="p", name="n", kind=kind, window=window, limit=Decimal(1))


@pytest.mark.parametrize(
    ("window", "start"),
    [("day", "2026-11-22 15:00"), ("week", "2026-11-22 15:00"), ("month", "2026-10-31 15:00")],
)
def test_periods_of_seoul_begin_at_its_midnight_on_monday_and_on_the_first(window: Any, start: str) -> None:
    at = utc("2026-11-23 03:00")  # Monday noon in Seoul
    assert windows.span(rule("cost", window), at, SEOUL) == (utc(start), at)


def test_midnight_still_judges_the_day_that_ends_with_it() -> None:
    midnight = utc("2026-11-22 15:00")
    assert windows.span(rule("cost", "day"), midnight, SEOUL) == (utc("2026-11-21 15:00"), midnight)
    after = midnight + MINUTE_US
    assert windows.span(rule("cost", "day"), after, SEOUL) == (midnight, after)


def test_a_day_of_a_clock_change_has_23_or_25_hours() -> None:
    # New York 2026: clocks go forward on March 8 and back on November 1; midnight is 05:00 or 04:00 UTC.
    for end, hours in (("2026-03-09 04:00", 23), ("2026-11-02 05:00", 25), ("2026-07-02 04:00", 24)):
        from_us, to_us = windows.span(rule("cost", "day"), utc(end), NEW_YORK)
        assert (to_us - from_us) // HOUR_US == hours


def test_the_same_hour_of_earlier_weeks_keeps_its_reading_of_the_clock() -> None:
    nine = utc("2026-11-02 14:00")  # 09:00 in New York, after the change
    assert windows.weeks_earlier(nine, 1, NEW_YORK) == utc("2026-10-26 13:00")  # 09:00 before it
    assert windows.weeks_earlier(nine, 1, SEOUL) == utc("2026-10-26 14:00")


@pytest.mark.parametrize(
    ("kind", "window", "at", "instant"),
    [
        ("cost", "day", "2026-11-22 10:07:59", "2026-11-22 10:07"),
        ("error_rate", "5m", "2026-11-22 10:07:00", "2026-11-22 10:07"),
        ("error_rate", "1h", "2026-11-22 10:07:59", "2026-11-22 10:05"),
        ("cost", "6h", "2026-11-22 10:37:59", "2026-11-22 10:30"),
        ("cost", "24h", "2026-11-22 10:37:59", "2026-11-22 10:00"),
        ("projection", "month", "2026-11-22 10:37:59", "2026-11-22 10:00"),
    ],
)
def test_a_rule_is_judged_at_whole_steps(kind: Any, window: Any, at: str, instant: str) -> None:
    assert windows.instant_before(rule(kind, window), utc(at), SEOUL) == utc(instant)


def test_an_anomaly_is_judged_at_whole_hours_of_the_wall_clock() -> None:
    # Kathmandu is 5 h 45 min ahead: its hours begin at a quarter past those of UTC.
    assert windows.instant_before(rule("anomaly", "1h"), utc("2026-11-22 10:14"), KATHMANDU) == utc("2026-11-22 09:15")


def test_the_end_of_a_period_is_due_before_anything_of_the_next() -> None:
    daily, midnight = rule("cost", "day"), utc("2026-11-22 15:00")
    late = utc("2026-11-22 17:30")
    assert windows.instant_due(daily, utc("2026-11-22 14:50"), late, SEOUL) == midnight
    assert windows.instant_due(daily, midnight, late, SEOUL) == late
    assert windows.instant_due(daily, 0, late, SEOUL) == late
    assert windows.instant_due(rule("error_rate", "5m"), utc("2026-11-22 14:50"), late, SEOUL) == late


def test_the_instants_of_a_preview_are_those_of_the_clock() -> None:
    found = windows.instants(rule("cost", "1h"), utc("2026-11-22 10:00"), utc("2026-11-22 10:17"), SEOUL)
    assert found == [utc(f"2026-11-22 10:{minute}") for minute in ("05", "10", "15")]


def test_a_month_ends_where_the_next_begins() -> None:
    assert windows.month_end(utc("2026-12-15 00:00"), SEOUL) == utc("2026-12-31 15:00")
