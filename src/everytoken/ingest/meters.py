"""What the charges of this process add up to, as Prometheus counts: bounded sets of labels, each charge counted once.

A charge is counted when it is first stored as ended. What a later settlement corrects stays in the ledger alone, since
a counter must not fall. Counters begin at 0 with each start, which `rate()` and `increase()` understand.
"""

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from everytoken.core.charge import Charge
from everytoken.core.pricing import split_usage
from everytoken.core.run import Run
from everytoken.core.sums import BILLED
from everytoken.ingest.trace_fold import TraceFold

OTHER = "other"
MAX_SERIES = 2_000
"""Sets of labels of one counter; what comes beyond them counts as `other` in every label."""
MAX_TIMED = 1_000
"""Sets of labels of one histogram, each of which is written as fifteen lines."""
MAX_LABEL_CHARS = 120
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
"""From the first token of a small model to a research call of ten minutes."""
LOST = {"everytoken": "everytoken_dropped", "langsmith": "everytoken_lost_by_langsmith"}
"""Who lost runs → the key of the metadata in which the next run tells how many."""
MAX_LOST = 10**9
"""More in one process is no count but a mistake."""
CALL = ("project", "node", "model", "provider")

disable_created_metrics()  # type: ignore[no-untyped-call] # when each series began: a third of all lines, read by nobody

M = TypeVar("M", Counter, Gauge, Histogram)


class Bounded(Generic[M]):
    """The series of one metric by their label values, of which the project is the first.

    Those beyond `most` are one whose labels all say `other`. One project takes half of them at most: what it has beyond
    that is one series of its own, whose other labels say `other`, so that names made of request data in one application
    leave the others room.
    """

    def __init__(self, metric: M, most: int) -> None:
        self._metric: M = metric
        self._most = most
        self._share = max(most // 2, 1)
        self._series: dict[tuple[str | None, ...], M] = {}
        self._of_project: Tally[str | None] = Tally()

    def series(self, *values: str | None) -> M:
        """Asked some ten times a call, so each series is looked up by what a charge says, uncut."""
        return self._series.get(values) or self._new(values)

    def _new(self, values: tuple[str | None, ...]) -> M:
        labels = [(value or "")[:MAX_LABEL_CHARS] for value in values]
        project, rest = values[0], len(values) - 1
        if self._of_project[project] >= self._share:
            return self._metric.labels(labels[0], *[OTHER] * rest)
        if len(self._series) >= self._most:
            return self._metric.labels(OTHER, *[OTHER] * rest)
        made: M = self._metric.labels(*labels)
        self._series[values] = made
        self._of_project[project] += 1
        return made


class Meters:
    """`observe` belongs to the flusher's thread; a scrape may read at any time."""

    def __init__(self, registry: CollectorRegistry, *, max_series: int = MAX_SERIES) -> None:
        def counter(name: str, text: str, *labels: str) -> Bounded[Counter]:
            return Bounded(Counter(f"everytoken_{name}", text, labels, registry=registry), max_series)

        def seconds(name: str, text: str) -> Bounded[Histogram]:
            labels = (*CALL, "quality")
            most = min(max_series, MAX_TIMED)
            return Bounded(Histogram(f"everytoken_{name}", text, labels, buckets=SECONDS, registry=registry), most)

        self._calls = counter("llm_calls", "Billed provider requests.", *CALL, "call_path", "quality", "status")
        text = "Tokens by class; each in one. Not of estimates."
        self._tokens = counter("tokens", text, *CALL, "quality", "token_class")
        self._cost = counter("cost_usd", "US dollars of the calls with a price.", *CALL, "quality")
        self._unpriced = counter("unpriced_calls", "Calls without a price.", *CALL, "reason")
        self._errors = counter("llm_errors", "Calls that ended in error.", *CALL, "quality")
        self._duration_s = seconds("llm_call_duration_seconds", "From the request to its end.")
        self._ttft_s = seconds("time_to_first_token_seconds", "From the request to its first token.")
        text = "Of the calls that ended since the start, the share whose usage the provider told in full."
        self._coverage = Bounded(
            Gauge("everytoken_coverage_ratio", text, ("project", "call_path"), registry=registry), max_series
        )
        self._covered: dict[Gauge, tuple[int, int]] = {}
        """Series → its calls whose usage is exact, and all of them."""
        self._lost = counter("client_dropped_runs", "Runs that clients say they lost before sending.", "project", "by")

    def observe(self, trace: TraceFold, charges: Iterable[Charge]) -> None:
        """Count those of the charges that ended and were not counted before."""
        for charge in charges:
            if charge.status != "pending" and charge.charge_key not in trace.counted:
                trace.counted.add(charge.charge_key)
                self._count(charge)
        for fold in trace.runs.values():
            if fold.run is not None and fold.run_id not in trace.counted:
                self._count_lost(trace, fold.run)

    def _count_lost(self, trace: TraceFold, run: Run) -> None:
        for by, key in LOST.items():
            lost = run.metadata.get(key)
            if isinstance(lost, int) and 0 < lost <= MAX_LOST:
                trace.counted.add(run.run_id)
                self._lost.series(run.project, by).inc(lost)

    def _count(self, charge: Charge) -> None:
        call = (charge.project, charge.node, charge.model, charge.provider)
        self._calls.series(*call, charge.call_path, charge.quality, charge.status).inc(1)
        if charge.status == "error":
            self._errors.series(*call, charge.quality).inc(1)
        if charge.usage is not None and charge.quality in ("exact", "partial"):
            for token_class, count in split_usage(charge.usage).items():
                self._tokens.series(*call, charge.quality, token_class).inc(count)
        if charge.cost.usd is not None and charge.cost.status in BILLED:
            self._cost.series(*call, charge.quality).inc(float(charge.cost.usd))
        else:
            self._unpriced.series(*call, charge.cost.reason).inc(1)
        if charge.duration_us is not None:
            self._duration_s.series(*call, charge.quality).observe(charge.duration_us / 1_000_000)
        if charge.ttft_us is not None:
            self._ttft_s.series(*call, charge.quality).observe(charge.ttft_us / 1_000_000)
        self._cover(charge)

    def _cover(self, charge: Charge) -> None:
        share = self._coverage.series(charge.project, charge.call_path)
        exact, calls = self._covered.get(share, (0, 0))
        exact, calls = exact + (charge.quality == "exact"), calls + 1
        self._covered[share] = exact, calls
        share.set(exact / calls)
