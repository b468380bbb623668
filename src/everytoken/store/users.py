"""People who log in to the page, and their sessions."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import BigInteger, Column, Engine, String, Table, Text, delete, func, insert, select

from everytoken.store.keys import Scope
from everytoken.store.rereading import Reread
from everytoken.store.tables import metadata

MAX_USERS = 1_000
MAX_SESSIONS = 10_000
"""Logins at one time; the oldest ends when there is one more."""
SESSION_LIFETIME_US = 7 * 86_400_000_000
"""A week, whether or not it is used."""
MIN_PASSWORD, MAX_PASSWORD = 12, 1_000
"""NIST SP 800-63B-4 asks for 15 where a password is all there is, 8 beside a second factor; long ones cost nothing."""
MAX_NAME_CHARS = 100

user_table = Table(
    "users",
    metadata,
    Column("name", String, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("scopes", String, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)
session_table = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user", String),
    Column("key_id", String(12)),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
)


class UserError(ValueError):
    """A user that cannot be; `field` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class User:
    name: str
    scopes: frozenset[Scope]
    """`read`, and `admin` for those who may change things."""
    created_us: int

    def told(self) -> dict[str, Any]:
        """For the audit log."""
        return {"scopes": sorted(self.scopes)}


@dataclass(frozen=True, slots=True)
class Session:
    """One login: of a user, or of a browser that was given a key."""

    user: str | None
    key_id: str | None
    expires_us: int


class Users(Reread):
    """Thread-safe. A change is durable, and holds for every request, when the call returns."""

    _what = "users"

    def __init__(self, engine: Engine, *, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        super().__init__()
        self._engine = engine
        self._clock_us = clock_us
        self._hasher = PasswordHasher()  # RFC 9106's second choice: 64 MiB, 3 passes, about 50 ms
        self._nobody: str | None = None
        """What the password of a name that nobody has is held against."""
        self._lock = threading.Lock()
        self._users: dict[str, tuple[User, str]] = {}
        self._sessions: dict[str, Session] = {}
        metadata.create_all(engine, tables=[user_table, session_table])
        self._read()

    @property
    def exist(self) -> bool:
        return bool(self._users)

    def listed(self) -> list[User]:
        """All users by name."""
        return sorted((user for user, _ in self._users.copy().values()), key=lambda user: user.name)

    def put(self, name: str, password: str, scopes: frozenset[Scope]) -> tuple[User | None, User]:
        """Make a user, or give one another password and other rights; logins they had end. Who it was, and who it is.

        Raises:
            UserError: the name or the password will not do.
        """
        name = name.strip()
        if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
            raise UserError("name", f"a user needs a name of 1 to {MAX_NAME_CHARS} printable characters")
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise UserError("password", f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        if not scopes or Scope.INGEST in scopes:
            raise UserError("scopes", "a user may read, or read and admin; runs are sent with keys")
        digest = self._hasher.hash(password)
        with self._lock:
            before = self._users.get(name)
            if before is None and len(self._users) >= MAX_USERS:
                raise UserError("name", f"there are {MAX_USERS} users already; remove some")
            user = User(name, scopes, before[0].created_us if before else self._clock_us())
            row = {"name": name, "hash": digest, "scopes": ",".join(sorted(scopes)), "created_us": user.created_us}
            with self._engine.begin() as connection:
                connection.execute(delete(user_table).where(user_table.c.name == name))
                connection.execute(delete(session_table).where(session_table.c.user == name))
                connection.execute(insert(user_table).values(row))
            self._users[name] = (user, digest)
            self._sessions = {known: session for known, session in self._sessions.items() if session.user != name}
        return before[0] if before else None, user

    def remove(self, name: str) -> User | None:
        """Delete a user and end their logins; `None` when there is none of that name."""
        with self._lock:
            held = self._users.get(name)
            if held is None:
                return None
            with self._engine.begin() as connection:
                connection.execute(delete(user_table).where(user_table.c.name == name))
                connection.execute(delete(session_table).where(session_table.c.user == name))
            del self._users[name]
            self._sessions = {known: session for known, session in self._sessions.items() if session.user != name}
        return held[0]

    def check(self, name: str, password: str) -> User | None:
        """The user, when the password is theirs. Takes the same time for a name that nobody has."""
        held = self._users.get(name.strip())
        self._nobody = self._nobody or self._hasher.hash(secrets.token_hex(16))
        try:
            self._hasher.verify(held[1] if held else self._nobody, password[:MAX_PASSWORD])
        except (Argon2Error, InvalidHashError):
            return None
        return held[0] if held else None

    def open_session(self, *, user: str | None = None, key_id: str | None = None) -> tuple[str, Session]:
        """A login, and the text that its cookie holds."""
        text = secrets.token_urlsafe(32)
        now_us = self._clock_us()
        session = Session(user, key_id, now_us + SESSION_LIFETIME_US)
        known = _hash(text)
        row = {"hash": known, "user": user, "key_id": key_id, "created_us": now_us, "expires_us": session.expires_us}
        columns = session_table.c
        with self._lock:
            with self._engine.begin() as connection:
                connection.execute(delete(session_table).where(columns.expires_us <= now_us))
                if connection.execute(select(func.count()).select_from(session_table)).scalar_one() >= MAX_SESSIONS:
                    oldest = select(columns.hash).order_by(columns.created_us).limit(MAX_SESSIONS // 100)
                    connection.execute(delete(session_table).where(columns.hash.in_(oldest)))
                connection.execute(insert(session_table).values(row))
            self._sessions[known] = session
        return text, session

    def session(self, text: str) -> Session | None:
        """The login of a cookie's text, while it lasts."""
        found = self._sessions.get(_hash(text))
        return found if found is not None and self._clock_us() < found.expires_us else None

    def user(self, name: str) -> User | None:
        held = self._users.get(name)
        return held[0] if held else None

    def close_session(self, text: str) -> None:
        """Log out."""
        known = _hash(text)
        with self._lock:
            with self._engine.begin() as connection:
                connection.execute(delete(session_table).where(session_table.c.hash == known))
            self._sessions.pop(known, None)

    def _renew(self) -> None:
        self._read()

    def _read(self) -> None:
        columns = session_table.c
        with self._lock, self._engine.connect() as connection:
            users = connection.execute(select(user_table)).all()
            sessions = connection.execute(
                select(session_table).where(columns.expires_us > self._clock_us()).limit(2 * MAX_SESSIONS)
            ).all()
            self._users = {row.name: (_user(row), row.hash) for row in users}
            self._sessions = {row.hash: Session(row.user, row.key_id, row.expires_us) for row in sessions}
            self._read_at = time.monotonic()


def _user(row: Any) -> User:
    return User(row.name, frozenset(Scope(name) for name in row.scopes.split(",")), row.created_us)


def _hash(text: str) -> str:
    # The text is 256 random bits, and no row tells anything about another: a plain hash hides it.
    return sha256(text.encode("utf-8", "replace")[:200]).hexdigest()
