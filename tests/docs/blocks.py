"""The pages and what they show in fences: programs, commands, data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(page for page in (ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "README.ko.md", "CONTRIBUTING.md", "ARCHITECTURE.md")),
]
FENCE = re.compile(r"^```([\w-]*)[ ]*([^\n]*)\n(.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(r"<!-- [^>]*--write -->.*?<!-- end of [^>]*-->", re.DOTALL)
SHELL = frozenset({"sh", "bash", "console"})
DATA = frozenset({"toml", "json", "yaml", "filter"})
SHOWN = frozenset({"text"})
"""What a program answers, and drawings: nothing to run."""


@dataclass(frozen=True, slots=True)
class Block:
    page: str
    """Path below `docs`, or the file's name beside it."""
    line: int
    language: str
    title: str | None
    """Name of the file that the reader is told to make."""
    text: str

    @property
    def commands(self) -> str:
        """Of a session the lines that are typed, of a script all."""
        if self.language != "console" or "$ " not in self.text:
            return self.text
        typed, goes_on = [], False
        for line in self.text.splitlines():
            if line.startswith("$ ") or goes_on:
                typed.append(line.removeprefix("$ "))
                goes_on = line.endswith("\\")
        return "\n".join(typed) + "\n"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs")) if page.is_relative_to(ROOT / "docs") else page.name


def blocks(page: Path) -> Iterator[Block]:
    """The fences of a page. What is generated there (signatures) has tests of its own, beside the generator."""
    text = GENERATED.sub(lambda found: "\n" * found[0].count("\n"), page.read_text(encoding="utf-8"))
    for found in FENCE.finditer(text):
        title = re.search(r'title="([^"]+)"', found[2])
        line = text.count("\n", 0, found.start()) + 1
        yield Block(name_of(page), line, found[1], title[1] if title else None, found[3])


def every_block() -> list[Block]:
    return [block for page in PAGES for block in blocks(page)]
