"""Where in a TOML text a key stands: `tomllib` forgets lines once a file parses."""

import re

_ENTRY = re.compile(r"^\s*\[\[\s*price\s*\]\]")


class Lines:
    """Finds the line, from 1, of the n-th `[[price]]` entry or of a key in it."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._starts = [number for number, line in enumerate(self._lines) if _ENTRY.match(line)]

    def top(self, key: str) -> int:
        return self._search((key,), 0, self._starts[0] if self._starts else len(self._lines))

    def entry(self, index: int, *path: str) -> int:
        """The line of the innermost key of `path` that can be found, else of the entry's header."""
        if index >= len(self._starts):
            return 1
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._lines)
        return self._search(path, self._starts[index], end)

    def _search(self, path: tuple[str, ...], start: int, end: int) -> int:
        found = start
        column = 0
        for key in path:
            pattern = re.compile(rf"""(?<![\w-])["']?{re.escape(key)}["']?\s*(?=[=.\]])""")
            for number in range(found, end):
                match = pattern.search(self._lines[number], column if number == found else 0)
                if match and "#" not in self._lines[number][: match.start()]:
                    found, column = number, match.end()
                    break
        return found + 1
