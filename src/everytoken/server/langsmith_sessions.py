"""LangSmith's projects: `/sessions`, with statistics on demand. v1 here; v2 says the same in other words."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_projects import (
    BY_STATS,
    PROJECT_FILTER,
    SORTS,
    StatsQuestion,
    filter_row,
    kind_of,
    needs_stats,
    session_rows,
    sorted_rows,
)
from everytoken.query.langsmith_runs import project_by_id
from everytoken.query.window import parse_instant
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, now_us, router
from everytoken.store.control import Project, ProjectExistsError
from everytoken.store.visible import is_visible
from everytoken.wire.addresses import agent_project

PAGE_MAX = 100
MAX_NAME_CHARS = 1_000
TOLD = (
    "description", "extra", "start_time", "end_time", "reference_dataset_id", "default_dataset_id", "trace_tier",
    "type", "num_examples", "num_repetitions", "evaluator_keys", "kicked_off_by", "tag_value_ids", "longlived_ttl_days",
)  # fmt: skip
"""What a client says about a project and gets back."""
ENVIRONMENTS = ("local", "development", "staging", "production")
EVALUATORS = "evaluators"
"""The project that `kind=EVALUATOR` names."""


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
    num_examples: int | None = None
    num_repetitions: int | None = None
    evaluator_keys: list[str] | None = Field(default=None, max_length=1_000)
    kicked_off_by: str | None = None
    tag_value_ids: list[UUID] | None = Field(default=None, max_length=1_000)
    longlived_ttl_days: int | None = None

    def told(self) -> dict[str, Any]:
        """What is said here, and not null.

        Raises:
            RequestError: a time that is none.
        """
        for name in ("start_time", "end_time"):
            instant(getattr(self, name), f"body.{name}")
        said = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in said.items() if name in TOLD}


class SessionsQuery(BaseModel):
    """Which projects, in what order, with which figures."""

    id: list[UUID] | None = None
    name: str | None = None
    name_contains: str | None = None
    reference_dataset: list[UUID] | None = None
    reference_free: bool | None = None
    dataset_version: str | None = None
    tag_value_id: list[UUID] | None = None
    metadata: str | None = None
    filter: str | None = None
    sort_by: str = "start_time"
    sort_by_desc: bool = True
    sort_by_feedback_key: str | None = None
    sort_by_feedback_source: str | None = None
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    limit: int = Field(default=PAGE_MAX, ge=1)
    include_stats: bool = False
    facets: bool = False
    stats_start_time: str | None = None
    stats_filter: str | None = None
    stats_select: list[str] | None = Field(default=None, max_length=100)

    def stats(self) -> StatsQuestion:
        from_us = instant(self.stats_start_time, "stats_start_time")
        return StatsQuestion(from_us=from_us, filter=self.stats_filter, facets=self.facets)

    @property
    def feedback_order(self) -> tuple[str, str]:
        """Where the order by feedback looks: the field of a row, and the key."""
        if self.sort_by.lower() == "feedback" and not self.sort_by_feedback_key:
            raise RequestError("say by which feedback to sort", field="query.sort_by_feedback_key", status=422)
        of_project = (self.sort_by_feedback_source or "run").lower() == "session"
        return "session_feedback_stats" if of_project else "feedback_stats", self.sort_by_feedback_key or ""

    def fits(self, project: Project, wanted: dict[str, Any]) -> bool:
        told = project.details
        dataset = told.get("reference_dataset_id")
        metadata = (told.get("extra") or {}).get("metadata") or {}
        tags = told.get("tag_value_ids") or []
        return (
            (self.id is None or UUID(project.project_id) in self.id)
            and (self.name is None or project.name == self.name)
            and (self.name_contains is None or self.name_contains.lower() in project.name.lower())
            and (not self.reference_dataset or dataset in [str(one) for one in self.reference_dataset])
            and not (self.reference_free and dataset)
            and all(str(tag) in tags for tag in self.tag_value_id or ())
            and (not self.dataset_version or _same_time(metadata.get("dataset_version"), self.dataset_version))
            and all(metadata.get(key) == value for key, value in wanted.items())
        )


@dataclass(frozen=True, slots=True)
class Sessions:
    """What both versions do with projects; they differ in how they ask and how they write."""

    use: LangSmith

    def row(self, project: Project, *, stats: bool = False, from_us: int | None = None) -> dict[str, Any]:
        if stats:
            self.use.absorb_feedback()
        return session_rows(self.use.reader, [project], stats=stats, asked=StatsQuestion(from_us=from_us))[0]

    def page(
        self, asked: SessionsQuery, size: int, offset: int, *, after: str | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """The rows of a page, which begins behind the project `after` if that is still there, and how many are left.

        Raises:
            FilterError: the filter of projects or of statistics is wrong.
        """
        wanted = _metadata(asked.metadata)
        projects = [project for project in self.use.control.projects() if asked.fits(project, wanted)]
        tree = PROJECT_FILTER.parse(asked.filter) if asked.filter else None
        sort = asked.sort_by.lower() if asked.sort_by.lower() in SORTS else "start_time"
        if asked.include_stats:
            self.use.absorb_feedback()
        # Figures of all projects are needed to sort or choose by them, those of one page to show them.
        early = sort in BY_STATS or (tree is not None and needs_stats(tree))
        rows = session_rows(self.use.reader, projects, stats=early, asked=asked.stats())
        if tree is not None:
            rows = [row for row in rows if PROJECT_FILTER.holds(tree, filter_row(row))]
        ordered = sorted_rows(rows, sort, descending=asked.sort_by_desc, feedback=asked.feedback_order)
        offset = next((place for place, row in enumerate(ordered, 1) if row["id"] == after), offset)
        page = ordered[offset:][:size]
        if asked.include_stats and not early:
            page = self._with_stats(page, projects, asked)
        return [_chosen(row, asked.stats_select) for row in page], max(0, len(ordered) - offset - size)

    def _with_stats(
        self, page: list[dict[str, Any]], projects: Sequence[Project], asked: SessionsQuery
    ) -> list[dict[str, Any]]:
        by_id = {project.project_id: project for project in projects}
        return session_rows(self.use.reader, [by_id[row["id"]] for row in page], stats=True, asked=asked.stats())

    def create(self, body: SessionBody, *, upsert: bool) -> dict[str, Any]:
        if not body.name:
            raise RequestError("a project needs a name", field="body.name", status=422)
        check_name(body.name)
        told, control = body.told(), self.use.control
        existing = control.project(body.name)
        if existing is None:
            project_id = str(body.id) if body.id else None
            return self.row(control.create_project(body.name, now_us(), project_id=project_id, details=told))
        if not upsert:
            raise ProjectExistsError(body.name)
        return self.row(control.update_project(existing, details={**existing.details, **told}))

    def update(self, session_id: UUID, body: SessionBody) -> dict[str, Any]:
        project = project_by_id(self.use.control, str(session_id))
        check_name(body.name or project.name)
        if body.name and body.name != project.name and self.use.ledger.has_runs(project.name):
            raise RequestError(
                "a project that has runs keeps its name: they are stored under it", field="body.name", status=409
            )
        details = {**project.details, **body.told()}
        return self.row(self.use.control.update_project(project, name=body.name, details=details))

    def addressed(self, kind: str, session_id: str | None, environment: str | None) -> Project:
        """The project that an address names.

        Raises:
            NotFoundError: there is none.
            RequestError: it is no address.
        """
        match kind.upper():
            case "AGENT":
                if not session_id or (environment or "").lower() not in ENVIRONMENTS:
                    raise RequestError(
                        f"an agent's address has an id and an environment: {', '.join(ENVIRONMENTS)}",
                        field="query.environment", status=422,
                    )  # fmt: skip
                found = self.use.control.project(agent_project(session_id, environment or ""))
            case "EXPERIMENT":
                found = project_by_id(self.use.control, session_id or "", field="query.id")
                found = found if kind_of(found.details) == "EXPERIMENT" else None
            case "EVALUATOR":
                found = self.use.control.project(EVALUATORS)
            case _:
                raise RequestError("kind is AGENT, EXPERIMENT or EVALUATOR", field="query.kind", status=422)
        if found is None:
            raise NotFoundError(
                "nothing has this address", field="query.id", hint="a project appears with its first run"
            )
        return found


def langsmith_sessions_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()
    sessions = Sessions(use)

    @routes.get("/sessions")
    def list_sessions(asked: Annotated[SessionsQuery, Query()]) -> Response:
        return answer(sessions.page(asked, min(asked.limit, PAGE_MAX), asked.offset)[0])

    @routes.post("/sessions")
    def create(body: SessionBody, upsert: bool = False) -> Response:
        return answer(sessions.create(body, upsert=upsert))

    @routes.get("/sessions/resolutions")
    def resolve(kind: str, id: str | None = None, environment: str | None = None) -> Response:
        return answer({"session_id": sessions.addressed(kind, id, environment).project_id})

    @routes.get("/sessions/{session_id}")
    def read(session_id: UUID, include_stats: bool = False, stats_start_time: str | None = None) -> Response:
        project = project_by_id(use.control, str(session_id))
        from_us = instant(stats_start_time, "stats_start_time")
        return answer(sessions.row(project, stats=include_stats, from_us=from_us))

    @routes.patch("/sessions/{session_id}")
    def update(session_id: UUID, body: SessionBody) -> Response:
        return answer(sessions.update(session_id, body))

    @routes.delete("/sessions/{session_id}")
    async def delete(request: Request, session_id: UUID) -> Response:
        project = project_by_id(use.control, str(session_id))
        before = {"project_id": project.project_id, **asdict(use.control.settings.get(project.project_id))}
        await use.delete_project(project)
        actor = of_request(request).actor
        await run_in_threadpool(use.control.audit.record, actor, "project.delete", project.name, before, None)
        return answer({"message": "deleted"})

    @routes.get("/sessions/{session_id}/metadata")
    def metadata_of(
        session_id: UUID,
        metadata_keys: Annotated[list[str] | None, Query()] = None,
        k: Annotated[int, Query(ge=1, le=100)] = 10,
        root_runs_only: bool = False,
    ) -> Response:
        project = project_by_id(use.control, str(session_id))
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


def _chosen(row: dict[str, Any], select: Sequence[str] | None) -> dict[str, Any]:
    """With the figures of `select` alone, and all that is no figure."""
    if select is None:
        return row
    wanted = {name.lower() for name in select} | _PLAIN
    return {name: value for name, value in row.items() if name in wanted}


_PLAIN = frozenset((*TOLD, "id", "tenant_id", "name", "test_run_number"))


def _same_time(held: Any, wanted: str) -> bool:
    if held is None:
        return False
    try:
        return parse_instant(str(held)) == parse_instant(wanted)
    except ValueError:
        return str(held) == wanted


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
