"""Feedback by people without an account: a token for one key of one run, given out and taken back by its end."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.server.errors import RequestError
from everytoken.server.feedback import Score
from everytoken.server.feedback_body import as_feedback
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, check_run, now_us, router

PAGE_MAX = 100
TOKEN_LIFETIME = timedelta(hours=3)
"""What LangSmith's clients document as the default."""


class TokenBody(BaseModel):
    run_id: UUID
    feedback_key: str = Field(min_length=1, max_length=180)
    expires_in: dict[str, int] | None = None
    expires_at: datetime | None = None
    feedback_config: dict[str, Any] | None = None


class GivenBody(BaseModel):
    """What a token's holder says."""

    score: Score = None
    value: Any = None
    comment: str | None = None
    correction: dict[str, Any] | str | None = None
    metadata: dict[str, Any] | None = None


def feedback_tokens_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`, before those of feedback."""
    routes = router()
    store = use.control.annotations

    @routes.post("/feedback/tokens")
    def create_tokens(request: Request, body: TokenBody | list[TokenBody]) -> Response:
        for one in body if isinstance(body, list) else [body]:
            check_run(use, one.run_id)
        tokens = [_token(request, one) for one in (body if isinstance(body, list) else [body])]
        for token in tokens:
            store.put("feedback_token", token["id"], token, subject=token["run_id"])
        return answer(tokens if isinstance(body, list) else tokens[0])

    @routes.get("/feedback/tokens")
    def list_tokens(
        run_id: UUID,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1)] = PAGE_MAX,
    ) -> Response:
        check_run(use, run_id)
        tokens = store.of_kind("feedback_token", subjects=[str(run_id)])
        return answer(tokens[offset:][: min(limit, PAGE_MAX)])

    def by_token(token: UUID, said: dict[str, Any]) -> Response:
        known = store.get("feedback_token", str(token))
        if known is None:
            raise NotFoundError("no such token", field="path.token")
        if datetime.fromisoformat(known["expires_at"]) < datetime.now(UTC):
            raise RequestError("the token has expired", field="path.token", status=403)
        source = {"type": "api", "metadata": {**(said.pop("metadata", None) or {}), "token": str(token)}}
        wire = {**said, "key": known["feedback_key"], "run_id": known["run_id"], "feedback_source": source}
        read = as_feedback(wire, at_us=now_us())
        if read is None:
            raise RequestError("score must be a number", field="score", status=422)
        store.put_feedback([use.kept(read)])
        return answer({"message": "thank you"})

    @routes.get("/feedback/tokens/{token}")
    def give(
        token: UUID,
        score: Score = None,
        value: str | None = None,
        comment: str | None = None,
        correction: str | None = None,
    ) -> Response:
        return by_token(token, {"score": score, "value": value, "comment": comment, "correction": correction})

    @routes.post("/feedback/tokens/{token}")
    def give_more(token: UUID, body: GivenBody) -> Response:
        return by_token(token, body.model_dump())

    return routes


def _token(request: Request, body: TokenBody) -> dict[str, Any]:
    token_id = str(uuid.uuid4())
    expires = body.expires_at or _end(body.expires_in)
    expires = expires.replace(tzinfo=UTC) if expires.tzinfo is None else expires
    return {
        "id": token_id,
        "url": f"{request.url.replace(query='')}/{token_id}",
        "expires_at": expires.isoformat(),
        "feedback_key": body.feedback_key,
        "run_id": str(body.run_id),
    }


def _end(expires_in: dict[str, int] | None) -> datetime:
    if not expires_in:
        return datetime.now(UTC) + TOKEN_LIFETIME
    units = {unit: expires_in[unit] for unit in ("days", "hours", "minutes") if unit in expires_in}
    try:
        return datetime.now(UTC) + timedelta(**units)
    except OverflowError:
        raise RequestError("expires_in is too long", field="body.expires_in", status=422) from None
