"""Turns that run in the background: their events are kept, so that a reader may come late or come back."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

from eco2.agent import Agent, Event, Request
from eco2.metrics import Metrics
from eco2.state import UserLocation

MAX_ACTIVE = 40
"""Turns at once; beyond it new ones are refused, not queued without end."""
MAX_JOBS = 1_000
"""Jobs kept, finished ones included; the oldest finished one leaves first."""
MAX_EVENTS = 20_000
"""Events kept of one job; a model's longest answer has fewer pieces."""
KEEP_S = 3_600.0
KEEPALIVE_S = 15.0


class FullError(Exception):
    """As many turns are under way as may be."""


class Job:
    """One turn: its events so far, and the question it may be waiting with."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.events: list[Event] = []
        self.finished_at: float | None = None
        self._changed = asyncio.Condition()
        self._reply: asyncio.Future[UserLocation] | None = None

    async def add(self, event: Event) -> None:
        if len(self.events) < MAX_EVENTS or event.type == "done":
            self.events.append(event)
        await self._wake()

    async def finish(self) -> None:
        self.finished_at = time.monotonic()
        await self._wake()

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def follow(self, after: int) -> AsyncIterator[tuple[int, Event] | None]:
        """Events with their ids, from the one after `after` to the end; `None` when nothing came for a while."""
        position = max(after, 0)
        while True:
            while position < len(self.events):
                position += 1
                yield position, self.events[position - 1]
            if self.finished_at is not None:
                return
            try:
                async with asyncio.timeout(KEEPALIVE_S), self._changed:
                    while position == len(self.events) and self.finished_at is None:
                        await self._changed.wait()
            except TimeoutError:
                yield None

    async def ask(self, timeout_s: float) -> UserLocation | None:
        """Wait for the user's reply; `None` if there is none in time."""
        self._reply = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._reply
        except TimeoutError:
            return None
        finally:
            self._reply = None

    def reply(self, location: UserLocation) -> bool:
        """Hand in the reply; false if nothing was asked."""
        if self._reply is None or self._reply.done():
            return False
        self._reply.set_result(location)
        return True


class Jobs:
    def __init__(self, agent: Agent, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._agent = agent
        self._metrics = metrics
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def submit(self, **request: Any) -> Job:
        """Start a turn. Raises FullError."""
        self._forget()
        if len(self._tasks) >= MAX_ACTIVE:
            raise FullError
        job = Job(Request(job_id=f"job_{uuid.uuid4().hex[:12]}", **request))
        self._jobs[job.request.job_id] = job
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    async def _run(self, job: Job) -> None:
        async def ask(_question: dict[str, Any]) -> UserLocation | None:
            return await job.ask(self._agent.kit.settings.input_timeout_s)

        try:
            async for event in self._metrics.watch(self._agent.turn(job.request, ask)):
                await job.add(event)
        except Exception as error:  # noqa: BLE001  the boundary of a background turn: told to the reader
            data = {
                "job_id": job.request.job_id,
                "node": None,
                "error_type": type(error).__name__,
                "message": str(error),
            }
            await job.add(Event("error", data))
        finally:
            await job.finish()

    def _forget(self) -> None:
        now = self._clock()
        finished = [key for key, job in self._jobs.items() if job.finished_at is not None]
        old = [key for key in finished if now - (self._jobs[key].finished_at or 0) > KEEP_S]
        surplus = finished[: max(0, len(self._jobs) - MAX_JOBS + 1)]
        for key in {*old, *surplus}:
            del self._jobs[key]

    async def close(self) -> None:
        """Stop what is under way; its runs are closed and marked."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
