"""The time of arrival: that of the wall, except that it never goes back."""

import threading
import time
from collections.abc import Callable

from everytoken.ingest.parked import load_operations
from everytoken.store.journal import Backlog


class ForwardClock:
    """Microseconds of the epoch. Thread-safe.

    Times of arrival decide who overwrites whom, and how long a run has waited for the rest of itself. When the clock of
    the machine is set back, this one goes on at its pace until the other has caught up; set ahead, it follows.
    """

    def __init__(
        self,
        after_us: int = 0,
        *,
        wall_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        pace_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        """All its times are later than `after_us`."""
        self._wall_us = wall_us
        self._pace_us = pace_us
        self._lock = threading.Lock()
        self._now_us = after_us + 1
        self._at_us = pace_us()

    def __call__(self) -> int:
        with self._lock:
            at_us = self._pace_us()
            self._now_us = max(self._wall_us(), self._now_us + at_us - self._at_us)
            self._at_us = at_us
            return self._now_us


def latest_us(backlog: Backlog) -> int:
    """When the last of what an earlier process left arrived; 0 when it left nothing."""
    parked = (operation.received_us for data in backlog.parked.values() for operation in load_operations(data))
    return max((backlog.latest_us, *parked))
