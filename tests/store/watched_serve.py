"""`everytoken serve` that tells in a file what it is at, so that a kill from outside can be aimed, and told afterwards.

`PHASES=file python -m tests.store.watched_serve serve --port … --data …`
"""

import functools
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("journal", "settle", "flush", "migration")


class Phases:
    """A byte for each work of a server, 1 while it is under way. It outlives the process that wrote it."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(len(NAMES)))
        with file.open("r+b") as opened:
            self._bytes = mmap.mmap(opened.fileno(), len(NAMES))

    def clear(self) -> None:
        self._bytes[:] = bytes(len(NAMES))

    def under_way(self) -> list[str]:
        return [name for at, name in enumerate(NAMES) if self._bytes[at]]

    def is_under_way(self, name: str) -> bool:
        return self._bytes[NAMES.index(name)] == 1

    def during(
        self, name: str, call: Callable[..., Any], when: Callable[..., bool] = lambda *_: True
    ) -> Callable[..., Any]:
        """The same call, which tells that it is under way where `when` holds of its arguments."""
        at = NAMES.index(name)

        @functools.wraps(call)
        def told(*arguments: Any, **more: Any) -> Any:
            self._bytes[at] = when(*arguments)
            try:
                return call(*arguments, **more)
            finally:
                self._bytes[at] = 0

        return told


def _has_appended(_journal: Any, group: list[Any]) -> bool:
    return any(command.size_bytes > 0 for command in group)


def watch(phases: Phases) -> None:
    """To be called before the modules that import these names."""
    from everytoken.store import columnar

    def is_old(client: Any, layout: Any) -> bool:
        return 0 < columnar.found_version(client, layout) < columnar.SCHEMA_VERSION

    setattr(columnar, "migrate", phases.during("migration", columnar.migrate, is_old))  # noqa: B010 - nobody may see it

    from everytoken.ingest import settling
    from everytoken.store.journal import Journal
    from everytoken.store.ledger import Ledger

    setattr(settling, "settle_trace", phases.during("settle", settling.settle_trace))  # noqa: B010
    setattr(Journal, "_commit", phases.during("journal", Journal._commit, _has_appended))  # noqa: B010
    setattr(Ledger, "write", phases.during("flush", Ledger.write))  # noqa: B010


if __name__ == "__main__":
    watch(Phases(Path(os.environ["PHASES"])))

    from everytoken.cli import main

    main()
