"""Memory of this process: not taken for nothing, and given back to the system when the work is over."""

import contextlib
import ctypes
import importlib.abc
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

M_ARENA_MAX = -8
"""https://man7.org/linux/man-pages/man3/mallopt.3.html, read 2026-11."""
ARENAS = 2
"""Of glibc, which makes up to eight a core: a flush's strings, freed, stay in the arena of whichever thread it was."""


def take_little() -> None:
    """To be called before the first array and the first thread."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    _leave_pandas_out()


def give_back(purge_engine: Callable[[], None]) -> None:
    """Return what is free in the allocators of Python's strings, of Arrow and of the engine."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    purge_engine()
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


class _NoPandas(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is left out", name=fullname)
        return None


def _leave_pandas_out() -> None:
    """Let pyarrow look for pandas, once and for all, while there is none.

    It looks at its first array, and imports what it finds: 63 MB and 0.9 s of CPU at the first flush (pyarrow 26,
    2026-11) for conversions that nothing here asks for. Who imports pandas later gets it.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
