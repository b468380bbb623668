"""LangSmith's v1 reads of runs: query, one run, statistics, deletion, settings."""

import asyncio
import contextlib
import json
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.filter.errors import FilterError
from everytoken.query.langsmith_rows import iso, v1_columns
from everytoken.query.langsmith_runs import MAX_IDS, RunQuestion, RunRecord, project_by_id
from everytoken.query.langsmith_stats import GroupBy, grouped_stats, run_stats
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import LangSmith, answer, instant, router

PAGE_MAX = 100
LOGGED_IDS = 100
"""Of the deleted traces that an entry of the audit log names."""
FLUSH_WAIT_S = 5.0
"""A run that was acknowledged a moment ago is on its way; a reader who asks for it by id waits for it this long."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class RunsBody(BaseModel):
    """Which runs, in v1's words."""

    id: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    trace: UUID | None = None
    parent_run: UUID | None = None
    run_type: str | None = None
    session: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    reference_example: Annotated[list[UUID] | None, BeforeValidator(_listed)] = Field(default=None, max_length=MAX_IDS)
    """A list; the JS client (0.12) sends a lone id as it is."""
    execution_order: int | None = None
    start_time: str | int | None = None
    end_time: str | int | None = None
    error: bool | None = None
    query: str | None = None
    search_filter: str | None = None
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    is_root: bool | None = None

    def question(self, use: LangSmith) -> RunQuestion:
        """An id needs nothing else; everything else must hold together."""
        if self.id is not None:
            return RunQuestion(run_ids=_texts(self.id))
        return RunQuestion(
            projects=use.reader.projects_of(_texts(self.session)) if self.session else None,
            trace_id=str(self.trace) if self.trace else None,
            parent_run_id=str(self.parent_run) if self.parent_run else None,
            run_type=self.run_type,
            reference_examples=_texts(self.reference_example or []),
            is_root=True if self.execution_order == 1 else self.is_root,
            has_error=self.error,
            from_us=instant(self.start_time, "start_time"),
            to_us=instant(self.end_time, "end_time"),
            text=self.query or self.search_filter,
            filter=self.filter,
            trace_filter=self.trace_filter,
            tree_filter=self.tree_filter,
        )


class QueryBody(RunsBody):
    select: list[str] | None = None
    limit: int = Field(default=PAGE_MAX, ge=1)
    cursor: str | None = None
    order: str | None = None


class GroupByBody(BaseModel):
    attribute: str
    path: str | None = None
    max_groups: int = Field(default=5, ge=1)


class StatsBody(RunsBody):
    group_by: GroupByBody | None = None
    select: list[str] | None = Field(default=None, max_length=100)

    def chosen(self, figures: dict[str, Any]) -> dict[str, Any]:
        """The figures that were asked for."""
        return figures if self.select is None else {name: figures[name] for name in self.select if name in figures}


class DeleteBody(BaseModel):
    session_id: UUID
    trace_ids: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    metadata: dict[str, Any] | None = None
    """Every trace whose root carries all of it; at most `MAX_IDS` a request."""


def langsmith_read_router(use: LangSmith) -> APIRouter:  # noqa: C901 - the sum of short routes, one function holds them
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()

    @routes.post("/runs/query")
    def query(body: QueryBody) -> Response:
        page = use.reader.page(
            body.question(use),
            limit=min(body.limit, PAGE_MAX),
            cursor=body.cursor,
            ascending=body.order == "asc",
            payload=v1_columns(body.select),
        )
        rows = use.writer.v1(page.records, body.select)
        return answer({"runs": rows, "cursors": {"next": page.next}, "search_cursors": None, "parsed_query": None})

    @routes.post("/runs/query/validate")
    def validate(body: RunsBody) -> Response:
        errors = []
        for field in ("filter", "trace_filter", "tree_filter"):
            text = getattr(body, field)
            try:
                if text:
                    use.reader.condition(RunQuestion(filter=text))
            except FilterError as error:
                errors.append({"field": field, "message": str(error)})
        return answer({"valid": not errors, "errors": errors})

    @routes.post("/runs/stats")
    def stats(body: StatsBody) -> Response:
        question = body.question(use)
        use.absorb_feedback()
        if body.group_by is None:
            return answer(body.chosen(run_stats(use.reader, question)))
        group = GroupBy(body.group_by.attribute, body.group_by.path, body.group_by.max_groups)
        groups = grouped_stats(use.reader, question, group)
        return answer({name: body.chosen(figures) for name, figures in groups.items()})

    @routes.post("/runs/delete")
    @routes.post("/runs/delete/traces")
    async def delete(request: Request, body: DeleteBody) -> Response:
        project = project_by_id(use.control, str(body.session_id), field="body.session_id")
        trace_ids = [str(one) for one in body.trace_ids or ()]
        if body.metadata:
            wanted = orjson.dumps(body.metadata).decode()
            question = RunQuestion(
                projects=(project.name,), is_root=True, filter=f"has(metadata, {json.dumps(wanted)})"
            )
            page = await run_in_threadpool(lambda: use.reader.page(question, limit=MAX_IDS, payload=()))
            trace_ids += [record.run.trace_id for record in page.records]
        elif not trace_ids:
            raise RequestError("name the traces: trace_ids or metadata", field="body.trace_ids", status=422)
        files = await use.delete_traces(project, trace_ids)
        told = {"traces": len(trace_ids), "trace_ids": trace_ids[:LOGGED_IDS], "attachments": files}
        actor = of_request(request).actor
        await run_in_threadpool(use.control.audit.record, actor, "data.delete", project.name, None, told)
        return answer({"message": f"{len(trace_ids)} traces deleted"})

    @routes.get("/runs/threads/{thread_id:path}")
    def thread(thread_id: str, session_id: UUID, select: Annotated[list[str] | None, Query()] = None) -> Response:
        question = RunQuestion(projects=use.reader.projects_of([str(session_id)]), is_root=True, thread_id=thread_id)
        page = use.reader.page(question, limit=PAGE_MAX, ascending=True, payload=v1_columns(select))
        return answer({"runs": use.writer.v1(page.records, select)})

    @routes.get("/runs/{run_id}")
    async def read(
        run_id: UUID, exclude_serialized: bool = False, exclude_s3_stored_attributes: bool = False
    ) -> Response:
        record = await found(use, str(run_id))
        (row,) = await run_in_threadpool(use.writer.v1, [record])
        if exclude_serialized:
            row["serialized"] = None
        if exclude_s3_stored_attributes:
            row["s3_urls"] = None
        return answer(row)

    @routes.get("/settings")
    def settings() -> Response:
        first = min((project.created_us for project in use.control.projects()), default=None)
        return answer(
            {
                "id": use.control.tenant_id,
                "display_name": "everytoken",
                "created_at": iso(first),
                "tenant_handle": None,
            }
        )

    return routes


async def found(use: LangSmith, run_id: str) -> RunRecord:
    """The run, waited for when it was accepted but is not visible yet.

    Raises:
        NotFoundError: it never came.
    """
    try:
        return await run_in_threadpool(use.reader.one, run_id)
    except NotFoundError:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(use.pipeline.flush(), FLUSH_WAIT_S)
        return await run_in_threadpool(use.reader.one, run_id)


def _texts(ids: list[UUID]) -> tuple[str, ...]:
    return tuple(str(one) for one in ids)
