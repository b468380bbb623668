"""Retention and erasure: a sweep every so often, and the routes that delete a trace's or a person's data."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from everytoken.config import Settings
from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.server.access import of_request
from everytoken.server.beside import beside
from everytoken.server.product import PREFIX, PROBLEMS, Services, answer, services
from everytoken.store.control import Control, Project
from everytoken.store.errors import StoreError
from everytoken.store.ledger import Ledger
from everytoken.store.retention import DAY_US, MAX_ERASED, Retention

MAX_ROUNDS = 20
"""Rounds of `MAX_ERASED` traces that one request erases; the answer says when there are more."""
AGAIN_S = 60.0
"""When a sweep that reached a bound goes on."""
JUMP_S = 600.0
"""A clock that was set ahead by more than this is not believed at once: what it makes old would be gone for good."""
ACTOR = "retention"

log = logging.getLogger("everytoken.retention")

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long something is kept, in days; `None` for ever."""

    content_days: int | None
    charge_days: int | None


def limits_of(settings: Settings, control: Control, project: Project) -> Limits:
    """What the project says, and where it says nothing the server's settings. Content never outlives its charges."""
    own = control.settings.get(project.project_id)
    content = own.content_retention_days or settings.content_retention_days
    charges = own.charge_retention_days or settings.charge_retention_days
    if charges is not None:
        content = charges if content is None else min(content, charges)
    return Limits(content, charges)


class Sweeper:
    """Drops what is past its retention, a bounded piece at a time."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        control: Control,
        drop_attachments: Callable[[Sequence[str], int], int],
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._control = control
        self._drop_attachments = drop_attachments
        self._clock_us = clock_us

    def sweep(self) -> bool:
        """One sweep over all projects; true when a bound left something for the next.

        Raises:
            StoreError: a store is away; the next sweep does it again.
        """
        every_us = int(self._settings.retention_interval_s * 1_000_000)
        is_more = False
        for project in self._control.projects():
            limits = limits_of(self._settings, self._control, project)
            if limits == Limits(None, None):
                continue
            now_us = self._clock_us()
            if not self._control.sweeps.claim(f"retention:{project.project_id}", now_us, every_us):
                continue  # another server has just done it
            if self._sweep_project(project, limits, now_us):
                self._control.sweeps.release(f"retention:{project.project_id}")
                is_more = True
        # Last: it writes parts anew, and a disk without the room for that must not keep retention from making some.
        if self._control.sweeps.claim("deleted", self._clock_us(), every_us):
            self._ledger.remove_deleted()
        return is_more

    def _sweep_project(self, project: Project, limits: Limits, now_us: int) -> bool:
        retention = Retention(self._ledger)
        is_more = False
        for action, days, drop in (
            ("retention.charges", limits.charge_days, retention.drop_charges),
            ("retention.content", limits.content_days, retention.drop_content),
        ):
            if days is None:
                continue
            began_us = time.time_ns() // 1000
            before_us = now_us - days * DAY_US
            dropped = drop(project.name, before_us)
            is_more |= dropped.is_more
            if dropped.rows:
                files = self._drop_attachments(dropped.attachments, began_us)
                told = {"days": days, "before_us": before_us, "rows": dropped.rows, "attachments": files}
                self._control.audit.record(ACTOR, action, project.name, None, told)
        return is_more


class Leaps:
    """How far the machine's clock leaped ahead of the time that passed."""

    def __init__(self, wall_s: Callable[[], float] = time.time, pace_s: Callable[[], float] = time.monotonic) -> None:
        self._wall_s = wall_s
        self._pace_s = pace_s
        self._last = wall_s(), pace_s()

    def ahead_s(self) -> float:
        """Since it was asked last; not above 0 when it was set back."""
        now = self._wall_s(), self._pace_s()
        leaped = (now[0] - self._last[0]) - (now[1] - self._last[1])
        self._last = now
        return leaped


@contextlib.asynccontextmanager
async def retaining(sweeper: Sweeper, every_s: float, leaps: Leaps | None = None) -> AsyncIterator[None]:
    """Sweep at the start and every so often; not right after the clock was set ahead, which may be a mistake."""
    leaps = leaps or Leaps()

    async def work() -> None:
        while True:
            is_more = False
            try:
                leaped_s = leaps.ahead_s()
                if leaped_s > JUMP_S:
                    log.warning("the clock was set ahead by %.0f s: nothing is dropped before the next sweep", leaped_s)
                else:
                    is_more = await run_in_threadpool(sweeper.sweep)
            except StoreError as error:
                log.warning("retention could not be applied, trying again: %s", error)
            except Exception:  # the next sweep may do better; the server goes on
                log.exception("retention could not be applied")
            await asyncio.sleep(min(AGAIN_S, every_s) if is_more else every_s)

    async with beside(work()):
        yield


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted, or made nobody's."""

    project: str
    traces: int
    charges: str
    """`kept`, without user, thread and session, or `deleted`."""
    attachments: int
    is_more: bool
    """Whether a bound was reached: ask again for the rest."""


@router.delete("/projects/{project:path}/users/{user:path}/data", response_model=Erased)
async def erase_user(
    use: Annotated[Services, Depends(services)],
    request: Request,
    project: str,
    user: str,
    charges: Annotated[
        bool, Query(description="Delete the charges too. Without it they stay, and belong to nobody.")
    ] = False,
) -> Response:
    """Erase a person from a project: content, metadata, tags and feedback of their traces, and who they were.

    What comes later of those traces is not stored.
    """
    found = known_project(use.control, project)
    retention, traces, files, is_more = Retention(use.ledger), 0, 0, True
    await use.pipeline.flush()
    for _ in range(MAX_ROUNDS):
        trace_ids = await run_in_threadpool(retention.traces_of, found.name, user)
        if trace_ids:
            gone = await use.langsmith.delete_traces(found, trace_ids, keep_charges=not charges)
            traces, files = traces + len(trace_ids), files + gone
        is_more = len(trace_ids) == MAX_ERASED
        if not is_more:
            break
    kind = "deleted" if charges else "kept"
    # The log is kept for long: it says whom by a digest that only who knows the name can tell.
    whom = hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()[:16]
    told = {"user_sha256": whom, "traces": traces, "charges": kind, "attachments": files}
    await run_in_threadpool(use.control.audit.record, of_request(request).actor, "data.erase", found.name, None, told)
    return answer(Erased(found.name, traces, kind, files, is_more))


@router.delete("/traces/{trace_id}", response_model=Erased)
async def delete_trace(
    use: Annotated[Services, Depends(services)],
    request: Request,
    trace_id: str,
    project: Annotated[str, Query(description="Project name.")],
) -> Response:
    """Delete a trace with its runs, charges, attachments and feedback. What comes later of it is not stored."""
    found = known_project(use.control, project, field="query.project")
    wanted = as_uuid(trace_id, field="path.trace_id")
    await use.pipeline.flush()
    if await run_in_threadpool(use.ledger.find_trace, wanted, found.name) is None:
        raise NotFoundError(f"no trace {trace_id}", field="path.trace_id")
    files = await use.langsmith.delete_traces(found, [wanted])
    actor = of_request(request).actor
    await run_in_threadpool(
        use.control.audit.record, actor, "data.delete", found.name, None, {"trace_id": wanted, "attachments": files}
    )
    return answer(Erased(found.name, 1, "deleted", files, False))
