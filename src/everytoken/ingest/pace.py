"""How often the flusher writes: soon after a single run, in larger pieces while runs keep coming."""

SHARE = 10
"""A flush takes at most one part in so many of the time: each is an insert to merge, and a part every read opens."""
LONGEST_S = 1.0
"""However long a flush took, what came meanwhile waits no longer."""
PLENTY_BYTES = 4 * 1024**2
"""So many bytes of decoded bodies make a flush worth its insert: it comes as soon as the setting allows."""


class Pace:
    """Time from the beginning of one flush to that of the next."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._every_s = least_s

    def took(self, flush_s: float) -> None:
        """Tell how long the last flush took."""
        self._every_s = max(self._least_s, min(flush_s * SHARE, LONGEST_S))

    def due_in_s(self, since_s: float, waiting_bytes: int) -> float:
        """Until the next flush, when the last one began `since_s` ago; not above 0 when it is due."""
        return (self._least_s if waiting_bytes > PLENTY_BYTES else self._every_s) - since_s
