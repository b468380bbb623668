"""When Python looks for cycles of objects that nothing else refers to: between the pieces of work, not within them.

Traces in memory make no cycles, and are most of what there is. Left to itself the collector walks through all of them
again and again, with Python's lock held: at 2,500 runs/s it stood still for up to 0.4 s, and every answer with it
(2 cores, 17-run traces, 2026-11). So what a flush leaves is put aside, and looked through when there is time.
"""

import gc
import time

YOUNG_OBJECTS = 500_000
"""New objects at which Python collects by itself: more than a flush makes, so that a burst of cycles stays bounded."""
COLLECT_EVERY_S = 300.0
"""How often all of it is looked through while there is no rest."""


class Garbage:
    """Belongs to the flusher's thread, from `start` to `stop`; it changes the collector of the whole process."""

    def __init__(self) -> None:
        self._before = gc.get_threshold()
        self._collected_s = time.monotonic()

    def start(self) -> None:
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS, 20, 100)

    def put_aside(self) -> None:
        """After a flush: leave out from now on what is there."""
        if time.monotonic() - self._collected_s > COLLECT_EVERY_S:
            self.collect()
        else:
            gc.freeze()

    def collect(self) -> None:
        """Find every cycle there is. It takes about 0.1 s for 100,000 runs in memory."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._collected_s = time.monotonic()

    def stop(self) -> None:
        gc.set_threshold(*self._before)
        gc.unfreeze()
