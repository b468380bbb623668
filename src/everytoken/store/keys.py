"""API keys: made once, kept as a keyed hash, checked in constant time, revoked at once.

A key is `et_<id>_<secret>`. The id finds its row; the secret is 256 random bits. A slow password hash would protect
nothing more: 2^256 cannot be searched at any speed, while every ingest request pays for the check. What is kept is
BLAKE2b keyed with a pepper of this installation, so that a row alone, such as one from a log, can be tested by nobody.
"""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, Integer, String, Table, Text, delete, func, insert, select

from everytoken.store.rereading import Reread
from everytoken.store.tables import metadata

MAX_KEYS = 10_000
"""All are kept in memory. Beyond it, revoked ones leave first; then no more are made."""
MAX_PROJECTS = 1_000
"""Of one key; a key for more of them is a key for all."""
MAX_NAME_CHARS = 200
USED_EVERY_US = 60_000_000
"""How exact `last_used_us` is: writing it at every request would cost a disk write each."""

NO_HASH = "0" * 64
GIVEN = "setting"
"""Begins the id of the key that a setting gives. The rest tells it from the one given before, whose logins end so."""

key_table = Table(
    "api_keys",
    metadata,
    Column("key_id", String(12), primary_key=True),
    Column("name", String, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("scopes", String, nullable=False),
    Column("projects", Text),
    Column("requests_per_minute", Integer),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", String, nullable=False),
    Column("expires_us", BigInteger),
    Column("last_used_us", BigInteger),
    Column("revoked_us", BigInteger),
)


class Scope(StrEnum):
    """What a key may do, within its projects. None contains another; `admin` is for settings, deletion and keys."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"


class KeyRefusedError(ValueError):
    """A key that cannot be made; `field` says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class ApiKey:
    key_id: str
    name: str
    scopes: frozenset[Scope]
    projects: frozenset[str] | None
    """Names; `None` for all, those to come included."""
    requests_per_minute: int | None
    """Its own limit; `None` takes the server's."""
    created_us: int
    created_by: str
    expires_us: int | None = None
    last_used_us: int | None = None
    revoked_us: int | None = None

    @property
    def prefix(self) -> str:
        """The part of the key that is no secret."""
        return f"et_{self.key_id}"

    def is_live(self, now_us: int) -> bool:
        return self.revoked_us is None and (self.expires_us is None or now_us < self.expires_us)

    def told(self) -> dict[str, Any]:
        """For the audit log."""
        return {
            "name": self.name,
            "scopes": sorted(self.scopes),
            "projects": None if self.projects is None else sorted(self.projects),
            "requests_per_minute": self.requests_per_minute,
            "expires_us": self.expires_us,
            "revoked_us": self.revoked_us,
        }


class Keys(Reread):
    """Thread-safe. A change is durable, and holds for every request, when the call returns."""

    _what = "keys"

    def __init__(
        self, engine: Engine, pepper: bytes, *, clock_us: Callable[[], int] = lambda: time.time_ns() // 1000
    ) -> None:
        super().__init__()
        self._engine = engine
        self._pepper = pepper
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._held: dict[str, tuple[ApiKey, str]] = {}
        self._used: dict[str, int] = {}
        self._given: tuple[ApiKey, str] | None = None
        metadata.create_all(engine, tables=[key_table])
        self._read()

    @property
    def exist(self) -> bool:
        """Whether a key was ever made: revoking the last one must not open the server."""
        return bool(self._held) or self._given is not None

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        projects: Iterable[str] | None = None,
        expires_us: int | None = None,
        requests_per_minute: int | None = None,
        created_by: str,
    ) -> tuple[ApiKey, str]:
        """A new key, and its text, which is told this once.

        Raises:
            KeyRefusedError: it could do nothing, or there are too many.
        """
        now_us = self._clock_us()
        key = ApiKey(
            key_id=secrets.token_hex(6),
            name=name.strip(),
            scopes=frozenset(scopes),
            projects=None if projects is None else frozenset(projects),
            requests_per_minute=requests_per_minute,
            created_us=now_us,
            created_by=created_by,
            expires_us=expires_us,
        )
        _check(key, now_us)
        text = f"{key.prefix}_{secrets.token_urlsafe(32)}"
        digest = self._hash(text)
        with self._lock, self._engine.begin() as connection:
            if connection.execute(select(func.count()).select_from(key_table)).scalar_one() >= MAX_KEYS:
                gone = delete(key_table).where(key_table.c.revoked_us.is_not(None))
                if connection.execute(gone).rowcount == 0:
                    raise KeyRefusedError("name", f"there are {MAX_KEYS} keys already; revoke some")
            connection.execute(insert(key_table).values(_row(key, digest)))
            self._held[key.key_id] = (key, digest)
        return key, text

    def give(self, text: str) -> None:
        """Take a key from outside that may do everything; it is not stored, and cannot be revoked here."""
        digest = self._hash(text)
        key = ApiKey(f"{GIVEN}-{digest[:4]}", GIVEN, frozenset(Scope), None, None, self._clock_us(), GIVEN)
        self._given = key, digest

    @property
    def given_id(self) -> str | None:
        """Id of the key that a setting gives, if one does."""
        return None if self._given is None else self._given[0].key_id

    def find(self, text: str) -> ApiKey | None:
        """The live key of this text."""
        digest = self._hash(text)
        if self._given is not None and hmac.compare_digest(self._given[1].encode(), digest.encode()):
            return self._given[0]
        pieces = text.split("_", 2)
        held = self._held.get(pieces[1]) if len(pieces) == 3 and pieces[0] == "et" else None
        # An unknown id costs what a known one does, so that time tells nothing of which ids there are.
        known = held[1] if held else NO_HASH
        alike = hmac.compare_digest(known.encode(), digest.encode())
        return held[0] if held and alike and held[0].is_live(self._clock_us()) else None

    def live(self, key_id: str) -> ApiKey | None:
        """The key of that id, unless it was revoked or has expired."""
        if self._given is not None and key_id == self._given[0].key_id:
            return self._given[0]
        held = self._held.get(key_id)
        return held[0] if held and held[0].is_live(self._clock_us()) else None

    def listed(self) -> list[ApiKey]:
        """All keys, revoked ones too, newest first."""
        used = dict(self._used)
        held = self._held.copy().values()
        keys = [replace(key, last_used_us=used.get(key.key_id, key.last_used_us)) for key, _ in held]
        return sorted(keys, key=lambda key: (-key.created_us, key.key_id))

    def revoke(self, key_id: str) -> ApiKey | None:
        """The key, which is none any more; `None` when there is none of that id."""
        with self._lock:
            held = self._held.get(key_id)
            if held is None or held[0].revoked_us is not None:
                return held[0] if held else None
            gone = replace(held[0], revoked_us=self._clock_us())
            same = key_table.c.key_id == key_id
            with self._engine.begin() as connection:
                connection.execute(key_table.update().where(same).values(revoked_us=gone.revoked_us))
            self._held[key_id] = (gone, held[1])
        return gone

    def used(self, key_id: str) -> None:
        """Note that a request came with it."""
        self._used[key_id] = self._clock_us()

    def _renew(self) -> None:
        """Write when keys were used, and read them again."""
        self._write_used()
        self._read()

    def _write_used(self) -> None:
        with self._lock:
            due = {
                key_id: at_us
                for key_id, at_us in self._used.copy().items()
                if (held := self._held.get(key_id)) and at_us - (held[0].last_used_us or 0) >= USED_EVERY_US
            }
            if due:
                with self._engine.begin() as connection:
                    for key_id, at_us in due.items():
                        same = key_table.c.key_id == key_id
                        connection.execute(key_table.update().where(same).values(last_used_us=at_us))

    def _read(self) -> None:
        with self._lock, self._engine.connect() as connection:
            rows = connection.execute(select(key_table)).all()
            self._held = {row.key_id: (_key(row), row.hash) for row in rows}
            self._read_at = time.monotonic()

    def _hash(self, text: str) -> str:
        return blake2b(text.encode("utf-8", "replace")[:200], key=self._pepper, digest_size=32).hexdigest()


def _check(key: ApiKey, now_us: int) -> None:
    if not key.name or len(key.name) > MAX_NAME_CHARS:
        raise KeyRefusedError("name", f"a key needs a name of 1 to {MAX_NAME_CHARS} characters")
    if not key.scopes:
        raise KeyRefusedError("scopes", "name at least one of ingest, read, admin")
    if key.projects is not None and not 1 <= len(key.projects) <= MAX_PROJECTS:
        raise KeyRefusedError("projects", f"name 1 to {MAX_PROJECTS} projects, or leave them out for all")
    if key.expires_us is not None and key.expires_us <= now_us:
        raise KeyRefusedError("expires", "it would have expired already; name a time to come")
    if key.requests_per_minute is not None and key.requests_per_minute < 1:
        raise KeyRefusedError("requests_per_minute", "write 1 or more, or leave it out")


def _row(key: ApiKey, digest: str) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "hash": digest,
        "scopes": ",".join(sorted(key.scopes)),
        "projects": None if key.projects is None else json.dumps(sorted(key.projects)),
        "requests_per_minute": key.requests_per_minute,
        "created_us": key.created_us,
        "created_by": key.created_by,
        "expires_us": key.expires_us,
    }


def _key(row: Any) -> ApiKey:
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(Scope(name) for name in row.scopes.split(",")),
        projects=None if row.projects is None else frozenset(json.loads(row.projects)),
        requests_per_minute=row.requests_per_minute,
        created_us=row.created_us,
        created_by=row.created_by,
        expires_us=row.expires_us,
        last_used_us=row.last_used_us,
        revoked_us=row.revoked_us,
    )
