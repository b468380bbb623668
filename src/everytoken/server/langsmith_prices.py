"""LangSmith's `/model-price-map`: kept and answered as clients write it.

The ledger prices by its own price book; what is kept here prices nothing.
"""

import uuid
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, router

PAGE_MAX = 100
KIND = "model_price"
MATCH_PATH = ["model", "model_name", "model_id", "model_path", "endpoint_name"]
IDENTITY = ("name", "match_pattern", "match_path", "provider", "start_time")


class PriceBody(BaseModel):
    name: str = Field(min_length=1, max_length=300)
    match_pattern: str = Field(min_length=1, max_length=1_000)
    prompt_cost: float | str
    completion_cost: float | str
    start_time: str | None = None
    provider: str | None = None
    match_path: list[str] = Field(default=MATCH_PATH, max_length=20)
    prompt_cost_details: dict[str, float | str] | None = None
    completion_cost_details: dict[str, float | str] | None = None


def prices_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()
    store = use.control.annotations

    def stored(price_id: str, body: PriceBody) -> dict[str, Any]:
        row = {"id": price_id, "tenant_id": use.control.tenant_id, **body.model_dump(mode="json")}
        for known in store.of_kind(KIND):
            if known["id"] != price_id and all(known[name] == row[name] for name in IDENTITY):
                raise RequestError("such a price is there already", field="body.name", status=409)
        store.put(KIND, price_id, row)
        return row

    @routes.get("/model-price-map")
    def list_prices(
        q: str | None = None,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1)] = PAGE_MAX,
    ) -> Response:
        rows = [row for row in store.of_kind(KIND) if not q or q.lower() in row["name"].lower()]
        rows.sort(key=lambda row: row["name"])
        return answer(rows[offset:][: min(limit, PAGE_MAX)])

    def known(price_id: UUID) -> dict[str, Any]:
        row = store.get(KIND, str(price_id))
        if row is None:
            raise NotFoundError(f"no price {price_id}", field="path.price_id")
        return row

    @routes.post("/model-price-map")
    def create(request: Request, body: PriceBody) -> Response:
        row = stored(str(uuid.uuid4()), body)
        use.control.audit.record(of_request(request).actor, "price.map", row["id"], None, row)
        return answer(row)

    @routes.put("/model-price-map/{price_id}")
    def update(request: Request, price_id: UUID, body: PriceBody) -> Response:
        before = known(price_id)
        row = stored(str(price_id), body)
        use.control.audit.record(of_request(request).actor, "price.map", row["id"], before, row)
        return answer(row)

    @routes.delete("/model-price-map/{price_id}")
    def delete(request: Request, price_id: UUID) -> Response:
        before = known(price_id)
        store.drop(KIND, str(price_id))
        use.control.audit.record(of_request(request).actor, "price.unmap", str(price_id), before, None)
        return answer({"message": "deleted"})

    return routes
