"""`everytoken serve` on a machine whose clock is set while it runs: by as many microseconds as a file says.

`SHIFT=file python -m tests.store.shifted_serve serve --port … --data …`
"""

import mmap
import os
import time
from pathlib import Path

from everytoken.cli import main

SIZE = 8


def shift(file: Path, us: int) -> None:
    """Set the clock of all who run with that file."""
    if not file.exists():
        file.write_bytes(bytes(SIZE))
    with file.open("r+b") as opened:
        opened.write(us.to_bytes(SIZE, "little", signed=True))


def follow(file: Path) -> None:
    with file.open("r+b") as opened:
        held = mmap.mmap(opened.fileno(), SIZE)
    true_ns = time.time_ns

    def time_ns() -> int:
        return true_ns() + int.from_bytes(held[:], "little", signed=True) * 1_000

    setattr(time, "time_ns", time_ns)  # noqa: B010 - the clock of the whole process, which mypy holds for a function
    setattr(time, "time", lambda: time_ns() / 1e9)  # noqa: B010


if __name__ == "__main__":
    follow(Path(os.environ["SHIFT"]))
    main()
