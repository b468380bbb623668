"""Control data: projects and the identity of this installation; no runs, no charges.

SQLite in the data folder, or PostgreSQL that several servers share.
"""

import json
import logging
import secrets
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    Text,
    delete,
    select,
)
from sqlalchemy.exc import DatabaseError, IntegrityError

from everytoken.config import Settings
from everytoken.store.alerts import AlertStore
from everytoken.store.annotations import Annotations
from everytoken.store.audit import Audit
from everytoken.store.deleted import DeletedIds
from everytoken.store.engine import insert_into, is_shared, open_engine
from everytoken.store.errors import FolderError, StoreError, StoreUnavailableError
from everytoken.store.keys import Keys
from everytoken.store.migrate import migrate
from everytoken.store.project_settings import DEFAULT_SETTINGS, ProjectSettings, SettingsStore
from everytoken.store.sweeps import Sweeps
from everytoken.store.tables import facts, metadata
from everytoken.store.users import User, UserError, Users
from everytoken.store.visible import is_visible

DEFAULT_PROJECT = "default"
"""Where LangSmith's clients send what names no project; they may ask for it before they write to it."""
FRESH_S = 2.0
"""How long another server's change of the projects may stay unseen; a name that is not known is asked for at once."""

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


log = logging.getLogger("everytoken.store")


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
        """Open the control data, and bring them to this program's schema.

        Raises:
            StoreError: the URL is of no kind we know, the database is away, or a newer everytoken wrote it.
        """
        self._engine = open_engine(url)
        self._lock = threading.Lock()
        self._projects: dict[str, Project] = {}
        self._read_s = 0.0
        try:
            self._open()
        except BaseException:
            self._engine.dispose()
            raise

    def _open(self) -> None:
        self.schema_version = migrate(self._engine)
        with self._engine.begin() as connection:
            self.tenant_id = _fact(connection, "tenant_id", str(uuid.uuid4()))
            """UUID text of this installation, as LangSmith clients expect one in every project."""
        self._read()
        self.annotations = Annotations(self._engine)
        self.settings = SettingsStore(self._engine)
        self.audit = Audit(self._engine)
        self.deleted = DeletedIds(self._engine)
        self.sweeps = Sweeps(self._engine)
        self.alerts = AlertStore(self._engine)
        self.keys = Keys(self._engine, self._pepper())
        self.users = Users(self._engine)

    @classmethod
    def open(cls, settings: Settings) -> "Control":
        """Open the control data: those of `database_url`, else those in the data folder, made when absent.

        Raises:
            FolderError: the file is there and is not a database, or a newer everytoken wrote the data.
            StoreError: the database is away, or refuses us.
        """
        if settings.database_url is not None:
            return cls._shared(settings.database_url)
        file = settings.data_dir / "control.db"
        try:
            return cls(f"sqlite:///{file}")
        except StoreUnavailableError as error:
            reason = error.__cause__ or error
            raise FolderError(f"{file} cannot be used: {_first_line(reason)}", hint=error.hint) from error
        except DatabaseError as error:
            raise FolderError(f"{file} cannot be read: {error.orig}", hint="restore it from a backup") from error

    @classmethod
    def _shared(cls, url: str) -> "Control":
        hint = "is EVERYTOKEN_DATABASE_URL right, and may its user create tables?"
        try:
            return cls(url)
        except DatabaseError as error:
            raise StoreError(f"the control database refuses: {_first_line(error)}", hint=hint) from error
        except StoreUnavailableError as error:
            raise StoreError(f"no control database: {_first_line(error.__cause__ or error)}", hint=hint) from error

    def close(self) -> None:
        self.keys.refresh()
        self._engine.dispose()

    @property
    def is_guarded(self) -> bool:
        """Whether a key or a user was ever made: from then on nobody comes in without one."""
        return self.keys.exist or self.users.exist

    def remove_user(self, name: str) -> User | None:
        """Delete a user; `None` when there is none of that name.

        Raises:
            UserError: it is all that guards the server, which nobody's going may open to everybody.
        """
        if not self.keys.exist and [user.name for user in self.users.listed()] == [name]:
            raise UserError("name", "it is the last user, and there is no key: the server would be open to all")
        return self.users.remove(name)

    def settings_of(self, project: str) -> ProjectSettings:
        """The settings of the project of that name; the defaults when there is none yet."""
        found = self._known(project)  # another server may have made it, and its masks must hold here too
        return DEFAULT_SETTINGS if found is None else self.settings.get(found.project_id)

    def _pepper(self) -> bytes:
        held = self.annotations.keep_first("secret", "keys", {"hex": secrets.token_hex(32)})
        return bytes.fromhex(held["hex"])

    def ensure_project(self, name: str, at_us: int) -> Project:
        """The project of that name, made at `at_us` when it is new. Durable when it returns."""
        self._refresh()
        found = self._projects.get(name)
        if found is not None:
            return found
        with self._lock, self._engine.begin() as connection:
            fresh = {"project_id": str(uuid.uuid4()), "name": name, "created_us": at_us}
            connection.execute(insert_into(connection, project_table).values(fresh).on_conflict_do_nothing())
            project = _find(connection, project_table.c.name == name)
            assert project is not None
        self._projects[name] = project
        return project

    def project(self, name: str) -> Project | None:
        return self._known(name) if is_visible(name) else None

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
        with self._lock:
            with self._engine.begin() as connection:
                fresh = {"project_id": project.project_id, "name": name, "created_us": at_us}
                statement = insert_into(connection, project_table).values(fresh).on_conflict_do_nothing()
                if connection.execute(statement.returning(project_table.c.project_id)).first() is None:
                    raise ProjectExistsError(name)
                _write_details(connection, project)
            self._projects[name] = project  # only now: a full disk may refuse the commit
        return project

    def update_project(self, project: Project, *, name: str | None = None, details: Mapping[str, Any]) -> Project:
        """The project with another name, and with `details` in the place of those it had.

        Raises:
            ProjectExistsError: the name is taken.
        """
        changed = Project(project.project_id, name or project.name, project.created_us, dict(details))
        with self._lock:
            with self._engine.begin() as connection:
                same = project_table.c.project_id == project.project_id
                if changed.name != project.name and _find(connection, project_table.c.name == changed.name) is not None:
                    raise ProjectExistsError(changed.name)
                try:
                    connection.execute(project_table.update().where(same).values(name=changed.name))
                except IntegrityError:  # another server took the name since we looked
                    raise ProjectExistsError(changed.name) from None
                _write_details(connection, changed)
            self._projects.pop(project.name, None)
            self._projects[changed.name] = changed
        return changed

    def delete_project(self, project: Project) -> None:
        """Forget the project. Its runs are the ledger's."""
        with self._lock:
            with self._engine.begin() as connection:
                for table in (project_table, detail_table):
                    connection.execute(delete(table).where(table.c.project_id == project.project_id))
            self._projects.pop(project.name, None)
        self.settings.forget(project.project_id)

    def projects(self) -> list[Project]:
        """All projects that the request at hand may see, in the order they were made."""
        self._refresh()
        seen = [project for name, project in self._projects.copy().items() if is_visible(name)]
        return sorted(seen, key=lambda project: (project.created_us, project.name))

    def _known(self, name: str) -> Project | None:
        """A project by name, which another server may have made a moment ago."""
        self._refresh()
        found = self._projects.get(name)
        if found is None and is_shared(self._engine):
            with self._engine.connect() as connection:
                found = _find(connection, project_table.c.name == name)
            if found is not None:
                self._projects[name] = found
        return found

    def _refresh(self) -> None:
        """See what other servers did to the projects; alone on the data, this server did it all itself."""
        if is_shared(self._engine) and time.monotonic() - self._read_s > FRESH_S:
            try:
                self._read()
            except StoreUnavailableError as error:  # what is known stays known until the database is back
                self._read_s = time.monotonic()
                log.warning("the projects could not be read again; those known are used: %s", error)

    def _read(self) -> None:
        joined = project_table.outerjoin(detail_table, project_table.c.project_id == detail_table.c.project_id)
        with self._lock:
            with self._engine.connect() as connection:
                rows = connection.execute(select(*project_table.c, detail_table.c.body).select_from(joined))
                self._projects = {row.name: _project(row) for row in rows}
            self._read_s = time.monotonic()


def _find(connection: Connection, condition: ColumnElement[bool]) -> Project | None:
    joined = project_table.outerjoin(detail_table, project_table.c.project_id == detail_table.c.project_id)
    statement = select(*project_table.c, detail_table.c.body).select_from(joined).where(condition)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _project(row)


def _project(row: Any) -> Project:
    return Project(row.project_id, row.name, row.created_us, json.loads(row.body) if row.body else {})


def _write_details(connection: Connection, project: Project) -> None:
    connection.execute(delete(detail_table).where(detail_table.c.project_id == project.project_id))
    body = json.dumps(dict(project.details))
    connection.execute(insert_into(connection, detail_table).values(project_id=project.project_id, body=body))


def _fact(connection: Connection, name: str, default: str) -> str:
    connection.execute(insert_into(connection, facts).values(name=name, value=default).on_conflict_do_nothing())
    return str(connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one())


def _first_line(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error.__cause__ or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:300]
