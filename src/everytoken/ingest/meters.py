"""What the charges of this process add up to, as Prometheus counts: bounded sets of labels, each charge counted once.

A charge is counted when it is first stored as ended. What a later settlement corrects stays in the ledger alone, since
a counter must not fall. Counters begin at 0 with each start, which `rate()` and `increase()` understand.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

from everytoken.core.charge import Charge
from everytoken.core.pricing import split_usage
from everytoken.core.run import Run
from everytoken.core.sums import BILLED
from everytoken.ingest.fold import TraceFold

OTHER = "other"
MAX_SERIES = 2_000
"""Sets of labels of one metric; what comes beyond them counts as `other` in every label."""
MAX_LABEL_CHARS = 120
SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
LOST = {"everytoken": "everytoken_dropped", "langsmith": "everytoken_lost_by_langsmith"}
"""Who lost runs → the key of the metadata in which the next run tells how many."""
MAX_LOST = 10**9
"""More in one process is no count but a mistake."""
CALL = ("project", "node", "model", "provider")


M = TypeVar("M", Counter, Histogram)


class Bounded(Generic[M]):
    """The series of one metric by their label values; those beyond `most` are one whose labels all say `other`."""

    def __init__(self, metric: M, most: int) -> None:
        self._metric: M = metric
        self._most = most
        self._series: dict[tuple[str | None, ...], M] = {}

    def series(self, *values: str | None) -> M:
        """Asked some ten times a call, so each series is looked up by what a charge says, uncut."""
        return self._series.get(values) or self._new(values)

    def _new(self, values: tuple[str | None, ...]) -> M:
        is_full = len(self._series) >= self._most
        labels = (OTHER if is_full else (value or "")[:MAX_LABEL_CHARS] for value in values)
        made: M = self._metric.labels(*labels)
        if not is_full:
            self._series[values] = made
        return made


class Meters:
    """`observe` belongs to the flusher's thread; a scrape may read at any time."""

    def __init__(self, registry: CollectorRegistry, *, max_series: int = MAX_SERIES) -> None:
        def counter(name: str, text: str, *labels: str) -> Bounded[Counter]:
            return Bounded(Counter(f"everytoken_{name}", text, labels, registry=registry), max_series)

        def seconds(name: str, text: str) -> Bounded[Histogram]:
            labels = ("model", "provider")
            return Bounded(
                Histogram(f"everytoken_{name}", text, labels, buckets=SECONDS, registry=registry), max_series
            )

        self._calls = counter("llm_calls", "Billed provider requests.", *CALL, "call_path", "quality", "status")
        self._tokens = counter("tokens", "Tokens by class; each in one. Not of estimates.", *CALL, "token_class")
        self._cost = counter("cost_usd", "US dollars of the calls with a price.", *CALL)
        self._unpriced = counter("unpriced_calls", "Calls without a price.", *CALL, "reason")
        self._errors = counter("llm_errors", "Calls that ended in error.", *CALL, "quality")
        self._duration_s = seconds("llm_call_duration_seconds", "From the request to its end.")
        self._ttft_s = seconds("time_to_first_token_seconds", "From the request to its first token.")
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
                self._tokens.series(*call, token_class).inc(count)
        if charge.cost.usd is not None and charge.cost.status in BILLED:
            self._cost.series(*call).inc(float(charge.cost.usd))
        else:
            self._unpriced.series(*call, charge.cost.reason).inc(1)
        self._time(self._duration_s, charge.duration_us, charge)
        self._time(self._ttft_s, charge.ttft_us, charge)

    def _time(self, metric: Bounded[Histogram], duration_us: int | None, charge: Charge) -> None:
        if duration_us is not None:
            metric.series(charge.model, charge.provider).observe(duration_us / 1_000_000)
