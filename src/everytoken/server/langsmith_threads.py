"""LangSmith's threads, v2, and the grouping by conversation of v1."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_feedback import feedback_stats
from everytoken.query.langsmith_rows import iso, iso_z
from everytoken.query.langsmith_runs import RunQuestion
from everytoken.query.langsmith_stats import run_stats
from everytoken.query.langsmith_sums import number, stats_sums, v2_sums
from everytoken.query.langsmith_threads import ThreadRecord, of_thread, thread_page
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, now_us, router

PAGE_MAX = 100
DAY_US = 86_400_000_000
"""How far back v2 looks when it is not told."""


class ThreadsBody(BaseModel):
    project_id: UUID
    filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    page_size: int = Field(default=20, ge=1)
    cursor: str | None = None

    def question(self, use: LangSmith) -> RunQuestion:
        from_us = instant(self.min_start_time, "min_start_time")
        return RunQuestion(
            projects=use.reader.projects_of([str(self.project_id)], name_of="project_id"),
            is_root=True,
            from_us=now_us() - DAY_US if from_us is None else from_us,
            to_us=instant(self.max_start_time, "max_start_time"),
            filter=self.filter,
            trace_filter=self.trace_filter,
            tree_filter=self.tree_filter,
        )


class GroupBody(BaseModel):
    session_id: UUID
    group_by: str = "conversation"
    filter: str | None = None
    start_time: str | int | None = None
    end_time: str | int | None = None
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    limit: int = Field(default=20, ge=1)


def threads_router(use: LangSmith) -> APIRouter:
    """The v2 routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()

    @routes.post("/threads/query")
    def query(body: ThreadsBody) -> Response:
        page = thread_page(use.reader, body.question(use), limit=min(body.page_size, PAGE_MAX), cursor=body.cursor)
        told = _feedback(use, page.records)
        items = [_item(record, told) for record in page.records]
        return answer({"items": items, "next_cursor": page.next, "has_more": page.next is not None})

    @routes.post("/threads/stats")
    def stats(body: ThreadsBody) -> Response:
        question = body.question(use)
        found = run_stats(use.reader, question)
        threads = thread_page(use.reader, question, limit=PAGE_MAX * 100).records
        seconds = {f"{name}_seconds": found[name] for name in ("latency_p50", "latency_p99")}
        first = {f"{name}_seconds": found[name] for name in ("first_token_p50", "first_token_p99")}
        return answer({**found, **seconds, **first, "thread_count": len(threads), "thread_feedback_stats": {}})

    @routes.get("/threads/{thread_id}/traces")
    def traces(
        thread_id: str,
        project_id: UUID,
        filter: str | None = None,
        cursor: str | None = None,
        page_size: Annotated[int, Query(ge=1)] = 20,
        selects: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        question = RunQuestion(
            projects=use.reader.projects_of([str(project_id)], name_of="project_id"),
            is_root=True,
            thread_id=thread_id,
            filter=filter,
        )
        page = use.reader.page(question, limit=min(page_size, PAGE_MAX), cursor=cursor, payload=())
        rows = use.writer.v2(page.records, THREAD_TRACE, subtree=True)
        names = {name.lower() for name in selects} if selects else {"trace_id", "start_time"}
        items = []
        for row in rows:
            known = {**row, "latency": row["latency_seconds"], "op": None}
            items.append({name: value for name, value in known.items() if name in names | {"trace_id"}})
        return answer({"items": items, "next_cursor": page.next, "has_more": page.next is not None})

    @routes.get("/threads/{thread_id}/stats")
    def thread_stats(thread_id: str, session_id: UUID) -> Response:
        question = RunQuestion(projects=use.reader.projects_of([str(session_id)]), is_root=True, thread_id=thread_id)
        found = thread_page(use.reader, question, limit=1).records
        if not found:
            raise NotFoundError(f"no thread {thread_id[:200]!r}", field="path.thread_id")
        return answer(_stats(found[0], _feedback(use, found)))

    return routes


def groups_router(use: LangSmith) -> APIRouter:
    """The v1 route, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()

    @routes.post("/runs/group")
    def group(body: GroupBody) -> Response:
        if body.group_by != "conversation":
            raise RequestError("runs are grouped by conversation", field="body.group_by", status=422)
        question = RunQuestion(
            projects=use.reader.projects_of([str(body.session_id)]),
            from_us=instant(body.start_time, "start_time"),
            to_us=instant(body.end_time, "end_time"),
            filter=body.filter,
        )
        page = thread_page(use.reader, question, limit=min(body.limit, PAGE_MAX), offset=body.offset)
        told = _feedback(use, page.records)
        groups = [{**_item(record, told), "group_key": record.thread_id} for record in page.records]
        for row, record in zip(groups, page.records, strict=True):
            row["filter"] = of_thread(record.thread_id)
            row["min_start_time"], row["max_start_time"] = _span(record)
        return answer({"groups": groups, "total": body.offset + len(groups) + int(page.next is not None)})

    return routes


THREAD_TRACE = (
    "THREAD_ID", "TRACE_ID", "PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_TOKENS", "START_TIME", "END_TIME",
    "LATENCY_SECONDS", "FIRST_TOKEN_TIME", "INPUTS_PREVIEW", "OUTPUTS_PREVIEW", "PROMPT_COST", "COMPLETION_COST",
    "TOTAL_COST", "PROMPT_TOKEN_DETAILS", "COMPLETION_TOKEN_DETAILS", "PROMPT_COST_DETAILS",
    "COMPLETION_COST_DETAILS", "NAME", "ERROR_PREVIEW",
)  # fmt: skip


def _span(record: ThreadRecord) -> tuple[str | None, str | None]:
    return iso(record.figures["first_us"]), iso(record.figures["last_us"])


def _feedback(use: LangSmith, records: list[ThreadRecord]) -> dict[str, list[dict[str, Any]]]:
    use.absorb_feedback()
    roots = [str(run_id) for record in records for run_id in record.figures["root_ids"]]
    by_run = use.control.annotations.feedback_of_runs(roots)
    return {
        record.thread_id: [body for run_id in record.figures["root_ids"] for body in by_run.get(str(run_id), [])]
        for record in records
    }


def _item(record: ThreadRecord, told: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    figures, sums = record.figures, record.sums
    details = stats_sums(sums)
    p50, p99 = record.latency_s
    return {
        "thread_id": record.thread_id,
        "trace_id": str(figures["last_trace"]),
        "count": figures["turns"],
        "start_time": iso_z(figures["last_us"]),
        "min_start_time": iso_z(figures["first_us"]),
        "max_start_time": iso_z(figures["last_us"]),
        "first_inputs": figures["first_input"] or None,
        "last_outputs": figures["last_output"] or None,
        "first_trace_id": str(figures["first_trace"]),
        "last_trace_id": str(figures["last_trace"]),
        "last_error": figures["last_error"] or None,
        "num_errored_turns": figures["errors"],
        "latency_p50": p50,
        "latency_p99": p99,
        "feedback_stats": feedback_stats(told[record.thread_id]),
        "total_tokens": sums.total_tokens,
        "total_cost": number(sums.total_usd),
        "total_token_details": {**details["prompt_token_details"], **details["completion_token_details"]},
        "total_cost_details": {**details["prompt_cost_details"], **details["completion_cost_details"]},
    }


def _stats(record: ThreadRecord, told: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    figures = record.figures
    p50, p99 = record.latency_s
    return {
        "turns": figures["turns"],
        "first_start_time": iso_z(figures["first_us"]),
        "last_start_time": iso_z(figures["last_us"]),
        "last_end_time": iso_z(figures["last_end_us"]),
        "latency_p50_seconds": p50,
        "latency_p99_seconds": p99,
        **v2_sums(record.sums),
        "feedback_stats": feedback_stats(told[record.thread_id]),
    }
