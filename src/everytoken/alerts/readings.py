"""What a rule reads at an instant, or at thousands of them: one function for the clock and for the preview."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from statistics import median
from zoneinfo import ZoneInfo

from everytoken.alerts import windows
from everytoken.alerts.rules import Rule
from everytoken.query.measures import NO_CALLS, Counts, Measure, counts_between, first_charge_us, measures
from everytoken.store.ledger import Ledger

WEEKS = 8
"""Weeks that an anomaly looks back: two months follow a team's habits and forget last quarter's."""
MIN_WEEKS = 3
"""With fewer, a median is one of two numbers."""
MADS = Decimal(5)
"""Median absolute deviations, scaled to a normal distribution's deviation, beyond which an hour is an anomaly."""
MAD_SCALE = Decimal("1.4826")
FALL_US = 7 * windows.DAY_US
"""What a fall of coverage is measured against: the seven days before the window."""
RATE_US = 7 * windows.DAY_US
"""What a projection takes the present rate of spending from."""
MIN_RATE_US = windows.DAY_US
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One number at one instant, and whether it is known."""

    at_us: int
    from_us: int
    to_us: int
    value: Decimal | None
    """In the rule's unit; `None` when it is not known, and then `why` says why not."""
    limit: Decimal
    """What the value is held against: the rule's limit, or what the history makes of it."""
    level: int | None
    """0 for all well, 1 for too much (of a budget: the percentage reached), `None` when the value is not known."""
    counts: Counts = NO_CALLS
    at_least: bool = False
    """Some calls are not in the value, because what they used or what it costs is not known."""
    why: str | None = None


def read(ledger: Ledger, rule: Rule, zone: ZoneInfo, at_us: Sequence[int]) -> list[Reading]:
    """The reading at each of some instants, ascending."""
    if not at_us:
        return []
    if rule.kind in _PERCENTILES:
        return _percentiles(ledger, rule, zone, at_us)
    if rule.kind == "anomaly":
        return _anomalies(ledger, rule, zone, at_us)
    if rule.kind == "projection":
        return _projections(ledger, rule, zone, at_us)
    spans = [windows.span(rule, at, zone) for at in at_us]
    if rule.kind == "coverage_fall":
        return _falls(ledger, rule, spans)
    return [_judged(rule, span, counts) for span, counts in zip(spans, _counts(ledger, rule, spans), strict=True)]


def _counts(ledger: Ledger, rule: Rule, spans: Sequence[tuple[int, int]]) -> list[Counts]:
    """The counts of spans that overlap as they like: sums between all their ends, and differences of running sums."""
    bounds = sorted({bound for span in spans for bound in span})
    running = accumulate(counts_between(ledger, rule.project, rule.scope, bounds), initial=NO_CALLS)
    until = dict(zip(bounds, running, strict=True))
    return [until[to_us] - until[from_us] for from_us, to_us in spans]


def _judged(rule: Rule, span: tuple[int, int], counts: Counts) -> Reading:
    value, why = _value(rule, counts)
    at_least = bool(counts.unpriced if rule.unit == "usd" else rule.unit == "tokens" and counts.missing)
    return _reading(rule, span, counts, value, at_least=at_least, why=why)


def _reading(
    rule: Rule,
    span: tuple[int, int],
    counts: Counts,
    value: Decimal | None,
    *,
    limit: Decimal | None = None,
    at_least: bool = False,
    why: str | None,
) -> Reading:
    """The reading at the end of a span, held against the rule's limit or the one given."""
    held = rule.limit if limit is None else limit
    return Reading(
        at_us=span[1],
        from_us=span[0],
        to_us=span[1],
        value=value,
        limit=held,
        level=None if value is None else _level(rule, value, held),
        counts=counts,
        at_least=at_least,
        why=why,
    )


def _value(rule: Rule, counts: Counts) -> tuple[Decimal | None, str | None]:
    """The value of a kind that is reckoned from counts, or why it is not known. No calls at all cost nothing."""
    if rule.kind in ("cost", "budget"):
        return _value_of_cost(counts)
    if rule.kind == "tokens":
        unknown = counts.missing + counts.estimated
        return (Decimal(counts.tokens), None) if not unknown or unknown < counts.told else (None, "usage_missing")
    if rule.kind == "unpriced":
        return Decimal(max(counts.unpriced - counts.missing - counts.estimated, 0)), None
    part, whole = (counts.errors, max(counts.ended, counts.errors))
    if rule.kind == "coverage":
        part, whole = counts.exact, counts.told
    return _share(part, whole, rule.min_calls)


def _share(part: int, whole: int, min_calls: int) -> tuple[Decimal | None, str | None]:
    if whole < min_calls:
        return None, "too_few_calls" if whole else "no_calls"
    return HUNDRED * part / whole, None


def _level(rule: Rule, value: Decimal, limit: Decimal) -> int:
    if rule.kind == "budget":
        return max((level for level in rule.levels if value * 100 >= limit * level), default=0)
    return int(value < limit if rule.kind == "coverage" else value > limit)


def _falls(ledger: Ledger, rule: Rule, spans: Sequence[tuple[int, int]]) -> list[Reading]:
    before = [(from_us - FALL_US, from_us) for from_us, _ in spans]
    counted = _counts(ledger, rule, [*spans, *before])
    found = []
    for span, now, then in zip(spans, counted, counted[len(spans) :], strict=False):
        value, why = _share(now.exact, now.told, rule.min_calls)
        usual, _ = _share(then.exact, then.told, rule.min_calls)
        if value is not None and usual is None:
            why = "no_history"
        fall = None if value is None or usual is None else max(usual - value, Decimal(0))
        found.append(_reading(rule, span, now, fall, why=why))
    return found


_PERCENTILES = {"latency_p50": "p50_ms", "latency_p95": "p95_ms", "ttft_p50": "ttft_p50_ms", "ttft_p95": "ttft_p95_ms"}


def _percentiles(ledger: Ledger, rule: Rule, zone: ZoneInfo, at_us: Sequence[int]) -> list[Reading]:
    """Percentiles do not add up: windows that lie end to end are asked for at once, those that overlap apart."""
    length_us = windows.LENGTH_US[rule.window]
    in_line: dict[int, list[int]] = defaultdict(list)
    for at in at_us:
        in_line[at % length_us].append(at)
    found: dict[int, Measure] = {}
    for ends in in_line.values():
        bounds = [ends[0] - length_us, *ends]
        found.update(zip(ends, measures(ledger, rule.project, rule.scope, bounds), strict=True))
    return [_percentile(rule, windows.span(rule, at, zone), found[at]) for at in at_us]


def _percentile(rule: Rule, span: tuple[int, int], measure: Measure) -> Reading:
    enough = measure.counts.begun if rule.kind.startswith("ttft") else measure.counts.ended
    found: float | None = getattr(measure, _PERCENTILES[rule.kind])
    value = None if found is None or enough < rule.min_calls else Decimal(str(round(found, 3)))
    why = None if value is not None else "too_few_calls" if enough else "no_calls"
    return _reading(rule, span, measure.counts, value, why=why)


def _anomalies(ledger: Ledger, rule: Rule, zone: ZoneInfo, at_us: Sequence[int]) -> list[Reading]:
    """An hour against the same hour of the week: dearer than the median by the limit, and by five deviations."""
    first_us = first_charge_us(ledger, rule.project, at_us[-1])
    hours = {at: windows.instant_before(rule, at - 1, zone) for at in at_us}
    before = {
        at: [windows.weeks_earlier(start, weeks, zone) for weeks in range(1, WEEKS + 1)] for at, start in hours.items()
    }
    spans = [(hours[at], at) for at in at_us]
    past = [(start, start + windows.HOUR_US) for at in at_us for start in before[at]]
    counted = dict(zip([*spans, *past], _counts(ledger, rule, [*spans, *past]), strict=True))
    return [
        _anomaly(
            rule,
            span,
            counted[span],
            [
                counted[start, start + windows.HOUR_US]
                for start in before[span[1]]
                if first_us is not None and start >= first_us - first_us % windows.HOUR_US
            ],
        )
        for span in spans
    ]


def _anomaly(rule: Rule, span: tuple[int, int], now: Counts, past: Sequence[Counts]) -> Reading:
    value, why = _value_of_cost(now)
    usual = [counts.cost_known_usd for counts in past if not counts.unpriced]
    limit = rule.limit
    if len(usual) < MIN_WEEKS:
        value, why = None, why or "no_history"
    else:
        limit = usual_limit(usual, rule.limit)
    return _reading(rule, span, now, value, limit=limit, at_least=now.unpriced > 0, why=why)


def usual_limit(usual: Sequence[Decimal], rise: Decimal) -> Decimal:
    """Above it, a cost is not usual: the median, and beyond it `rise` or five scaled deviations, whichever is more."""
    middle = median(usual)
    spread = median(abs(one - middle) for one in usual)
    return middle + max(rise, MADS * MAD_SCALE * spread)


def _value_of_cost(counts: Counts) -> tuple[Decimal | None, str | None]:
    known = counts.calls == 0 or counts.unpriced < counts.calls
    return (counts.cost_known_usd, None) if known else (None, "unpriced")


def _projections(ledger: Ledger, rule: Rule, zone: ZoneInfo, at_us: Sequence[int]) -> list[Reading]:
    """Spent since the first of the month, and the rest of it at the rate of the last seven days."""
    first_us = first_charge_us(ledger, rule.project, at_us[-1])
    spans = [windows.span(rule, at, zone) for at in at_us]
    recent = [(max(at - RATE_US, min(first_us or at, at)), at) for at in at_us]
    counted = _counts(ledger, rule, [*spans, *recent])
    return [
        _projection(rule, zone, span, counts, rate_span, rate_counts)
        for span, counts, rate_span, rate_counts in zip(
            spans, counted[: len(spans)], recent, counted[len(spans) :], strict=True
        )
    ]


def _projection(
    rule: Rule, zone: ZoneInfo, span: tuple[int, int], spent: Counts, rate_span: tuple[int, int], recent: Counts
) -> Reading:
    value, why = _value_of_cost(spent)
    observed_us = rate_span[1] - rate_span[0]
    if observed_us < MIN_RATE_US:
        value, why = None, "no_history"
    if value is not None:
        left_us = windows.month_end(span[1] - 1, zone) - span[1]
        value += recent.cost_known_usd * left_us / observed_us
    return _reading(rule, span, spent, value, at_least=spent.unpriced > 0 or recent.unpriced > 0, why=why)
