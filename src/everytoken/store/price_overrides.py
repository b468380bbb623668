"""Price overrides that were set through the API: control data, and a file that the price book reads."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from everytoken.store.annotations import Annotations

KIND = "price_override"
MAX_OVERRIDES = 500
MAX_TOML_CHARS = 100_000
HEAD = "version = 1\n"
"""First line of every price file; an override is written without it."""


@dataclass(frozen=True, slots=True)
class PriceOverride:
    name: str
    toml: str
    """One or more `[[price]]` entries, as in a price file."""
    changed_us: int


class PriceOverrides:
    """By name. The file holds all of them in the order of their names, so that the last one wins everywhere alike."""

    def __init__(self, annotations: Annotations, file: Path) -> None:
        self._annotations = annotations
        self.file = file

    def list(self) -> list[PriceOverride]:
        rows = [_read(row) for row in self._annotations.of_kind(KIND, limit=MAX_OVERRIDES)]
        return sorted(rows, key=lambda row: row.name)

    def get(self, name: str) -> PriceOverride | None:
        row = self._annotations.get(KIND, name)
        return None if row is None else _read(row)

    def put(self, name: str, toml: str) -> PriceOverride:
        row = {"name": name, "toml": toml, "changed_us": time.time_ns() // 1000}
        self._annotations.put(KIND, name, row)
        self.write_file()
        return _read(row)

    def drop(self, name: str) -> bool:
        found = self._annotations.drop(KIND, name)
        self.write_file()
        return found

    def text(self, *, without: str | None = None) -> str:
        """All of them as one price file."""
        return HEAD + "\n".join(f"# {row.name}\n{row.toml}\n" for row in self.list() if row.name != without)

    def write_file(self) -> bool:
        """Bring the file up to date with the control data, which another server may change; whether it differed."""
        text = self.text()
        with contextlib.suppress(OSError):
            if self.file.read_text() == text:
                return False
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.file)
        return True


def _read(row: dict[str, Any]) -> PriceOverride:
    return PriceOverride(row["name"], row["toml"], row["changed_us"])
