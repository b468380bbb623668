"""What people and programs say about runs afterwards: feedback, and small documents such as shares and price maps."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Engine,
    Float,
    Index,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    not_,
    select,
)

from everytoken.store.engine import insert_into
from everytoken.store.tables import metadata

MAX_MATCHED_RUNS = 50_000
"""Runs that one test of feedback may name; they travel to the ledger as a parameter."""
SQL_IDS = 500
"""Ids of one statement; SQLite binds 32,766 values at most."""

feedback_table = Table(
    "feedback",
    metadata,
    Column("feedback_id", String(36), primary_key=True),
    Column("run_id", String(36)),
    Column("session_id", String(36)),
    Column("key", String, nullable=False),
    Column("score", Float),
    Column("value", Text),
    Column("comment", Text),
    Column("source", String),
    Column("created_us", BigInteger, nullable=False),
    Column("modified_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_feedback_run", "run_id"),
    Index("ix_feedback_key", "key", "run_id"),
)
document_table = Table(
    "documents",
    metadata,
    Column("kind", String, primary_key=True),
    Column("document_id", String, primary_key=True),
    Column("subject", String),
    Column("body", Text, nullable=False),
    Index("ix_document_subject", "kind", "subject"),
)

_OPERATORS = {
    "eq": "__eq__", "neq": "__ne__", "gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__",
    "like": "ilike", "in": "in_",
}  # fmt: skip


class Annotations:
    """Thread-safe. Durable when a call returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put_feedback(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Store feedback, each by its `id`; one that is there already is overwritten, but keeps its creation."""
        with self._engine.begin() as connection:
            for body in bodies:
                row = _feedback_row(body)
                kept = {name: value for name, value in row.items() if name not in ("feedback_id", "created_us")}
                statement = insert_into(connection, feedback_table).values(row)
                connection.execute(statement.on_conflict_do_update(index_elements=["feedback_id"], set_=kept))

    def feedback(self, feedback_id: str) -> dict[str, Any] | None:
        with self._engine.connect() as connection:
            row = connection.execute(
                select(feedback_table.c.body).where(feedback_table.c.feedback_id == feedback_id)
            ).first()
        return json.loads(row.body) if row else None

    def delete_feedback(self, feedback_id: str) -> bool:
        """True when it was there."""
        with self._engine.begin() as connection:
            found = connection.execute(delete(feedback_table).where(feedback_table.c.feedback_id == feedback_id))
        return found.rowcount > 0

    def list_feedback(
        self,
        *,
        any_of: Mapping[str, Sequence[str]] | None = None,
        conditions: Mapping[str, bool] | None = None,
        created: tuple[int | None, int | None] = (None, None),
        experiment: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> list[dict[str, Any]]:
        """Feedback, newest first.

        `any_of` names columns that must hold one of some values, where there are some; `conditions` those that must be
        set, or must not. `experiment` is the id of a comparative experiment, which is a part of the body alone.
        """
        columns = feedback_table.c
        wanted: list[ColumnElement[bool]] = []
        for name, values in (any_of or {}).items():
            if values:
                wanted.append(columns[name].in_(list(values)))
        for name, is_set in (conditions or {}).items():
            wanted.append(columns[name].is_not(None) if is_set else columns[name].is_(None))
        if experiment is not None:
            wanted.append(columns.body.contains(f'"comparative_experiment_id": "{experiment}"', autoescape=True))
        if created[0] is not None:
            wanted.append(columns.created_us >= created[0])
        if created[1] is not None:
            wanted.append(columns.created_us <= created[1])
        statement = (
            select(columns.body)
            .where(*wanted)
            .order_by(columns.created_us.desc(), columns.feedback_id)
            .limit(limit)
            .offset(offset)
        )
        with self._engine.connect() as connection:
            return [json.loads(row.body) for row in connection.execute(statement)]

    def feedback_of_runs(self, run_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Feedback by run."""
        found: dict[str, list[dict[str, Any]]] = {}
        with self._engine.connect() as connection:
            for at in range(0, len(run_ids), SQL_IDS):
                some = feedback_table.c.run_id.in_(list(run_ids[at : at + SQL_IDS]))
                statement = select(feedback_table.c.run_id, feedback_table.c.body).where(some)
                for row in connection.execute(statement.order_by(feedback_table.c.created_us)):
                    found.setdefault(row.run_id, []).append(json.loads(row.body))
        return found

    def feedback_of_session(self, session_id: str, *, own: bool) -> list[dict[str, Any]]:
        """Feedback on the runs of a project, or `own`: on the project itself. At most `MAX_MATCHED_RUNS`."""
        columns = feedback_table.c
        target = columns.run_id.is_(None) if own else columns.run_id.is_not(None)
        statement = select(columns.body).where(columns.session_id == session_id, target).limit(MAX_MATCHED_RUNS)
        with self._engine.connect() as connection:
            return [json.loads(row.body) for row in connection.execute(statement)]

    def runs_with_feedback(self, tests: Sequence[tuple[str, str, Any]]) -> list[str]:
        """Runs with one piece of feedback that passes all tests of (column, operator, value); the newest first."""
        columns = feedback_table.c
        conditions = [_test(columns[name], operator, value) for name, operator, value in tests]
        statement = (
            select(columns.run_id)
            .where(columns.run_id.is_not(None), and_(*conditions))
            .group_by(columns.run_id)
            .order_by(func.max(columns.created_us).desc())
            .limit(MAX_MATCHED_RUNS)
        )
        with self._engine.connect() as connection:
            return [row.run_id for row in connection.execute(statement)]

    def put(self, kind: str, document_id: str, body: Mapping[str, Any], *, subject: str | None = None) -> None:
        """Store a document; one of the same kind and id is overwritten."""
        row = {"kind": kind, "document_id": document_id, "subject": subject, "body": json.dumps(dict(body))}
        kept = {"subject": row["subject"], "body": row["body"]}
        with self._engine.begin() as connection:
            statement = insert_into(connection, document_table).values(row)
            connection.execute(statement.on_conflict_do_update(index_elements=["kind", "document_id"], set_=kept))

    def keep_first(self, kind: str, document_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The document that is there, else this one: the same for all servers that ask at once."""
        row = {"kind": kind, "document_id": document_id, "subject": None, "body": json.dumps(dict(body))}
        with self._engine.begin() as connection:
            connection.execute(insert_into(connection, document_table).values(row).on_conflict_do_nothing())
        kept = self.get(kind, document_id)
        return dict(body) if kept is None else kept

    def get(self, kind: str, document_id: str) -> dict[str, Any] | None:
        with self._engine.connect() as connection:
            row = connection.execute(
                select(document_table.c.body).where(
                    document_table.c.kind == kind, document_table.c.document_id == document_id
                )
            ).first()
        return json.loads(row.body) if row else None

    def of_kind(self, kind: str, *, subjects: Sequence[str] = (), limit: int = 10_000) -> list[dict[str, Any]]:
        """Documents of a kind, of all subjects or of some, in the order of their ids."""
        statement = select(document_table.c.body).where(document_table.c.kind == kind)
        if subjects:
            statement = statement.where(document_table.c.subject.in_(list(subjects)[:SQL_IDS]))
        with self._engine.connect() as connection:
            rows = connection.execute(statement.order_by(document_table.c.document_id).limit(limit))
            return [json.loads(row.body) for row in rows]

    def drop(self, kind: str, document_id: str) -> bool:
        """True when it was there."""
        with self._engine.begin() as connection:
            found = connection.execute(
                delete(document_table).where(document_table.c.kind == kind, document_table.c.document_id == document_id)
            )
        return found.rowcount > 0

    def forget_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the feedback on these runs."""
        with self._engine.begin() as connection:
            for at in range(0, len(run_ids), SQL_IDS):
                some = list(run_ids[at : at + SQL_IDS])
                connection.execute(delete(feedback_table).where(feedback_table.c.run_id.in_(some)))

    def forget_session(self, session_id: str) -> None:
        """Delete the feedback on a project and on its runs."""
        with self._engine.begin() as connection:
            connection.execute(delete(feedback_table).where(feedback_table.c.session_id == session_id))


def _test(column: Column[Any], operator: str, value: Any) -> ColumnElement[bool]:
    values = list(value) if operator == "in" else value
    if operator in ("eq", "neq") and value is None:
        return column.is_(None) if operator == "eq" else column.is_not(None)
    passed: ColumnElement[bool] = getattr(column, _OPERATORS[operator])(values)
    return and_(column.is_not(None), passed) if operator != "neq" else not_(func.coalesce(column == value, False))


def _feedback_row(body: Mapping[str, Any]) -> dict[str, Any]:
    score = body.get("score")
    return {
        "feedback_id": body["id"],
        "run_id": body.get("run_id"),
        "session_id": body.get("session_id"),
        "key": body["key"],
        "score": None if score is None else float(score),
        "value": _text(body.get("value")),
        "comment": _text(body.get("comment")),
        "source": _text((body.get("feedback_source") or {}).get("type")),
        "created_us": body["created_us"],
        "modified_us": body["modified_us"],
        "body": json.dumps(dict(body)),
    }


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
