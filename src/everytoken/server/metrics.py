"""`/metrics` for Prometheus: what the calls cost, and the server's own queues and counters."""

import time
from collections.abc import Callable, Iterator, Mapping

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from everytoken import __version__
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.pipeline import Pipeline
from everytoken.store.journal import Journal

COUNTED = {
    "accepted_bodies": "Bodies on disk and acknowledged.",
    "accepted_operations": "Posts and patches acknowledged.",
    "refused": "Bodies answered with 503, or with 408 for being slow; they may come again.",
    "rejected": "Parts and bodies that are wrong however often they are sent.",
    "dropped": "Accepted, then lost. Should stay 0.",
    "deleted": "Operations that came after what they are about was deleted.",
    "duplicates": "Bodies and operations that said nothing new.",
    "settle_failures": "Traces that could not be settled. Should stay 0.",
    "price_failures": "Charges that could not be priced. Should stay 0.",
    "ledger_failures": "Flushes that had to be tried again.",
    "flushes": "Commits to the ledger.",
    "runs_written": "Runs written, updates included.",
    "charges_written": "Charges written, updates included.",
    "traces_left": "Traces that left memory.",
    "traces_restored": "Traces that were read back.",
}
"""Field of `ingest.counters` → what it counts."""
MEASURED = {
    "journal_bytes": "Bytes on disk that wait for the ledger.",
    "journal_queue": "Bodies that wait for the disk.",
    "flush_queue_bodies": "Bodies on disk that wait for the ledger.",
    "flush_queue_bytes": "Decoded bodies in memory.",
    "in_flight_bytes": "Bytes under way from clients.",
    "decode_queue_bytes": "Bytes of the bodies that wait to be decoded.",
    "traces_in_memory": "Traces that still move.",
    "runs_in_memory": "Their runs.",
    "runs_waiting": "Runs that wait for the rest of themselves.",
}
"""Name of `Pipeline.gauges` → what it measures."""
ALERTED = {
    "alert_rules_judged": "Alert rules looked at.",
    "alert_rules_failed": "Alert rules that could not be judged; they are looked at again.",
    "alert_events": "Alerts fired and resolved.",
    "alert_deliveries": "Messages about alerts that were taken.",
    "alert_delivery_retries": "Messages about alerts that will be sent again.",
    "alert_deliveries_failed": "Messages about alerts that were given up.",
}
"""Name of `Alerting.counts` → what it counts."""

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    registry = request.app.state.services.registry
    return Response(await run_in_threadpool(generate_latest, registry), media_type=CONTENT_TYPE_LATEST)


class Server(Collector):
    """The server's own figures, read when they are asked for."""

    def __init__(self, pipeline: Pipeline, feed: LiveFeed, journal: Journal) -> None:
        self._pipeline = pipeline
        self._feed = feed
        self._journal = journal
        self._started_s = time.time()

    def collect(self) -> Iterator[Metric]:
        for name, count in self._pipeline.counts().items():
            yield CounterMetricFamily(f"everytoken_ingest_{name}", COUNTED.get(name, name), value=count)
        for name, size in self._pipeline.gauges().items():
            yield _gauge(name, MEASURED.get(name, name), size)
        yield _gauge("journal_max_bytes", "Journal size at which ingest answers 503.", self._journal.max_bytes)
        text = "Commits to the journal: how many, and the time they took. One takes all bodies that wait."
        yield SummaryMetricFamily(
            "everytoken_journal_commit_seconds", text, self._journal.commits, self._journal.commit_s
        )
        yield _gauge("settle_lag_seconds", "Age of the oldest body that waits for the ledger.", self._pipeline.lag_s())
        yield _gauge("live_subscribers", "Open live feeds.", self._feed.subscribers)
        yield _gauge("start_time_seconds", "When the server started, seconds since 1970.", self._started_s)
        info = GaugeMetricFamily("everytoken_build_info", "Always 1.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info


class Alerts(Collector):
    """What the alerts of this server did, read when it is asked for."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        for name, count in self._counts().items():
            yield CounterMetricFamily(f"everytoken_{name}", ALERTED.get(name, name), value=count)


class TurnedAway(Collector):
    """What the gate turned away, read when it is asked for."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        text = "Requests without a key (401), without the right to it (403), or more than a key may send (429)."
        found = CounterMetricFamily("everytoken_turned_away", text, labels=["status"])
        for status, count in sorted(self._counts.items()):
            found.add_metric([str(status)], count)
        yield found


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"everytoken_{name}", text, value=value)


def registry_of(server: Server) -> CollectorRegistry:
    """A registry with the server's and the process's own figures."""
    registry = CollectorRegistry()
    registry.register(server)
    ProcessCollector(registry=registry)
    return registry
