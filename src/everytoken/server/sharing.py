"""LangSmith's shares: a token that lets anyone read one run and what is below it."""

import uuid
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_runs import MAX_IDS, RunQuestion, RunRecord
from everytoken.server.langsmith_context import LangSmith, answer, check_run, router
from everytoken.server.langsmith_read import PAGE_MAX, found

KIND = "share"


class ShareBody(BaseModel):
    share_token: UUID | None = None


class PublicBody(BaseModel):
    id: list[UUID] | None = Field(default=None, max_length=MAX_IDS)
    limit: int = Field(default=PAGE_MAX, ge=1)
    cursor: str | None = None


def sharing_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()

    @routes.put("/runs/{run_id}/share")
    async def share(run_id: UUID, body: ShareBody | None = None) -> Response:
        record = await found(use, str(run_id))
        wanted = str(body.share_token) if body and body.share_token else None
        return answer(await run_in_threadpool(share_run, use, record, wanted))

    @routes.get("/runs/{run_id}/share")
    def shared(run_id: UUID) -> Response:
        check_run(use, run_id)
        return answer(next(iter(use.control.annotations.of_kind(KIND, subjects=[str(run_id)])), None))

    @routes.delete("/runs/{run_id}/share")
    def unshare(run_id: UUID) -> Response:
        unshare_run(use, str(run_id))
        return answer({"message": "no longer shared"})

    @routes.get("/public/{token}/run")
    def public_run(token: UUID) -> Response:
        return answer(use.writer.v1([use.reader.one(shared_run(use, token))])[0])

    @routes.get("/public/{token}/run/{run_id}")
    def public_run_below(token: UUID, run_id: UUID) -> Response:
        return answer(use.writer.v1([shared_record(use, token, run_id)])[0])

    @routes.post("/public/{token}/runs/query")
    def public_runs(token: UUID, body: PublicBody) -> Response:
        records, following = shared_page(use, token, body)
        return answer({"runs": use.writer.v1(records), "cursors": {"next": following}})

    return routes


def share_run(use: LangSmith, record: RunRecord, wanted: str | None = None) -> dict[str, Any]:
    """The share of a run, made when there is none."""
    store, run_id = use.control.annotations, record.run.run_id
    for known in store.of_kind(KIND, subjects=[run_id]):
        return known
    share = {"run_id": run_id, "share_token": wanted or str(uuid.uuid4())}
    store.put(KIND, share["share_token"], share, subject=run_id)
    return share


def unshare_run(use: LangSmith, run_id: str) -> None:
    check_run(use, UUID(run_id))
    for known in use.control.annotations.of_kind(KIND, subjects=[run_id]):
        use.control.annotations.drop(KIND, known["share_token"])


def shared_run(use: LangSmith, token: UUID) -> str:
    """Id of the run that a token shares.

    Raises:
        NotFoundError: nothing is shared by it.
    """
    share = use.control.annotations.get(KIND, str(token))
    if share is None:
        raise NotFoundError("nothing is shared under this address", field="path.token")
    return str(share["run_id"])


def shared_record(use: LangSmith, token: UUID, run_id: UUID) -> RunRecord:
    """A run that is shared by the token, or that is below the one that is.

    Raises:
        NotFoundError: it is neither.
    """
    top = shared_run(use, token)
    record = use.reader.one(str(run_id))
    if not _is_below(record, top):
        raise NotFoundError("this run is not shared", field="path.run_id")
    return record


def shared_page(use: LangSmith, token: UUID, body: PublicBody) -> tuple[list[RunRecord], str | None]:
    """A page of the shared run and the runs below it."""
    top = use.reader.one(shared_run(use, token), payload=())
    question = RunQuestion(trace_id=top.run.trace_id, run_ids=tuple(map(str, body.id)) if body.id else None)
    page = use.reader.page(question, limit=min(body.limit, PAGE_MAX), cursor=body.cursor, ascending=True)
    return [record for record in page.records if _is_below(record, top.run.run_id)], page.next


def _is_below(record: RunRecord, top: str) -> bool:
    return any(step[-36:] == top for step in record.run.dotted_order.split("."))
