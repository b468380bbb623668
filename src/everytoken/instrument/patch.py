"""Replaced functions, remembered so that `uninstrument()` restores each exactly."""

from collections.abc import Callable
from typing import Any


class Patches:
    """Class attributes we replaced. A patch laid over ours by someone else stays in place; ours then only passes on."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any, Any]] = []

    def replace(self, owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put `wrap(original)` in place of `owner.name`.

        Raises:
            AttributeError: the installed version has no such function.
        """
        original = owner.__dict__.get(name) or getattr(owner, name)
        wrapper = wrap(original)
        setattr(owner, name, wrapper)
        self._replaced.append((owner, name, original, wrapper))

    def restore(self) -> None:
        """Undo every replacement, the last first."""
        while self._replaced:
            owner, name, original, wrapper = self._replaced.pop()
            if owner.__dict__.get(name) is wrapper:
                setattr(owner, name, original)
