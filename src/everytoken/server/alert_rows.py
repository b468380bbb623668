"""What the API says of alerts: how a rule stands, what happened, and what a preview saw."""

from dataclasses import dataclass
from typing import Any, Literal

from everytoken.alerts import messages
from everytoken.alerts.judge import Turn
from everytoken.alerts.readings import Reading
from everytoken.alerts.rules import Kind, Rule, TargetKind, WindowName
from everytoken.query.measures import ScopeBy
from everytoken.store.alerts import AlertEvent, AlertState, Delivery

StateName = Literal["ok", "firing", "unknown", "off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    target_id: str
    kind: TargetKind
    address: str
    """Without what may be secret in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    rule_id: str
    name: str
    kind: Kind
    window: WindowName
    limit: str
    unit: str
    """`usd`, `tokens`, `percent`, `points`, `ms` or `calls`: of `limit` and `value`."""
    scope_by: ScopeBy
    scope_key: str | None
    min_calls: int
    levels: list[int]
    targets: list[TargetRow]
    enabled: bool
    created_us: int
    created_by: str
    state: StateName
    level: int | None
    """Of a budget: the percentage reached in this period."""
    since_us: int | None
    evaluated_us: int | None
    """The instant judged last; `null` before the first."""
    value: str | None
    """At that instant; `null` when it is not known."""
    value_limit: str | None
    """What it was held against: for an anomaly, what is usual and the rise above it."""
    at_least: bool
    why: str | None
    """Why the value is not known."""
    calls: int | None
    missing_calls: int | None
    unpriced_calls: int | None


@dataclass(frozen=True, slots=True)
class Alerts:
    project: str
    time_zone: str
    rules: list[AlertRow]


@dataclass(frozen=True, slots=True)
class TargetSecret:
    target_id: str
    secret: str
    """Signs what this webhook is sent. Shown this once."""


@dataclass(frozen=True, slots=True)
class KeptAlert:
    rule: AlertRow
    secrets: list[TargetSecret]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    target_id: str
    state: str
    """`waiting`, `sent` or `failed`."""
    attempts: int
    next_us: int | None
    done_us: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEventRow:
    event_id: str
    rule_id: str
    rule_name: str
    kind: Kind
    happening: Literal["fired", "resolved"]
    reason: str
    at_us: int
    from_us: int
    to_us: int
    value: str | None
    limit: str
    unit: str
    level: int | None
    at_least: bool
    calls: int
    missing_calls: int
    unpriced_calls: int
    text: str
    deliveries: list[DeliveryRow]


@dataclass(frozen=True, slots=True)
class AlertEvents:
    project: str
    events: list[AlertEventRow]
    next: int | None
    """`cursor` of the page after this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewTurn:
    happening: Literal["fired", "resolved"]
    reason: str
    at_us: int
    level: int | None
    value: str | None
    at_least: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPoint:
    at_us: int
    value: str | None
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPreview:
    project: str
    time_zone: str
    unit: str
    from_us: int
    to_us: int
    judged: int
    """Instants at which the clock would have judged."""
    unknown: int
    """Of them, those at which the value was not known."""
    fired: int
    resolved: int
    turns: list[PreviewTurn]
    truncated: bool
    course: list[PreviewPoint]


@dataclass(frozen=True, slots=True)
class TriedTarget:
    target_id: str
    kind: TargetKind
    address: str
    error: str | None
    """`null`: it arrived."""


@dataclass(frozen=True, slots=True)
class Tried:
    targets: list[TriedTarget]


def alert_row(rule: Rule, state: AlertState | None) -> AlertRow:
    """A rule and how it stands."""
    body: dict[str, Any] = dict(state.body) if state else {}
    level = state.level if state else 0
    judged = state is not None and state.evaluated_us > 0
    name: StateName = "firing" if level else "unknown" if not judged or body.get("value") is None else "ok"
    return AlertRow(
        rule_id=rule.rule_id,
        name=rule.name,
        kind=rule.kind,
        window=rule.window,
        limit=messages.amount(rule.limit),
        unit=rule.unit,
        scope_by=rule.scope.by,
        scope_key=rule.scope.key or None,
        min_calls=rule.min_calls,
        levels=list(rule.levels),
        targets=[TargetRow(target_id=t.target_id, kind=t.kind, address=t.shown) for t in rule.targets],
        enabled=rule.enabled,
        created_us=rule.created_us,
        created_by=rule.created_by,
        state=name if rule.enabled else "off",
        level=level if rule.kind == "budget" and level else None,
        since_us=state.since_us if state else None,
        evaluated_us=state.evaluated_us if state and judged else None,
        value=body.get("value"),
        value_limit=body.get("limit"),
        at_least=body.get("at_least", False),
        why=body.get("why"),
        calls=body.get("calls"),
        missing_calls=body.get("missing"),
        unpriced_calls=body.get("unpriced"),
    )


def event_row(event: AlertEvent, reached: list[Delivery]) -> AlertEventRow:
    """What happened, and whom it reached."""
    body = event.body
    return AlertEventRow(
        event_id=event.event_id,
        rule_id=event.rule_id,
        rule_name=body["rule"]["name"],
        kind=body["rule"]["kind"],
        happening="fired" if body["type"] == "alert.fired" else "resolved",
        reason=body["reason"],
        at_us=event.at_us,
        from_us=body["window"]["from_us"],
        to_us=body["window"]["to_us"],
        value=body["value"],
        limit=body["limit"],
        unit=body["unit"],
        level=body["level"],
        at_least=body["at_least"],
        calls=body["calls"],
        missing_calls=body["missing_calls"],
        unpriced_calls=body["unpriced_calls"],
        text=body["text"],
        deliveries=[
            DeliveryRow(
                target_id=one.target_id,
                state=one.state,
                attempts=one.attempts,
                next_us=one.next_us if one.state == "waiting" else None,
                done_us=one.done_us,
                error=one.error,
            )
            for one in reached
        ],
    )


def preview_turn(rule: Rule, turn: Turn, zone: Any) -> PreviewTurn:
    """A turn that a rule would have taken."""
    body = messages.facts(rule, turn, "", zone, [])
    return PreviewTurn(
        happening=turn.happening,
        reason=turn.reason,
        at_us=turn.reading.at_us,
        level=body["level"],
        value=body["value"],
        at_least=turn.reading.at_least,
        text=body["text"],
    )


def preview_point(reading: Reading) -> PreviewPoint:
    """What a rule would have seen at one instant."""
    value = None if reading.value is None else messages.amount(reading.value)
    return PreviewPoint(at_us=reading.at_us, value=value, limit=messages.amount(reading.limit))
