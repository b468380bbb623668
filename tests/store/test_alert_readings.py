"""What each kind of rule reads from stored charges, and both of its verdicts. Every value is worked out by hand."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.store import samples
from tests.store.alert_world import SEOUL, kst, rule, spent, wall
from tests.store.samples import NOON_US, charge

from everytoken.alerts.preview import preview
from everytoken.alerts.readings import Reading, read
from everytoken.alerts.rules import Rule
from everytoken.query.measures import Scope, counts_between, measures
from everytoken.store.ledger import Ledger

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with samples.opened(tmp_path) as opened:
        yield opened


def at(ledger: Ledger, asked: Rule, at_us: int, zone: ZoneInfo = SEOUL) -> Reading:
    (found,) = read(ledger, asked, zone, [at_us])
    return found


def an_hour(ledger: Ledger) -> None:
    """Ten calls in the hour before noon: 100 to 1,000 ms, first tokens after a tenth of that, the first three failed,
    one of a model without a price, two that told no usage. Just outside of the hour, dear ones."""
    inside = []
    for number in range(1, 11):
        told, priced = number <= 8, number <= 7
        inside.append(
            charge(
                f"c{number}",
                "0.01" if priced else None,
                tokens=(100, 20) if told else None,
                started_us=NOON_US - number * MINUTE_US,
                duration_us=number * 100_000,
                ttft_us=number * 10_000,
                status="error" if number <= 3 else "success",
            )
        )
    outside = [charge("late", "9", started_us=NOON_US), charge("early", "9", started_us=NOON_US - HOUR_US - 1)]
    ledger.write([], inside + outside, [])


HOUR: list[tuple[str, str, str, str]] = [
    # kind, value, a limit that fires, a limit that does not
    ("cost", "0.07", "0.0699", "0.07"),  # 7 priced calls of $0.01
    ("tokens", "960", "959", "960"),  # 8 calls of 120
    ("error_rate", "30", "29.9", "30"),  # 3 of 10
    ("latency_p50", "600", "599", "600"),  # the sixth of ten
    ("latency_p95", "1000", "999", "1000"),
    ("ttft_p50", "60", "59", "60"),
    ("ttft_p95", "100", "99", "100"),
    ("coverage", "80", "80.1", "80"),  # 8 of 10 exact; fires below
    ("coverage_fall", "20", "19", "20"),  # the call before the hour was exact: 100 % then
    ("unpriced", "1", "0", "1"),  # usage without a price; calls without usage are the coverage's
]


@pytest.mark.parametrize(("kind", "value", "fires", "holds"), HOUR)
def test_a_rule_fires_beyond_its_limit_and_not_at_it(
    ledger: Ledger, kind: str, value: str, fires: str, holds: str
) -> None:
    an_hour(ledger)
    few = {"min_calls": 1}
    fired = at(ledger, rule(kind, "1h", fires, **few), NOON_US)
    held = at(ledger, rule(kind, "1h", holds, **few), NOON_US)
    assert (fired.value, fired.level, held.value, held.level) == (Decimal(value), 1, Decimal(value), 0)


def test_a_sum_says_that_it_is_a_lower_bound_and_what_it_lacks(ledger: Ledger) -> None:
    an_hour(ledger)
    for kind in ("cost", "tokens"):
        found = at(ledger, rule(kind, "1h", "1"), NOON_US)
        assert found.at_least is True
        assert (found.counts.calls, found.counts.missing, found.counts.unpriced) == (10, 2, 3)


def test_what_nobody_told_is_unknown_and_no_calls_cost_nothing(ledger: Ledger) -> None:
    ledger.write([], [charge("silent", None, tokens=None, started_us=NOON_US - 1)], [])
    for kind, why in (("cost", "unpriced"), ("tokens", "usage_missing")):
        found = at(ledger, rule(kind, "1h", "0"), NOON_US)
        assert (found.value, found.level, found.why) == (None, None, why)
    empty = at(ledger, rule("cost", "1h", "0"), NOON_US + 3 * HOUR_US)
    assert (empty.value, empty.level) == (Decimal(0), 0)


@pytest.mark.parametrize("kind", ["error_rate", "latency_p95", "ttft_p50", "coverage", "coverage_fall"])
def test_a_share_or_percentile_of_too_few_calls_is_unknown(ledger: Ledger, kind: str) -> None:
    an_hour(ledger)
    few = at(ledger, rule(kind, "1h", "50", min_calls=11), NOON_US)
    assert (few.value, few.level, few.why) == (None, None, "too_few_calls")
    none = at(ledger, rule(kind, "1h", "50", min_calls=1), NOON_US + 9 * HOUR_US)
    assert (none.value, none.why) == (None, "no_calls")


def test_a_fall_without_a_week_before_is_unknown(ledger: Ledger) -> None:
    ledger.write([], [charge(f"c{number}", started_us=NOON_US - 1 - number) for number in range(10)], [])
    found = at(ledger, rule("coverage_fall", "1h", "5"), NOON_US)
    assert (found.value, found.why) == (None, "no_history")


@pytest.mark.parametrize(
    ("scope", "usd"),
    [
        (Scope("user", "u-1"), "0.03"),
        (Scope("node", "answer"), "0.05"),
        (Scope("model", "gpt-5.2-2025-12-11"), "0.04"),
        (Scope("tag", "beta"), "0.06"),
        (Scope(), "0.15"),
        (Scope("user", "nobody"), "0"),
    ],
)
def test_a_scope_reads_its_own_charges_alone(ledger: Ledger, scope: Scope, usd: str) -> None:
    when: dict[str, Any] = {"started_us": NOON_US - 1}
    other = "gpt-5-mini-2025-08-07"
    ledger.write(
        [],
        [
            charge("a", "0.01", user_id="u-1", node="answer", tags=("beta", "x"), **when),
            charge("b", "0.02", user_id="u-1", response_model=other, **when),
            charge("c", "0.04", user_id="u-2", node="answer", response_model=other, **when),
            charge("d", "0.05", tags=("beta",), response_model=other, **when),
            charge("e", "0.03", response_model="gpt-5.2-2025-12-11", **when),
            charge("f", "0.03", response_model="gpt-5.2-2025-12-11", project="other", **when),
        ],
        [],
    )
    # user: .01 + .02; node: .01 + .04; model: .01 + .03 (the other project's apart); tag: .01 + .05
    assert at(ledger, rule("cost", "1h", "9", scope=scope), NOON_US).value == Decimal(usd)


@pytest.mark.parametrize(
    ("spent_usd", "level"), [("4.99", 0), ("5", 50), ("7.99", 50), ("8", 80), ("9.99", 80), ("10", 100), ("25", 100)]
)
def test_a_budget_tells_the_highest_level_it_reached(ledger: Ledger, spent_usd: str, level: int) -> None:
    ledger.write([], [spent("2026-11-23 00:00", spent_usd), spent("2026-11-22 23:59", "100")], [])
    assert at(ledger, rule("budget", "day", "10"), kst("2026-11-23 09:00")).level == level


def test_a_budget_of_a_week_begins_on_monday_and_of_a_month_on_the_first(ledger: Ledger) -> None:
    ledger.write(
        [],
        [
            spent("2026-11-22 23:59", "4"),  # a Sunday
            spent("2026-11-23 00:00", "2"),  # Monday
            spent("2026-10-31 23:59", "7"),
            spent("2026-11-01 00:00", "1"),
        ],
        [],
    )
    tuesday = kst("2026-11-24 10:00")
    assert at(ledger, rule("budget", "week", "10"), tuesday).value == Decimal(2)
    assert at(ledger, rule("budget", "month", "10"), tuesday).value == Decimal(7)


def test_an_hour_is_held_against_the_same_hour_of_eight_weeks(ledger: Ledger) -> None:
    # 1 1 2 2 3 3 4 4: median 2.5, deviations 0.5 and 1.5 in equal numbers, their median 1.
    # 2.5 + 5 × 1.4826 × 1 = 9.913; a rise of 20 asked for makes it 22.5.
    usual = [("1", 1), ("1", 2), ("2", 3), ("2", 4), ("3", 5), ("3", 6), ("4", 7), ("4", 8)]
    now = kst("2026-11-23 10:00")
    ledger.write(
        [],
        [charge(f"w{weeks}", usd, started_us=now - HOUR_US // 2 - weeks * 7 * DAY_US) for usd, weeks in usual]
        + [charge("noise", "50", started_us=now - 3 * HOUR_US), charge("now", "9.95", started_us=now - 1)],
        [],
    )
    fired = at(ledger, rule("anomaly", "1h", "1"), now)
    assert (fired.value, fired.limit, fired.level) == (Decimal("9.95"), Decimal("9.9130"), 1)
    held = at(ledger, rule("anomaly", "1h", "20"), now)
    assert (held.limit, held.level) == (Decimal("22.5"), 0)
    other_hour = at(ledger, rule("anomaly", "1h", "1"), now + HOUR_US)
    assert (other_hour.value, other_hour.limit, other_hour.level) == (Decimal(0), Decimal(1), 0)


def test_two_weeks_are_no_history_and_weeks_before_the_first_call_are_not_zeros(ledger: Ledger) -> None:
    now = kst("2026-11-23 10:00")
    weeks = [charge(f"w{number}", "1", started_us=now - HOUR_US - number * 7 * DAY_US) for number in (1, 2)]
    ledger.write([], [*weeks, charge("now", "99", started_us=now - 1)], [])
    found = at(ledger, rule("anomaly", "1h", "1"), now)
    assert (found.value, found.level, found.why) == (None, None, "no_history")
    ledger.write([], [charge("w3", "1", started_us=now - HOUR_US - 21 * DAY_US)], [])
    fired = at(ledger, rule("anomaly", "1h", "1"), now)
    assert (fired.value, fired.limit, fired.level) == (Decimal(99), Decimal(2), 1)  # usually 1, and 1 more


def test_a_month_is_projected_at_the_rate_of_its_last_seven_days(ledger: Ledger) -> None:
    # $1 a day for 15 days, then 15 days to go at $7 in 7 days: 15 + 15 = 30.
    ledger.write([], [spent(f"2026-11-{day:02} 12:00", "1") for day in range(1, 16)], [])
    now = kst("2026-11-16 00:00")
    fired = at(ledger, rule("projection", "month", "29.99"), now)
    assert (fired.value, fired.level) == (Decimal(30), 1)
    assert at(ledger, rule("projection", "month", "30"), now).level == 0
    first_hours = at(ledger, rule("projection", "month", "1"), kst("2026-11-02 11:00"))
    assert (first_hours.value, first_hours.why) == (None, "no_history")  # 23 hours since the first call


def test_many_instants_read_what_each_reads_alone(ledger: Ledger) -> None:
    an_hour(ledger)
    for kind in ("cost", "latency_p95", "coverage", "coverage_fall"):
        asked = rule(kind, "15m", "1", min_calls=1)
        instants = [NOON_US - 20 * MINUTE_US + number * MINUTE_US for number in range(40)]
        assert read(ledger, asked, SEOUL, instants) == [at(ledger, asked, one) for one in instants]
    daily = rule("cost", "day", "1")
    instants = [kst("2026-11-22 23:58") + number * MINUTE_US for number in range(5)]
    assert read(ledger, daily, SEOUL, instants) == [at(ledger, daily, one) for one in instants]


@pytest.mark.parametrize("scope", [Scope(), Scope("user", "u-1"), Scope("tag", "beta")])
def test_many_bounds_in_one_scan_measure_what_few_do(ledger: Ledger, scope: Scope) -> None:
    ledger.write(
        [],
        [
            charge(
                f"c{number}",
                "0.01",
                started_us=NOON_US + number * 7 * MINUTE_US,
                duration_us=number * 1_000,
                user_id="u-1" if number % 2 else None,
                tags=("beta", "x") if number % 3 else ("x",),
            )
            for number in range(60)
        ],
        [],
    )
    even = [NOON_US + number * 6 * MINUTE_US for number in range(80)]
    uneven = [*even[:20], *even[40:]]
    pairs = [measures(ledger, "shop", scope, pair)[0] for pair in pairwise(even)]
    assert measures(ledger, "shop", scope, even) == pairs
    assert counts_between(ledger, "shop", scope, uneven) == [
        measures(ledger, "shop", scope, pair)[0].counts for pair in pairwise(uneven)
    ]
    assert sum(pair.counts.calls for pair in pairs) == {"none": 60, "user": 30, "tag": 40}[scope.by]


def test_the_preview_says_when_it_would_have_fired(ledger: Ledger) -> None:
    ledger.write(
        [],
        [spent(f"2026-11-21 {hour}:30", "0.40") for hour in ("09", "10", "11")] + [spent("2026-11-22 10:00", "1.5")],
        [],
    )
    seen = preview(ledger, rule("cost", "day", "1"), SEOUL, days=3, now_us=kst("2026-11-23 12:00"))
    assert [(turn.happening, wall(turn.reading.at_us)) for turn in seen.turns] == [
        ("fired", "2026-11-21 11:31"),  # the third call makes it 1.20
        ("resolved", "2026-11-22 00:01"),
        ("fired", "2026-11-22 10:01"),
        ("resolved", "2026-11-23 00:01"),
    ]
    assert (seen.judged, seen.unknown, seen.level) == (3 * 24 * 60, 0, 0)
    assert max(point.value or 0 for point in seen.course) == Decimal("1.5")
