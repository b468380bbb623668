"""Where exported rows go: each format keeps whole pages alone, and says where it stands so that a kill costs nothing.

A page counts once `write` has returned and its place was noted. What a killed process left behind it is cut off
(JSON Lines, CSV) or written over (Parquet, one file a part).
"""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import pyarrow.parquet as pq

from everytoken.cli.exchange.columns import COLUMNS, Row, What, table, to_text
from everytoken.store.columns import dump

Format = Literal["jsonl", "csv", "parquet"]
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file is written."""

    rows: int = 0
    size_bytes: int = 0
    """Of a file of lines."""
    parts: int = 0
    """Files of a Parquet folder."""


class Sink(Protocol):
    def write(self, rows: Sequence[Row]) -> Place:
        """Keep a page; it is on disk when this returns."""

    def leave(self) -> None:
        """Let go of the file as it is; another sink goes on from its place."""

    def close(self) -> Path:
        """Give the finished file its name, and say which."""


def open_sink(folder: Path, what: What, kind: Format, place: Place) -> Sink:
    """The sink as it stood at `place`; what was written beyond it is gone."""
    return PartSink(folder, what, place) if kind == "parquet" else LineSink(folder, what, kind, place)


def lines(what: What, kind: Literal["jsonl", "csv"], rows: Sequence[Row], *, header: bool) -> bytes:
    """A page as text."""
    if kind == "jsonl":
        return "".join(f"{dump(dict(row))}\n" for row in rows).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(COLUMNS[what])
    writer.writerows(to_text(what, row) for row in rows)
    return text.getvalue().encode()


class LineSink:
    """JSON Lines or CSV: one file that grows under a name of its own until it is whole."""

    def __init__(self, folder: Path, what: What, kind: Literal["jsonl", "csv"], place: Place) -> None:
        self._what, self._kind, self._place = what, kind, place
        self._path = folder / f"{what}.{kind}"
        partial = self._path.with_name(self._path.name + PARTIAL)
        if self._path.exists() and not partial.exists():  # it had its name, and the note of that was lost
            self._path.replace(partial)
        self._file = partial.open("ab")
        self._file.truncate(place.size_bytes)

    def write(self, rows: Sequence[Row]) -> Place:
        text = lines(self._what, self._kind, rows, header=self._place.size_bytes == 0)
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
        here = self._place
        self._place = replace(here, rows=here.rows + len(rows), size_bytes=here.size_bytes + len(text))
        return self._place

    def leave(self) -> None:
        self._file.close()

    def close(self) -> Path:
        if not self._place.rows and self._kind == "csv":
            self.write([])
        self.leave()
        Path(self._file.name).replace(self._path)
        return self._path


class PartSink:
    """Parquet: a folder of numbered files, as data tools read it; a file cannot be added to once it is closed."""

    def __init__(self, folder: Path, what: What, place: Place) -> None:
        self._what, self._place = what, place
        self._folder = folder / what
        self._folder.mkdir(exist_ok=True)
        for path in self._folder.glob("part-*"):
            if path.suffix != ".parquet" or int(path.stem.removeprefix("part-")) >= place.parts:
                path.unlink()

    def write(self, rows: Sequence[Row]) -> Place:
        path = self._folder / f"part-{self._place.parts:06}.parquet"
        partial = path.with_suffix(PARTIAL)
        with partial.open("wb") as file:
            pq.write_table(table(self._what, rows), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        here = self._place
        self._place = replace(here, rows=here.rows + len(rows), parts=here.parts + 1)
        return self._place

    def leave(self) -> None:
        """Each part is closed when it is written."""

    def close(self) -> Path:
        if not self._place.parts:
            self.write([])
        return self._folder
