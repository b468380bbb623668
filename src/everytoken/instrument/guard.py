"""The one guard every hook runs inside: a fault of ours is counted, logged once, and never reaches the application."""

import functools
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("everytoken")
# Without it, logging prints warnings on the stderr of an application that set up no logging.
logger.addHandler(logging.NullHandler())

_lock = threading.Lock()
_failures: Counter[str] = Counter()


class BudgetExceeded(Exception):  # noqa: N818 the name reads as what happened
    """A budget that the application set would be exceeded by this call, which was not made."""


def failed(hook: str, error: BaseException) -> None:
    """Count a fault of `hook`, and log its first occurrence. Under `EVERYTOKEN_STRICT=1` raise it again, for tests."""
    if os.environ.get("EVERYTOKEN_STRICT") == "1":
        raise error
    with _lock:
        _failures[hook] += 1
        first = _failures[hook] == 1
    if first:
        logger.warning("everytoken: %s failed; the call itself is not affected", hook, exc_info=error)


def failures() -> dict[str, int]:
    """How often each hook failed since the process started."""
    with _lock:
        return dict(_failures)


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """`function`, whose faults are counted instead of raised; it then returns `None`.

    A budget's own exception passes: it was asked for.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except BudgetExceeded:
            raise
        except Exception as error:  # noqa: BLE001 the guard is this boundary
            failed(function.__qualname__, error)
            return None

    return call
