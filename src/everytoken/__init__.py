"""everytoken: every token of every LLM call, on every path, counted once and priced right."""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from everytoken.instrument import Budget, BudgetExceeded, budget, context, flush, instrument, uninstrument

__all__ = [
    "Budget",
    "BudgetExceeded",
    "__version__",
    "budget",
    "context",
    "flush",
    "instrument",
    "uninstrument",
]


def __getattr__(name: str) -> Any:
    """The client half, loaded when one of its names is first used: the server half never needs it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    client_half = importlib.import_module("everytoken.instrument")
    return client_half if name == "instrument" else getattr(client_half, name)
