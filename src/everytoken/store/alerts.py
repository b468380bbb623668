"""Alert rules, what state each is in, what happened, and what has still to be told to whom.

Several servers may work on the same rows: a change of state, the event it makes and its deliveries are one transaction
that only the server wins which saw the state last; a delivery is taken by moving its next attempt.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from everytoken.store.engine import insert_into
from everytoken.store.tables import metadata
from everytoken.store.visible import is_visible

MAX_EVENTS = 50_000
"""Beyond it the oldest leave, with their deliveries."""
PRUNE_EVERY = 500
MAX_ERROR_CHARS = 500
WAITING, SENT, FAILED = "waiting", "sent", "failed"

rule_table = Table(
    "alert_rules",
    metadata,
    Column("rule_id", String(36), primary_key=True),
    Column("project", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Index("ix_alert_rule_project", "project"),
)
state_table = Table(
    "alert_states",
    metadata,
    Column("rule_id", String(36), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("since_us", BigInteger),
    Column("period_us", BigInteger),
    Column("evaluated_us", BigInteger, nullable=False),
    Column("known_us", BigInteger),
    Column("body", Text, nullable=False),
)
event_table = Table(
    "alert_events",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", String(36), nullable=False, unique=True),
    Column("rule_id", String(36), nullable=False),
    Column("project", String, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_alert_event_project", "project", "number"),
)
delivery_table = Table(
    "alert_deliveries",
    metadata,
    Column("event_id", String(36), primary_key=True),
    Column("target_id", String(36), primary_key=True),
    Column("rule_id", String(36), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("done_us", BigInteger),
    Column("error", Text),
    Index("ix_alert_delivery_next", "state", "next_us"),
)
lease_table = Table(
    "alert_leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("until_us", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class RuleRow:
    rule_id: str
    project: str
    revision: int
    body: Mapping[str, Any]
    created_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    rule_id: str
    revision: int = 1
    level: int = 0
    """0: all well. Else what was told last: 1, or the percentage of a budget."""
    since_us: int | None = None
    """When it was first told, while it is not over."""
    period_us: int | None = None
    """Start of the calendar period that `level` belongs to."""
    evaluated_us: int = 0
    """The instant judged last; never the same one twice."""
    known_us: int | None = None
    """The last instant at which the value was known."""
    body: Mapping[str, Any]
    """The last reading, for those who look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    event_id: str
    rule_id: str
    project: str
    at_us: int
    body: Mapping[str, Any]
    number: int = 0
    """Grows with every event; also the cursor of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    event_id: str
    target_id: str
    rule_id: str
    state: str
    attempts: int
    next_us: int
    done_us: int | None = None
    error: str | None = None


class AlertStore:
    """Thread-safe. A change is durable when the call returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        tables = [rule_table, state_table, event_table, delivery_table, lease_table]
        metadata.create_all(engine, tables=tables)

    def rules(self, project: str | None = None) -> list[RuleRow]:
        """Of one project or of all that may be seen, in the order they were made."""
        statement = select(rule_table).order_by(rule_table.c.created_us, rule_table.c.rule_id)
        if project is not None:
            statement = statement.where(rule_table.c.project == project)
        with self._engine.connect() as connection:
            rows = [_rule(row) for row in connection.execute(statement)]
        return [row for row in rows if is_visible(row.project)]

    def rule(self, rule_id: str) -> RuleRow | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(rule_table).where(rule_table.c.rule_id == rule_id)).one_or_none()
        return None if row is None or not is_visible(row.project) else _rule(row)

    def add(self, rule: RuleRow, *, most: int) -> bool:
        """Keep a new rule, with a state in which all is well; `False` when there are `most` already."""
        with self._lock, self._engine.begin() as connection:
            if connection.execute(select(func.count()).select_from(rule_table)).scalar_one() >= most:
                return False
            connection.execute(insert(rule_table).values(_rule_values(rule)))
            fresh = AlertState(rule_id=rule.rule_id, revision=rule.revision, body={})
            connection.execute(insert(state_table).values(_state_values(fresh)))
        return True

    def change(
        self, rule: RuleRow, *, restart: bool, event: AlertEvent | None, target_ids: Sequence[str], now_us: int
    ) -> None:
        """Keep a rule's new form. `restart` begins its state anew; `event` ends what was told of the old form."""
        same = rule_table.c.rule_id == rule.rule_id
        with self._lock, self._engine.begin() as connection:
            connection.execute(update(rule_table).where(same).values(_rule_values(rule)))
            if restart:
                fresh = AlertState(rule_id=rule.rule_id, revision=rule.revision, body={})
                changed = update(state_table).where(state_table.c.rule_id == rule.rule_id)
                connection.execute(changed.values(_state_values(fresh)))
            if event is not None:
                _record(connection, event, target_ids, now_us)

    def drop(self, rule_id: str) -> None:
        """Forget a rule, its state and what was not delivered yet. What happened stays in the history."""
        with self._lock, self._engine.begin() as connection:
            for table in (rule_table, state_table):
                connection.execute(delete(table).where(table.c.rule_id == rule_id))
            waiting = (delivery_table.c.rule_id == rule_id) & (delivery_table.c.state == WAITING)
            connection.execute(delete(delivery_table).where(waiting))

    def states(self) -> dict[str, AlertState]:
        with self._engine.connect() as connection:
            return {row.rule_id: _state(row) for row in connection.execute(select(state_table))}

    def state(self, rule_id: str) -> AlertState | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(state_table).where(state_table.c.rule_id == rule_id)).one_or_none()
        return None if row is None else _state(row)

    def advance(
        self,
        seen: AlertState,
        now: AlertState,
        events: Sequence[AlertEvent],
        *,
        target_ids: Sequence[str],
        now_us: int,
    ) -> bool:
        """Go from one state to the next and keep what happened; `False`, and nothing is kept, when another server
        has judged meanwhile, or the rule was changed."""
        same = (
            (state_table.c.rule_id == seen.rule_id)
            & (state_table.c.revision == seen.revision)
            & (state_table.c.evaluated_us == seen.evaluated_us)
        )
        with self._lock, self._engine.begin() as connection:
            if connection.execute(update(state_table).where(same).values(_state_values(now))).rowcount != 1:
                return False
            for event in events:
                _record(connection, event, target_ids, now_us)
        return True

    def events(
        self, project: str, *, limit: int, before: int | None = None, rule_id: str | None = None
    ) -> list[AlertEvent]:
        """What happened in a project, newest first."""
        statement = (
            select(event_table).where(event_table.c.project == project).order_by(event_table.c.number.desc())
        ).limit(limit)
        if before is not None:
            statement = statement.where(event_table.c.number < before)
        if rule_id is not None:
            statement = statement.where(event_table.c.rule_id == rule_id)
        with self._engine.connect() as connection:
            return [_event(row) for row in connection.execute(statement)]

    def event(self, event_id: str) -> AlertEvent | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(event_table).where(event_table.c.event_id == event_id)).one_or_none()
        return None if row is None else _event(row)

    def deliveries(self, event_ids: Sequence[str]) -> list[Delivery]:
        statement = select(delivery_table).where(delivery_table.c.event_id.in_(event_ids))
        with self._engine.connect() as connection:
            return [_delivery(row) for row in connection.execute(statement.order_by(delivery_table.c.target_id))]

    def take_deliveries(self, now_us: int, *, until_us: int, limit: int) -> list[Delivery]:
        """Some that are due, the oldest first, which are this server's until `until_us`; then they are due again."""
        columns = delivery_table.c
        due = select(delivery_table).where((columns.state == WAITING) & (columns.next_us <= now_us))
        taken = []
        with self._lock, self._engine.begin() as connection:
            for row in connection.execute(due.order_by(columns.next_us).limit(limit)).all():
                found = _delivery(row)
                same = _same(found) & (columns.next_us == found.next_us) & (columns.state == WAITING)
                mine = update(delivery_table).where(same).values(next_us=until_us, attempts=columns.attempts + 1)
                if connection.execute(mine).rowcount == 1:
                    taken.append(found)
        return taken

    def delivered(self, delivery: Delivery, now_us: int) -> None:
        self._end(delivery, state=SENT, done_us=now_us, error=None)

    def not_delivered(self, delivery: Delivery, error: str, now_us: int, *, next_us: int | None) -> None:
        """Try again at `next_us`; never again without it."""
        error = error[:MAX_ERROR_CHARS]
        if next_us is None:
            self._end(delivery, state=FAILED, done_us=now_us, error=error)
        else:
            self._end(delivery, next_us=next_us, error=error)

    def _end(self, delivery: Delivery, **values: Any) -> None:
        with self._lock, self._engine.begin() as connection:
            connection.execute(update(delivery_table).where(_same(delivery)).values(**values))

    def take_lease(self, name: str, holder: str, now_us: int, *, until_us: int) -> bool:
        """Whether the work of that name is this holder's until then. It saves double work; the rows are safe anyway."""
        columns = lease_table.c
        # One that lasts ten times as long was taken before the clock was set back: nobody may hold it any more.
        beyond_us = now_us + 10 * (until_us - now_us)
        over = (columns.until_us <= now_us) | (columns.until_us >= beyond_us)
        free = (columns.name == name) & ((columns.holder == holder) | over)
        with self._lock, self._engine.begin() as connection:
            first = {"name": name, "holder": holder, "until_us": until_us}
            made = insert_into(connection, lease_table).values(first).on_conflict_do_nothing()
            if connection.execute(made).rowcount == 1:
                return True
            taken = update(lease_table).where(free).values(holder=holder, until_us=until_us)
            return connection.execute(taken).rowcount == 1


def _record(connection: Connection, event: AlertEvent, target_ids: Sequence[str], now_us: int) -> None:
    row = {
        "event_id": event.event_id,
        "rule_id": event.rule_id,
        "project": event.project,
        "at_us": event.at_us,
        "body": json.dumps(dict(event.body), ensure_ascii=False),
    }
    number = connection.execute(insert(event_table).values(row)).inserted_primary_key
    for target_id in target_ids:
        waits = {
            "event_id": event.event_id,
            "target_id": target_id,
            "rule_id": event.rule_id,
            "state": WAITING,
            "attempts": 0,
            "next_us": now_us,
        }
        connection.execute(insert(delivery_table).values(waits))
    if number is not None and number[0] % PRUNE_EVERY == 0:
        old = select(event_table.c.event_id).where(event_table.c.number <= number[0] - MAX_EVENTS)
        connection.execute(delete(delivery_table).where(delivery_table.c.event_id.in_(old)))
        connection.execute(delete(event_table).where(event_table.c.number <= number[0] - MAX_EVENTS))


def _same(delivery: Delivery) -> Any:
    columns = delivery_table.c
    return (columns.event_id == delivery.event_id) & (columns.target_id == delivery.target_id)


def _rule_values(rule: RuleRow) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        "project": rule.project,
        "revision": rule.revision,
        "body": json.dumps(dict(rule.body), ensure_ascii=False),
        "created_us": rule.created_us,
    }


def _rule(row: Any) -> RuleRow:
    return RuleRow(row.rule_id, row.project, row.revision, json.loads(row.body), row.created_us)


def _state_values(state: AlertState) -> dict[str, Any]:
    return {
        "rule_id": state.rule_id,
        "revision": state.revision,
        "level": state.level,
        "since_us": state.since_us,
        "period_us": state.period_us,
        "evaluated_us": state.evaluated_us,
        "known_us": state.known_us,
        "body": json.dumps(dict(state.body), ensure_ascii=False),
    }


def _state(row: Any) -> AlertState:
    return AlertState(
        rule_id=row.rule_id,
        revision=row.revision,
        level=row.level,
        since_us=row.since_us,
        period_us=row.period_us,
        evaluated_us=row.evaluated_us,
        known_us=row.known_us,
        body=json.loads(row.body),
    )


def _event(row: Any) -> AlertEvent:
    return AlertEvent(
        event_id=row.event_id,
        rule_id=row.rule_id,
        project=row.project,
        at_us=row.at_us,
        body=json.loads(row.body),
        number=row.number,
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        event_id=row.event_id,
        target_id=row.target_id,
        rule_id=row.rule_id,
        state=row.state,
        attempts=row.attempts,
        next_us=row.next_us,
        done_us=row.done_us,
        error=row.error,
    )
