"""The journal: on disk before it is acknowledged, committed in groups, bounded, and ours or refused."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest

from everytoken.store.errors import FolderError
from everytoken.store.journal import (
    APPLICATION_ID,
    Entry,
    Journal,
    JournalClosedError,
    JournalFullError,
    Release,
)

MIB = 1024**2
TRACE = "01a204f2-8c53-7543-9601-f245abe1e192"
Opener = Callable[..., Journal]


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Opener]:
    opened: list[Journal] = []

    def open_(max_bytes: int = MIB) -> Journal:
        journal = Journal(tmp_path / "journal.db", max_bytes=max_bytes)
        opened.append(journal)
        return journal

    yield open_
    for journal in opened:
        journal.close()


def entry(data: bytes = b"body", received_us: int = 5) -> Entry:
    return Entry("multipart", data, received_us, "multipart/form-data; boundary=b", "zstd")


def rows_on_disk(journal: Journal) -> list[tuple[int, bytes]]:
    """What another process would find."""
    with sqlite3.connect(journal.path) as connection:
        return connection.execute("SELECT id, body FROM bodies ORDER BY id").fetchall()


def test_a_body_is_on_disk_when_its_future_is_done(open_journal: Opener) -> None:
    journal = open_journal()
    row_id = journal.append(entry(b"kept")).result(5)
    assert rows_on_disk(journal) == [(row_id, b"kept")]


def test_a_reopened_journal_gives_back_what_was_accepted(open_journal: Opener) -> None:
    first = open_journal()
    sent = [Entry("batch", b"1", 1), Entry("patch", b"22", 2, run_id=TRACE), entry(b"333", 3)]
    ids = [first.append(one).result(5) for one in sent]
    first.close()
    second = open_journal()
    assert second.backlog.rows == tuple(zip(ids, (1, 2, 3), strict=True))
    assert second.used_bytes == 6
    assert second.read(ids).result(5) == list(zip(ids, sent, strict=True))


def test_a_released_body_is_gone_and_its_number_is_never_used_again(open_journal: Opener) -> None:
    journal = open_journal()
    first = journal.append(entry()).result(5)
    journal.release(Release(rows=[(first, 4)])).result(5)
    assert journal.used_bytes == 0
    assert journal.read([first]).result(5) == []
    journal.close()
    assert open_journal().append(entry()).result(5) > first


def test_requests_that_wait_together_are_committed_together(open_journal: Opener) -> None:
    journal = open_journal()
    groups: list[int] = []
    held, entered = threading.Event(), threading.Event()

    def committed(rows: object) -> None:
        groups.append(len(rows))  # type: ignore[arg-type]  # a sequence of rows
        entered.set()
        held.wait(5)

    journal.committed = committed
    futures = [journal.append(entry())]
    entered.wait(5)
    futures += [journal.append(entry()) for _ in range(50)]
    held.set()
    wait(futures, 5)
    assert groups == [1, 50]


def test_payloads_are_handed_on_in_the_order_of_the_rows(open_journal: Opener) -> None:
    journal = open_journal()
    seen: list[tuple[int, int, object]] = []
    journal.committed = seen.extend
    threads = [
        threading.Thread(target=lambda n=n: [journal.append(entry(b"x" * n), n).result(5) for _ in range(20)])
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 160
    assert [row_id for row_id, _, _ in seen] == sorted(row_id for row_id, _, _ in seen)
    assert all(size == payload for _, size, payload in seen)


def test_a_full_journal_refuses_and_takes_again_when_there_is_room(open_journal: Opener) -> None:
    journal = open_journal(max_bytes=10)
    first = journal.append(entry(b"123456")).result(5)
    with pytest.raises(JournalFullError, match="6 of 10 bytes"):
        journal.append(entry(b"12345"))
    assert journal.append(entry(b"1234")).result(5) > first
    journal.release(Release(rows=[(first, 6)])).result(5)
    journal.append(entry(b"12345")).result(5)


def test_a_disk_that_is_full_refuses_everyone_who_waits_and_keeps_nothing_of_them(open_journal: Opener) -> None:
    journal = open_journal()
    kept = journal.append(entry()).result(5)
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalFullError, match="could not be written"):
        journal.append(entry(b"x" * 200_000)).result(5)
    journal._connection.execute("PRAGMA max_page_count=1000000")
    assert journal.used_bytes == 4
    later = journal.append(entry(b"y" * 200_000)).result(5)
    assert [row_id for row_id, _ in rows_on_disk(journal)] == [kept, later]


def test_a_request_that_was_cancelled_while_it_waited_harms_no_one(open_journal: Opener) -> None:
    journal = open_journal()
    held = threading.Event()
    journal.committed = lambda _rows: bool(held.wait(5))  # type: ignore[assignment]  # its answer is not read
    first = journal.append(entry())
    while journal.queued:
        pass
    cancelled, last = journal.append(entry(b"gone")), journal.append(entry(b"stays"))
    cancelled.cancel()
    held.set()
    assert (first.result(5), last.result(5)) == (1, 2)
    assert [body for _, body in rows_on_disk(journal)] == [b"body", b"stays"]
    assert journal.used_bytes == 9


def test_a_closed_journal_takes_nothing_more(open_journal: Opener) -> None:
    journal = open_journal()
    waiting = [journal.append(entry()) for _ in range(20)]
    journal.close()
    assert all(future.done() for future in waiting)
    with pytest.raises(JournalClosedError):
        journal.append(entry())


def test_traces_written_before_are_known_after_a_restart(open_journal: Opener) -> None:
    journal = open_journal()
    journal.release(Release(rows=[], traces=[TRACE])).result(5)
    journal.close()
    other = "01a204f2-8c53-7543-9601-f245abe1e193"
    assert open_journal().begin_flush(0, [TRACE, other]).result(5) == {TRACE}


def test_rows_that_a_flush_began_with_are_marked_for_the_next_process(open_journal: Opener) -> None:
    journal = open_journal()
    ids = [journal.append(entry()).result(5) for _ in range(3)]
    journal.begin_flush(ids[1], []).result(5)
    journal.begin_flush(0, []).result(5)
    journal.close()
    assert open_journal().backlog.attempted == ids[1]


def test_parked_operations_and_feedback_survive_a_restart(open_journal: Opener) -> None:
    journal = open_journal()
    journal.release(Release(rows=[], park={"a": b"1", "b": b"2"}, feedback=[("f", 7, b"{}")])).result(5)
    journal.release(Release(rows=[], park={"b": b"3"}, unpark=["a"])).result(5)
    journal.close()
    reopened = open_journal()
    assert reopened.backlog.parked == {"b": b"3"}
    assert reopened.feedback().result(5) == [("f", 7, b"{}")]


def test_a_database_of_someone_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(FolderError, match="is not an everytoken journal") as caught:
        Journal(path, max_bytes=MIB)
    assert caught.value.hint == "name another data folder: --data DIR"
    assert path.read_bytes() == before


def test_a_journal_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE bodies (x)")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("PRAGMA user_version=7")
    with pytest.raises(FolderError, match=r"newer everytoken \(journal 7; this one knows 1\)") as caught:
        Journal(path, max_bytes=MIB)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("upgrade everytoken")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"hello" * 1000)
    with pytest.raises(FolderError, match="cannot be read"):
        Journal(path, max_bytes=MIB)


def test_a_journal_whose_table_is_damaged_is_refused_with_what_to_do(open_journal: Opener, tmp_path: Path) -> None:
    journal = open_journal()
    path = journal.path
    for _ in range(50):
        journal.append(entry(b"x" * 1_000)).result(5)
    journal.close()
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * 4096 + data[8192:])
    with pytest.raises(FolderError, match="cannot be read: database disk image is malformed") as caught:
        Journal(path, max_bytes=MIB)
    assert caught.value.hint == "restore it from a backup, or move it away"


class FailingDisk:
    """The journal's connection, on a disk that refuses some statements for a while."""

    def __init__(self, connection: sqlite3.Connection, *refused: str) -> None:
        self._connection = connection
        self.refused: tuple[str, ...] = refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, *more: Any) -> Any:
        if sql.startswith(self.refused or ("\0",)):
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(sql, *more)


def test_a_disk_that_fails_even_to_undo_leaves_the_journal_at_work(open_journal: Opener) -> None:
    journal = open_journal()
    first = journal.append(entry()).result(5)
    disk = FailingDisk(journal._connection, "COMMIT", "ROLLBACK")
    journal._connection = disk  # type: ignore[assignment]  # the seam to the disk
    for _ in range(2):
        with pytest.raises(JournalFullError, match="disk I/O error"):
            journal.append(entry(b"lost")).result(5)
    disk.refused = ()
    assert journal.append(entry(b"kept")).result(5) > first
    assert [data for _, data in rows_on_disk(journal)] == [b"body", b"kept"]
