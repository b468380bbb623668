"""Time as the simulator keeps it: real, multiplied, or none at all."""

import asyncio
from dataclasses import dataclass

CLIENT_OVERHEAD_MS = 3.0
"""What a client on the same machine adds to a call (connection, headers, parsing). Answers leave that much earlier,
so that the duration the client measures is the one the scenario names."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`factor` multiplies every duration; 0 answers at once."""

    factor: float = 1.0

    def seconds(self, ms: float) -> float:
        return ms * self.factor / 1_000


def read_pace(text: str) -> Pace:
    """Read `real`, `none` or `x0.1` (a tenth of the duration). Raises ValueError: anything else."""
    if text == "real":
        return Pace(1.0)
    if text == "none":
        return Pace(0.0)
    try:
        factor = float(text.removeprefix("x"))
    except ValueError:
        factor = -1.0
    if not text.startswith("x") or not 0 <= factor <= 1_000:
        raise ValueError(f"latency must be real, none or x followed by a factor such as x0.1, not {text!r}")
    return Pace(factor)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of one exchange, from the moment its request came in."""

    pace: Pace
    started: float
    """Event loop time, seconds."""

    @classmethod
    def start(cls, pace: Pace) -> "Clock":
        return cls(pace, asyncio.get_running_loop().time())

    async def reach(self, ms: float, gone: "asyncio.Future[None]") -> bool:
        """Sleep until `ms` after the start. Returns False as soon as the client has gone."""
        due = self.started + max(0.0, self.pace.seconds(ms) - self.overhead_s)
        left = due - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.wait({gone}, timeout=left)
        else:
            await asyncio.sleep(0)
        return not gone.done()

    @property
    def overhead_s(self) -> float:
        return CLIENT_OVERHEAD_MS / 1_000 if self.pace.factor else 0.0
