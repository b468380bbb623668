"""Ids of traces and runs that were deleted: what still comes of them is not stored again."""

import logging
import threading
import time
from collections.abc import Collection, Iterable

from sqlalchemy import BigInteger, Column, Engine, Index, String, Table, delete, func, select

from everytoken.store.engine import insert_into
from everytoken.store.errors import StoreUnavailableError
from everytoken.store.rereading import REFRESH_S
from everytoken.store.tables import metadata

KEPT_US = 7 * 86_400_000_000
"""How long late parts are expected: a run that takes days to end, a journal that waits for its database."""
MAX_IDS = 500_000
"""Ids in memory, about 60 MB; beyond it the oldest leave."""
BATCH = 5_000

log = logging.getLogger("everytoken.store")

deleted_table = Table(
    "deleted_ids",
    metadata,
    Column("deleted_id", String(36), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_deleted_at", "at_us"),
)


class DeletedIds:
    """Thread-safe; durable when a call returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._read_at: float | None = None
        self._told: object = None
        metadata.create_all(engine, tables=[deleted_table])

    def add(self, ids: Iterable[str], at_us: int) -> None:
        """Remember them for `KEPT_US`; forget what is older."""
        rows = [{"deleted_id": one, "at_us": at_us} for one in dict.fromkeys(ids)]
        with self._lock:
            with self._engine.begin() as connection:
                connection.execute(delete(deleted_table).where(deleted_table.c.at_us < at_us - KEPT_US))
                statement = insert_into(connection, deleted_table)
                for at in range(0, len(rows), BATCH):
                    connection.execute(statement.on_conflict_do_nothing(), rows[at : at + BATCH])
            self._read_at = None

    def all(self) -> Collection[str]:
        """Ids of traces and of runs, `REFRESH_S` old at most while the database is there."""
        now = time.monotonic()
        with self._lock:
            if self._read_at is None or now - self._read_at > REFRESH_S:
                try:
                    self._known = self._read()
                except StoreUnavailableError as error:
                    log.warning("deleted ids could not be read again; those known are used: %s", error)
                self._read_at = now
            return self._known

    def _read(self) -> frozenset[str]:
        columns = deleted_table.c
        with self._engine.connect() as connection:
            # Which there are changes rarely: their number and the newest tell.
            told = connection.execute(select(func.count(), func.max(columns.at_us))).one()
            if told == self._told:
                return self._known
            newest = select(columns.deleted_id).order_by(columns.at_us.desc()).limit(MAX_IDS)
            self._told = told
            return frozenset(connection.execute(newest).scalars())
