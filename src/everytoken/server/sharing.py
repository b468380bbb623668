"""LangSmith's shares: a token that lets anyone read one run and what is below it, or the traces of one thread."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, ValidationError

from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.query.langsmith_runs import MAX_IDS, RunQuestion, RunRecord, project_by_id
from everytoken.query.langsmith_threads import of_thread
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import LangSmith, answer, check_run, router
from everytoken.server.langsmith_read import PAGE_MAX, found
from everytoken.store.control import Project

KIND = "share"
THREAD_KIND = "thread_share"
LIST_MAX = 1_000
"""Runs in an answer that has no pages."""


class ShareBody(BaseModel):
    share_token: UUID | None = None


class PublicBody(BaseModel):
    id: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    limit: int = Field(default=PAGE_MAX, ge=1)
    cursor: str | None = None


class ThreadShareBody(BaseModel):
    project_id: UUID


@dataclass(frozen=True, slots=True)
class Shared:
    """What a token shows."""

    question: RunQuestion
    top: RunRecord | None
    """The run that is shared; `None` for a thread."""

    def shows(self, record: RunRecord) -> bool:
        """Whether a run that the question finds is shown."""
        return self.top is None or _is_below(record, self.top.run.run_id)


def sharing_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()

    @routes.put("/runs/{run_id}/share")
    async def share(request: Request, run_id: UUID) -> Response:
        body = _share_body(await request.body())
        record = await found(use, str(run_id))
        wanted = str(body.share_token) if body.share_token else None
        return answer(await run_in_threadpool(share_run, use, record, of_request(request).actor, wanted))

    @routes.get("/runs/{run_id}/share")
    def shared(run_id: UUID) -> Response:
        check_run(use, run_id)
        return answer(next(iter(use.control.annotations.of_kind(KIND, subjects=[str(run_id)])), None))

    @routes.delete("/runs/{run_id}/share")
    def unshare(request: Request, run_id: UUID) -> Response:
        unshare_run(use, str(run_id), of_request(request).actor)
        return answer({"message": "no longer shared"})

    @routes.get("/public/{token}/run")
    def public_run(token: UUID) -> Response:
        top = shared_by(use, token).top
        if top is None:
            raise NotFoundError("a thread is shared here, not a run", field="path.token", hint="POST …/runs/query")
        return answer(use.writer.v1([top])[0])

    @routes.get("/public/{token}/run/{run_id}")
    def public_run_below(token: UUID, run_id: UUID) -> Response:
        return answer(use.writer.v1([shared_record(use, token, run_id)])[0])

    @routes.post("/public/{token}/runs/query")
    def public_runs(token: UUID, body: PublicBody) -> Response:
        records, following = shared_page(use, token, body.id, min(body.limit, PAGE_MAX), body.cursor)
        return answer({"runs": use.writer.v1(records), "cursors": {"next": following}})

    @routes.get("/public/{token}/runs{query:path}")
    def public_list(token: UUID, query: str, id: Annotated[list[str] | None, Query()] = None) -> Response:
        # `listSharedRuns` of the JS client (0.12) writes its query behind the path without a question mark.
        ids = id or parse_qs(query).get("id")
        wanted = [UUID(as_uuid(one, field="query.id")) for one in ids[:MAX_IDS]] if ids else None
        return answer(use.writer.v1(shared_page(use, token, wanted, LIST_MAX, None)[0]))

    return routes


def thread_sharing_router(use: LangSmith) -> APIRouter:
    """The v2 routes, to be mounted at `/api/v2` and `/v2`."""
    routes = router()
    store = use.control.annotations

    def shares(project_id: UUID, thread_id: str) -> Sequence[dict[str, Any]]:
        project = project_by_id(use.control, str(project_id), field="project_id")
        return store.of_kind(THREAD_KIND, subjects=[_thread_subject(project, thread_id)])

    @routes.post("/threads/{thread_id:path}/share")
    async def share(request: Request, thread_id: str, body: ThreadShareBody) -> Response:
        for known in await run_in_threadpool(shares, body.project_id, thread_id):
            return answer({"share_token": known["share_token"]})
        await use.pipeline.flush()
        token = await run_in_threadpool(share_thread, use, body.project_id, thread_id)
        told = (of_request(request).actor, "share.create", thread_id, None, _of(body.project_id))
        await run_in_threadpool(use.control.audit.record, *told)
        return answer({"share_token": token})

    @routes.get("/threads/{thread_id:path}/share")
    def shared(thread_id: str, project_id: UUID) -> Response:
        known = next(iter(shares(project_id, thread_id)), None)
        return answer({} if known is None else {"share_token": known["share_token"]})

    @routes.delete("/threads/{thread_id:path}/share")
    def unshare(request: Request, thread_id: str, project_id: UUID) -> Response:
        for known in shares(project_id, thread_id):
            store.drop(THREAD_KIND, known["share_token"])
            use.control.audit.record(of_request(request).actor, "share.remove", thread_id, _of(project_id))
        return Response(status_code=204)

    return routes


def share_run(use: LangSmith, record: RunRecord, actor: str, wanted: str | None = None) -> dict[str, Any]:
    """The share of a run, made when there is none.

    Raises:
        RequestError: the wanted token shares something else.
    """
    store, run_id = use.control.annotations, record.run.run_id
    for known in store.of_kind(KIND, subjects=[run_id]):
        return known
    share = {"run_id": run_id, "share_token": wanted or str(uuid.uuid4())}
    if any(store.get(kind, share["share_token"]) is not None for kind in (KIND, THREAD_KIND)):
        raise RequestError("this token shares something else already", field="body.share_token", status=409)
    store.put(KIND, share["share_token"], share, subject=run_id)
    use.control.audit.record(actor, "share.create", run_id, None, {"project": record.run.project})
    return share


def share_thread(use: LangSmith, project_id: UUID, thread_id: str) -> str:
    """The token of a new share.

    Raises:
        NotFoundError: no trace is of that thread.
    """
    project = project_by_id(use.control, str(project_id), field="body.project_id")
    question = RunQuestion(projects=(project.name,), is_root=True, thread_id=thread_id)
    if not use.reader.page(question, limit=1, payload=()).records:
        raise NotFoundError(f"no thread {thread_id[:200]!r}", field="path.thread_id")
    share = {"project_id": project.project_id, "thread_id": thread_id, "share_token": str(uuid.uuid4())}
    use.control.annotations.put(THREAD_KIND, share["share_token"], share, subject=_thread_subject(project, thread_id))
    return share["share_token"]


def unshare_run(use: LangSmith, run_id: str, actor: str) -> None:
    check_run(use, UUID(run_id))
    for known in use.control.annotations.of_kind(KIND, subjects=[run_id]):
        use.control.annotations.drop(KIND, known["share_token"])
        use.control.audit.record(actor, "share.remove", run_id)


def shared_by(use: LangSmith, token: UUID) -> Shared:
    """What a token shows.

    Raises:
        NotFoundError: nothing is shared by it, or it is gone.
    """
    store = use.control.annotations
    share = store.get(KIND, str(token))
    if share is not None:
        top = use.reader.one(str(share["run_id"]))
        return Shared(RunQuestion(trace_id=top.run.trace_id), top)
    share = store.get(THREAD_KIND, str(token))
    if share is None:
        raise NotFoundError("nothing is shared under this address", field="path.token")
    project = project_by_id(use.control, share["project_id"], field="path.token")
    return Shared(RunQuestion(projects=(project.name,), trace_filter=of_thread(share["thread_id"])), None)


def shared_record(use: LangSmith, token: UUID, run_id: UUID) -> RunRecord:
    """A run that the token shows.

    Raises:
        NotFoundError: it shows no such run.
    """
    shared = shared_by(use, token)
    records = use.reader.page(replace(shared.question, run_ids=(str(run_id),)), limit=1).records
    if not records or not shared.shows(records[0]):
        raise NotFoundError("this run is not shared", field="path.run_id")
    return records[0]


def shared_page(
    use: LangSmith, token: UUID, ids: Sequence[UUID] | None, limit: int, cursor: str | None
) -> tuple[list[RunRecord], str | None]:
    """A page of the runs that a token shows, in the order of their start."""
    shared = shared_by(use, token)
    question = replace(shared.question, run_ids=tuple(map(str, ids)) if ids else None)
    page = use.reader.page(question, limit=limit, cursor=cursor, ascending=True)
    return [record for record in page.records if shared.shows(record)], page.next


def _share_body(text: bytes) -> ShareBody:
    """What is asked for, whatever type the body says it has: the JS client (0.12) calls its JSON plain text.

    No page of a stranger can send it either way: the method is none that browsers send unasked.
    """
    try:
        return ShareBody.model_validate_json(text or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(str(first["msg"]), field=".".join(map(str, ("body", *first["loc"]))), status=422) from error


def _of(project_id: UUID) -> dict[str, str]:
    return {"project_id": str(project_id)}


def _thread_subject(project: Project, thread_id: str) -> str:
    return f"{project.project_id} {thread_id}"


def _is_below(record: RunRecord, top: str) -> bool:
    return any(step[-36:] == top for step in record.run.dotted_order.split("."))
