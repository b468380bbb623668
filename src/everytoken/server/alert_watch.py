"""The clock of the alerts: judges what is due every few seconds and delivers what came of it, beside the requests."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi.concurrency import run_in_threadpool

from everytoken.alerts.deliver import Deliverer
from everytoken.alerts.evaluate import Evaluator
from everytoken.alerts.hosts import parse_hosts
from everytoken.alerts.sending import Sender
from everytoken.config import Settings
from everytoken.store.control import Control
from everytoken.store.errors import StoreError
from everytoken.store.ledger import Ledger

INTERVAL_S = 2.0

log = logging.getLogger("everytoken.alerts")


def sender_of(settings: Settings) -> Sender:
    """Sends as the settings say."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - a link, no listener
    return Sender(
        base_url=settings.base_url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}",
        allowed_hosts=parse_hosts(settings.alert_hosts),
        smtp_url=settings.smtp_url,
        smtp_from=settings.smtp_from,
        language=settings.alert_language,
    )


@dataclass(frozen=True, slots=True)
class Alerting:
    """The clock, as the server's health tells of it."""

    sender: Sender
    evaluator: Evaluator
    deliverer: Deliverer

    def counts(self) -> dict[str, int]:
        """What this server did since it started."""
        judged, delivered = self.evaluator.counters, self.deliverer.counters
        return {
            "alert_rules_judged": judged.judged,
            "alert_rules_failed": judged.failed,
            "alert_events": judged.told,
            "alert_deliveries": delivered.sent,
            "alert_delivery_retries": delivered.retried,
            "alert_deliveries_failed": delivered.failed,
        }


@contextlib.asynccontextmanager
async def alerting(settings: Settings, ledger: Ledger, control: Control) -> AsyncIterator[Alerting]:
    """Judge and deliver until the context ends; what is under way is finished first."""
    sender = sender_of(settings)
    evaluator = Evaluator(ledger, control, delay_us=settings.alert_delay_s * 1_000_000)
    deliverer = Deliverer(control, sender)
    done = asyncio.Event()
    tasks = [asyncio.create_task(_every(work, done)) for work in (evaluator.round, deliverer.round)]
    try:
        yield Alerting(sender, evaluator, deliverer)
    finally:
        done.set()
        await asyncio.gather(*tasks)


async def _every(work: Callable[[int], int], done: asyncio.Event) -> None:
    while not done.is_set():
        try:
            await run_in_threadpool(work, time.time_ns() // 1000)
        except StoreError as error:
            log.warning("alerts could not be looked at: %s", error)
        except Exception:
            log.exception("a round of alerts failed")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), INTERVAL_S)
