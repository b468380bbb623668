"""Threads that the application starts inside a run: what they call hangs under that run, not in traces of its own."""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

from langsmith._internal import _context

from everytoken.instrument.context import CONTENT
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches


def patch(patches: Patches) -> None:
    """Let `threading.Thread` and `ThreadPoolExecutor` hand the current run on; no other context is touched."""
    patches.replace(threading.Thread, "start", _wrap_start)
    patches.replace(ThreadPoolExecutor, "submit", _wrap_submit)


CARRIED: ContextVar[bool] = ContextVar("everytoken_carried", default=False)
"""True in a thread that was handed its run: a worker may outlive that run, and then belongs to none."""
_OWN_WORKERS = ("concurrent.futures", "langsmith", "everytoken")
"""Modules whose threads serve many runs."""


def _wrap_start(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def start(self: Any) -> Any:
        target = getattr(self, "_target", None) or type(self)
        if not str(getattr(target, "__module__", "")).startswith(_OWN_WORKERS):
            self.run = _carried(self.run) or self.run
        return original(self)

    return start


def _wrap_submit(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return original(self, _carried(fn) or fn, *args, **kwargs)

    return submit


@guarded
def _carried(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """`function` under the run of this context, where there is one and the thread has none of its own."""
    if _context.get_current_run_tree() is None:
        return None
    from langsmith.run_helpers import get_tracing_context, tracing_context

    here, content = get_tracing_context(), CONTENT.get()

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if _context.get_current_run_tree() is not None:
            return function(*args, **kwargs)
        tokens = CONTENT.set(content), CARRIED.set(True)
        try:
            with tracing_context(**here):
                return function(*args, **kwargs)
        finally:
            CONTENT.reset(tokens[0])
            CARRIED.reset(tokens[1])

    return run
