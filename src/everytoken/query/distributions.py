"""How cost, latency, time to the first token or tokens are spread over the traces found, and when they began."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from everytoken.query.buckets import Bucket, auto_bucket, bucket_starts
from everytoken.query.filter.feedback import FeedbackRuns
from everytoken.query.filter.trace_fields import DURATION_US, KNOWN_NANO_USD, TTFT_US
from everytoken.query.found_traces import TraceQuestion, find_traces
from everytoken.query.projects import known_project
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.together import Rows, together

Measure = Literal["cost", "latency", "ttft", "tokens"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Scale = Literal["auto", "linear", "log"]
BUCKETS_MAX = 100
SPREAD_OF_LOG = 50  # from 50 times the least on, even buckets would leave most traces in the first one


@dataclass(frozen=True, slots=True)
class _Measured:
    sql: str
    """Whole numbers, so that a trace stands in exactly one bucket; null where it is not known."""
    field: str
    unit: str
    per_unit: int


_MEASURED: dict[str, _Measured] = {
    "cost": _Measured(f"if(charged.unpriced = 0, {KNOWN_NANO_USD}, NULL)", "total_cost", "usd", 10**9),
    "latency": _Measured(DURATION_US, "latency", "s", 10**6),
    "ttft": _Measured(TTFT_US, "ttft", "s", 10**6),
    "tokens": _Measured("charged.input_sum + charged.output_sum", "total_tokens", "tokens", 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionBucket:
    from_value: float
    """Inclusive."""
    to_value: float
    """Exclusive."""
    traces: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileMarks:
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeBucket:
    start_us: int
    traces: int
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Edges and marks are numbers in `unit`, ready to be written into a filter on `field`; not sums of money."""

    project: str
    of: str
    field: str
    """What a filter calls it: `and(gte(field, from_value), lt(field, to_value))` keeps a bucket."""
    unit: str
    """`usd`, `s` (seconds, as filters write them) or `tokens`."""
    scale: str
    """`linear` or `log`."""
    traces: int
    unknown: int
    """Traces in no bucket: not ended, nothing streamed, or a call without a price."""
    least: float | None
    most: float | None
    marks: PercentileMarks
    buckets: list[DistributionBucket]
    """All of them in order, empty ones too. On a log scale, zeros stand in a first bucket of their own."""
    bucket: str
    """Length of the buckets of time."""
    tz: str
    times: list[TimeBucket]
    """When the traces began, empty buckets too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a distribution is laid out."""

    of: Measure
    scale: Scale = "auto"
    buckets: int = 40
    bucket: Bucket | None = None
    """Of time; `None` takes what suits the window."""
    zone: ZoneInfo


def read_distribution(
    ledger: Ledger, control: Control, feedback_runs: FeedbackRuns, question: TraceQuestion, spread: Spread
) -> Distribution:
    """The histogram of one measure with its percentiles, and the same traces over time.

    Raises:
        FilterError: the filter is wrong.
        BucketError: the window holds too many buckets of the length asked for.
    """
    known_project(control, question.project)
    measured = _MEASURED[spread.of]
    found = find_traces(ledger, feedback_runs, question)
    fragments = found.completed(value=measured.sql)
    (facts,) = ledger.select("trace_spread", fragments, **found.params)
    is_known = facts["traces"] > facts["unknown"]
    scale = _scale(spread.scale, facts)
    edges = bucket_edges(facts, scale, spread.buckets) if is_known else []
    length, starts_us = _starts(question, spread, facts)
    held, begun = together(
        lambda: ledger.select("trace_histogram", fragments, edges=edges[:-1], **found.params) if edges else [],
        lambda: (
            ledger.select("trace_times", found.completed(), starts_us=starts_us, **found.params) if starts_us else []
        ),
    )
    counts = {row["from_value"]: row["traces"] for row in held}
    p50, p90, p95, p99 = (value / measured.per_unit if is_known else None for value in facts["marks"])
    return Distribution(
        project=question.project,
        of=spread.of,
        field=measured.field,
        unit=measured.unit,
        scale=scale,
        traces=facts["traces"],
        unknown=facts["unknown"],
        least=(0.0 if facts["zeros"] else facts["least"] / measured.per_unit) if is_known else None,
        most=facts["most"] / measured.per_unit if is_known else None,
        marks=PercentileMarks(p50=p50, p90=p90, p95=p95, p99=p99),
        buckets=[
            DistributionBucket(
                from_value=low / measured.per_unit, to_value=high / measured.per_unit, traces=counts.get(low, 0)
            )
            for low, high in itertools.pairwise(edges)
        ],
        bucket=length,
        tz=spread.zone.key,
        times=_times(starts_us, begun),
    )


def _scale(wanted: Scale, facts: Mapping[str, Any]) -> str:
    if wanted != "auto":
        return wanted
    return "log" if facts["most"] > SPREAD_OF_LOG * max(facts["least"], 1) else "linear"


def bucket_edges(facts: Mapping[str, Any], scale: str, buckets: int) -> list[int]:
    """Ascending whole edges, one more than there are buckets; the last lies just above the greatest value."""
    least, most, zeros = facts["least"], facts["most"], facts["zeros"]
    end = most + 1
    if most == 0:
        return [0, end]
    if scale == "linear":
        low = 0 if zeros else least
        steps = [low + (end - low) * step // buckets for step in range(buckets)]
    else:
        ratio = math.log(end / least) / buckets
        steps = [0] if zeros else []
        steps += [max(round(least * math.exp(ratio * step)), least) for step in range(buckets)]
    return [*sorted({step for step in steps if step < end}), end]


def _starts(question: TraceQuestion, spread: Spread, facts: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Length and starts of the buckets of time."""
    if not facts["traces"]:
        return spread.bucket or "hour", []
    window = question.window
    from_us = facts["first_us"] if window.from_us is None else window.from_us
    to_us = facts["last_us"] + 1 if window.to_us is None else window.to_us
    length = spread.bucket or auto_bucket(from_us, to_us)
    return length, bucket_starts(from_us, to_us, length, spread.zone)


def _times(starts_us: Sequence[int], begun: Rows) -> list[TimeBucket]:
    held = {row["bucket_us"]: row for row in begun}
    return [
        TimeBucket(
            start_us=start_us,
            traces=held[start_us]["traces"] if start_us in held else 0,
            errors=held[start_us]["errors"] if start_us in held else 0,
        )
        for start_us in starts_us
    ]
