"""From a server to a folder: page after page, each noted in `export.json` once it is on disk."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.columns import What
from everytoken.cli.exchange.sinks import Format, Place, Sink, open_sink
from everytoken.cli.progress import Advance

NOTES = "export.json"
VERSION = 1
"""Of the folder's layout; another one is refused."""
PAGE_ROWS = 1_000


class Api(Protocol):
    def get(self, path: str, **params: str | int | None) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one export holds. The same again goes on; anything else wants a folder of its own."""

    server: str
    projects: list[str]
    from_: str | None
    to: str
    """Fixed at the start, so that an export which goes on later has one end."""
    whats: list[What]
    format: Format


@dataclass(slots=True)
class Progress:
    """How far one file is."""

    project: int = 0
    """Position in `Asked.projects`."""
    cursor: str | None = None
    place: Place = field(default_factory=Place)
    done: bool = False


class Notes:
    """`export.json`: what was asked and how far it is. Replaced as a whole, so that a kill leaves the one before."""

    def __init__(self, folder: Path, asked: Asked, progress: dict[str, Progress]) -> None:
        self.folder, self.asked, self.progress = folder, asked, progress

    @classmethod
    def open(cls, folder: Path, asked: Asked) -> "Notes":
        """Those of an earlier start, or new ones.

        Raises:
            CommandError: the folder holds something else.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / NOTES).exists():
            if any(folder.iterdir()):
                raise CommandError(f"{folder} is not empty and holds no export", hint="name an empty folder: --out DIR")
            notes = cls(folder, asked, {what: Progress() for what in asked.whats})
            notes.save()
            return notes
        held = read_notes(folder)
        before = held.asked
        same = [getattr(before, n) == getattr(asked, n) for n in ("server", "projects", "from_", "whats", "format")]
        if not all(same):
            raise CommandError(f"{folder} holds another export", hint="repeat its options, or name an empty folder")
        return held

    def save(self) -> None:
        told = {
            "everytoken_export": VERSION,
            "asked": asdict(self.asked),
            "files": {what: asdict(progress) for what, progress in self.progress.items()},
            "complete": all(progress.done for progress in self.progress.values()),
        }
        fresh = self.folder / f"{NOTES}.new"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(told, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / NOTES)


def read_notes(folder: Path) -> Notes:
    """The notes of an export.

    Raises:
        CommandError: they are not ours, or of a layout that this version does not know.
    """
    try:
        told = json.loads((folder / NOTES).read_text(encoding="utf-8"))
        version = told["everytoken_export"]
        asked = Asked(**told["asked"])
        progress = {what: Progress(**{**held, "place": Place(**held["place"])}) for what, held in told["files"].items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{folder / NOTES} is not the notes of an export: {error}") from error
    if version != VERSION:
        raise CommandError(f"{folder} was written by another version (layout {version})", hint="upgrade everytoken")
    return Notes(folder, asked, progress)


def export(api: Api, notes: Notes, what: What, advance: Advance) -> Path:
    """Write one kind of rows to the end, from where it stands; the path of what was written."""
    progress, asked = notes.progress[what], notes.asked
    if progress.done:
        return notes.folder / (what if asked.format == "parquet" else f"{what}.{asked.format}")
    sink = open_sink(notes.folder, what, asked.format, progress.place)
    advance(progress.place.rows)
    try:
        for index in range(progress.project, len(asked.projects)):
            for rows, cursor in pages(api, asked, what, asked.projects[index], progress.cursor):
                _keep(sink, rows, progress, advance)
                progress.project, progress.cursor = (index, cursor) if cursor else (index + 1, None)
                notes.save()
        path = sink.close()
    finally:
        sink.leave()
    progress.done = True
    notes.save()
    return path


def _keep(sink: Sink, rows: Sequence[dict[str, Any]], progress: Progress, advance: Advance) -> None:
    if rows:
        progress.place = sink.write(rows)
        advance(len(rows))


def pages(
    api: Api, asked: Asked, what: What, project: str, cursor: str | None
) -> Iterator[tuple[list[dict[str, Any]], str | None]]:
    """Each page with the cursor after it, `None` after the last."""
    while True:
        answer = api.get(
            f"/export/{what}", project=project, cursor=cursor, limit=PAGE_ROWS, **{"from": asked.from_, "to": asked.to}
        )
        cursor = answer["next"]
        yield answer[what], cursor
        if cursor is None:
            return
