"""The engine behind the control data: SQLite in the data folder, or PostgreSQL by `EVERYTOKEN_DATABASE_URL`."""

import sqlite3
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from everytoken.store.errors import StoreError, StoreUnavailableError

BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 30_000
POOL_SIZE = 10
"""Connections one server holds; as many again for a moment. PostgreSQL allows 100 unless told otherwise."""
DISK_FAULTS = frozenset(
    (
        sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_NOMEM,
    )
)  # fmt: skip
"""Of SQLite: what is no fault of the statement, and may be over a moment later."""
NUL, NUL_STAND_IN = "\0", "\ue000"
"""PostgreSQL's text holds every character but NUL, which a project's name may hold: a private one stands for it."""


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///…` or `postgresql://…`. Nothing is connected yet.

    Raises:
        StoreError: the URL is of neither kind.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "handle_error", _say_what_the_disk_refuses, retval=True)
        return engine
    engine = create_engine(
        parsed,
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "everytoken",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
        },
    )
    event.listen(engine, "connect", _configure_postgresql)
    event.listen(engine, "handle_error", _say_unavailable, retval=True)
    return engine


def is_shared(engine: Engine) -> bool:
    """Whether other servers may write to the same control data."""
    return engine.dialect.name != "sqlite"


def insert_into(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An insert that knows `on_conflict_do_nothing` and `on_conflict_do_update`, in the words of this database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _parsed(url: str) -> URL:
    hint = "write it as postgresql://user:password@host:5432/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("EVERYTOKEN_DATABASE_URL is not a URL", hint=hint) from None
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreError(f"EVERYTOKEN_DATABASE_URL names {parsed.drivername}, which holds no control data", hint=hint)
    return parsed


def _configure_sqlite(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _configure_postgresql(connection: Any, _record: ConnectionPoolEntry) -> None:
    from psycopg.types.string import StrDumper, TextLoader

    class NulDumper(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace(NUL, NUL_STAND_IN))

    class NulLoader(TextLoader):
        def load(self, data: Any) -> str | bytes:
            text = super().load(data)
            return text.replace(NUL_STAND_IN, NUL) if isinstance(text, str) else text

    driver = connection.driver_connection if hasattr(connection, "driver_connection") else connection
    driver.adapters.register_dumper(str, NulDumper)
    for kind in ("text", "varchar"):
        driver.adapters.register_loader(kind, NulLoader)


def _say_what_the_disk_refuses(context: ExceptionContext) -> BaseException | None:
    """A full disk is not a fault of what is written: it may be written again."""
    code = getattr(context.original_exception, "sqlite_errorcode", 0)
    if code & 0xFF in DISK_FAULTS:  # above it, SQLite tells more about the same fault
        return StoreUnavailableError(
            f"the control data cannot be used: {context.original_exception}", hint="free some disk space"
        )
    return None


def _say_unavailable(context: ExceptionContext) -> BaseException | None:
    """A database that is away is not a fault of the request: it may be sent again."""
    if context.is_disconnect or isinstance(context.sqlalchemy_exception, OperationalError):
        return StoreUnavailableError("the control database does not answer", hint="ask again")
    return None
