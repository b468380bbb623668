"""Brings the control data to this program's schema: automatic, all or nothing, one server at a time."""

from collections.abc import Collection

from sqlalchemy import Connection, Engine, inspect, select, text

from everytoken.store.errors import FolderError
from everytoken.store.tables import facts, metadata

SCHEMA_VERSION = 3
"""Of the control data; revision `0003` of `migrations/versions`. 1 had projects and facts; 2 added feedback, documents
and what is told about a project; 3 is all tables of the shared metadata, versioned by Alembic."""
LOCK_KEY = 0x65764354
"""`evCT`: PostgreSQL's advisory lock that servers which start together wait for."""
_REVISIONS = "alembic_version"


def migrate(engine: Engine) -> int:
    """The schema version, which is `SCHEMA_VERSION` when it returns.

    Everything happens in one transaction, so a server killed on the way leaves what was there before.

    Raises:
        FolderError: a newer everytoken wrote it, or another program.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins none of its own for a change of schema
        else:
            connection.execute(select(text(f"pg_advisory_xact_lock({LOCK_KEY})")))
        found = found_version(connection)
        if found > SCHEMA_VERSION:
            raise FolderError(
                f"the control data was written by a newer everytoken (schema {found}; this one knows {SCHEMA_VERSION})",
                hint="upgrade everytoken, or name other control data: --data DIR, EVERYTOKEN_DATABASE_URL",
            )
        if found < SCHEMA_VERSION or not inspect(connection).has_table(_REVISIONS):
            _upgrade(connection, found)
        metadata.create_all(connection)  # a table that is new, and changes none that is there, needs no revision
        connection.commit()
    return SCHEMA_VERSION


def found_version(connection: Connection) -> int:
    """0 for a database without control data. Before 3 the version was a fact alone.

    Raises:
        FolderError: tables of these names are there, and are another program's.
    """
    seen = inspect(connection)
    named = {*metadata.tables, _REVISIONS} & set(seen.get_table_names())
    if not named:
        return 0
    # Every schema has had the facts, and the first transaction made them with the rest.
    if facts.name not in named or {column["name"] for column in seen.get_columns(facts.name)} != {"name", "value"}:
        raise _foreign(named)
    told = connection.execute(select(facts.c.value).where(facts.c.name == "schema_version")).scalars().all()
    if _REVISIONS in named:
        held = connection.execute(select(text("version_num")).select_from(text(_REVISIONS))).scalars()
        told = [*told, *held]
    if not told or not all(version.isdecimal() for version in told):
        raise _foreign(named)
    return max(map(int, told))


def _foreign(tables: Collection[str]) -> FolderError:
    return FolderError(
        f"the control database holds tables of another program: {', '.join(sorted(tables))}",
        hint="name a database of its own: EVERYTOKEN_DATABASE_URL, or another folder: --data DIR",
    )


def _upgrade(connection: Connection, found: int) -> None:
    from alembic import command  # a fifth of a second that only a start with something to change waits for
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "everytoken.store:migrations")
    config.attributes["connection"] = connection
    if found and not inspect(connection).has_table(_REVISIONS):
        command.stamp(config, f"{found:04}")
    command.upgrade(config, f"{SCHEMA_VERSION:04}")
