"""LangSmith's v2 reads: runs and traces by what is selected, urls, shares, and what is public."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_rows import iso_z, v2_columns
from everytoken.query.langsmith_runs import MAX_IDS, RunQuestion, RunRecord
from everytoken.query.langsmith_sums import number
from everytoken.server.langsmith_context import LangSmith, answer, instant, now_us, router
from everytoken.server.langsmith_read import found
from everytoken.server.langsmith_threads import DAY_US
from everytoken.server.sharing import PublicBody, share_run, shared_page, shared_record, unshare_run

PAGE_MAX = 1_000
TRACE_RUNS_MAX = 10_000
"""Runs of one trace in one answer."""

Selects = Annotated[list[str] | None, Query()]


class FilterBody(BaseModel):
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    selects: list[str] = Field(default_factory=list, max_length=100)
    cursor: str | None = None
    page_size: int = Field(default=100, ge=1)
    sort_order: str = "DESC"

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
    ids: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    trace_id: UUID | None = None
    run_type: str | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    reference_examples: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    include_subtree_usage: bool = False

    def question(self, use: LangSmith) -> RunQuestion:
        return RunQuestion(
            projects=_names(use, self.project_ids),
            run_ids=tuple(map(str, self.ids)) if self.ids is not None else None,
            trace_id=str(self.trace_id) if self.trace_id else None,
            run_type=self.run_type,
            is_root=self.is_root,
            has_error=self.has_error,
            reference_examples=tuple(map(str, self.reference_examples or ())),
            **self.common(looks_back=self.ids is None and self.trace_id is None),
        )


class TracesBody(FilterBody):
    project_id: UUID
    trace_ids: list[UUID] | None = Field(default=None, max_length=MAX_IDS)


class ShareBody(BaseModel):
    session_id: UUID | None = None
    trace_id: UUID | None = None


def langsmith_v2_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()

    def page(records: list[RunRecord], following: str | None, selects: list[str], **how: Any) -> Response:
        items = use.writer.v2(records, selects, **how)
        return answer({"items": items, "next_cursor": following, "has_more": following is not None})

    @routes.post("/runs/query")
    def query(request: Request, body: RunsBody) -> Response:
        held = use.reader.page(
            body.question(use),
            limit=min(body.page_size, PAGE_MAX),
            cursor=body.cursor,
            ascending=body.sort_order.upper() == "ASC",
            payload=v2_columns(body.selects),
        )
        return page(held.records, held.next, body.selects, subtree=body.include_subtree_usage, host=_host(request))

    @routes.get("/runs/{run_id}")
    async def retrieve(
        request: Request, run_id: UUID, selects: Selects = None, project_id: UUID | None = None
    ) -> Response:
        _names(use, [project_id] if project_id else None)
        record = await found(use, str(run_id))
        return answer(use.writer.v2([record], selects or [], host=_host(request))[0])

    @routes.get("/runs/{run_id}/url")
    def url(request: Request, run_id: UUID, project_id: UUID, trace_id: UUID | None = None) -> Response:
        _names(use, [project_id])
        where = f"/o/{use.control.tenant_id}/projects/p/{project_id}/r/{run_id}"
        return answer({"url": f"{_host(request)}{where}" + (f"?trace_id={trace_id}" if trace_id else "")})

    @routes.post("/runs/{run_id}/share")
    async def share(run_id: UUID, body: ShareBody | None = None) -> Response:
        return answer({"share_token": share_run(use, await found(use, str(run_id)))["share_token"]})

    @routes.delete("/runs/{trace_id}/share")
    def unshare(trace_id: UUID) -> Response:
        unshare_run(use, str(trace_id))
        return Response(status_code=204)

    @routes.get("/public/{token}/run/{run_id}")
    def public_run(request: Request, token: UUID, run_id: UUID, selects: Selects = None) -> Response:
        record = shared_record(use, token, run_id)
        return answer(use.writer.v2([record], selects or [], subtree=True, host=_host(request))[0])

    @routes.post("/public/{token}/runs/query")
    def public_runs(request: Request, token: UUID, body: RunsBody) -> Response:
        asked = PublicBody(id=body.ids, limit=body.page_size, cursor=body.cursor)
        records, following = shared_page(use, token, asked)
        return page(records, following, body.selects, subtree=True, host=_host(request))

    @routes.post("/traces/query")
    def traces(request: Request, body: TracesBody) -> Response:
        question = RunQuestion(
            projects=_names(use, [body.project_id]),
            run_ids=tuple(map(str, body.trace_ids)) if body.trace_ids is not None else None,
            is_root=True,
            **body.common(looks_back=body.trace_ids is None),
        )
        held = use.reader.page(
            question,
            limit=min(body.page_size, PAGE_MAX),
            cursor=body.cursor,
            ascending=body.sort_order.upper() == "ASC",
            payload=v2_columns(body.selects),
        )
        roots = use.writer.v2(held.records, body.selects, host=_host(request))
        items = [
            {"root_run": root, "trace_aggregates": _aggregates(record)}
            for root, record in zip(roots, held.records, strict=True)
        ]
        return answer({"items": items, "next_cursor": held.next, "has_more": held.next is not None})

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
