"""Attachments: bytes kept once under the hash of their content, and named by the run that carries them."""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from everytoken.store.errors import StoreUnavailableError
from everytoken.wire.operations import Attachment, Operation

FRESH_S = 600.0
"""How long what was shared is taken to be there for all servers, without sharing it again."""
AFTER_OTHERS = 1_000_000
"""Index of the operation that names an attachment: behind those of its body."""


class AttachmentStore:
    """A folder of files named by their SHA-256; where servers have no folder in common, the ledger holds them too."""

    def __init__(self, folder: Path, share: Callable[[str, bytes], None] | None = None) -> None:
        self._folder = folder
        self._share = share

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def put(self, attachment: Attachment) -> str:
        """Durable when it returns; the hash in hexadecimal.

        Raises:
            StoreUnavailableError: the disk is full or fails. Put the same again later: its body stays in the journal.
        """
        sha256 = hashlib.sha256(attachment.data).hexdigest()
        target = self.path(sha256)
        try:
            if not self._is_there(target):
                if self._share is not None:
                    self._share(sha256, attachment.data)
                _write(target, attachment.data)
        except OSError as error:
            raise StoreUnavailableError(
                f"an attachment cannot be kept in {self._folder}: {error.strerror or error}",
                hint="free some disk space",
            ) from error
        return sha256

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

    def as_operation(self, attachment: Attachment, index: int, allowed: frozenset[str] | None = None) -> Operation:
        """The update of the run that says where its attachment is: `extra["attachment.<name>"]`."""
        where = {
            "sha256": self.put(attachment),
            "mime_type": attachment.mime_type,
            "size_bytes": len(attachment.data),
        }
        return Operation(
            "patch",
            attachment.run_id,
            {"extra": {f"attachment.{attachment.name}": where}},
            attachment.received_us,
            AFTER_OTHERS + index,
            allowed=allowed,
        )


def _write(target: Path, data: bytes) -> None:
    """All of it, or nothing; its name too outlives a loss of power."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
    for folder in (target.parent, target.parent.parent):
        held = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(held)
        finally:
            os.close(held)
