"""One round of judging: every rule that is due, once, with a clock from outside and a bound on the work."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from everytoken.alerts import judge, messages, windows
from everytoken.alerts.judge import Standing, Turn
from everytoken.alerts.readings import Reading, read
from everytoken.alerts.rulebook import rule_of
from everytoken.alerts.rules import Rule
from everytoken.query.measures import unpriced_models
from everytoken.store.alerts import AlertEvent, AlertState
from everytoken.store.control import Control
from everytoken.store.errors import StoreError
from everytoken.store.ledger import Ledger

MAX_PER_ROUND = 100
"""Rules judged in a row; the rest wait for the next round, those that waited longest first."""
LEASE = "judging"
LEASE_US = 60_000_000
"""How long a server that fell silent keeps the others from judging."""

log = logging.getLogger("everytoken.alerts")


@dataclass(slots=True)
class Counters:
    judged: int = 0
    failed: int = 0
    told: int = 0


class Evaluator:
    """Judges rules. Any number of servers may; what is told is decided in the control data."""

    def __init__(self, ledger: Ledger, control: Control, *, delay_us: int, holder: str | None = None) -> None:
        self._ledger = ledger
        self._control = control
        self._delay_us = delay_us
        self._holder = holder or uuid.uuid4().hex
        self.counters = Counters()

    def round(self, now_us: int) -> int:
        """Judge what is due at `now_us`, unless another server does; how many rules were judged."""
        due = self._due(now_us)
        until_us = now_us + LEASE_US
        if not due or not self._control.alerts.take_lease(LEASE, self._holder, now_us, until_us=until_us):
            return 0
        for rule, state, zone, at_us in due[:MAX_PER_ROUND]:
            try:
                self.judge(rule, state, zone, at_us, now_us)
                self.counters.judged += 1
            except StoreError as error:
                self.counters.failed += 1
                log.warning("rule %s of %s could not be judged: %s", rule.rule_id, rule.project, error)
        return min(len(due), MAX_PER_ROUND)

    def _due(self, now_us: int) -> list[tuple[Rule, AlertState, ZoneInfo, int]]:
        """Rules with the instant to judge each at. Instants that went by unjudged are not made up for: what grows over
        a period is seen at the next one or at the period's end, and what reaches back is looked at as it is now."""
        alerts = self._control.alerts
        rules = [rule_of(row) for row in alerts.rules()]
        states = alerts.states() if rules else {}
        due = [
            (rule, states[rule.rule_id], zone, at_us)
            for rule in rules
            if rule.enabled and rule.rule_id in states and self._control.project(rule.project) is not None
            for zone in [zone_of(self._control, rule.project)]
            for at_us in [windows.instant_due(rule, states[rule.rule_id].evaluated_us, now_us - self._delay_us, zone)]
            if at_us > states[rule.rule_id].evaluated_us
        ]
        due.sort(key=lambda found: found[1].evaluated_us)
        return due

    def judge(self, rule: Rule, state: AlertState, zone: ZoneInfo, at_us: int, now_us: int) -> bool:
        """Judge one rule at one instant; whether what came of it was kept."""
        (reading,) = read(self._ledger, rule, zone, [at_us])
        standing = Standing(state.level, state.since_us, state.period_us, state.known_us)
        after, turns = judge.step(rule, standing, reading)
        events = [self._event(rule, turn, zone) for turn in turns]
        kept = self._control.alerts.advance(
            state,
            AlertState(
                rule_id=rule.rule_id,
                revision=rule.revision,
                level=after.level,
                since_us=after.since_us,
                period_us=after.period_us,
                evaluated_us=at_us,
                known_us=after.known_us,
                body=reading_body(reading),
            ),
            events,
            target_ids=[target.target_id for target in rule.targets],
            now_us=now_us,
        )
        self.counters.told += len(events) if kept else 0
        return kept

    def _event(self, rule: Rule, turn: Turn, zone: ZoneInfo) -> AlertEvent:
        span = turn.reading.from_us, turn.reading.to_us
        names_models = rule.unit == "usd" or rule.kind == "unpriced"
        models = (
            unpriced_models(self._ledger, rule.project, *span) if names_models and turn.reading.counts.unpriced else []
        )
        return event_of(rule, turn, zone, models)


def event_of(rule: Rule, turn: Turn, zone: ZoneInfo, models: Sequence[str] = ()) -> AlertEvent:
    event_id = str(uuid.uuid4())
    return AlertEvent(
        event_id=event_id,
        rule_id=rule.rule_id,
        project=rule.project,
        at_us=turn.reading.at_us,
        body=messages.facts(rule, turn, event_id, zone, list(models)),
    )


def ended(rule: Rule, state: AlertState, zone: ZoneInfo, reason: judge.Reason) -> AlertEvent | None:
    """The end of what was told of a rule that a person changes or switches off; `None` when nothing was."""
    if not state.level:
        return None
    at_us = state.evaluated_us
    span = windows.span(rule, at_us, zone)
    value = state.body.get("value")
    reading = Reading(
        at_us=at_us,
        from_us=span[0],
        to_us=span[1],
        value=None if value is None else Decimal(value),
        limit=rule.limit,
        level=0,
    )
    return event_of(rule, Turn("resolved", reason, state.level, reading), zone)


def reading_body(reading: Reading) -> dict[str, Any]:
    """The last reading as it is kept with the state."""
    return {
        "value": None if reading.value is None else messages.amount(reading.value),
        "limit": messages.amount(reading.limit),
        "why": reading.why,
        "at_least": reading.at_least,
        "calls": reading.counts.calls,
        "missing": reading.counts.missing,
        "unpriced": reading.counts.unpriced,
        "from_us": reading.from_us,
        "to_us": reading.to_us,
    }


def zone_of(control: Control, project: str) -> ZoneInfo:
    """The project's time zone."""
    return ZoneInfo(control.settings_of(project).time_zone)
