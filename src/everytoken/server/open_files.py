"""Open files of this process: enough for the engine, whose reads stand still without; connections get the rest."""

import contextlib
import resource

from everytoken.store.errors import StoreError

WANTED = 65_536
"""The limit is raised to this at the start, as far as the system lets us: what a shell gives, 1,024, is from 1983."""
KEPT_BACK = 384
"""Files for the journal, the control data and the engine, which opens one for each column of the parts it reads or
merges. Without a file to open, chDB's reads never return (26.5, 2026-11)."""
FEWEST_CONNECTIONS = 64
MOST_CONNECTIONS = 3_000
"""Beyond it a connection is closed at once. An answer needs far fewer; idle ones cost some 10 KB each."""


class FewFilesError(StoreError):
    """The system allows this process too few open files."""


def allow_many() -> None:
    """Raise this process's limit of open files.

    Raises:
        FewFilesError: it stays below what the server needs.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # a system may refuse more than it says: macOS does
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    least = KEPT_BACK + FEWEST_CONNECTIONS
    if _limit() < least:
        raise FewFilesError(
            f"this process may open {_limit()} files; it needs {least}", hint="raise the limit: ulimit -n 4096"
        )


def most_connections() -> int:
    """How many connections leave the engine the files it needs."""
    return min(MOST_CONNECTIONS, max(_limit() - KEPT_BACK, FEWEST_CONNECTIONS))


def _limit() -> int:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft
