"""The data folder: one process at a time, one schema version, ours or refused."""

import errno
import fcntl
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

from everytoken.store.errors import FolderError

SCHEMA_VERSION = 1
"""Raised with every change of the journal, the ledger or the control data that an older server cannot read."""
PRODUCT = "everytoken"
MARK = "everytoken.json"
LOCK = "everytoken.lock"
MIN_FREE_BYTES = 64 * 1024**2  # below this the engine fails in the middle of a write


class DataFolder:
    """The open folder. Holds the lock until closed.

    Raises:
        FolderError: foreign, newer, in use by another process, not writable, or no space.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        try:
            self._open()
        except OSError as error:
            self.close()
            raise _as_folder_error(path, error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark = self.path / MARK
        if not mark.exists() and any(entry.name not in (LOCK, ".DS_Store") for entry in self.path.iterdir()):
            raise FolderError(
                f"{self.path} holds files that are not everytoken's", hint="name an empty or a new folder: --data DIR"
            )
        self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderError(
                f"another everytoken server uses {self.path}",
                hint="stop it, or give this one its own folder: --data DIR",
            ) from error
        if shutil.disk_usage(self.path).free < MIN_FREE_BYTES:
            raise FolderError(
                f"less than {MIN_FREE_BYTES // 1024**2} MB are free at {self.path}",
                hint="free some space, or name a folder on another disk: --data DIR",
            )
        if mark.exists():
            self._check(mark)
        else:
            self._write(mark)

    def _check(self, mark: Path) -> None:
        try:
            told = json.loads(mark.read_text())
            found = told["schema_version"]
            known = isinstance(found, int) and told["product"] == PRODUCT
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            raise FolderError(f"{mark} is not an everytoken mark", hint="name another folder: --data DIR")
        if found > SCHEMA_VERSION:
            raise FolderError(
                f"{self.path} was written by a newer everytoken (schema {found}; this one knows {SCHEMA_VERSION})",
                hint="upgrade everytoken, or name another folder: --data DIR",
            )

    def _write(self, mark: Path) -> None:
        fresh = mark.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump({"product": PRODUCT, "schema_version": SCHEMA_VERSION}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(mark)


def _as_folder_error(path: Path, error: OSError) -> FolderError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FolderError(f"no space at {path}", hint="free some space, or name a folder on another disk: --data DIR")
    reason = error.strerror or str(error)
    return FolderError(
        f"cannot use the data folder {path}: {reason}", hint="name a folder you may write to: --data DIR"
    )
