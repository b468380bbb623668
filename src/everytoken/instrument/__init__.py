"""The client half: sees every billed request of an application and reports it as a standard LangSmith run.

Runs in someone else's process: never raises, never blocks, never prints. May import `wire`, `catalog` and `core`, never
the server half.
"""

import sys
from types import ModuleType
from typing import Any

from everytoken.instrument.budget import Budget, budget
from everytoken.instrument.context import context
from everytoken.instrument.guard import BudgetExceeded
from everytoken.instrument.session import flush, instrument, uninstrument

__all__ = ["Budget", "BudgetExceeded", "budget", "context", "flush", "instrument", "uninstrument"]


class _Callable(ModuleType):
    """`everytoken.instrument` is this package once it is imported; called, it is the function of the same name."""

    def __call__(self, client: Any = None, **settings: Any) -> tuple[str, ...] | None:
        return instrument(client, **settings)


sys.modules[__name__].__class__ = _Callable
