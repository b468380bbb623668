"""How feedback of a key is to be read: LangSmith's feedback configs, one for each key.

They tell clients what a score means. None is enforced: feedback of any shape is taken.
"""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.langsmith_rows import iso
from everytoken.server.errors import RequestError
from everytoken.server.feedback_body import MAX_KEY_CHARS
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, now_us, router

KIND = "feedback_config"
PAGE_MAX = 100
MAX_CATEGORIES = 1_000

Number = Annotated[float, Field(allow_inf_nan=False)]


class Category(BaseModel):
    value: Number
    label: str | None = Field(default=None, max_length=MAX_KEY_CHARS)


class Config(BaseModel):
    type: Literal["continuous", "categorical", "freeform"]
    min: Number | None = None
    max: Number | None = None
    categories: list[Category] | None = Field(default=None, max_length=MAX_CATEGORIES)
    allows_multiple_categories: bool | None = None


class NewBody(BaseModel):
    feedback_key: str = Field(min_length=1, max_length=MAX_KEY_CHARS)
    feedback_config: Config
    is_lower_score_better: bool | None = None
    is_enforced: bool = False


class ChangeBody(BaseModel):
    feedback_key: str = Field(min_length=1, max_length=MAX_KEY_CHARS)
    id: UUID | None = None
    feedback_config: Config | None = None
    is_lower_score_better: bool | None = None
    add_categories: list[Category] = Field(default_factory=list, max_length=MAX_CATEGORIES)
    remove_categories: list[Number] = Field(default_factory=list, max_length=MAX_CATEGORIES)


def feedback_configs_router(use: LangSmith) -> APIRouter:  # noqa: C901 - the sum of short routes
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()
    store = use.control.annotations

    def row(config: dict[str, Any]) -> dict[str, Any]:
        more = {"id": _id(use, config["feedback_key"]), "is_enforced": False, "is_first": True, "is_deleted": False}
        return {**config, **more}

    def keep(key: str, config: dict[str, Any], is_lower_score_better: bool | None) -> Response:
        kept = {
            "feedback_key": key,
            "feedback_config": config,
            "is_lower_score_better": is_lower_score_better,
            "tenant_id": use.control.tenant_id,
            "modified_at": iso(now_us()),
        }
        store.put(KIND, key, kept)
        return answer(row(kept))

    @routes.post("/feedback-configs")
    def create_config(body: NewBody) -> Response:
        if body.is_enforced:
            raise RequestError(
                "no config is enforced here: feedback of any shape is taken", field="body.is_enforced", status=422
            )
        wanted = _checked(body.feedback_config.model_dump(exclude_unset=True))
        known = store.get(KIND, body.feedback_key)
        if known is None:
            return keep(body.feedback_key, wanted, body.is_lower_score_better)
        direction = body.is_lower_score_better
        if _said(known["feedback_config"]) != _said(wanted) or direction not in (None, known["is_lower_score_better"]):
            raise RequestError("Feedback config already exists", field="body.feedback_key")
        return answer(row(known))

    @routes.get("/feedback-configs")
    def list_configs(
        key: Annotated[list[str] | None, Query()] = None,
        name_contains: str | None = None,
        is_enforced: bool | None = None,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1)] = PAGE_MAX,
    ) -> Response:
        found = [] if is_enforced else [config for config in store.of_kind(KIND) if _fits(config, key, name_contains)]
        return answer([row(config) for config in found[offset:][: min(limit, PAGE_MAX)]])

    @routes.patch("/feedback-configs")
    def update_config(body: ChangeBody) -> Response:
        known = store.get(KIND, body.feedback_key)
        if known is None or body.id not in (None, UUID(_id(use, body.feedback_key))):
            raise NotFoundError(f"no such feedback config for {body.feedback_key!r}", field="body.feedback_key")
        wanted = body.feedback_config
        config = known["feedback_config"] if wanted is None else wanted.model_dump(exclude_unset=True)
        if body.add_categories or body.remove_categories:
            config = _recategorized(config, body.add_categories, body.remove_categories)
        direction = body.is_lower_score_better
        kept = known["is_lower_score_better"] if direction is None else direction
        return keep(body.feedback_key, _checked(config), kept)

    @routes.delete("/feedback-configs")
    def delete_config(feedback_key: str | None = None, id: UUID | None = None) -> Response:
        if (feedback_key is None) == (id is None):
            raise RequestError("name one of feedback_key and id", field="query.feedback_key", status=422)
        wanted = feedback_key if id is None else _key_of(use, id)
        if wanted is None or not store.drop(KIND, wanted):
            field = "query.id" if id else "query.feedback_key"
            raise NotFoundError(f"no feedback config for {str(id or feedback_key)[:MAX_KEY_CHARS]!r}", field=field)
        return Response(status_code=204)

    return routes


def _id(use: LangSmith, key: str) -> str:
    """A key has one config, and so it has the key's id."""
    return str(uuid.uuid5(UUID(use.control.tenant_id), f"feedback-config {key}"))


def _key_of(use: LangSmith, config_id: UUID) -> str | None:
    keys = (str(config["feedback_key"]) for config in use.control.annotations.of_kind(KIND))
    return next((key for key in keys if UUID(_id(use, key)) == config_id), None)


def _fits(config: dict[str, Any], keys: Sequence[str] | None, part: str | None) -> bool:
    key = config["feedback_key"]
    return (not keys or key in keys) and (not part or part.lower() in key.lower())


def _said(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if value is not None}


def _checked(config: dict[str, Any]) -> dict[str, Any]:
    """The config, if it makes sense.

    Raises:
        RequestError: bounds the wrong way round, or a category that is there twice.
    """
    if config.get("min") is not None and config.get("max") is not None and config["min"] > config["max"]:
        raise RequestError("min is greater than max", field="body.feedback_config.min", status=422)
    categories = config.get("categories") or []
    for name in ("value", "label"):
        held = [category[name] for category in categories if category.get(name) is not None]
        if len(set(held)) < len(held):
            field = "body.feedback_config.categories"
            raise RequestError(f"two categories have the same {name}", field=field, status=422)
    return config


def _recategorized(config: dict[str, Any], more: Sequence[Category], fewer: Sequence[float]) -> dict[str, Any]:
    if config["type"] != "categorical":
        raise RequestError(f"a {config['type']} config has no categories", field="body.feedback_key", status=422)
    left = [category for category in config.get("categories") or [] if category["value"] not in fewer]
    if fewer and len(left) < 2:
        raise RequestError("two categories must be left", field="body.remove_categories", status=422)
    categories = left + [category.model_dump(exclude_unset=True) for category in more]
    return {**config, "categories": categories}
