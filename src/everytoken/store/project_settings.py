"""What a team sets for a project: its time zone, how long content and charges are kept, and what is masked."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Column, Engine, String, Table, Text, delete, insert, select

from everytoken.store.rereading import REFRESH_S
from everytoken.store.tables import metadata

MAX_RETENTION_DAYS = 36_500
"""A century; what is to be kept for ever says `None`."""
MAX_MASKS = 100
"""Each is searched for in every text of every run."""

settings_table = Table(
    "project_settings",
    metadata,
    Column("project_id", String(36), primary_key=True),
    Column("changed_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)


class SettingError(ValueError):
    """A setting that cannot be; `field` names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    time_zone: str = "UTC"
    """IANA name: where the project's days begin, and the default `tz` of its series."""
    content_retention_days: int | None = None
    """Inputs, outputs, events and the like of runs older than this are dropped, charges are kept. `None`: kept."""
    charge_retention_days: int | None = None
    """Runs and charges older than this are dropped altogether. `None`: kept."""
    masks: tuple[str, ...] = ()
    """Names of built-in patterns whose matches leave the content before it is stored."""
    mask_patterns: tuple[str, ...] = ()
    """Patterns of one's own, in RE2's syntax, which matches in time linear in the text."""

    def checked(self) -> "ProjectSettings":
        """Itself, when it can be.

        Raises:
            SettingError: a value is out of its bounds, or they contradict each other. Patterns are not looked at.
        """
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, LookupError) as error:
            raise SettingError("time_zone", f"no time zone {self.time_zone[:64]!r}; write one as Asia/Seoul") from error
        for field in ("content_retention_days", "charge_retention_days"):
            days = getattr(self, field)
            if days is not None and not 1 <= days <= MAX_RETENTION_DAYS:
                raise SettingError(field, f"write 1 to {MAX_RETENTION_DAYS} days, or null to keep it")
        content, charges = self.content_retention_days, self.charge_retention_days
        if charges is not None and (content is None or content > charges):
            raise SettingError(
                "content_retention_days", f"content cannot outlive its charges: write at most {charges} days"
            )
        if len(self.masks) + len(self.mask_patterns) > MAX_MASKS:
            raise SettingError("mask_patterns", f"at most {MAX_MASKS} patterns")
        return self


DEFAULT_SETTINGS = ProjectSettings()


class SettingsStore:
    """Settings by project id. Thread-safe; durable when a call returns."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: dict[str, ProjectSettings] = {}
        self._read_at: float | None = None
        metadata.create_all(engine, tables=[settings_table])

    def get(self, project_id: str) -> ProjectSettings:
        """The settings of a project; the defaults when none were made."""
        return self.all().get(project_id, DEFAULT_SETTINGS)

    def all(self) -> Mapping[str, ProjectSettings]:
        """Settings of every project that has some; at most `REFRESH_S` old."""
        now = time.monotonic()
        with self._lock:
            if self._read_at is None or now - self._read_at > REFRESH_S:
                with self._engine.connect() as connection:
                    rows = connection.execute(select(settings_table.c.project_id, settings_table.c.body))
                    self._known = {row.project_id: _read(json.loads(row.body)) for row in rows}
                self._read_at = now
            return self._known

    def put(self, project_id: str, settings: ProjectSettings, at_us: int) -> None:
        """Set all of them.

        Raises:
            SettingError: they cannot be.
        """
        row = {"project_id": project_id, "changed_us": at_us, "body": json.dumps(asdict(settings.checked()))}
        with self._lock:
            with self._engine.begin() as connection:
                connection.execute(delete(settings_table).where(settings_table.c.project_id == project_id))
                connection.execute(insert(settings_table).values(row))
            self._read_at = None

    def forget(self, project_id: str) -> None:
        """Delete them: the project is gone."""
        with self._lock:
            with self._engine.begin() as connection:
                connection.execute(delete(settings_table).where(settings_table.c.project_id == project_id))
            self._read_at = None


def _read(body: Mapping[str, Any]) -> ProjectSettings:
    """As it was written; a field that this version does not know is left alone."""
    known = {name: value for name, value in body.items() if name in ProjectSettings.__dataclass_fields__}
    for name in ("masks", "mask_patterns"):
        known[name] = tuple(known.get(name, ()))
    return ProjectSettings(**known)
