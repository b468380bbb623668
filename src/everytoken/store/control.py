"""Control data: projects and the identity of this installation. SQLite in the data folder; no runs, no charges."""

import sqlite3
import threading
import uuid
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, create_engine, event, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from everytoken.config import Settings
from everytoken.store.errors import FolderError
from everytoken.store.folder import SCHEMA_VERSION

BUSY_TIMEOUT_MS = 5_000

metadata = MetaData()
facts = Table("facts", metadata, Column("name", String, primary_key=True), Column("value", String, nullable=False))
project_table = Table(
    "projects",
    metadata,
    Column("project_id", String(36), primary_key=True),
    Column("name", String, unique=True, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Project:
    project_id: str
    """UUID text, made once and kept when the project is written to again."""
    name: str
    created_us: int


class Control:
    """Thread-safe. Projects are also kept in memory: every accepted body asks for one."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        event.listen(self._engine, "connect", _configure)
        self._lock = threading.Lock()
        self._projects: dict[str, Project] = {}
        with self._engine.begin() as connection:
            metadata.create_all(connection)
            self.schema_version = int(_fact(connection, "schema_version", str(SCHEMA_VERSION)))
            self.tenant_id = _fact(connection, "tenant_id", str(uuid.uuid4()))
            """UUID text of this installation, as LangSmith clients expect one in every project."""
            for row in connection.execute(select(project_table)):
                self._projects[row.name] = Project(row.project_id, row.name, row.created_us)

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
        self._engine.dispose()

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
        return self._projects.get(name)

    def projects(self) -> list[Project]:
        """All projects in the order they were made."""
        return sorted(self._projects.copy().values(), key=lambda project: (project.created_us, project.name))


def _configure(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _fact(connection: Connection, name: str, default: str) -> str:
    connection.execute(insert(facts).values(name=name, value=default).on_conflict_do_nothing())
    return str(connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one())
