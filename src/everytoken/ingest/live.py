"""The live feed: what changed, to whoever watches. A bounded ring of events; who is too slow is told of the gap."""

import asyncio
import itertools
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

MAX_EVENTS = 10_000
"""Events kept for those who come back; some minutes of a busy server."""
RETURN_S = 60.0
"""How long after the last one left events are still made: a page that lost its connection comes back within seconds."""
MAX_SUBSCRIBERS = 500
"""Each is a connection held open."""


class LiveFullError(Exception):
    """As many watch as the server can serve."""


class LiveFeed:
    """`publish` from any thread; `subscribe` in any event loop."""

    def __init__(self, *, max_events: int = MAX_EVENTS, clock_us: Callable[[], int] | None = None) -> None:
        # Ids go on from the clock, so that those of an earlier process are older than any of this one.
        self._next_id = clock_us() if clock_us else time.time_ns() // 1000
        self._events: deque[dict[str, Any]] = deque(maxlen=max_events)
        self._lock = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._closed = False
        self._left_s = -RETURN_S
        """When the last one left, by the monotonic clock."""

    @property
    def subscribers(self) -> int:
        return len(self._waiting)

    @property
    def is_watched(self) -> bool:
        """Whether anyone watches, or may come back for what happened meanwhile."""
        return bool(self._waiting) or time.monotonic() - self._left_s < RETURN_S

    def pass_over(self) -> None:
        """An event that nobody watches: it is not made, and who comes back after all is told of the gap."""
        with self._lock:
            self._events.clear()
            self._next_id += 1

    def publish(self, event: Mapping[str, Any]) -> None:
        """Give the event the next id and wake everyone."""
        with self._lock:
            self._events.append({"id": self._next_id, **event})
            self._next_id += 1
        self._wake()

    def close(self) -> None:
        """End every subscription."""
        self._closed = True
        self._wake()

    async def subscribe(self, project: str | None, last_id: int | None) -> AsyncIterator[dict[str, Any]]:
        """Events of one project (`None`: of all) after `last_id`, or from now on; waits for more until closed.

        An event of type `gap` stands for those that are no longer kept: what is on screen has to be loaded anew.

        Raises:
            LiveFullError: too many subscribers.
        """
        if len(self._waiting) >= MAX_SUBSCRIBERS:
            raise LiveFullError(f"{MAX_SUBSCRIBERS} connections watch already")
        wake = asyncio.Event()
        waiter = (asyncio.get_running_loop(), wake)
        self._waiting.add(waiter)
        seen = self._next_id - 1 if last_id is None else last_id
        if seen >= self._next_id:  # of an earlier process, before the clock was set back
            seen = 0
        try:
            while not self._closed:
                wake.clear()
                with self._lock:
                    kept_from = self._events[0]["id"] if self._events else self._next_id
                    fresh = list(itertools.islice(self._events, max(seen - kept_from + 1, 0), None))
                    newest = self._next_id - 1
                if seen < kept_from - 1:
                    yield {"id": kept_from - 1, "type": "gap", "project": project}
                for event in fresh:
                    if project is None or event["project"] == project:
                        yield event
                seen = max(newest, seen)
                if not fresh:
                    await wake.wait()
        finally:
            self._waiting.discard(waiter)
            self._left_s = time.monotonic()

    def _wake(self) -> None:
        for loop, event in list(self._waiting):
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
