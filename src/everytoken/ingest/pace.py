"""How often the flusher writes, and how fast bodies may come while it is behind."""

SHARE = 10
"""A flush takes at most one part in so many of the time: each is an insert to merge, and a part every read opens."""
LONGEST_S = 1.0
"""However long a flush took, what came meanwhile waits no longer."""
PLENTY_BYTES = 4 * 1024**2
"""So many bytes of decoded bodies make a flush worth its insert: it comes as soon as the setting allows."""
SLOW_BYTES = 16 * 1024**2
"""Decoded bodies that wait, above which bodies may come as fast as they are stored: most of a flush."""
BEHIND_BYTES = 28 * 1024**2
"""The same, above which they may come half as fast."""
MEASURED_BYTES = 64 * 1024
"""Received bytes of a flush that tells how fast they are stored; of a smaller one the insert's own cost is most."""


class Pace:
    """Time from the beginning of one flush to that of the next. Told in the flusher's thread, asked in any."""

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._every_s = least_s
        self._bytes_per_s: float | None = None

    def took(self, flush_s: float, received_bytes: int) -> None:
        """Tell how long the last flush took, and how many received bytes it stored."""
        self._every_s = max(self._least_s, min(flush_s * SHARE, LONGEST_S))
        if received_bytes > MEASURED_BYTES and flush_s > 0:
            now = received_bytes / flush_s
            self._bytes_per_s = now if self._bytes_per_s is None else (self._bytes_per_s + now) / 2

    def due_in_s(self, since_s: float, waiting_bytes: int) -> float:
        """Until the next flush, when the last one began `since_s` ago; not above 0 when it is due."""
        return (self._least_s if waiting_bytes > PLENTY_BYTES else self._every_s) - since_s

    def allowed_bytes_per_s(self, waiting_bytes: int) -> float | None:
        """How fast bodies may come, in received bytes, when so many decoded ones wait; `None`: as fast as they do."""
        if waiting_bytes <= SLOW_BYTES or self._bytes_per_s is None:
            return None
        return self._bytes_per_s if waiting_bytes <= BEHIND_BYTES else self._bytes_per_s / 2
