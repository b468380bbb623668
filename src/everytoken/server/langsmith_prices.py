"""LangSmith's `/model-price-map`: prices as its clients write them, dollars a token, by a pattern of the model's name.

All of them together are one override of the price book, so that they price what comes from then on.
"""

import re
import threading
import uuid
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from everytoken.catalog.errors import PriceFileError
from everytoken.catalog.price_file import MAX_PLACES, parse_prices
from everytoken.query.errors import NotFoundError
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import MAX_OFFSET, LangSmith, answer, instant, now_us, router
from everytoken.server.price_map import COMPLETION_KEYS, MTOK, OVERRIDE, PROMPT_KEYS, as_override, begins, clashes

PAGE_MAX = 100
KIND = "model_price"
MAX_PRICES = 1_000
MATCH_PATH = ["model", "model_name", "model_id", "model_path", "endpoint_name"]
_CHANGING = threading.Lock()
"""The override is made of all prices: who changes one waits for who changes another."""


class PriceBody(BaseModel):
    name: str = Field(min_length=1, max_length=300)
    match_pattern: str = Field(min_length=1, max_length=1_000)
    prompt_cost: float | str
    completion_cost: float | str
    start_time: str | None = None
    provider: str | None = Field(default=None, max_length=100)
    match_path: list[str] = Field(default=MATCH_PATH, max_length=20)
    prompt_cost_details: dict[str, float | str] | None = None
    completion_cost_details: dict[str, float | str] | None = None

    def check(self) -> None:
        """Refuse what cannot price anything.

        Raises:
            RequestError: with the field that is wrong.
        """
        instant(self.start_time, "body.start_time")
        try:
            re.compile(self.match_pattern)
        except (re.error, OverflowError, RecursionError) as error:
            text = f"not a regular expression: {error}"
            raise RequestError(text, field="body.match_pattern", status=422) from error
        _check_usd("prompt_cost", self.prompt_cost)
        _check_usd("completion_cost", self.completion_cost)
        _check_details("prompt_cost_details", self.prompt_cost_details, PROMPT_KEYS)
        _check_details("completion_cost_details", self.completion_cost_details, COMPLETION_KEYS)


def prices_router(use: LangSmith) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    routes = router()
    store = use.control.annotations

    def known(price_id: UUID) -> dict[str, Any]:
        row = store.get(KIND, str(price_id))
        if row is None:
            raise NotFoundError(f"no price {price_id}", field="path.price_id")
        return row

    def change(request: Request, price_id: str, before: dict[str, Any] | None, body: PriceBody | None) -> None:
        """Store a price, or without a body take it away, and let the price book know."""
        others = [row for row in store.of_kind(KIND) if row["id"] != price_id]
        rows, after = others, None
        if body is not None:
            body.check()
            after = {"id": price_id, "tenant_id": use.control.tenant_id, **body.model_dump(mode="json")}
            if any(clashes(after, other) for other in others):
                raise RequestError(
                    f"a price of this pattern begins on {begins(after) or 'the first day'} already",
                    field="body.match_pattern", status=409,
                )  # fmt: skip
            if len(others) >= MAX_PRICES:
                raise RequestError(f"there are {MAX_PRICES} prices", field="body", status=409)
            rows = [*others, after]
        _price_by(use, rows)
        if after is None:
            store.drop(KIND, price_id)
        else:
            store.put(KIND, price_id, after)
        action = "price.unmap" if after is None else "price.map"
        use.control.audit.record(of_request(request).actor, action, price_id, before, after)

    @routes.get("/model-price-map")
    def list_prices(
        q: str | None = None,
        offset: Annotated[int, Query(ge=0, le=MAX_OFFSET)] = 0,
        limit: Annotated[int, Query(ge=1)] = PAGE_MAX,
    ) -> Response:
        rows = [row for row in store.of_kind(KIND) if not q or q.lower() in row["name"].lower()]
        rows.sort(key=lambda row: row["name"])
        return answer(rows[offset:][: min(limit, PAGE_MAX)])

    @routes.post("/model-price-map")
    def create(request: Request, body: PriceBody) -> Response:
        price_id = str(uuid.uuid4())
        with _CHANGING:
            change(request, price_id, None, body)
        return answer(store.get(KIND, price_id))

    @routes.put("/model-price-map/{price_id}")
    def update(request: Request, price_id: UUID, body: PriceBody) -> Response:
        with _CHANGING:
            change(request, str(price_id), known(price_id), body)
        return answer(store.get(KIND, str(price_id)))

    @routes.delete("/model-price-map/{price_id}")
    def delete(request: Request, price_id: UUID) -> Response:
        with _CHANGING:
            change(request, str(price_id), known(price_id), None)
        return answer({"message": "deleted"})

    return routes


def _price_by(use: LangSmith, rows: list[dict[str, Any]]) -> None:
    """Make the override of these prices the one in force."""
    toml = as_override(rows, at_us=now_us())
    try:
        parse_prices(f"{use.overrides.text(without=OVERRIDE)}\n{toml}", "overrides", label="override:api")
    except PriceFileError as error:
        problem = error.problems[0]
        raise RequestError(problem.what, field="body", hint=problem.cure, status=422) from error
    if rows:
        use.overrides.put(OVERRIDE, toml)
    else:
        use.overrides.drop(OVERRIDE)
    use.book.reload()


def _check_details(name: str, told: Mapping[str, float | str] | None, known: Mapping[str, str]) -> None:
    for kind, usd in (told or {}).items():
        if kind not in known:
            text = f"no price for tokens of the kind {kind[:60]!r}; known are {', '.join(known)}"
            raise RequestError(text, field=f"body.{name}", status=422)
        _check_usd(name, usd)


def _check_usd(name: str, value: float | str) -> None:
    try:
        usd = Decimal(str(value))
    except InvalidOperation:
        usd = Decimal("NaN")
    # A price of a dollar a token is a mistake; the book keeps a million tokens' to the twelfth place.
    places = usd.normalize().as_tuple().exponent if usd.is_finite() else None
    if not isinstance(places, int) or not 0 <= usd < 1 or -places > MAX_PLACES + MTOK.adjusted():
        raise RequestError(
            f"{name}: {str(value)[:60]!r} is not the price of a token", field=f"body.{name}", status=422,
            hint='write US dollars for one token, such as "0.00000175"',
        )  # fmt: skip
