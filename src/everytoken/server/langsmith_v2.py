"""LangSmith's v2 reads: runs and traces by what is selected, urls, shares, and what is public."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_rows import iso_z, v2_columns
from everytoken.query.langsmith_runs import MAX_IDS, RunQuestion, RunReader, RunRecord, speaks_of_feedback
from everytoken.query.langsmith_sums import number
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import LangSmith, answer, instant, now_us, router
from everytoken.server.langsmith_read import found
from everytoken.server.langsmith_streaming import page_answer
from everytoken.server.langsmith_threads import DAY_US, SemanticBody
from everytoken.server.sharing import share_run, shared_page, shared_record, unshare_run

PAGE_MAX = 1_000
TRACE_RUNS_MAX = 10_000
"""Runs of one trace in one answer."""

Write = Callable[[list[RunRecord]], list[dict[str, Any]]]
Selects = Annotated[list[str] | None, Query()]


class FilterBody(SemanticBody):
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    selects: list[str] = Field(default_factory=list, max_length=100)
    cursor: str | None = None
    page_size: int = Field(default=100, ge=1)
    sort_order: str = Field(default="DESC", pattern="^(?i:asc|desc)$")
    min_feedback_modified_at: str | None = None
    max_feedback_modified_at: str | None = None

    def reader(self, use: LangSmith) -> RunReader:
        """Reads with the bounds that the feedback in the filters must keep.

        Raises:
            RequestError: there are bounds, and no feedback in the filters; or what we cannot search for.
        """
        self.refuse_semantics()
        from_us = instant(self.min_feedback_modified_at, "body.min_feedback_modified_at")
        to_us = instant(self.max_feedback_modified_at, "body.max_feedback_modified_at")
        if from_us is None and to_us is None:
            return use.reader
        if not any(speaks_of_feedback(text) for text in (self.filter, self.trace_filter, self.tree_filter) if text):
            raise RequestError("bounds of feedback need a filter by feedback", field="body.filter", status=422)
        return use.reader_of_feedback(from_us, to_us)

    def common(self, *, looks_back: bool) -> dict[str, Any]:
        """Bounds and filters; v2 looks a day back unless it is told, or knows what it looks for."""
        from_us = instant(self.min_start_time, "min_start_time")
        return {
            "from_us": now_us() - DAY_US if from_us is None and looks_back else from_us,
            "to_us": instant(self.max_start_time, "max_start_time"),
            "filter": self.filter,
            "trace_filter": self.trace_filter,
            "tree_filter": self.tree_filter,
        }


class RunsBody(FilterBody):
    project_ids: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    reference_dataset_id: UUID | None = None
    ids: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    trace_id: UUID | None = None
    run_type: str | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    reference_examples: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    include_subtree_usage: bool = False

    def question(self, use: LangSmith) -> RunQuestion:
        return RunQuestion(
            projects=self._projects(use),
            run_ids=tuple(map(str, self.ids)) if self.ids is not None else None,
            trace_id=str(self.trace_id) if self.trace_id else None,
            run_type=self.run_type,
            is_root=self.is_root,
            has_error=self.has_error,
            reference_examples=tuple(map(str, self.reference_examples or ())),
            **self.common(looks_back=not (self.ids or self.trace_id or self.reference_dataset_id)),
        )

    def _projects(self, use: LangSmith) -> tuple[str, ...] | None:
        if self.reference_dataset_id is None:
            return _names(use, self.project_ids)
        if self.project_ids:
            raise RequestError("name projects or a dataset, not both", field="body.reference_dataset_id", status=422)
        wanted = str(self.reference_dataset_id)
        return tuple(p.name for p in use.control.projects() if p.details.get("reference_dataset_id") == wanted)


class TracesBody(FilterBody):
    project_id: UUID
    trace_ids: list[UUID] | None = Field(default=None, max_length=MAX_IDS)


class ShareBody(BaseModel):
    session_id: UUID | None = None
    trace_id: UUID | None = None


def langsmith_v2_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()

    def pages(request: Request, body: FilterBody, question: RunQuestion, write: Write) -> Response:
        """Runs page by page, each page written by `write`."""
        reader, payload = body.reader(use), tuple(v2_columns(body.selects))

        def read(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
            ascending = body.sort_order.upper() == "ASC"
            held = reader.page(question, limit=limit, cursor=cursor, ascending=ascending, payload=payload)
            return write(held.records), held.next

        return page_answer(request, read, size=min(body.page_size, PAGE_MAX), cursor=body.cursor)

    @routes.post("/runs/query")
    def query(request: Request, body: RunsBody) -> Response:
        how: dict[str, Any] = {"subtree": body.include_subtree_usage, "host": _host(request)}
        return pages(request, body, body.question(use), lambda found: use.writer.v2(found, body.selects, **how))

    @routes.get("/runs/{run_id}")
    async def retrieve(
        request: Request, run_id: UUID, selects: Selects = None, project_id: UUID | None = None
    ) -> Response:
        names = _names(use, [project_id] if project_id else None)
        record = await found(use, str(run_id))
        if names is not None and record.run.project not in names:
            raise NotFoundError(f"no run {run_id} in this project", field="query.project_id")
        return answer(use.writer.v2([record], selects or [], host=_host(request))[0])

    @routes.get("/runs/{run_id}/url")
    def url(request: Request, run_id: UUID, project_id: UUID, trace_id: UUID | None = None) -> Response:
        _names(use, [project_id])
        where = f"/o/{use.control.tenant_id}/projects/p/{project_id}/r/{run_id}"
        return answer({"url": f"{_host(request)}{where}" + (f"?trace_id={trace_id}" if trace_id else "")})

    @routes.post("/traces/query")
    def traces(request: Request, body: TracesBody) -> Response:
        question = RunQuestion(
            projects=_names(use, [body.project_id]),
            run_ids=tuple(map(str, body.trace_ids)) if body.trace_ids is not None else None,
            is_root=True,
            **body.common(looks_back=body.trace_ids is None),
        )

        def write(records: list[RunRecord]) -> list[dict[str, Any]]:
            roots = use.writer.v2(records, body.selects, host=_host(request))
            aggregates = (_aggregates(record) for record in records)
            return [{"root_run": root, "trace_aggregates": sums} for root, sums in zip(roots, aggregates, strict=True)]

        return pages(request, body, question, write)

    @routes.get("/traces/{trace_id}/runs")
    def trace_runs(
        request: Request,
        trace_id: UUID,
        project_id: UUID,
        selects: Selects = None,
        filter: str | None = None,
        min_start_time: str | None = None,
        max_start_time: str | None = None,
    ) -> Response:
        question = RunQuestion(
            projects=_names(use, [project_id]),
            trace_id=str(trace_id),
            filter=filter,
            from_us=instant(min_start_time, "min_start_time"),
            to_us=instant(max_start_time, "max_start_time"),
        )
        held = use.reader.page(question, limit=TRACE_RUNS_MAX, ascending=True, payload=v2_columns(selects or []))
        if not held.records and filter is None:
            raise NotFoundError(f"no trace {trace_id}", field="path.trace_id")
        return answer({"items": use.writer.v2(held.records, selects or [], host=_host(request))})

    return routes


def shares_v2_router(use: LangSmith) -> APIRouter:
    """Shares of runs and what they show, to be mounted at `/api/v2` and `/v2`."""
    routes = router()

    @routes.post("/runs/{run_id}/share")
    async def share(request: Request, run_id: UUID, body: ShareBody | None = None) -> Response:
        record = await found(use, str(run_id))
        shared = await run_in_threadpool(share_run, use, record, of_request(request).actor)
        return answer({"share_token": shared["share_token"]})

    @routes.delete("/runs/{trace_id}/share")
    def unshare(request: Request, trace_id: UUID) -> Response:
        unshare_run(use, str(trace_id), of_request(request).actor)
        return Response(status_code=204)

    @routes.get("/public/{token}/run/{run_id}")
    def public_run(request: Request, token: UUID, run_id: UUID, selects: Selects = None) -> Response:
        record = shared_record(use, token, run_id)
        return answer(use.writer.v2([record], selects or [], subtree=True, host=_host(request))[0])

    @routes.post("/public/{token}/runs/query")
    def public_runs(request: Request, token: UUID, body: RunsBody) -> Response:
        def read(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
            records, following = shared_page(use, token, body.ids, limit, cursor)
            return use.writer.v2(records, body.selects, subtree=True, host=_host(request)), following

        return page_answer(request, read, size=min(body.page_size, PAGE_MAX), cursor=body.cursor)

    return routes


def _names(use: LangSmith, ids: list[UUID] | None) -> tuple[str, ...] | None:
    return use.reader.projects_of([str(one) for one in ids], name_of="project_id") if ids else None


def _host(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _aggregates(record: RunRecord) -> dict[str, Any]:
    sums = record.subtree
    first_us = record.run.first_token_us or sums.first_token_us
    return {
        "total_tokens": sums.total_tokens,
        "total_cost": number(sums.total_usd),
        "first_token_time": iso_z(first_us),
    }
