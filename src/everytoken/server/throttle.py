"""Limits of rate: a bucket of requests for each key, and a pause that grows with each wrong password."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_HELD = 10_000
"""Keys, or names and addresses, that are remembered; the one seen longest ago is forgotten first."""
FREE_TRIES = 5
"""Wrong passwords before there is a pause."""
CHECKED_AT_ONCE = 2
"""Passwords under way: argon2 takes 64 MiB for each."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 900.0


class RateLimit:
    """A full bucket holds a minute's requests; it fills at an even pace. For one event loop."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, per_minute: int) -> int | None:
        """Take one request; `None`, or the seconds after which there is one again."""
        now = self._clock_s()
        left, at = self._buckets.pop(who, (float(per_minute), now))
        left = min(per_minute, left + (now - at) * per_minute / 60)
        wait_s = None if left >= 1 else max(math.ceil((1 - left) * 60 / per_minute), 1)
        self._buckets[who] = (left - 1 if wait_s is None else left, now)
        if len(self._buckets) > MAX_HELD:
            self._buckets.popitem(last=False)
        return wait_s


class LoginThrottle:
    """Counts wrong passwords by whatever names the one who tries: a user's name, an address."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self.checking = asyncio.Semaphore(CHECKED_AT_ONCE)

    def wait_s(self, *who: str) -> int | None:
        """Seconds until the next try; `None` when it may be made now."""
        ends = [self._pause_ends(*self._failures[one]) for one in who if one in self._failures]
        left = max(ends, default=0.0) - self._clock_s()
        return math.ceil(left) if left > 0 else None

    def failed(self, *who: str) -> None:
        for one in who:
            count, _at = self._failures.pop(one, (0, 0.0))
            self._failures[one] = (count + 1, self._clock_s())
            if len(self._failures) > MAX_HELD:
                self._failures.popitem(last=False)

    def passed(self, *who: str) -> None:
        for one in who:
            self._failures.pop(one, None)

    def _pause_ends(self, count: int, at_s: float) -> float:
        if count < FREE_TRIES:
            return 0.0
        return at_s + min(FIRST_PAUSE_S * 2.0 ** (min(count, 20) - FREE_TRIES), LONGEST_PAUSE_S)
