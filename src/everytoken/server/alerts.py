"""A project's budgets and alerts over HTTP: rules, their preview on history, what happened, and a trial of delivery."""

import secrets
import time
import uuid
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.alerts import messages
from everytoken.alerts.evaluate import ended, zone_of
from everytoken.alerts.preview import MAX_DAYS, preview
from everytoken.alerts.rulebook import row_of, rule_of
from everytoken.alerts.rules import (
    DEFAULT_LEVELS,
    DEFAULT_MIN_CALLS,
    MAX_ADDRESS_CHARS,
    MAX_KEY_CHARS,
    MAX_LEVELS,
    MAX_NAME_CHARS,
    MAX_RULES,
    MAX_TARGETS,
    Kind,
    Rule,
    RuleError,
    Target,
    TargetKind,
    WindowName,
    checked,
)
from everytoken.query.errors import NotFoundError
from everytoken.query.measures import Scope, ScopeBy
from everytoken.query.projects import known_project
from everytoken.server.access import of_request
from everytoken.server.alert_rows import (
    AlertEvents,
    AlertPreview,
    AlertRow,
    Alerts,
    KeptAlert,
    TargetSecret,
    Tried,
    TriedTarget,
    alert_row,
    event_row,
    preview_point,
    preview_turn,
)
from everytoken.server.errors import RequestError
from everytoken.server.product import PAGE_DEFAULT, PAGE_MAX, PREFIX, PROBLEMS, Using, answer

router = APIRouter(prefix=f"{PREFIX}/projects/{{project:path}}", responses=PROBLEMS)


class TargetBody(BaseModel):
    target_id: str | None = Field(default=None, max_length=36, description="Of one that is there: it stays as it is.")
    kind: TargetKind = "webhook"
    address: str | None = Field(
        default=None, max_length=MAX_ADDRESS_CHARS, description="URL, or e-mail address; may be left out with an id."
    )


class AlertBody(BaseModel):
    name: str = Field(max_length=MAX_NAME_CHARS)
    kind: Kind
    window: WindowName = Field(description="day, week and month are the project's own; the others reach back.")
    limit: str = Field(max_length=40, description="Decimal: USD, tokens, percent, points, milliseconds or calls.")
    scope_by: ScopeBy = "none"
    scope_key: str | None = Field(default=None, max_length=MAX_KEY_CHARS)
    min_calls: int = Field(default=DEFAULT_MIN_CALLS, ge=1, description="For rates, shares and percentiles.")
    levels: list[int] | None = Field(default=None, max_length=MAX_LEVELS, description="Of a budget, in percent.")
    targets: list[TargetBody] = Field(default=[], max_length=MAX_TARGETS)
    enabled: bool = True


@router.get("/alerts", response_model=Alerts)
def list_alerts(use: Using, project: str) -> Response:
    """Rules of a project and how each stands."""
    known_project(use.control, project)
    states = use.control.alerts.states()
    rows = [alert_row(rule_of(row), states.get(row.rule_id)) for row in use.control.alerts.rules(project)]
    return answer(Alerts(project, zone_of(use.control, project).key, rows))


@router.post("/alerts", response_model=KeptAlert)
def create_alert(use: Using, request: Request, project: str, body: AlertBody) -> Response:
    """Make a rule. It is judged from now on; the secrets of its webhooks are told this once."""
    known_project(use.control, project)
    actor = of_request(request).actor
    rule = _rule(project, body, None, now_us=time.time_ns() // 1000, actor=actor)
    if not use.control.alerts.add(row_of(rule), most=MAX_RULES):
        raise RequestError(f"there are {MAX_RULES} rules already", code="rules_full", hint="delete some", status=409)
    use.control.audit.record(actor, "alert.create", rule.rule_id, None, rule.told())
    return answer(KeptAlert(alert_row(rule, use.control.alerts.state(rule.rule_id)), _secrets(rule, ())))


@router.post("/alerts/preview", response_model=AlertPreview)
def preview_alert(
    use: Using, project: str, body: AlertBody, days: Annotated[int, Query(ge=1, le=MAX_DAYS)] = 7
) -> Response:
    """When a rule would have fired in the last days. Nothing is kept and nobody is told."""
    known_project(use.control, project)
    zone = zone_of(use.control, project)
    now_us = time.time_ns() // 1000
    rule = _rule(project, body.model_copy(update={"targets": []}), None, now_us=now_us, actor="")
    seen = preview(use.ledger, rule, zone, days=days, now_us=now_us)
    return answer(
        AlertPreview(
            project=project,
            time_zone=zone.key,
            unit=rule.unit,
            from_us=seen.from_us,
            to_us=seen.to_us,
            judged=seen.judged,
            unknown=seen.unknown,
            fired=sum(turn.happening == "fired" for turn in seen.turns),
            resolved=sum(turn.happening == "resolved" for turn in seen.turns),
            turns=[preview_turn(rule, turn, zone) for turn in seen.turns],
            truncated=seen.truncated,
            course=[preview_point(reading) for reading in seen.course],
        )
    )


@router.put("/alerts/{rule_id}", response_model=KeptAlert)
def change_alert(use: Using, request: Request, project: str, rule_id: str, body: AlertBody) -> Response:
    """Put a rule in the place of another. What was told of the old one is resolved if it judges otherwise."""
    before = _known_rule(use, project, rule_id)
    now_us, actor = time.time_ns() // 1000, of_request(request).actor
    after = _rule(project, body, before, now_us=now_us, actor=actor)
    restart = not after.judges_like(before)
    state = use.control.alerts.state(rule_id)
    over = None
    if restart and state is not None:
        after = replace(after, revision=before.revision + 1)
        zone = zone_of(use.control, project)
        over = ended(before, state, zone, "changed" if after.enabled else "disabled")
    use.control.alerts.change(
        row_of(after),
        restart=restart,
        event=over,
        target_ids=[target.target_id for target in after.targets],
        now_us=now_us,
    )
    use.control.audit.record(actor, "alert.change", rule_id, before.told(), after.told())
    return answer(KeptAlert(alert_row(after, use.control.alerts.state(rule_id)), _secrets(after, before.targets)))


@router.delete("/alerts/{rule_id}", response_model=AlertRow)
def delete_alert(use: Using, request: Request, project: str, rule_id: str) -> Response:
    """Delete a rule. Nothing more is told of it; its history stays."""
    rule = _known_rule(use, project, rule_id)
    state = use.control.alerts.state(rule_id)
    use.control.alerts.drop(rule_id)
    use.control.audit.record(of_request(request).actor, "alert.delete", rule_id, rule.told(), None)
    return answer(alert_row(rule, state))


@router.post("/alerts/{rule_id}/test", response_model=Tried)
async def test_alert(use: Using, request: Request, project: str, rule_id: str) -> Response:
    """Send a trial to each target of a rule, once, and say what became of it."""
    return await run_in_threadpool(_try, use, request, project, rule_id)


@router.get("/alert-events", response_model=AlertEvents)
def list_alert_events(
    use: Using,
    project: str,
    rule_id: Annotated[str | None, Query(max_length=36)] = None,
    cursor: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
) -> Response:
    """What happened: alerts that fired and resolved, and whom it reached, newest first."""
    known_project(use.control, project)
    found = use.control.alerts.events(project, limit=limit + 1, before=cursor, rule_id=rule_id)
    page = found[:limit]
    reached = use.control.alerts.deliveries([event.event_id for event in page])
    rows = [event_row(event, [one for one in reached if one.event_id == event.event_id]) for event in page]
    return answer(AlertEvents(project, rows, page[-1].number if len(found) > limit else None))


def _try(use: Using, request: Request, project: str, rule_id: str) -> Response:
    rule = _known_rule(use, project, rule_id)
    now_us = time.time_ns() // 1000
    zone = zone_of(use.control, project)
    tried = []
    for target in rule.targets:
        body = messages.trial(rule, str(uuid.uuid4()), now_us, zone)
        outcome = request.app.state.alerting.sender.send(target, body, now_us)
        tried.append(TriedTarget(target.target_id, target.kind, target.shown, outcome.error))
    return answer(Tried(tried))


def _known_rule(use: Using, project: str, rule_id: str) -> Rule:
    known_project(use.control, project)
    row = use.control.alerts.rule(rule_id)
    if row is None or row.project != project:
        raise NotFoundError(f"no rule {rule_id[:100]!r}", field="path.rule_id", hint="GET …/alerts lists them")
    return rule_of(row)


def _rule(project: str, body: AlertBody, before: Rule | None, *, now_us: int, actor: str) -> Rule:
    """What was asked for, checked."""
    try:
        limit = Decimal(body.limit)
    except InvalidOperation:
        raise RequestError("limit: write a decimal number", field="body.limit") from None
    levels = body.levels if body.levels is not None else list(DEFAULT_LEVELS) if body.kind == "budget" else []
    try:
        return checked(
            Rule(
                rule_id=before.rule_id if before else str(uuid.uuid4()),
                project=project,
                name=body.name.strip(),
                kind=body.kind,
                window=body.window,
                limit=limit,
                scope=Scope(body.scope_by, body.scope_key or ""),
                min_calls=body.min_calls,
                levels=tuple(levels),
                targets=tuple(_target(one, before.targets if before else ()) for one in body.targets),
                enabled=body.enabled,
                revision=before.revision if before else 1,
                created_us=before.created_us if before else now_us,
                created_by=before.created_by if before else actor,
            )
        )
    except RuleError as error:
        raise RequestError(f"{error.field}: {error}", field=f"body.{error.field}") from error


def _target(body: TargetBody, known: tuple[Target, ...]) -> Target:
    if body.target_id is not None:
        held = next((target for target in known if target.target_id == body.target_id), None)
        if held is None or (body.address not in (None, held.address, held.shown)):
            raise RuleError("targets", "this id is no target of the rule, or of another address: leave it out")
        return held
    if body.address is None:
        raise RuleError("targets", "write where to send it")
    secret = f"etwh_{secrets.token_urlsafe(32)}" if body.kind == "webhook" else ""
    return Target(target_id=str(uuid.uuid4()), kind=body.kind, address=body.address.strip(), secret=secret)


def _secrets(rule: Rule, known: tuple[Target, ...]) -> list[TargetSecret]:
    old = {target.target_id for target in known}
    return [TargetSecret(t.target_id, t.secret) for t in rule.targets if t.secret and t.target_id not in old]
