"""A backup of the embedded stores: a folder, or one tar file of it, that a restore checks before it believes it.

Taken while the server works: the journal first, then the ledger, with no write between them. What was on its way is in
the journal's copy, and a replay of what the ledger has already changes nothing.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from everytoken.config import Settings
from everytoken.store.columnar import SCHEMA_VERSION as LEDGER_VERSION
from everytoken.store.errors import FolderError, StoreError
from everytoken.store.folder import DataFolder
from everytoken.store.ledger import Ledger
from everytoken.store.reading import TABLES

FORMAT = 1
"""Of a backup; raised when an older program could not restore it."""
MANIFEST = "manifest.json"
TAR = ".tar"
DATABASES = ("control.db", "journal.db")
ATTACHMENTS = "attachments"
CHUNK = 1024**2


def backup(settings: Settings, ledger: Ledger, target: Path) -> dict[str, Any]:
    """Write a backup to `target`, which does not exist yet: a folder, or one file when its name ends in `.tar`.

    Answers its manifest. Nothing stands at `target` until all of it does.

    Raises:
        FolderError: there is something at `target`, or it cannot be written.
        StoreError: the data lie in ClickHouse or PostgreSQL, which have their own backups.
    """
    refuse_shared(settings)
    if target.exists():
        raise FolderError(f"{target} is there already", hint="name a folder or a .tar file that does not exist yet")
    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        rows = _copy(settings.data_dir, ledger, partial)
        manifest = _manifest(partial, rows)
        if target.suffix == TAR:
            _pack(partial, target)
        else:
            partial.replace(target)
    except OSError as error:
        raise FolderError(f"the backup {target} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Make the data folder from a backup; answers its manifest. The folder is there whole, or not at all.

    Raises:
        FolderError: the folder holds something, or the backup is damaged, incomplete or newer than this program.
    """
    refuse_shared(settings)
    folder = settings.data_dir
    if folder.exists() and any(folder.iterdir()):
        raise FolderError(f"{folder} is not empty", hint="name an empty or a new folder: --data DIR")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with _unpacked(source, partial.with_name(f"{partial.name}.tar")) as held:
            manifest = _checked(held)
            with DataFolder(partial):
                _fill(settings.model_copy(update={"data": partial}), held, manifest)
        if folder.exists():
            folder.rmdir()
        partial.replace(folder)
    except OSError as error:
        raise FolderError(f"{source} could not be restored: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def refuse_shared(settings: Settings) -> None:
    """
    Raises:
        StoreError: the data lie in ClickHouse or PostgreSQL.
    """
    if settings.clickhouse_url is not None or settings.database_url is not None:
        raise StoreError(
            "the data lie in ClickHouse or PostgreSQL, which make their own backups",
            hint="use ClickHouse's BACKUP and pg_dump; docs/scale.md tells how",
        )


def _copy(data: Path, ledger: Ledger, partial: Path) -> dict[str, int]:
    with ledger.paused():
        for name in DATABASES:
            _copy_database(data / name, partial / name)
        rows = {table: ledger.dump(table, _file(partial, table)) for table in TABLES}
    if (data / ATTACHMENTS).is_dir():  # named by their content: what is there never changes
        shutil.copytree(data / ATTACHMENTS, partial / ATTACHMENTS, ignore=shutil.ignore_patterns("*.new"))
    return rows


def _copy_database(source: Path, target: Path) -> None:
    """A state of the database between two of its commits, whoever writes to it meanwhile."""
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise FolderError(f"{source} cannot be read: {error}") from error


def _manifest(partial: Path, rows: dict[str, int]) -> dict[str, Any]:
    files = {path.relative_to(partial).as_posix(): _sha256(path) for path in sorted(_files(partial))}
    manifest = {
        "product": "everytoken",
        "format": FORMAT,
        "ledger_schema": LEDGER_VERSION,
        "made_us": time.time_ns() // 1000,
        "rows": rows,
        "size_bytes": sum(path.stat().st_size for path in _files(partial)),
        "sha256": files,
    }
    with (partial / MANIFEST).open("w") as file:
        json.dump(manifest, file, indent=1)
    for path in _files(partial):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    return manifest


def _pack(partial: Path, target: Path) -> None:
    fresh = partial.with_suffix(TAR)
    try:
        with tarfile.open(fresh, "w") as tar:  # not compressed again: the largest files are already
            tar.add(partial / MANIFEST, MANIFEST)
            for path in sorted(_files(partial)):
                if path.name != MANIFEST:
                    tar.add(path, path.relative_to(partial).as_posix())
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def _unpacked(source: Path, into: Path) -> Iterator[Path]:
    if source.is_dir():
        yield source
        return
    try:
        with tarfile.open(source) as tar:
            tar.extractall(into, filter="data")
        yield into
    except (tarfile.TarError, FileNotFoundError) as error:
        raise FolderError(f"{source} is no backup: {error}", hint="name a folder or file that a backup made") from error
    finally:
        shutil.rmtree(into, ignore_errors=True)


def _checked(held: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((held / MANIFEST).read_text())
        known, form, ledger = manifest["sha256"], int(manifest["format"]), int(manifest["ledger_schema"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FolderError(f"{held} is no backup: it has no manifest that can be read") from error
    if form > FORMAT or ledger > LEDGER_VERSION:
        raise FolderError("the backup was made by a newer everytoken", hint="upgrade everytoken")
    linked = next((path for path in held.rglob("*") if path.is_symlink()), None)
    if linked is not None:  # it would be followed, to files of this machine
        raise FolderError(f"the backup holds a link, which no backup does: {linked.relative_to(held).as_posix()}")
    for name, sha256 in known.items():
        path = held / name
        if not path.is_file() or _sha256(path) != sha256:
            raise FolderError(f"the backup is damaged: {name} is not as it was written", hint="use another backup")
    return manifest


def _fill(settings: Settings, held: Path, manifest: dict[str, Any]) -> None:
    for name in DATABASES:
        shutil.copyfile(held / name, settings.data_dir / name)
    if (held / ATTACHMENTS).is_dir():
        shutil.copytree(held / ATTACHMENTS, settings.data_dir / ATTACHMENTS)
    ledger = Ledger.open(settings)
    try:
        for table in TABLES:
            stored = ledger.load(table, _file(held, table))
            if stored != manifest["rows"][table]:
                raise FolderError(f"of {manifest['rows'][table]} rows of {table}, {stored} were restored")
    finally:
        ledger.close()


def _file(folder: Path, table: str) -> Path:
    return (folder / f"{table}.native.zst").resolve()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
