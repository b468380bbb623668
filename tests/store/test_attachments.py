"""Attachments on a real disk: kept once, many at a time, and never half."""

from pathlib import Path

import pytest

from everytoken.ingest.attachments import AttachmentStore
from everytoken.store.errors import StoreUnavailableError
from everytoken.wire.operations import Attachment, Decoded

RUN, GONE = "01a204f2-8c53-7543-9601-000000000001", "01a204f2-8c53-7543-9601-000000000002"
HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
"""The SHA-256 of "hello"."""


def attachment(name: str, data: bytes, run_id: str = RUN) -> Attachment:
    return Attachment(run_id, name, "text/plain", data, 5)


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_many_attachments_are_each_kept_and_the_same_bytes_once(tmp_path: Path) -> None:
    store = AttachmentStore(tmp_path / "kept")
    many = [attachment(str(n), b"%d" % (n % 300)) for n in range(900)]
    hashes = store.put([attachment("a", b"hello"), *many, attachment("b", b"hello")])
    assert hashes[0] == hashes[-1] == HELLO
    assert store.path(HELLO) == tmp_path / "kept" / "2c" / HELLO
    assert [store.path(sha256).read_bytes() for sha256 in hashes[1:-1]] == [one.data for one in many]
    assert len(files(tmp_path)) == 301
    assert store.put([]) == []


def test_what_the_ledger_of_several_servers_has_to_hold_is_told_once(tmp_path: Path) -> None:
    told: list[tuple[str, bytes]] = []
    store = AttachmentStore(tmp_path, lambda sha256, data: told.append((sha256, data)))
    for _ in range(2):
        store.put([attachment("a", b"hello"), attachment("b", b"hello")])
    assert told == [(HELLO, b"hello")]


def test_updates_name_the_attachments_of_runs_that_are_not_gone(tmp_path: Path) -> None:
    decoded = Decoded(
        attachments=(attachment("old", b"x", GONE), attachment("new", b"hello")), allowed=frozenset({"p"})
    )
    (update,) = AttachmentStore(tmp_path).as_operations(decoded, {GONE})
    where = {"sha256": HELLO, "mime_type": "text/plain", "size_bytes": 5}
    assert (update.kind, update.run_id, update.body) == ("patch", RUN, {"extra": {"attachment.new": where}})
    assert (update.received_us, update.index, update.allowed) == (5, 1_000_001, frozenset({"p"}))
    assert files(tmp_path) == [f"2c/{HELLO}"]


@pytest.mark.parametrize("count", [1, 40])
def test_a_disk_that_fails_leaves_no_half_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    def fail(_file: int) -> None:
        raise OSError(28, "No space left on device")

    store = AttachmentStore(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fail)
        with pytest.raises(StoreUnavailableError, match="No space left on device"):
            store.put([attachment(str(n), b"%d" % n) for n in range(count)])
    assert files(tmp_path) == []
    assert len(store.put([attachment(str(n), b"%d" % n) for n in range(count)])) == len(files(tmp_path)) == count
