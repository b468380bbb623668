"""The line in which bodies wait for their turn: as long as it moves fast, and no longer.

What would wait too long is refused at once and comes again: a longer line would only let every answer come later.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from everytoken.store.errors import StoreError

WAIT_S = 0.1
"""Wait, at the line's own speed of late, above which the next body is refused."""
LEAST_BYTES = 128 * 1024
"""So much may always wait: a few bodies of the SDKs' usual size, whatever the speed was."""
BODY_COST_BYTES = 2 * 1024
"""What a body costs beside its bytes, in bytes that take as long."""
SPEED_S = 0.3
"""Work over which the line's speed is measured; what lies as far back again counts half."""
WINDOW_S = 1.0
"""Over which answers are counted, to say when to come again."""
RETRY_MAX_S = 10
"""No client is told to stay away for longer: the SDKs give up after three returns."""


Waiting = TypeVar("Waiting")


class BusyError(StoreError):
    """Too much is under way; the same request may be sent again after `retry_s` seconds."""

    def __init__(self, message: str, retry_s: int = 1) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Line(Generic[Waiting]):
    """First come, first served. Belongs to the event loop."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._waiting: deque[tuple[int, Waiting]] = deque()
        self._waiting_bytes = 0
        self._since_s = 0.0
        """When the line last moved, or began."""
        self._moved_bytes, self._moved_s = 0.0, 0.0
        self._window_s, self._taken, self._refused = 0.0, 0, 0
        self._crowd = 0.0
        """Bodies refused for each one taken, in the last window."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        return self._waiting_bytes

    @property
    def is_full(self) -> bool:
        """Whether a body that came now would wait too long."""
        return self._waiting_bytes >= max(LEAST_BYTES, self._bytes_per_s * WAIT_S)

    @property
    def _bytes_per_s(self) -> float:
        return self._moved_bytes / self._moved_s if self._moved_s else 0.0

    def join(self, body: Waiting, size_bytes: int) -> None:
        """Stand at its end."""
        if not self._waiting:
            self._since_s = self._clock_s()
        self._waiting.append((size_bytes + BODY_COST_BYTES, body))
        self._waiting_bytes += size_bytes + BODY_COST_BYTES

    def next(self) -> Waiting:
        """Whose turn it is. The line has moved by it, and is as fast as that took."""
        cost_bytes, body = self._waiting.popleft()
        self._waiting_bytes -= cost_bytes
        now_s = self._clock_s()
        self._moved_bytes += cost_bytes
        self._moved_s += now_s - self._since_s
        self._since_s = now_s
        if self._moved_s > SPEED_S:
            self._moved_bytes, self._moved_s = self._moved_bytes / 2, self._moved_s / 2
        self._count(taken=1)
        return body

    def refuse(self) -> int:
        """Count one that does not fit, and tell after how many seconds it may come again.

        The more are refused for each that is taken, the later, and not all at the same time.
        """
        self._count(refused=1)
        return min(1 + int(random.random() * 2 * self._crowd), RETRY_MAX_S)  # noqa: S311 - no secret

    def _count(self, *, taken: int = 0, refused: int = 0) -> None:
        now_s = self._clock_s()
        if now_s - self._window_s > WINDOW_S:
            self._crowd = self._refused / max(self._taken, 1)
            self._window_s, self._taken, self._refused = now_s, 0, 0
        self._taken += taken
        self._refused += refused
