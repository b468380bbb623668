"""Reads that do not wait for one another: what one view asks of the ledger at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from everytoken.store.ledger import READERS

Rows = list[dict[str, Any]]

_threads = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-read")
"""As many as the ledger has readers: more would wait for one. A read asks for no other, so none waits for itself."""


def together(first: Callable[[], Rows], *others: Callable[[], Rows]) -> tuple[Rows, ...]:
    """What each of these reads found, in their order. They see the projects that the caller sees.

    Raises:
        StoreError: what one of them raised, the first in order.
    """
    waiting = [_threads.submit(copy_context().run, read) for read in others]
    return first(), *(read.result() for read in waiting)
