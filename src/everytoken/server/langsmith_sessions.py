"""LangSmith's projects: `/sessions`, with statistics on demand."""

from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from everytoken.query.langsmith_projects import BY_STATS, SORTS, session_rows, sorted_rows
from everytoken.query.langsmith_runs import project_by_id
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, now_us, router
from everytoken.store.control import Control, Project, ProjectExistsError
from everytoken.store.visible import is_visible

PAGE_MAX = 100
MAX_NAME_CHARS = 1_000
TOLD = (
    "description", "extra", "start_time", "end_time", "reference_dataset_id", "default_dataset_id", "trace_tier",
)  # fmt: skip
"""What a client says about a project and gets back."""


class SessionBody(BaseModel):
    name: str | None = Field(default=None, max_length=MAX_NAME_CHARS)
    id: UUID | None = None
    description: str | None = None
    extra: dict[str, Any] | None = None
    start_time: str | None = None
    end_time: str | None = None
    reference_dataset_id: UUID | None = None
    default_dataset_id: UUID | None = None
    trace_tier: str | None = None

    def told(self) -> dict[str, Any]:
        """What is said here, and not null."""
        said = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in said.items() if name in TOLD}


class SessionsQuery(BaseModel):
    """Which projects, in what order."""

    id: list[UUID] | None = None
    name: str | None = None
    name_contains: str | None = None
    reference_dataset: list[UUID] | None = None
    reference_free: bool | None = None
    metadata: str | None = None
    sort_by: str = "start_time"
    sort_by_desc: bool = True
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    limit: int = Field(default=PAGE_MAX, ge=1)
    include_stats: bool = False
    stats_start_time: str | None = None

    def chosen(self, control: Control) -> list[Project]:
        wanted = _metadata(self.metadata)
        return [project for project in control.projects() if self._fits(project, wanted)]

    def _fits(self, project: Project, wanted: dict[str, Any]) -> bool:
        dataset = project.details.get("reference_dataset_id")
        metadata = (project.details.get("extra") or {}).get("metadata") or {}
        return (
            (self.id is None or UUID(project.project_id) in self.id)
            and (self.name is None or project.name == self.name)
            and (self.name_contains is None or self.name_contains.lower() in project.name.lower())
            and (not self.reference_dataset or dataset in [str(one) for one in self.reference_dataset])
            and not (self.reference_free and dataset)
            and all(metadata.get(key) == value for key, value in wanted.items())
        )


def langsmith_sessions_router(use: LangSmith) -> APIRouter:  # noqa: C901 - the sum of short routes
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()
    control = use.control

    def row(project: Project, *, stats: bool = False) -> dict[str, Any]:
        return session_rows(use.ledger, control, [project], stats=stats)[0]

    @routes.get("/sessions")
    def list_sessions(asked: Annotated[SessionsQuery, Query()]) -> Response:
        projects = asked.chosen(control)
        sort = asked.sort_by if asked.sort_by in SORTS else "start_time"
        if asked.include_stats:
            use.absorb_feedback()
        from_us = instant(asked.stats_start_time, "stats_start_time")
        # Figures of all projects are needed to sort by them, those of one page to show them.
        by_stats = sort in BY_STATS
        rows = session_rows(use.ledger, control, projects, stats=by_stats, from_us=from_us)
        page = sorted_rows(rows, sort, descending=asked.sort_by_desc)[asked.offset :][: min(asked.limit, PAGE_MAX)]
        if by_stats or not asked.include_stats:
            return answer(page)
        by_id = {project.project_id: project for project in projects}
        shown = [by_id[found["id"]] for found in page]
        return answer(session_rows(use.ledger, control, shown, stats=True, from_us=from_us))

    @routes.post("/sessions")
    def create(body: SessionBody, upsert: bool = False) -> Response:
        if not body.name:
            raise RequestError("a project needs a name", field="body.name", status=422)
        check_name(body.name)
        existing = control.project(body.name)
        if existing is not None:
            if not upsert:
                raise ProjectExistsError(body.name)
            return answer(row(control.update_project(existing, details={**existing.details, **body.told()})))
        project_id = str(body.id) if body.id else None
        return answer(row(control.create_project(body.name, now_us(), project_id=project_id, details=body.told())))

    @routes.get("/sessions/{session_id}")
    def read(session_id: UUID, include_stats: bool = False) -> Response:
        use.absorb_feedback()
        return answer(row(project_by_id(control, str(session_id)), stats=include_stats))

    @routes.patch("/sessions/{session_id}")
    def update(session_id: UUID, body: SessionBody) -> Response:
        project = project_by_id(control, str(session_id))
        check_name(body.name or project.name)
        if body.name and body.name != project.name and use.ledger.has_runs(project.name):
            raise RequestError(
                "a project that has runs keeps its name: they are stored under it", field="body.name", status=409
            )
        changed = control.update_project(project, name=body.name, details={**project.details, **body.told()})
        return answer(row(changed))

    @routes.delete("/sessions/{session_id}")
    async def delete(session_id: UUID) -> Response:
        project = project_by_id(control, str(session_id))
        await use.delete_project(project)
        return answer({"message": "deleted"})

    @routes.get("/sessions/{session_id}/metadata")
    def metadata_of(
        session_id: UUID,
        metadata_keys: Annotated[list[str] | None, Query()] = None,
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        root_runs_only: bool = False,
    ) -> Response:
        project = project_by_id(control, str(session_id))
        rows = use.ledger.select(
            "langsmith_metadata",
            project=project.name,
            is_root=[1] if root_runs_only else [0, 1],
            keys=metadata_keys or [],
            k=k,
        )
        return answer({"metadata": {found["key"]: found["held"] for found in rows}})

    return routes


def check_name(name: str) -> None:
    """Refuse a name that the key does not write to.

    Raises:
        RequestError: it is one. Whether a project has that name is not told.
    """
    if not is_visible(name):
        raise RequestError(f"this key does not write to project {name[:100]!r}", field="body.name", status=403)


def _metadata(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        wanted = orjson.loads(text)
    except orjson.JSONDecodeError:
        wanted = None
    if not isinstance(wanted, dict) or any(isinstance(value, dict | list) for value in wanted.values()):
        raise RequestError("metadata must be a JSON object of plain values", field="query.metadata", status=422)
    return wanted
