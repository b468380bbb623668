"""Patching a module as it is imported, so that nothing is loaded that the application does not use."""

import importlib.abc
import importlib.machinery
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, ModuleType
from typing import Any

FORK_WAIT_S = 30.0
"""Longest time that a fork waits for an import of ours. It takes half a second once, on a machine with far too much to
do ten times that."""
IMPORTING_WAIT_S = 0.5
"""The same for a thread that forks while it imports: it may hold what our import waits for."""


class Loading:
    """Held while a thread of ours imports: a child forked in the middle would keep the half of a module for ever."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forker: int | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._wait, after_in_parent=self._go_on, after_in_child=self._start_anew)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _wait(self) -> None:
        if self._lock.acquire(timeout=IMPORTING_WAIT_S if _is_importing() else FORK_WAIT_S):
            self._forker = threading.get_ident()

    def _go_on(self) -> None:
        if self._forker == threading.get_ident():
            self._forker = None
            self._lock.release()

    def _start_anew(self) -> None:
        """Whoever held the lock of the parent is not here to give it back."""
        self._lock, self._forker = threading.RLock(), None


def _is_importing() -> bool:
    """Is this thread in the middle of an import?"""
    frame: FrameType | None = sys._getframe()
    while frame is not None and "importlib._bootstrap" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


LOADING = Loading()


class ImportWatch(importlib.abc.MetaPathFinder):
    """Calls back once for each watched module: now for those that are loaded, else right after their import."""

    def __init__(self, callbacks: Mapping[str, Callable[[], None]]) -> None:
        self._waiting = dict(callbacks)

    def start(self) -> None:
        for name in [name for name in self._waiting if name in sys.modules]:
            self._waiting.pop(name)()
        if self._waiting:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        self._waiting.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        callback = self._waiting.pop(fullname, None)
        if callback is None:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: importlib.machinery.ModuleSpec | None = None
            if finder is not self and find is not None:
                spec = find(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader, callback)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """The module's own loader, with a callback after it has run."""

    def __init__(self, loader: Any, callback: Callable[[], None]) -> None:
        self._loader = loader
        self._callback = callback

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._callback()
