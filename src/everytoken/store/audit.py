"""The audit log: who changed a key, a user, a price, a budget or a setting, when, from what to what."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, Index, Integer, String, Table, Text, delete, func, insert, select

from everytoken.store.tables import metadata

MAX_ENTRIES = 100_000
"""Changes by people are few: this is decades of them. Beyond it the oldest leave."""
MAX_VALUE_CHARS = 20_000
"""Of one side of a change; a longer one is kept as its beginning."""
PRUNE_EVERY = 1_000

audit_table = Table(
    "audit",
    metadata,
    Column("entry_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Index("ix_audit_action", "action", "entry_id"),
)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    entry_id: int
    """Grows with every entry; also the cursor of a page."""
    at_us: int
    actor: str
    """`key:<id>`, `user:<name>`, `cli` for a command on the data folder, `local` on an open loopback server, `setting`
    for the environment and the price file, `retention` for the sweep."""
    action: str
    """What happened, as `key.create` or `settings.change`."""
    subject: str
    """What it happened to: a key's id, a project's name, ..."""
    before: Any
    after: Any


class Audit:
    """Thread-safe. An entry is durable when `record` returns."""

    def __init__(self, engine: Engine, *, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._engine = engine
        self._clock_us = clock_us
        metadata.create_all(engine, tables=[audit_table])

    def record(
        self,
        actor: str,
        action: str,
        subject: str,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one entry. Secrets do not belong into `before` and `after`."""
        row = {
            "at_us": self._clock_us(),
            "actor": actor[:300],
            "action": action[:100],
            "subject": subject[:1_000],
            "before": _text(before),
            "after": _text(after),
        }
        with self._engine.begin() as connection:
            entry_id = connection.execute(insert(audit_table).values(row)).inserted_primary_key
            if entry_id is not None and entry_id[0] % PRUNE_EVERY == 0:
                newest = select(func.max(audit_table.c.entry_id)).scalar_subquery()
                connection.execute(delete(audit_table).where(audit_table.c.entry_id <= newest - MAX_ENTRIES))

    def page(
        self, *, limit: int, before_id: int | None = None, action: str | None = None, subject: str | None = None
    ) -> list[AuditEntry]:
        """Entries older than `before_id`, newest first. `action` may be a whole one or its first word."""
        columns = audit_table.c
        statement = select(audit_table).order_by(columns.entry_id.desc()).limit(limit)
        if before_id is not None:
            statement = statement.where(columns.entry_id < before_id)
        if action is not None:
            statement = statement.where(
                (columns.action == action) | columns.action.startswith(f"{action}.", autoescape=True)
            )
        if subject is not None:
            statement = statement.where(columns.subject == subject)
        with self._engine.connect() as connection:
            return [
                AuditEntry(
                    row.entry_id, row.at_us, row.actor, row.action, row.subject, _value(row.before), _value(row.after)
                )
                for row in connection.execute(statement)
            ]


def _text(value: Mapping[str, Any] | None) -> str | None:
    if value is None:
        return None
    text = json.dumps(dict(value), ensure_ascii=False, default=str)
    return text if len(text) <= MAX_VALUE_CHARS else json.dumps({"truncated": text[: MAX_VALUE_CHARS // 2]})


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)
