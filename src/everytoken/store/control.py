"""Control data: projects and the identity of this installation. SQLite in the data folder; no runs, no charges."""

import json
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    String,
    Table,
    Text,
    create_engine,
    delete,
    event,
    select,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from everytoken.config import Settings
from everytoken.store.annotations import Annotations
from everytoken.store.audit import Audit
from everytoken.store.errors import FolderError
from everytoken.store.keys import Keys
from everytoken.store.project_settings import SettingsStore
from everytoken.store.tables import metadata
from everytoken.store.users import Users
from everytoken.store.visible import is_visible

SCHEMA_VERSION = 2
"""Of the control data. 2 added feedback, documents and what is told about a project; 1 had none of these tables, and
making them is the whole step. An older server does not look at them."""
DEFAULT_PROJECT = "default"
"""Where LangSmith's clients send what names no project; they may ask for it before they write to it."""
BUSY_TIMEOUT_MS = 5_000

facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))
project_table = Table(
    "projects",
    metadata,
    Column("project_id", String(36), primary_key=True),
    Column("name", String, unique=True, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)
detail_table = Table(
    "project_details",
    metadata,
    Column("project_id", String(36), primary_key=True),
    Column("body", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Project:
    project_id: str
    """UUID text, made once and kept when the project is written to again."""
    name: str
    created_us: int
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What a LangSmith client told about it: `description`, `extra`, `end_time`, ..."""


class ProjectExistsError(Exception):
    """A project of that name or id is there already."""


class Control:
    """Thread-safe. Projects are also kept in memory: every accepted body asks for one."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        event.listen(self._engine, "connect", _configure)
        self._lock = threading.Lock()
        self._projects: dict[str, Project] = {}
        with self._engine.begin() as connection:
            metadata.create_all(connection)
            self.schema_version = _migrate(connection)
            self.tenant_id = _fact(connection, "tenant_id", str(uuid.uuid4()))
            """UUID text of this installation, as LangSmith clients expect one in every project."""
            told = {row.project_id: json.loads(row.body) for row in connection.execute(select(detail_table))}
            for row in connection.execute(select(project_table)):
                self._projects[row.name] = Project(
                    row.project_id, row.name, row.created_us, told.get(row.project_id, {})
                )
        self.annotations = Annotations(self._engine)
        self.settings = SettingsStore(self._engine)
        self.audit = Audit(self._engine)
        self.keys = Keys(self._engine, self._pepper())
        self.users = Users(self._engine)

    @classmethod
    def open(cls, settings: Settings) -> "Control":
        """Open the control data in the data folder, made when absent.

        Raises:
            FolderError: the file is there and is not a database.
        """
        file = settings.data_dir / "control.db"
        try:
            return cls(f"sqlite:///{file}")
        except DatabaseError as error:
            raise FolderError(f"{file} cannot be read: {error.orig}", hint="restore it from a backup") from error

    def close(self) -> None:
        self.keys.refresh()
        self._engine.dispose()

    @property
    def is_guarded(self) -> bool:
        """Whether a key or a user was ever made: from then on nobody comes in without one."""
        return self.keys.exist or self.users.exist

    def _pepper(self) -> bytes:
        held = self.annotations.get("secret", "keys")
        if held is None:
            held = {"hex": secrets.token_hex(32)}
            self.annotations.put("secret", "keys", held)
        return bytes.fromhex(held["hex"])

    def ensure_project(self, name: str, at_us: int) -> Project:
        """The project of that name, made at `at_us` when it is new. Durable when it returns."""
        found = self._projects.get(name)
        if found is not None:
            return found
        with self._lock, self._engine.begin() as connection:
            fresh = {"project_id": str(uuid.uuid4()), "name": name, "created_us": at_us}
            connection.execute(insert(project_table).values(fresh).on_conflict_do_nothing())
            row = connection.execute(select(project_table).where(project_table.c.name == name)).one()
            project = Project(row.project_id, row.name, row.created_us)
        self._projects[name] = project
        return project

    def project(self, name: str) -> Project | None:
        return self._projects.get(name) if is_visible(name) else None

    def project_by_id(self, project_id: str) -> Project | None:
        return next((p for p in self.projects() if p.project_id == project_id), None)

    def create_project(
        self, name: str, at_us: int, *, project_id: str | None = None, details: Mapping[str, Any] | None = None
    ) -> Project:
        """A new project.

        Raises:
            ProjectExistsError: the name or the id is taken.
        """
        project = Project(project_id or str(uuid.uuid4()), name, at_us, dict(details or {}))
        with self._lock, self._engine.begin() as connection:
            fresh = {"project_id": project.project_id, "name": name, "created_us": at_us}
            if connection.execute(insert(project_table).values(fresh).on_conflict_do_nothing()).rowcount == 0:
                raise ProjectExistsError(name)
            _write_details(connection, project)
            self._projects[name] = project
        return project

    def update_project(self, project: Project, *, name: str | None = None, details: Mapping[str, Any]) -> Project:
        """The project with another name, and with `details` in the place of those it had.

        Raises:
            ProjectExistsError: the name is taken.
        """
        changed = Project(project.project_id, name or project.name, project.created_us, dict(details))
        with self._lock, self._engine.begin() as connection:
            if changed.name != project.name and changed.name in self._projects:
                raise ProjectExistsError(changed.name)
            same = project_table.c.project_id == project.project_id
            connection.execute(project_table.update().where(same).values(name=changed.name))
            _write_details(connection, changed)
            self._projects.pop(project.name, None)
            self._projects[changed.name] = changed
        return changed

    def delete_project(self, project: Project) -> None:
        """Forget the project. Its runs are the ledger's."""
        with self._lock, self._engine.begin() as connection:
            for table in (project_table, detail_table):
                connection.execute(delete(table).where(table.c.project_id == project.project_id))
            self._projects.pop(project.name, None)
        self.settings.forget(project.project_id)

    def projects(self) -> list[Project]:
        """All projects that the request at hand may see, in the order they were made."""
        seen = [project for name, project in self._projects.copy().items() if is_visible(name)]
        return sorted(seen, key=lambda project: (project.created_us, project.name))


def _configure(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _write_details(connection: Connection, project: Project) -> None:
    connection.execute(delete(detail_table).where(detail_table.c.project_id == project.project_id))
    body = json.dumps(dict(project.details))
    connection.execute(insert(detail_table).values(project_id=project.project_id, body=body))


def _migrate(connection: Connection) -> int:
    """Tables that were missing have been made; say so. A newer schema keeps its number."""
    found = int(_fact(connection, "schema_version", str(SCHEMA_VERSION)))
    if found < SCHEMA_VERSION:
        connection.execute(facts.update().where(facts.c.name == "schema_version").values(value=str(SCHEMA_VERSION)))
    return max(found, SCHEMA_VERSION)


def _fact(connection: Connection, name: str, default: str) -> str:
    connection.execute(insert(facts).values(name=name, value=default).on_conflict_do_nothing())
    return str(connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one())
