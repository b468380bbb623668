"""The schema of the control data: brought up to date from every version, on both databases, killed at any statement."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, event, inspect, text

from everytoken.config import Settings
from everytoken.store.control import Control
from everytoken.store.engine import open_engine
from everytoken.store.errors import FolderError
from everytoken.store.migrate import SCHEMA_VERSION, found_version, migrate
from everytoken.store.tables import metadata

V1 = """
CREATE TABLE facts (name VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE projects (project_id VARCHAR(36) NOT NULL PRIMARY KEY,
  name VARCHAR NOT NULL UNIQUE, created_us BIGINT NOT NULL);
INSERT INTO facts VALUES ('tenant_id', 'the-tenant'), ('schema_version', '1');
INSERT INTO projects VALUES ('an-id', 'shop', 5);
"""
V2 = (
    V1
    + """
CREATE TABLE project_details (project_id VARCHAR(36) NOT NULL PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE feedback (feedback_id VARCHAR(36) NOT NULL PRIMARY KEY, run_id VARCHAR(36), session_id VARCHAR(36),
  key VARCHAR NOT NULL, score FLOAT, value TEXT, comment TEXT, source VARCHAR, created_us BIGINT NOT NULL,
  modified_us BIGINT NOT NULL, body TEXT NOT NULL);
CREATE INDEX ix_feedback_run ON feedback (run_id);
CREATE INDEX ix_feedback_key ON feedback (key, run_id);
CREATE TABLE documents (kind VARCHAR NOT NULL, document_id VARCHAR NOT NULL, subject VARCHAR, body TEXT NOT NULL,
  PRIMARY KEY (kind, document_id));
CREATE INDEX ix_document_subject ON documents (kind, subject);
INSERT INTO project_details VALUES ('an-id', '{"description": "the shop"}');
UPDATE facts SET value = '2' WHERE name = 'schema_version';
"""
)
V3 = (
    V2
    + """
CREATE TABLE audit (entry_id BIGSERIAL NOT NULL PRIMARY KEY, at_us BIGINT NOT NULL, actor VARCHAR NOT NULL,
  action VARCHAR NOT NULL, subject VARCHAR NOT NULL, before TEXT, after TEXT);
CREATE INDEX ix_audit_action ON audit (action, entry_id);
CREATE TABLE api_keys (key_id VARCHAR(12) NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, hash VARCHAR(64) NOT NULL,
  scopes VARCHAR NOT NULL, projects TEXT, requests_per_minute INTEGER, created_us BIGINT NOT NULL,
  created_by VARCHAR NOT NULL, expires_us BIGINT, last_used_us BIGINT, revoked_us BIGINT);
CREATE TABLE project_settings (project_id VARCHAR(36) NOT NULL PRIMARY KEY, changed_us BIGINT NOT NULL,
  body TEXT NOT NULL);
CREATE TABLE sessions (hash VARCHAR(64) NOT NULL PRIMARY KEY, "user" VARCHAR, key_id VARCHAR(12),
  created_us BIGINT NOT NULL, expires_us BIGINT NOT NULL);
CREATE TABLE users (name VARCHAR NOT NULL PRIMARY KEY, hash TEXT NOT NULL, scopes VARCHAR NOT NULL,
  created_us BIGINT NOT NULL);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('0003');
INSERT INTO users VALUES ('kim', 'a-hash', 'admin', 5);
UPDATE facts SET value = '3' WHERE name = 'schema_version';
"""
)
"""Before alerts, deleted ids and sweeps, whose tables each start makes where they are not."""
WRITTEN = {0: "", 1: V1, 2: V2, 3: V3}
"""Statements that leave the control data as each released schema had them; 0 is an empty database."""

KILLED_CHILD = """
import os, signal, sys
from sqlalchemy import event
from everytoken.store import control
from everytoken.store.engine import open_engine
from everytoken.store.migrate import migrate

engine, left = open_engine(sys.argv[1]), int(sys.argv[2])

@event.listens_for(engine, "before_cursor_execute")
def count(conn, cursor, statement, parameters, context, executemany):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(engine)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/control.db" if request.param == "sqlite" else request.getfixturevalue("database_url")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


def _write(engine: Engine, script: str) -> None:
    if engine.dialect.name == "sqlite":
        script = script.replace("BIGSERIAL", "INTEGER")
    with engine.begin() as connection:
        for statement in filter(str.strip, script.split(";\n")):
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize("version", WRITTEN)
def test_every_schema_becomes_that_of_this_program_and_keeps_what_it_held(
    engine: Engine, url: str, version: int
) -> None:
    _write(engine, WRITTEN[version])
    with engine.connect() as connection:
        assert found_version(connection) == version

    control = Control(url)

    assert control.schema_version == SCHEMA_VERSION == 3
    if version:
        assert control.tenant_id == "the-tenant"
        assert control.project("shop").created_us == 5  # type: ignore[union-attr]
    if version == 3:
        assert [user.name for user in control.users.listed()] == ["kim"]
    if version >= 2:
        assert control.project("shop").details == {"description": "the shop"}  # type: ignore[union-attr]
    control.close()
    with engine.connect() as connection:
        assert found_version(connection) == 3
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("version", WRITTEN)
def test_a_migration_that_stops_at_any_statement_leaves_all_as_it_was_and_is_done_by_the_next(
    engine: Engine, version: int
) -> None:
    _write(engine, WRITTEN[version])
    before = set(inspect(engine).get_table_names())
    left, stopped, done = 0, 0, False

    def count(*_statement: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise ConnectionError("away")

    event.listen(engine, "before_cursor_execute", count)
    while not done:
        left = stopped
        try:
            done = migrate(engine) == SCHEMA_VERSION
        except ConnectionError:
            stopped += 1
            left = 1_000_000
            assert set(inspect(engine).get_table_names()) == before
    event.remove(engine, "before_cursor_execute", count)

    assert stopped > 10
    with engine.connect() as connection:
        assert found_version(connection) == SCHEMA_VERSION
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0003"]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_server_killed_while_it_migrates_leaves_all_as_it_was_and_the_next_one_finishes(
    engine: Engine, url: str, version: int
) -> None:
    _write(engine, WRITTEN[version])
    before = set(inspect(engine).get_table_names())

    for statements in (1, 6, 12):
        child = [sys.executable, "-c", KILLED_CHILD, url, str(statements)]
        killed = subprocess.run(child, env=os.environ | {"PYTHONPATH": "src"}, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        assert set(inspect(engine).get_table_names()) == before

    assert migrate(engine) == 3
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0003"]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE alembic_version SET version_num = '0004'", "UPDATE facts SET value = '9' WHERE name = 'schema_version'"],
)
def test_a_newer_schema_is_refused_and_left_alone(engine: Engine, url: str, statement: str) -> None:
    migrate(engine)
    _write(engine, statement)

    with pytest.raises(FolderError, match=r"newer everytoken \(schema [49]; this one knows 3\)") as raised:
        Control(url)
    assert raised.value.hint is not None
    with engine.connect() as connection:
        assert found_version(connection) in (4, 9)


@pytest.mark.parametrize(
    ("foreign", "named"),
    [
        ("CREATE TABLE users (id BIGINT PRIMARY KEY, email VARCHAR)", "users"),
        ("CREATE TABLE facts (id BIGINT PRIMARY KEY)", "facts"),
        (
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);\n"
            "INSERT INTO alembic_version VALUES ('ae1027a6acf')",
            "alembic_version",
        ),
        ("CREATE TABLE facts (name VARCHAR NOT NULL PRIMARY KEY, value VARCHAR NOT NULL)", "facts"),
    ],
)
def test_another_programs_tables_of_our_names_are_refused_and_left_alone(
    engine: Engine, url: str, foreign: str, named: str
) -> None:
    _write(engine, foreign)

    with pytest.raises(FolderError, match=f"holds tables of another program: {named}$") as raised:
        Control(url)
    assert "EVERYTOKEN_DATABASE_URL" in str(raised.value.hint)
    assert inspect(engine).get_table_names() == [named]


def test_tables_of_other_names_beside_ours_do_not_matter(engine: Engine, url: str) -> None:
    _write(engine, "CREATE TABLE invoices (id BIGINT PRIMARY KEY)")
    Control(url).close()
    assert {"invoices", "projects"} <= set(inspect(engine).get_table_names())


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    Control.open(Settings(data=tmp_path)).close()
    engine = open_engine(f"sqlite:///{tmp_path}/control.db")
    with engine.connect() as connection:
        first = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    Control.open(Settings(data=tmp_path)).close()

    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA schema_version").scalar() == first
    engine.dispose()
