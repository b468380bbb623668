"""LangSmith's projects in v2: cursor pages, costs as numbers, enums in capitals."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from everytoken.query.errors import CursorError
from everytoken.query.langsmith_projects import session_rows, sorted_rows
from everytoken.query.langsmith_runs import project_by_id
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import LangSmith, answer, now_us, router
from everytoken.server.langsmith_sessions import PAGE_MAX, SessionBody, SessionsQuery, check_name
from everytoken.store.control import Project, ProjectExistsError

COSTS = ("total_cost", "prompt_cost", "completion_cost")
TIMES = ("start_time", "end_time", "last_run_start_time", "last_run_start_time_live")
TIERS = {"longlived": "LONG_LIVED", "shortlived": "SHORT_LIVED"}


class SessionBodyV2(SessionBody):
    type: str = "PROJECT"
    upsert: bool = False


class SessionsQueryV2(SessionsQuery):
    page_size: int = Field(default=PAGE_MAX, ge=1)
    cursor: str | None = None
    sort_order: str = "DESC"


def sessions_v2_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()
    control = use.control

    def row(project: Project, *, stats: bool = False) -> Response:
        return answer(_v2(session_rows(use.ledger, control, [project], stats=stats)[0]))

    @routes.get("/sessions")
    def list_sessions(asked: Annotated[SessionsQueryV2, Query()]) -> Response:
        offset = _offset(asked.cursor)
        size = min(asked.page_size, PAGE_MAX)
        projects = asked.chosen(control)
        by_id = {project.project_id: project for project in projects}
        by = "name" if asked.sort_by.lower() == "name" else "start_time"
        plain = session_rows(use.ledger, control, projects, stats=False)
        page = sorted_rows(plain, by, descending=asked.sort_order.upper() != "ASC")[offset : offset + size]
        shown = [by_id[found["id"]] for found in page]
        rows = session_rows(use.ledger, control, shown, stats=asked.include_stats)
        following = str(offset + size) if len(projects) > offset + size else None
        return answer({"items": [_v2(found) for found in rows], "next_cursor": following})

    @routes.post("/sessions")
    def create(body: SessionBodyV2) -> Response:
        if not body.name:
            raise RequestError("a project needs a name", field="body.name", status=422)
        check_name(body.name)
        known = control.project(body.name)
        if known is None:
            project_id = str(body.id) if body.id else None
            return row(control.create_project(body.name, now_us(), project_id=project_id, details=body.told()))
        if not body.upsert:
            raise ProjectExistsError(body.name)
        return row(control.update_project(known, details={**known.details, **body.told()}))

    @routes.get("/sessions/{session_id}")
    def retrieve(session_id: UUID, include_stats: bool = False) -> Response:
        return row(project_by_id(control, str(session_id)), stats=include_stats)

    @routes.patch("/sessions/{session_id}")
    def update(session_id: UUID, body: SessionBody) -> Response:
        project = project_by_id(control, str(session_id))
        check_name(body.name or project.name)
        if body.name and body.name != project.name and use.ledger.has_runs(project.name):
            raise RequestError(
                "a project that has runs keeps its name: they are stored under it", field="body.name", status=409
            )
        return row(control.update_project(project, name=body.name, details={**project.details, **body.told()}))

    return routes


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise CursorError("the cursor is not one of ours")
    return int(cursor)


def _v2(session: dict[str, Any]) -> dict[str, Any]:
    changed = dict(session)
    for name in COSTS:
        if changed.get(name) is not None:
            changed[name] = float(changed[name])
    for name in TIMES:
        text = changed.get(name)
        if isinstance(text, str) and not text.endswith("Z") and "+" not in text:
            changed[name] = f"{text}Z"
    changed["type"] = "EXPERIMENT" if session.get("reference_dataset_id") else "PROJECT"
    changed["trace_tier"] = TIERS.get(str(session.get("trace_tier")), session.get("trace_tier"))
    return changed
