"""From state to state: what is told, and that it is told once."""

from decimal import Decimal
from typing import Any

import pytest

from everytoken.alerts.judge import HOLD_US, Standing, replay, step
from everytoken.alerts.messages import amount, shown, with_links
from everytoken.alerts.readings import Reading, usual_limit
from everytoken.alerts.rules import Rule, RuleError, Target, checked

MINUTE_US = 60_000_000


def rule(kind: Any = "error_rate", window: Any = "5m", **more: Any) -> Rule:
    known: dict[str, Any] = {"rule_id": "r", "project": "p", "name": "n", "limit": Decimal(1), **more}
    return Rule(kind=kind, window=window, **known)


def reading(minute: int, level: int | None, *, period: int = 0) -> Reading:
    at_us = minute * MINUTE_US
    value = None if level is None else Decimal(level)
    return Reading(at_us=at_us, from_us=period, to_us=at_us, value=value, limit=Decimal(1), level=level)


def told(asked: Rule, *readings: Reading) -> list[tuple[str, str, int, int]]:
    _, turns = replay(asked, readings)
    return [(turn.happening, turn.reason, turn.level, turn.reading.at_us // MINUTE_US) for turn in turns]


def test_what_stays_too_high_is_told_once_and_its_end_once() -> None:
    levels = [0, 1, 1, 1, 0, 0, 1]
    assert told(rule(), *(reading(minute, level) for minute, level in enumerate(levels))) == [
        ("fired", "limit", 1, 1),
        ("resolved", "recovered", 1, 4),
        ("fired", "limit", 1, 6),
    ]


def test_a_value_that_is_not_known_changes_nothing_for_a_day() -> None:
    day = HOLD_US // MINUTE_US
    assert told(rule(), reading(1, 1), *(reading(minute, None) for minute in (2, 50, day, day + 1, day + 2))) == [
        ("fired", "limit", 1, 1),
        ("resolved", "no_data", 1, day + 1),
    ]


def test_a_budget_goes_up_its_levels_and_over_several_at_once() -> None:
    budget = rule("budget", "day", levels=(50, 80, 100))
    assert told(budget, *(reading(minute, level) for minute, level in enumerate([0, 50, 50, 100, 100]))) == [
        ("fired", "limit", 50, 1),
        ("fired", "limit", 100, 3),
    ]


def test_a_correction_within_a_period_tells_nothing_and_the_next_period_begins_anew() -> None:
    daily = rule("cost", "day")
    readings = [reading(1, 1), reading(2, 0), reading(3, 1), reading(4, 0, period=9), reading(5, 1, period=9)]
    assert told(daily, *readings) == [
        ("fired", "limit", 1, 1),
        ("resolved", "new_period", 1, 4),
        ("fired", "limit", 1, 5),
    ]


def test_since_is_when_it_was_told_first() -> None:
    budget = rule("budget", "day", levels=(50, 80))
    standing, _ = step(budget, Standing(), reading(3, 50))
    standing, _ = step(budget, standing, reading(4, 80))
    assert (standing.level, standing.since_us) == (80, 3 * MINUTE_US)


def test_usual_is_the_median_and_five_scaled_deviations() -> None:
    # 10 10 10 12 14: median 10, distances 0 0 0 2 4, their median 0: the rise alone.
    # 8 10 12: median 10, distances 2 0 2, their median 2: 10 + 5 × 1.4826 × 2.
    assert usual_limit([Decimal(usd) for usd in (10, 10, 14, 12, 10)], Decimal(1)) == Decimal(11)
    assert usual_limit([Decimal(usd) for usd in (8, 10, 12)], Decimal(1)) == Decimal("24.826")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234.5", "usd", "$1,234.50"),
        ("0.0042", "usd", "$0.0042"),
        ("0", "usd", "$0.00"),
        ("12345", "tokens", "12,345 tokens"),
        ("33.333333333333", "percent", "33.33 %"),
        ("1200", "ms", "1,200 ms"),
        ("1", "calls", "1 calls"),
    ],
)
def test_a_value_is_written_with_its_unit(value: str, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_an_endless_division_is_cut_at_twelve_places() -> None:
    assert (amount(Decimal(100) / 3), amount(Decimal("5.50")), amount(Decimal(0))) == ("33.333333333333", "5.5", "0")


def test_links_lead_to_the_runs_of_the_window_and_quote_the_project() -> None:
    body = {"project": "a/b c", "rule": {"kind": "coverage"}, "window": {"from_us": 1_000_500, "to_us": 2_000_500}}
    assert with_links(body, "https://x/")["links"] == {
        "runs": "https://x/projects/a%2Fb%20c/coverage?range=1000-2001",
        "alerts": "https://x/projects/a%2Fb%20c/alerts",
    }


@pytest.mark.parametrize(
    ("kind", "address", "text"),
    [
        ("slack", "https://hooks.slack.com/services/T0/B0/secret", "https://hooks.slack.com/…"),
        ("webhook", "http://user:secret@host:81/", "http://host:81/"),
        ("webhook", "https://host?token=secret", "https://host/…"),
        ("email", "a@b.kr", "a@b.kr"),
    ],
)
def test_what_may_be_secret_in_an_address_is_not_shown(kind: Any, address: str, text: str) -> None:
    assert Target(target_id="t", kind=kind, address=address).shown == text


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"limit": Decimal("NaN")}, "limit"),
        ({"limit": Decimal(101)}, "limit"),
        ({"window": "day"}, "window"),
        ({"min_calls": 0}, "min_calls"),
        ({"name": " "}, "name"),
        ({"targets": (Target(target_id="t", kind="webhook", address="http://[::1"),)}, "targets"),
    ],
)
def test_a_rule_that_cannot_be_names_its_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(RuleError) as raised:
        checked(rule(**more))
    assert raised.value.field == field
