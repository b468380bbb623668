"""A progress bar on stderr for work that takes longer than a moment; nothing where stderr is not a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[[int], None]
"""Say that so many units more are done."""


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Advance]:
    """Show `title` and a bar until the block ends. `total` is `None` when nobody knows it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=total)
        yield lambda units: bar.advance(task, units)
