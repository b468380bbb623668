"""The journal: accepted bodies on disk before they are acknowledged, until the ledger has them.

One SQLite file, one thread that owns it. Requests that wait at the same time are committed together: the cost of a
commit is one fsync, whatever the number of rows.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from everytoken.store.errors import FolderError, StoreError

SCHEMA_VERSION = 1
"""Of this file; `PRAGMA user_version`."""
APPLICATION_ID = 0x65764A4C
"""`evJL`: tells our file from any other SQLite database."""
MAX_GROUP = 512
"""Requests committed together; more only delays the first of them."""
MAX_SEEN = 10_000_000
"""Traces remembered as written, about 500 MB; one that moves again after that many others is taken for a new one."""
VACUUM_BYTES = 64 * 1024**2
"""Free space inside the file above which opening gives it back to the disk."""

T = TypeVar("T")
log = logging.getLogger("everytoken.journal")

_SCHEMA = """
CREATE TABLE bodies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, so that a mark keeps its meaning
    route TEXT NOT NULL, run_id TEXT, content_type TEXT NOT NULL, encoding TEXT NOT NULL,
    received_us INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE parked (run_id TEXT PRIMARY KEY, operations BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (n INTEGER PRIMARY KEY AUTOINCREMENT, trace_id BLOB NOT NULL UNIQUE);
CREATE TABLE feedback (feedback_id TEXT PRIMARY KEY, received_us INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


class JournalFullError(StoreError):
    """At its size bound, or the disk is full: come back when the ledger has caught up."""


class JournalClosedError(StoreError):
    """The server is stopping."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted body, as it was received."""

    route: str
    """`multipart`, `batch`, `post`, `patch`, ...: which decoder reads it."""
    data: bytes
    received_us: int
    content_type: str = ""
    encoding: str = ""
    run_id: str | None = None
    """The id in the path of `PATCH /runs/{id}`."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What an earlier process accepted and did not finish."""

    rows: tuple[tuple[int, int], ...]
    """Row id and stored bytes, oldest first."""
    attempted: int
    """Rows up to this id may already be in the ledger, in part."""
    parked: Mapping[str, bytes]
    """Operations of runs that wait for the rest of themselves."""
    latest_us: int = 0
    """When the last of the bodies arrived."""


@dataclass(frozen=True, slots=True)
class Release:
    """What one flush settled, made durable in one transaction."""

    rows: Sequence[tuple[int, int]]
    """Row id and stored bytes of bodies that the ledger has whole."""
    traces: Iterable[str] = ()
    park: Mapping[str, bytes] = field(default_factory=dict)
    unpark: Iterable[str] = ()
    feedback: Sequence[tuple[str, int, bytes]] = ()
    """Feedback id, time of arrival in microseconds, JSON."""


@dataclass(slots=True)
class _Command:
    run: Callable[[sqlite3.Connection], Any]
    future: Future[Any]
    size_bytes: int = 0
    payload: Any = None


class Journal:
    """Thread-safe; `append` and the other calls answer with a future that is done when the commit is.

    `committed` is called on the journal's thread with `(row id, stored bytes, payload)` of each group, in the order of
    the rows, before the futures are done.
    """

    def __init__(
        self, path: Path, *, max_bytes: int, committed: Callable[[Sequence[tuple[int, int, Any]]], None] | None = None
    ) -> None:
        """Open or create the file.

        Raises:
            FolderError: the file is foreign, damaged, or of a newer version.
        """
        self.path = path
        self.max_bytes = max_bytes
        self.committed = committed
        self._connection, self.backlog = _open(path)
        self._used_bytes = sum(size for _, size in self.backlog.rows)
        self._queued_bytes = 0
        self.commits = 0
        """Transactions on disk since the file was opened."""
        self.commit_s = 0.0
        """What they took."""
        self._commands: list[_Command] = []
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="everytoken-journal", daemon=True)
        self._thread.start()

    @property
    def used_bytes(self) -> int:
        """Bodies on disk and on their way to it."""
        return self._used_bytes + self._queued_bytes

    @property
    def queued(self) -> int:
        return len(self._commands)

    def append(self, entry: Entry, payload: Any = None) -> "Future[int]":
        """The row id, once the body is on disk.

        Raises:
            JournalFullError: now, without waiting.
            JournalClosedError: the journal is closed.
        """
        size = len(entry.data)
        if self.used_bytes + size > self.max_bytes:
            raise JournalFullError(f"the journal holds {self._used_bytes} of {self.max_bytes} bytes")
        return self._submit(_Command(lambda connection: _insert(connection, entry), Future(), size, payload))

    def read(self, row_ids: Sequence[int]) -> "Future[list[tuple[int, Entry]]]":
        """Bodies by row id, in that order; ids that are gone are left out."""
        return self._submit(_Command(lambda connection: _select(connection, row_ids), Future()))

    def begin_flush(self, upto_row: int, trace_ids: Sequence[str]) -> "Future[set[str]]":
        """Mark rows up to `upto_row` as perhaps written; answers which of the traces were written before."""
        return self._submit(_Command(lambda connection: _begin_flush(connection, upto_row, trace_ids), Future()))

    def release(self, release: Release) -> "Future[None]":
        """Forget bodies that the ledger has."""
        freed = sum(size for _, size in release.rows)
        return self._submit(_Command(lambda connection: _release(connection, release), Future(), -freed))

    def feedback(self) -> "Future[list[tuple[str, int, bytes]]]":
        """All feedback: id, time of arrival in microseconds, JSON."""
        return self._submit(
            _Command(lambda c: c.execute("SELECT feedback_id, received_us, body FROM feedback").fetchall(), Future())
        )

    def forget_feedback(self, taken: Sequence[tuple[str, int]]) -> "Future[None]":
        """Forget feedback that another store has: id and time of arrival; a later one of the same id stays."""

        def forget(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM feedback WHERE feedback_id = ? AND received_us = ?", taken)

        return self._submit(_Command(forget, Future()))

    def close(self) -> None:
        """Commit what waits, then close the file."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _submit(self, command: _Command) -> "Future[Any]":
        with self._wake:
            if self._closing:
                raise JournalClosedError("the journal is closed")
            self._commands.append(command)
            self._queued_bytes += max(command.size_bytes, 0)
            self._wake.notify()
        return command.future

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._commands and not self._closing:
                    self._wake.wait()
                group, self._commands = self._commands[:MAX_GROUP], self._commands[MAX_GROUP:]
            if not group:
                break
            self._commit(group)
        self._connection.close()

    def _commit(self, group: list[_Command]) -> None:
        live = [command for command in group if command.future.set_running_or_notify_cancel()]
        began_s = time.monotonic()
        try:
            if self._connection.in_transaction:  # left by a rollback that failed
                self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")
            results = [command.run(self._connection) for command in live]
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the one thread every request waits for must outlive any of them
            with contextlib.suppress(sqlite3.Error):  # a disk that fails may fail this too: the next group tries again
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
            log.error("the journal at %s could not commit: %s", self.path, error)
            self._account(group, stored=())
            for command in live:
                command.future.set_exception(
                    JournalFullError(f"the journal could not be written: {error}", hint="free some disk space")
                )
            return
        self.commits += 1
        self.commit_s += time.monotonic() - began_s
        self._account(group, stored=live)
        appended = [
            (row_id, command.size_bytes, command.payload)
            for row_id, command in zip(results, live, strict=True)
            if command.size_bytes > 0
        ]
        if appended and self.committed is not None:
            self.committed(appended)
        for result, command in zip(results, live, strict=True):
            command.future.set_result(result)

    def _account(self, group: Sequence[_Command], *, stored: Sequence[_Command]) -> None:
        with self._wake:
            self._queued_bytes -= sum(max(command.size_bytes, 0) for command in group)
            self._used_bytes += sum(command.size_bytes for command in stored)


def _open(path: Path) -> tuple[sqlite3.Connection, Backlog]:
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        _migrate(connection, path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if free * connection.execute("PRAGMA page_size").fetchone()[0] > VACUUM_BYTES:
            connection.execute("VACUUM")
        backlog = _backlog(connection)
    except sqlite3.Error as error:
        raise FolderError(
            f"{path} cannot be read: {error}", hint="restore it from a backup, or move it away"
        ) from error
    return connection, backlog


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner == 0 and version == 0 and tables == 0:
        connection.executescript(
            f"BEGIN;{_SCHEMA}PRAGMA application_id={APPLICATION_ID};PRAGMA user_version={SCHEMA_VERSION};COMMIT;"
        )
        return
    fault = None
    if owner != APPLICATION_ID:
        fault = FolderError(f"{path} is not an everytoken journal", hint="name another data folder: --data DIR")
    elif version > SCHEMA_VERSION:
        fault = FolderError(
            f"{path} was written by a newer everytoken (journal {version}; this one knows {SCHEMA_VERSION})",
            hint="upgrade everytoken, or name another data folder: --data DIR",
        )
    if fault is not None:
        connection.close()
        raise fault


def _backlog(connection: sqlite3.Connection) -> Backlog:
    rows = connection.execute("SELECT id, length(body) FROM bodies ORDER BY id").fetchall()
    mark = connection.execute("SELECT value FROM marks WHERE name = 'attempted'").fetchone()
    parked = dict(connection.execute("SELECT run_id, operations FROM parked").fetchall())
    latest_us = connection.execute("SELECT max(received_us) FROM bodies").fetchone()[0]
    return Backlog(tuple(rows), mark[0] if mark else 0, parked, latest_us or 0)


def _insert(connection: sqlite3.Connection, entry: Entry) -> int | None:
    return connection.execute(
        "INSERT INTO bodies (route, run_id, content_type, encoding, received_us, body) VALUES (?, ?, ?, ?, ?, ?)",
        (entry.route, entry.run_id, entry.content_type, entry.encoding, entry.received_us, entry.data),
    ).lastrowid


def _select(connection: sqlite3.Connection, row_ids: Sequence[int]) -> list[tuple[int, Entry]]:
    found = []
    for row_id in row_ids:
        row = connection.execute(
            "SELECT route, body, received_us, content_type, encoding, run_id FROM bodies WHERE id = ?", (row_id,)
        ).fetchone()
        if row is not None:
            found.append((row_id, Entry(*row)))
    return found


def _begin_flush(connection: sqlite3.Connection, upto_row: int, trace_ids: Sequence[str]) -> set[str]:
    connection.execute(
        "INSERT INTO marks VALUES ('attempted', ?) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        (upto_row,),
    )
    return {
        trace_id
        for trace_id in trace_ids
        if connection.execute("SELECT 1 FROM seen WHERE trace_id = ?", (_packed(trace_id),)).fetchone()
    }


def _release(connection: sqlite3.Connection, release: Release) -> None:
    connection.executemany("DELETE FROM bodies WHERE id = ?", ((row_id,) for row_id, _ in release.rows))
    connection.executemany("DELETE FROM parked WHERE run_id = ?", ((run_id,) for run_id in release.unpark))
    connection.executemany("INSERT OR REPLACE INTO parked VALUES (?, ?)", release.park.items())
    connection.executemany("INSERT OR REPLACE INTO feedback VALUES (?, ?, ?)", release.feedback)
    added = connection.executemany(
        "INSERT OR IGNORE INTO seen (trace_id) VALUES (?)", ((_packed(trace_id),) for trace_id in release.traces)
    )
    if added.rowcount > 0:
        connection.execute("DELETE FROM seen WHERE n <= (SELECT max(n) FROM seen) - ?", (MAX_SEEN,))


def _packed(trace_id: str) -> bytes:
    """16 bytes in place of 36 characters."""
    return bytes.fromhex(trace_id.replace("-", ""))
