"""LangSmith's threads, v2, and the grouping by conversation of v1."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_feedback import feedback_stats
from everytoken.query.langsmith_rows import iso, iso_z, v2_columns
from everytoken.query.langsmith_runs import RunQuestion, speaks_of_feedback
from everytoken.query.langsmith_stats import run_stats
from everytoken.query.langsmith_sums import number, stats_sums, v2_sums
from everytoken.query.langsmith_threads import (
    MAX_LOOKED_AT,
    THREAD_FILTER,
    ThreadPage,
    ThreadRecord,
    TooManyThreadsError,
    chosen_threads,
    filter_row,
    of_thread,
    thread_count,
    thread_page,
    turn_numbers,
)
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, now_us, router
from everytoken.server.langsmith_streaming import page_answer

PAGE_MAX = 100
DAY_US = 86_400_000_000
"""How far back v2 looks when it is not told."""


class SemanticBody(BaseModel):
    """Searches by meaning, which need a model that reads every run."""

    sem_filter: str | None = None
    ai_search: str | None = None
    ai_query: str | None = None

    def refuse_semantics(self) -> None:
        """Say plainly that they are not done, instead of answering as if they had found everything.

        Raises:
            RequestError: one is asked for.
        """
        for name in ("sem_filter", "ai_search", "ai_query"):
            if getattr(self, name):
                raise RequestError(
                    f"{name}: this server does not search by meaning", field=f"body.{name}", status=501,
                    hint='write a filter, such as search("text")',
                )  # fmt: skip


class ThreadsBody(SemanticBody):
    project_id: UUID
    filter: str | None = None
    thread_filter: str | None = None
    trace_filter: str | None = None
    tree_filter: str | None = None
    min_start_time: str | None = None
    max_start_time: str | None = None
    page_size: int = Field(default=20, ge=1)
    cursor: str | None = None
    select: list[str] | None = Field(default=None, max_length=100)
    selects: list[str] | None = Field(default=None, max_length=100)

    def question(self, use: LangSmith) -> RunQuestion:
        self.refuse_semantics()
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

    def test(self, use: LangSmith) -> Callable[[ThreadRecord], bool] | None:
        """Whether a thread passes `thread_filter`; `None` when there is none."""
        if not self.thread_filter:
            return None
        tree = THREAD_FILTER.parse(self.thread_filter)
        feedback = speaks_of_feedback(self.thread_filter)

        def holds(record: ThreadRecord) -> bool:
            told = _feedback(use, [record])[record.thread_id] if feedback else []
            return THREAD_FILTER.holds(tree, filter_row(record, feedback_stats(told)))

        return holds


class GroupBody(BaseModel):
    session_id: UUID
    group_by: str = "conversation"
    filter: str | None = None
    start_time: str | int | None = None
    end_time: str | int | None = None
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    limit: int = Field(default=20, ge=1)

    def question(self, use: LangSmith) -> RunQuestion:
        if self.group_by != "conversation":
            raise RequestError("runs are grouped by conversation", field="body.group_by", status=422)
        return RunQuestion(
            projects=use.reader.projects_of([str(self.session_id)]),
            from_us=instant(self.start_time, "start_time"),
            to_us=instant(self.end_time, "end_time"),
            filter=self.filter,
        )


def threads_router(use: LangSmith) -> APIRouter:
    """The v2 routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()

    @routes.post("/threads/query")
    def query(request: Request, body: ThreadsBody) -> Response:
        question, test = body.question(use), body.test(use)

        def read(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
            page = _threads(use, question, test, limit=limit, cursor=cursor)
            told = _feedback(use, page.records)
            return [_item(record, told) for record in page.records], page.next

        return page_answer(request, read, size=min(body.page_size, PAGE_MAX), cursor=body.cursor)

    @routes.post("/threads/stats")
    def stats(body: ThreadsBody) -> Response:
        question, test = body.question(use), body.test(use)
        if test is not None:
            page = _threads(use, question, test, limit=MAX_LOOKED_AT, cursor=None)
            question = replace(question, thread_ids=tuple(record.thread_id for record in page.records))
        use.absorb_feedback()
        found = run_stats(use.reader, question)
        seconds = {f"{name}_seconds": found[name] for name in ("latency_p50", "latency_p99")}
        first = {f"{name}_seconds": found[name] for name in ("first_token_p50", "first_token_p99")}
        told = {**found, **seconds, **first, "trace_count": found["run_count"], "thread_feedback_stats": {}}
        told["thread_count"] = thread_count(use.reader, question)
        return answer(_selected(told, body.select or body.selects))

    @routes.get("/threads/{thread_id:path}/traces")
    def traces(
        thread_id: str,
        project_id: UUID,
        filter: str | None = None,
        trace_filter: str | None = None,
        tree_filter: str | None = None,
        cursor: str | None = None,
        page_size: Annotated[int, Query(ge=1)] = 20,
        selects: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        question = RunQuestion(
            projects=use.reader.projects_of([str(project_id)], name_of="project_id"),
            is_root=True,
            thread_id=thread_id,
            filter=filter,
            trace_filter=trace_filter,
            tree_filter=tree_filter,
        )
        wanted = {name.upper() for name in selects or ("START_TIME",)} | {"TRACE_ID"}
        payload = tuple(v2_columns(wanted))
        page = use.reader.page(question, limit=min(page_size, PAGE_MAX), cursor=cursor, payload=payload)
        turns = turn_numbers(use.reader, question) if "TURN_NUMBER" in wanted else {}
        rows = use.writer.v2(page.records, THREAD_TRACE, subtree=True)
        items = []
        for row in rows:
            known = {**row, "latency": row["latency_seconds"], "op": None, "turn_number": turns.get(row["id"])}
            items.append({name: value for name, value in known.items() if name.upper() in wanted})
        return answer({"items": items, "next_cursor": page.next, "has_more": page.next is not None})

    @routes.get("/threads/{thread_id:path}/stats")
    def thread_stats(
        thread_id: str,
        session_id: UUID,
        filter: str | None = None,
        selects: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        projects = use.reader.projects_of([str(session_id)])
        question = RunQuestion(projects=projects, is_root=True, thread_id=thread_id, filter=filter)
        found = thread_page(use.reader, question, limit=1).records
        if not found:
            raise NotFoundError(f"no thread {thread_id[:200]!r}", field="path.thread_id")
        return answer(_selected(_stats(found[0], _feedback(use, found)), selects))

    return routes


def groups_router(use: LangSmith) -> APIRouter:
    """The v1 route, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()

    @routes.post("/runs/group/stats")
    def group_stats(body: GroupBody) -> Response:
        question = replace(body.question(use), is_root=True)
        use.absorb_feedback()
        return answer({**run_stats(use.reader, question), "group_count": thread_count(use.reader, question)})

    @routes.post("/runs/group")
    def group(body: GroupBody) -> Response:
        question = body.question(use)
        page = thread_page(use.reader, question, limit=min(body.limit, PAGE_MAX), offset=body.offset)
        told = _feedback(use, page.records)
        groups = [{**_item(record, told), "group_key": record.thread_id} for record in page.records]
        for row, record in zip(groups, page.records, strict=True):
            row["filter"] = of_thread(record.thread_id)
            row["min_start_time"], row["max_start_time"] = _span(record)
        whole = page.next is None and (body.offset == 0 or groups)
        total = body.offset + len(groups) if whole else thread_count(use.reader, replace(question, is_root=True))
        return answer({"groups": groups, "total": total})

    return routes


THREAD_TRACE = (
    "THREAD_ID", "TRACE_ID", "PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_TOKENS", "START_TIME", "END_TIME",
    "LATENCY_SECONDS", "FIRST_TOKEN_TIME", "INPUTS_PREVIEW", "OUTPUTS_PREVIEW", "PROMPT_COST", "COMPLETION_COST",
    "TOTAL_COST", "PROMPT_TOKEN_DETAILS", "COMPLETION_TOKEN_DETAILS", "PROMPT_COST_DETAILS",
    "COMPLETION_COST_DETAILS", "NAME", "ERROR_PREVIEW", "ERROR", "INPUTS", "OUTPUTS",
)  # fmt: skip


def _threads(
    use: LangSmith,
    question: RunQuestion,
    test: Callable[[ThreadRecord], bool] | None,
    *,
    limit: int,
    cursor: str | None,
) -> ThreadPage:
    if test is None:
        return thread_page(use.reader, question, limit=limit, cursor=cursor)
    try:
        return chosen_threads(use.reader, question, test, limit=limit, cursor=cursor)
    except TooManyThreadsError as error:
        raise RequestError(str(error), field="body.min_start_time", status=422) from error


def _selected(told: dict[str, Any], selects: list[str] | None) -> dict[str, Any]:
    """What was asked for; everything when nothing was. Percentiles go by their name without its unit."""
    if not selects:
        return told
    wanted = {name.lower() for name in selects}
    return {name: value for name, value in told.items() if name.removesuffix("_seconds") in wanted or name in wanted}


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
