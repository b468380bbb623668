"""LangSmith's projects in v2: cursor pages, costs as numbers, enums in capitals."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field, model_validator

from everytoken.query.cursors import read_cursor, write_cursor
from everytoken.query.langsmith_projects import kind_of
from everytoken.query.langsmith_runs import project_by_id
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, router
from everytoken.server.langsmith_sessions import PAGE_MAX, SessionBody, Sessions, SessionsQuery
from everytoken.store.control import Project

COSTS = ("total_cost", "prompt_cost", "completion_cost")
TIMES = ("start_time", "end_time", "last_run_start_time", "last_run_start_time_live")
TIERS = {"longlived": "LONG_LIVED", "shortlived": "SHORT_LIVED"}
_TIERS_OF_V1 = {capital: small for small, capital in TIERS.items()}

SessionType = Literal["PROJECT", "AGENT", "EXPERIMENT"]


class SessionBodyV2(SessionBody):
    type: SessionType | None = None

    def told(self) -> dict[str, Any]:
        said = SessionBody.told(self)
        tier = said.get("trace_tier")
        return said if tier is None else {**said, "trace_tier": _TIERS_OF_V1.get(tier, tier)}


class CreateBodyV2(SessionBodyV2):
    type: SessionType = "PROJECT"
    upsert: bool = False


class SessionsQueryV2(SessionsQuery):
    type: list[SessionType] | None = None
    reference_dataset_id: list[UUID] | None = None
    include_facets: bool = False
    page_size: int = Field(default=PAGE_MAX, ge=1)
    cursor: str | None = None
    sort_order: str = Field(default="DESC", pattern="^(?i:asc|desc)$")

    @model_validator(mode="after")
    def in_the_words_of_v1(self) -> Self:
        self.reference_dataset = self.reference_dataset_id or self.reference_dataset
        self.facets = self.facets or self.include_facets
        self.sort_by_desc = self.sort_order.upper() != "ASC"
        return self

    def fits(self, project: Project, wanted: dict[str, Any]) -> bool:
        return SessionsQuery.fits(self, project, wanted) and (not self.type or kind_of(project.details) in self.type)


def sessions_v2_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()
    sessions = Sessions(use)

    @routes.get("/sessions")
    def list_sessions(asked: Annotated[SessionsQueryV2, Query()]) -> Response:
        size, (offset, after) = min(asked.page_size, PAGE_MAX), _place(asked.cursor)
        rows, left = sessions.page(asked, size, offset, after=after)
        following = write_cursor(offset + size, rows[-1]["id"]) if left else None
        return answer({"items": [_v2(row) for row in rows], "next_cursor": following})

    @routes.post("/sessions")
    def create(body: CreateBodyV2, upsert: bool = False) -> Response:
        return answer(_v2(sessions.create(body, upsert=upsert or body.upsert)))

    @routes.get("/sessions/{session_id}")
    def retrieve(session_id: UUID, include_stats: bool = False, stats_start_time: str | None = None) -> Response:
        project = project_by_id(use.control, str(session_id))
        from_us = instant(stats_start_time, "stats_start_time")
        return answer(_v2(sessions.row(project, stats=include_stats, from_us=from_us)))

    @routes.patch("/sessions/{session_id}")
    def update(session_id: UUID, body: SessionBodyV2) -> Response:
        return answer(_v2(sessions.update(session_id, body)))

    return routes


def _place(cursor: str | None) -> tuple[int, str | None]:
    """How many projects were read, and the last of them: others may have come and gone since."""
    offset, last, _ = read_cursor(cursor)
    return (max(0, min(offset, MAX_OFFSET)), last) if cursor else (0, None)


def _v2(session: dict[str, Any]) -> dict[str, Any]:
    changed = dict(session)
    for name in COSTS:
        if changed.get(name) is not None:
            changed[name] = float(changed[name])
    for name in TIMES:
        text = changed.get(name)
        if isinstance(text, str) and not text.endswith("Z") and "+" not in text:
            changed[name] = f"{text}Z"
    changed["type"] = kind_of(session)
    changed["trace_tier"] = TIERS.get(str(session.get("trace_tier")), session.get("trace_tier"))
    return changed
