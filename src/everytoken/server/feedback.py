"""LangSmith's feedback: scores and comments on runs and projects."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_rows import iso
from everytoken.server.errors import RequestError
from everytoken.server.feedback_body import MAX_KEY_CHARS, as_feedback
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, now_us, router
from everytoken.server.langsmith_read import found
from everytoken.store.visible import visible_projects

PAGE_MAX = 100
FIELDS = (
    "id", "run_id", "trace_id", "session_id", "key", "score", "value", "comment", "correction", "feedback_source",
    "comparative_experiment_id", "feedback_group_id", "extra", "start_time",
)  # fmt: skip

Score = Annotated[float, Field(allow_inf_nan=False)] | bool | None


class FeedbackChange(BaseModel):
    """What may be changed of feedback."""

    score: Score = None
    value: Any = None
    comment: str | None = None
    correction: dict[str, Any] | str | None = None
    feedback_config: dict[str, Any] | None = None


class Source(BaseModel):
    model_config = {"extra": "allow"}

    type: str = "api"
    metadata: dict[str, Any] | None = None


class FeedbackBody(FeedbackChange):
    """What a client sends; `as_feedback` reads the rest of it."""

    model_config = {"extra": "allow"}

    key: str = Field(min_length=1, max_length=MAX_KEY_CHARS)
    id: UUID | None = None
    run_id: UUID | None = None
    trace_id: UUID | None = None
    session_id: UUID | None = None
    comparative_experiment_id: UUID | None = None
    feedback_group_id: UUID | None = None
    feedback_source: Source | None = None
    extra: dict[str, Any] | None = None


class FeedbackQuery(BaseModel):
    run: list[UUID] | None = Field(default=None, max_length=1_000)
    session: list[UUID] | None = Field(default=None, max_length=1_000)
    key: list[str] | None = Field(default=None, max_length=1_000)
    source: list[str] | None = Field(default=None, max_length=100)
    has_score: bool | None = None
    has_comment: bool | None = None
    level: str | None = None
    comparative_experiment_id: UUID | None = None
    min_created_at: str | None = None
    max_created_at: str | None = None
    offset: int = Field(default=0, ge=0, le=MAX_OFFSET)
    limit: int = Field(default=PAGE_MAX, ge=1)

    def conditions(self) -> dict[str, bool]:
        """Which columns must be set, or must not."""
        on_run = None if self.level is None else self.level == "run"
        asked = {"score": self.has_score, "comment": self.has_comment, "run_id": on_run}
        return {name: wanted for name, wanted in asked.items() if wanted is not None}


def feedback_router(use: LangSmith) -> APIRouter:  # noqa: C901 - the sum of short routes
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()
    store = use.control.annotations

    def held(feedback_id: UUID) -> dict[str, Any]:
        use.absorb_feedback()
        body = store.feedback(str(feedback_id))
        if body is None or not use.sees(use.located(body)):
            raise NotFoundError(f"no feedback {feedback_id}", field="path.feedback_id")
        return body

    @routes.post("/feedback")
    @routes.post("/feedback/eager")
    async def create(body: FeedbackBody) -> Response:
        read = as_feedback(body.model_dump(mode="json"), at_us=now_us())
        if read is None:
            raise RequestError(
                "this is no feedback: created_at is not a time, or the score not a number", field="body", status=422
            )
        if not (read["run_id"] or read["session_id"]):
            raise RequestError("feedback is about a run or a project", field="body.run_id", status=422)
        if visible_projects() is not None:
            await check_seen(use, read)
        kept = await run_in_threadpool(use.kept, read)
        await run_in_threadpool(store.put_feedback, [kept])
        return answer(feedback_row(kept))

    @routes.get("/feedback")
    def list_feedback(asked: Annotated[FeedbackQuery, Query()]) -> Response:
        use.absorb_feedback()
        sessions = [str(one) for one in asked.session or ()]
        if visible_projects() is not None:
            seen = [project.project_id for project in use.control.projects()]
            sessions = [one for one in seen if not sessions or one in sessions]
            if not sessions:
                return answer([])
        bodies = store.list_feedback(
            any_of={
                "run_id": [str(one) for one in asked.run or ()],
                "session_id": sessions,
                "key": asked.key or (),
                "source": asked.source or (),
            },
            conditions=asked.conditions(),
            experiment=str(asked.comparative_experiment_id) if asked.comparative_experiment_id else None,
            created=(instant(asked.min_created_at, "min_created_at"), instant(asked.max_created_at, "max_created_at")),
            limit=min(asked.limit, PAGE_MAX),
            offset=asked.offset,
        )
        return answer([feedback_row(body) for body in bodies])

    @routes.get("/feedback/{feedback_id}")
    def read(feedback_id: UUID) -> Response:
        return answer(feedback_row(use.located(held(feedback_id))))

    @routes.patch("/feedback/{feedback_id}")
    def update(feedback_id: UUID, body: FeedbackChange) -> Response:
        changes = body.model_dump(exclude_unset=True)
        changed = use.kept({**held(feedback_id), **changes, "modified_us": now_us()})
        store.put_feedback([changed])
        return answer(feedback_row(changed))

    @routes.delete("/feedback/{feedback_id}")
    def delete(feedback_id: UUID) -> Response:
        held(feedback_id)
        store.delete_feedback(str(feedback_id))
        return answer({"message": "deleted"})

    return routes


async def check_seen(use: LangSmith, body: dict[str, Any]) -> None:
    """Refuse feedback about what the key does not see, or in the place of feedback that it does not see.

    Raises:
        NotFoundError: so that it looks like nothing is there.
    """
    if body["run_id"]:
        await found(use, body["run_id"])
    known = await run_in_threadpool(use.control.annotations.feedback, body["id"])
    if not await run_in_threadpool(use.sees, body) or (known is not None and not use.sees(known)):
        raise NotFoundError("no such run or project", field="body.run_id")


def feedback_row(body: dict[str, Any]) -> dict[str, Any]:
    """As LangSmith's clients read it."""
    return {
        **{name: body.get(name) for name in FIELDS},
        "created_at": iso(body["created_us"]),
        "modified_at": iso(body["modified_us"]),
    }
