"""Attachments: bytes kept once under the hash of their content, and named by the run that carries them."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from everytoken.store.errors import StoreUnavailableError
from everytoken.wire.operations import Attachment, Decoded, Operation

FRESH_S = 600.0
"""How long what was shared is taken to be there for all servers, without sharing it again."""
WRITERS = 16
"""Files written at one time: they wait for the disk, which puts many down in the time of one."""
AFTER_OTHERS = 1_000_000
"""Index of the operation that names an attachment: behind those of its body."""


class AttachmentStore:
    """A folder of files named by their SHA-256; where servers have no folder in common, the ledger holds them too."""

    def __init__(self, folder: Path, share: Callable[[str, bytes], None] | None = None) -> None:
        self._folder = folder
        self._share = share

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def put(self, attachments: Sequence[Attachment]) -> list[str]:
        """Durable when it returns; the hash of each in hexadecimal.

        Raises:
            StoreUnavailableError: the disk is full or fails. Put the same again later: its body stays in the journal.
        """
        hashes = [hashlib.sha256(attachment.data).hexdigest() for attachment in attachments]
        wanted = {sha256: attachment.data for sha256, attachment in zip(hashes, attachments, strict=True)}
        try:
            missing = {sha256: data for sha256, data in wanted.items() if not self._is_there(self.path(sha256))}
            if self._share is not None:
                for sha256, data in missing.items():
                    self._share(sha256, data)
            _write({self.path(sha256): data for sha256, data in missing.items()})
        except OSError as error:
            raise StoreUnavailableError(
                f"an attachment cannot be kept in {self._folder}: {error.strerror or error}",
                hint="free some disk space",
            ) from error
        return hashes

    def drop(self, hashes: Iterable[str], before_s: float) -> int:
        """Remove attachments last put before an instant, in seconds of the epoch; how many there were.

        What came again since then is named by a run that may not be in the ledger yet.
        """
        dropped = 0
        for sha256 in hashes:
            path = self.path(sha256)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before_s:
                    path.unlink()
                    dropped += 1
        return dropped

    def _is_there(self, path: Path) -> bool:
        """Whether it is there already; it is marked as put now. One put long ago is shared again: others may have
        dropped it since."""
        try:
            put_s = path.stat().st_mtime
            os.utime(path)
        except FileNotFoundError:
            return False
        return self._share is None or put_s > time.time() - FRESH_S

    def as_operations(self, decoded: Decoded, gone: Container[str]) -> Iterator[Operation]:
        """The update of each run but those `gone` that says where its attachment is: `extra["attachment.<name>"]`."""
        kept = [(index, one) for index, one in enumerate(decoded.attachments) if one.run_id not in gone]
        hashes = self.put([attachment for _, attachment in kept])
        for (index, attachment), sha256 in zip(kept, hashes, strict=True):
            where = {"sha256": sha256, "mime_type": attachment.mime_type, "size_bytes": len(attachment.data)}
            yield Operation(
                "patch",
                attachment.run_id,
                {"extra": {f"attachment.{attachment.name}": where}},
                attachment.received_us,
                AFTER_OTHERS + index,
                allowed=decoded.allowed,
            )


def _write(files: Mapping[Path, bytes]) -> None:
    """Each all of it, or nothing; their names too outlive a loss of power."""
    folders = {file.parent for file in files}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if len(files) == 1:
            _write_one(*next(iter(files.items())))
        elif files:
            with ThreadPoolExecutor(WRITERS, thread_name_prefix="everytoken-attachments") as pool:
                list(pool.map(_write_one, files, files.values()))
    finally:
        for folder in folders | {folder.parent for folder in folders}:
            _sync(folder)


def _write_one(target: Path, data: bytes) -> None:
    fresh = target.with_suffix(".new")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)
