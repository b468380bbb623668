"""The product API's dashboards: charges over time, by user and thread, changes of cost, coverage. One query a route."""

import time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response

from everytoken.query import contributions, coverage, groups, releases, series, worst
from everytoken.query.buckets import Bucket, BucketError
from everytoken.query.chart_rows import Contributions, Coverage, Releases, Series
from everytoken.query.rows import Groups
from everytoken.query.series import TOP_MAX, Dimension
from everytoken.query.trace_rows import DearTraces, ThreadView
from everytoken.query.window import Window
from everytoken.query.worst import WorstRuns
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX, PROBLEMS, Using, Within, answer, window

DEAREST_DEFAULT, DEAREST_MAX = 10, 100
RELEASES_DEFAULT = 200

router = APIRouter(prefix=f"{PREFIX}/projects/{{project:path}}", responses=PROBLEMS)


def zone(
    use: Using,
    project: str,
    tz: Annotated[
        str | None, Query(max_length=64, description="IANA time zone such as Asia/Seoul; the project's without it.")
    ] = None,
) -> ZoneInfo:
    tz = tz or use.control.settings_of(project).time_zone
    try:
        return ZoneInfo(tz)
    except (ValueError, OSError, LookupError) as error:  # an unknown name, a folder, a path out of the zone database
        hint = "write a name such as Asia/Seoul"
        raise RequestError(f"no time zone {tz!r}", code="time_zone_wrong", field="query.tz", hint=hint) from error


def window_before(
    before_from: Annotated[str | None, Query(description="Start of the window to compare with.")] = None,
    before_to: Annotated[str | None, Query(description="Its exclusive end.")] = None,
) -> Window:
    return window(before_from, before_to)


@router.get("/series", response_model=Series)
def read_series(
    use: Using,
    project: str,
    within: Within,
    tz: Annotated[ZoneInfo, Depends(zone)],
    by: Dimension = "none",
    bucket: Bucket | None = None,
    top: Annotated[int, Query(ge=1, le=TOP_MAX, description="Groups shown apart; the rest becomes one.")] = 8,
) -> Response:
    """Tokens, cost, calls, errors, latency and time to the first token per bucket, split by one dimension."""
    try:
        return answer(
            series.read_series(
                use.ledger,
                use.control,
                project,
                within,
                series.Split(by=by, bucket=bucket, zone=tz, top=top),
                now_us=time.time_ns() // 1000,
            )
        )
    except BucketError as error:
        raise RequestError(str(error), code="bucket_wrong", field="query.bucket", hint=error.hint) from error


@router.get("/users", response_model=Groups)
def list_users(use: Using, project: str, within: Within) -> Response:
    """Users that called a model, the dearest first."""
    return answer(groups.list_groups(use.ledger, use.control, project, within, by="user"))


@router.get("/threads", response_model=Groups)
def list_threads(use: Using, project: str, within: Within) -> Response:
    """Threads (conversations) that called a model, the dearest first."""
    return answer(groups.list_groups(use.ledger, use.control, project, within, by="thread"))


@router.get("/threads/{thread_id:path}", response_model=ThreadView)
def read_thread(use: Using, project: str, thread_id: str) -> Response:
    """One thread: its traces in time order, whenever they were."""
    return answer(groups.read_thread(use.ledger, use.control, project, thread_id))


@router.get("/dearest", response_model=DearTraces)
def list_dearest(
    use: Using,
    project: str,
    within: Within,
    limit: Annotated[int, Query(ge=1, le=DEAREST_MAX)] = DEAREST_DEFAULT,
) -> Response:
    """The traces with the dearest charges of the window."""
    return answer(groups.list_dearest(use.ledger, use.control, project, within, limit=limit))


@router.get("/nodes/{node:path}/worst", response_model=WorstRuns)
def list_worst(
    use: Using,
    project: str,
    node: str,
    within: Within,
    limit: Annotated[int, Query(ge=1, le=DEAREST_MAX)] = DEAREST_DEFAULT,
) -> Response:
    """Of one node: the slowest executions, the traces that spent most in it, and its latest failures."""
    return answer(worst.list_worst(use.ledger, use.control, project, node, within, limit=limit))


@router.get("/coverage", response_model=Coverage)
def read_coverage(use: Using, project: str, within: Within) -> Response:
    """Call paths: how well their calls are known, why not better, since when, and the cure."""
    return answer(coverage.read_coverage(use.ledger, use.control, project, within))


@router.get("/releases", response_model=Releases)
def list_releases(
    use: Using,
    project: str,
    within: Within,
    limit: Annotated[int, Query(ge=1, le=releases.MAX_RELEASES)] = RELEASES_DEFAULT,
) -> Response:
    """Releases of the application that made calls in the window, the newest first, each with its first call ever."""
    return answer(releases.list_releases(use.ledger, use.control, project, within, limit=limit))


@router.get("/contributions", response_model=Contributions)
def list_contributions(
    use: Using,
    project: str,
    within: Within,
    earlier: Annotated[Window, Depends(window_before)],
    by: Dimension = "model",
) -> Response:
    """What changed the cost between two windows; the earlier one is the same length just before, unless it is named."""
    if by == "class":
        raise RequestError("a charge has several classes", field="query.by", hint="ask /series for by=class")
    after = _closed(within)
    length_us = after[1] - after[0]
    return answer(
        contributions.list_contributions(
            use.ledger,
            use.control,
            project,
            by=by,
            after=after,
            before=(
                after[0] - length_us if earlier.from_us is None else earlier.from_us,
                after[0] if earlier.to_us is None else earlier.to_us,
            ),
        )
    )


def _closed(within: Window) -> tuple[int, int]:
    if within.from_us is None:
        hint = "name the start of the window"
        raise RequestError("all time has nothing before it", code="window_wrong", field="query.from", hint=hint)
    return within.from_us, time.time_ns() // 1000 if within.to_us is None else within.to_us
