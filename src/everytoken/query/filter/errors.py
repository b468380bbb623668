"""What is wrong with a filter, where, and what was probably meant."""

import difflib
from collections.abc import Iterable


class FilterError(ValueError):
    """A filter that cannot be understood. The message holds position and suggestion, for callers that show one line."""

    def __init__(self, reason: str, position: int, suggestion: str | None = None) -> None:
        super().__init__(f"{reason} at position {position}" + (f"; {suggestion}" if suggestion else ""))
        self.reason = reason
        self.position = position
        """Characters before the fault, from 0."""
        self.suggestion = suggestion


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion for a word that is not one of `known`."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:60].lower(), names, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
