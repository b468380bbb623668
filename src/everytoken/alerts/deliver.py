"""Takes what has to be told and tells it, again and again with growing pauses, until it arrived or is given up."""

import logging
from dataclasses import dataclass

from everytoken.alerts.rulebook import rule_of
from everytoken.alerts.sending import Sender
from everytoken.store.alerts import Delivery
from everytoken.store.control import Control

PAUSES_S = (10, 30, 120, 600, 1_800, 3_600, 7_200)
"""After each attempt that failed. Eight attempts in about four hours; then it is given up, and shown as such."""
MAX_PER_ROUND = 20
HELD_US = 120_000_000
"""How long an attempt is one server's: beyond it another one tries. An attempt times out long before."""

log = logging.getLogger("everytoken.alerts")


@dataclass(slots=True)
class Counters:
    sent: int = 0
    retried: int = 0
    failed: int = 0


class Deliverer:
    """Any number of servers may deliver: an attempt is one server's alone."""

    def __init__(self, control: Control, sender: Sender) -> None:
        self._control = control
        self._sender = sender
        self.counters = Counters()

    def round(self, now_us: int) -> int:
        """Try what is due at `now_us`, some at most; how many were tried."""
        tried = 0
        while tried < MAX_PER_ROUND:
            # One at a time: what waits behind a slow receiver stays free for another server.
            taken = self._control.alerts.take_deliveries(now_us, until_us=now_us + HELD_US, limit=1)
            if not taken:
                break
            self._try(taken[0], now_us)
            tried += 1
        return tried

    def _try(self, delivery: Delivery, now_us: int) -> None:
        alerts = self._control.alerts
        row, event = alerts.rule(delivery.rule_id), alerts.event(delivery.event_id)
        targets = rule_of(row).targets if row else ()
        target = next((one for one in targets if one.target_id == delivery.target_id), None)
        if event is None or target is None:
            alerts.not_delivered(delivery, "the target is no part of the rule any more", now_us, next_us=None)
            self.counters.failed += 1
            return
        outcome = self._sender.send(target, event.body, now_us)
        if outcome.error is None:
            alerts.delivered(delivery, now_us)
            self.counters.sent += 1
        elif outcome.final or delivery.attempts >= len(PAUSES_S):
            alerts.not_delivered(delivery, outcome.error, now_us, next_us=None)
            self.counters.failed += 1
            log.warning("an alert of %s was not delivered to %s: %s", event.project, target.shown, outcome.error)
        else:
            pause_s = max(PAUSES_S[delivery.attempts], outcome.retry_s or 0)
            alerts.not_delivered(delivery, outcome.error, now_us, next_us=now_us + pause_s * 1_000_000)
            self.counters.retried += 1
