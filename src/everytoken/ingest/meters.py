"""What the charges of this process add up to, as Prometheus counts: bounded sets of labels, each charge counted once.

A charge is counted when it is first stored as ended. What a later settlement corrects stays in the ledger alone, since
a counter must not fall. Counters begin at 0 with each start, which `rate()` and `increase()` understand.
"""

from collections.abc import Iterable

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


class Bounded:
    """Gives each set of label values itself, or `other` once there are too many."""

    def __init__(self, most: int = MAX_SERIES) -> None:
        self._most = most
        self._known: set[tuple[str, ...]] = set()

    def labels(self, *values: str | None) -> tuple[str, ...]:
        found = tuple((value or "")[:MAX_LABEL_CHARS] for value in values)
        if found in self._known:
            return found
        if len(self._known) >= self._most:
            return (OTHER,) * len(values)
        self._known.add(found)
        return found


class Meters:
    """`observe` belongs to the flusher's thread; a scrape may read at any time."""

    def __init__(self, registry: CollectorRegistry, *, max_series: int = MAX_SERIES) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"everytoken_{name}", text, labels, registry=registry)

        def seconds(name: str, text: str) -> Histogram:
            return Histogram(f"everytoken_{name}", text, ("model", "provider"), buckets=SECONDS, registry=registry)

        self._calls = counter("llm_calls", "Billed provider requests.", *CALL, "call_path", "quality", "status")
        self._tokens = counter("tokens", "Tokens by class; each in one. Not of estimates.", *CALL, "token_class")
        self._cost = counter("cost_usd", "US dollars of the calls with a price.", *CALL)
        self._unpriced = counter("unpriced_calls", "Calls without a price.", *CALL, "reason")
        self._errors = counter("llm_errors", "Calls that ended in error.", *CALL, "quality")
        self._duration_s = seconds("llm_call_duration_seconds", "From the request to its end.")
        self._ttft_s = seconds("time_to_first_token_seconds", "From the request to its first token.")
        self._lost = counter("client_dropped_runs", "Runs that clients say they lost before sending.", "project", "by")
        self._bounds = {metric: Bounded(max_series) for metric in vars(self).values()}

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
                self._add(self._lost, lost, run.project, by)

    def _count(self, charge: Charge) -> None:
        call = (charge.project, charge.node, charge.model, charge.provider)
        self._add(self._calls, 1, *call, charge.call_path, charge.quality, charge.status)
        if charge.status == "error":
            self._add(self._errors, 1, *call, charge.quality)
        if charge.usage is not None and charge.quality in ("exact", "partial"):
            for token_class, count in split_usage(charge.usage).items():
                self._add(self._tokens, count, *call, token_class)
        if charge.cost.usd is not None and charge.cost.status in BILLED:
            self._add(self._cost, float(charge.cost.usd), *call)
        else:
            self._add(self._unpriced, 1, *call, charge.cost.reason)
        self._time(self._duration_s, charge.duration_us, charge)
        self._time(self._ttft_s, charge.ttft_us, charge)

    def _add(self, metric: Counter, amount: float, *labels: str | None) -> None:
        metric.labels(*self._bounds[metric].labels(*labels)).inc(amount)

    def _time(self, metric: Histogram, duration_us: int | None, charge: Charge) -> None:
        if duration_us is not None:
            labels = self._bounds[metric].labels(charge.model, charge.provider)
            metric.labels(*labels).observe(duration_us / 1_000_000)
