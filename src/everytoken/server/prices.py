"""The product API's prices: the list, overrides, models without a price, and pricing stored charges again."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from everytoken.catalog.errors import PriceFileError
from everytoken.catalog.price_file import parse_prices
from everytoken.core.charge import Charge
from everytoken.ingest import repricing
from everytoken.query.cursors import read_cursor, write_cursor
from everytoken.query.errors import NotFoundError
from everytoken.query.projects import known_project
from everytoken.query.totals import usd_text
from everytoken.query.window import Window
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX, PROBLEMS, Services, Using, Within, answer, window
from everytoken.store.columns import read_charge
from everytoken.store.ledger import Ledger
from everytoken.store.price_overrides import HEAD, MAX_OVERRIDES, MAX_TOML_CHARS

LISTED_MAX = 1_000
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEntry:
    provider: str
    model: str
    """A model's id, or the pattern an override matches it by."""
    source: str
    checked: str | None
    """When an override's price was last read, as a date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    prices: list[PriceEntry]
    total: int
    truncated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    key: str
    per: int
    usd: str | None
    over: int | None
    """Input tokens above which this is the rate of the whole request."""
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    provider: str | None
    model: str
    at: str
    tier: str | None
    entry: str | None
    source: str | None
    reason: str | None
    """Why there are no rates."""
    rates: list[Rate]
    tiers: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPrice:
    project: str
    provider: str | None
    model: str | None
    reason: str
    calls: int
    input_tokens: int
    output_tokens: int
    last_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPrices:
    missing: list[MissingPrice]
    """Most calls first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    name: str
    toml: str
    changed_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    overrides: list[Override]


class OverrideBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    toml: str = Field(min_length=1, max_length=MAX_TOML_CHARS, description="`[[price]]` entries, as in a price file.")


class RepriceBody(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    project: str | None = Field(default=None, description="Project name; all without it.")
    from_: str | None = Field(default=None, alias="from", description="ISO-8601, or epoch milli- or microseconds.")
    to: str | None = Field(default=None, description="Exclusive end, written like `from`.")
    apply: bool = Field(default=False, description="Store the new costs; else only tell them.")
    cursor: str | None = Field(default=None, max_length=4096, description="`next` of the answer before.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepriceRow:
    day: str
    """UTC; `other` for what is beyond the bound of rows."""
    provider: str | None
    model: str | None
    charges: int
    changed: int
    before_usd: str
    """Known cost."""
    after_usd: str
    newly_priced: int
    newly_unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepriceResult:
    applied: bool
    rows: list[RepriceRow]
    """Those that change, by day and model. Of the charges this call looked at."""
    charges: int
    changed: int
    before_usd: str
    after_usd: str
    newly_priced: int
    newly_unpriced: int
    next: str | None
    """Ask again with this cursor until it is `null`; what was applied stays applied."""


@router.get("/prices", response_model=PriceList)
def list_prices(
    use: Using,
    q: Annotated[str | None, Query(max_length=200, description="Part of a provider or model.")] = None,
    limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 200,
) -> Response:
    """Every model with a price: overrides first, the strongest first, then the price library's."""
    wanted = (q or "").lower()
    found = [row for row in use.book.models() if wanted in f"{row.provider}/{row.model}".lower()]
    rows = [
        PriceEntry(
            provider=row.provider,
            model=row.model,
            source=row.source,
            checked=row.checked.isoformat() if row.checked else None,
        )
        for row in found[:limit]
    ]
    return answer(PriceList(prices=rows, total=len(found), truncated=len(found) > limit))


@router.get("/prices/show", response_model=ModelPrice)
def show_price(
    use: Using,
    model: Annotated[str, Query(min_length=1, max_length=300)],
    provider: Annotated[str | None, Query(max_length=100)] = None,
    at: Annotated[str | None, Query(description="Now without it.")] = None,
    tier: Annotated[str | None, Query(max_length=50)] = None,
) -> Response:
    """The rates of one model at a time, or why there are none."""
    at_us = window(at, None).from_us
    moment = None if at_us is None else datetime.fromtimestamp(at_us / 1_000_000, UTC)
    sheet = use.book.show(model, moment, provider=provider, tier=tier)
    return answer(
        ModelPrice(
            provider=sheet.provider,
            model=sheet.model,
            at=sheet.at.isoformat(),
            tier=sheet.tier,
            entry=sheet.entry,
            source=sheet.source,
            reason=sheet.reason,
            rates=[
                Rate(
                    key=rate.key,
                    per=rate.per,
                    usd=None if rate.usd is None else usd_text(rate.usd),
                    over=rate.over,
                    source=rate.source,
                )
                for rate in sheet.rates
            ],
            tiers=list(sheet.tiers),
        )
    )


@router.get("/prices/missing", response_model=MissingPrices)
def list_missing(use: Using, within: Within, project: str | None = None) -> Response:
    """Models that were called and have no price, with the reason."""
    if project is not None:
        known_project(use.control, project, field="query.project")
    rows = use.ledger.select("missing_prices", project=project, limit=LISTED_MAX, **within.params())
    return answer(
        MissingPrices(
            missing=[
                MissingPrice(**{**row, "provider": row["provider"] or None, "model": row["model"] or None})
                for row in rows
            ]
        )
    )


@router.get("/prices/overrides", response_model=Overrides)
def list_overrides(use: Using) -> Response:
    """Overrides set through the API; they win over the file of `EVERYTOKEN_PRICES`."""
    return answer(Overrides(overrides=[Override(**asdict(row)) for row in use.overrides.list()]))


@router.put("/prices/overrides/{name}", response_model=Override)
def put_override(use: Using, request: Request, name: str, body: OverrideBody) -> Response:
    """Set an override. It prices what comes from now on; `reprice` applies it to what is stored."""
    before = use.overrides.get(_name(name))
    if before is None and len(use.overrides.list()) >= MAX_OVERRIDES:
        full = f"there are {MAX_OVERRIDES} overrides"
        raise RequestError(full, code="overrides_full", field="path.name", hint="join some into one")
    try:
        parse_prices(HEAD + body.toml, name, label=f"override:{name}")
        parse_prices(f"{use.overrides.text(without=name)}\n{body.toml}", "overrides", label="override:api")
    except PriceFileError as error:
        problem = replace(error.problems[0], line=max(error.line - 1, 1))  # the first line is ours
        raise RequestError(
            str(problem), code="price_wrong", field="body.toml", hint=problem.cure, status=422
        ) from error
    row = use.overrides.put(name, body.toml)
    use.book.reload()
    _record(use, request, "price.override", name, None if before is None else asdict(before), asdict(row))
    return answer(Override(**asdict(row)))


@router.delete("/prices/overrides/{name}", response_model=Override)
def delete_override(use: Using, request: Request, name: str) -> Response:
    """Take an override away; answers what it was."""
    before = use.overrides.get(_name(name))
    if before is None or not use.overrides.drop(name):
        raise NotFoundError(f"no override {name!r}", field="path.name")
    use.book.reload()
    _record(use, request, "price.remove", name, asdict(before), None)
    return answer(Override(**asdict(before)))


@router.post("/reprice", response_model=RepriceResult)
def reprice(use: Using, request: Request, body: RepriceBody) -> Response:
    """Price stored charges again. Tells the difference by model and day; with `apply` the ledger takes it."""
    if body.project is not None:
        known_project(use.control, body.project, field="body.project")
    within = window(body.from_, body.to)
    read_cursor(body.cursor)
    pages = Pages(use.ledger, body.project, within)
    done = repricing.reprice(
        pages.read,
        use.book,
        store=pages.store if body.apply else None,
        cursor=body.cursor,
    )
    whole = done.whole
    result = RepriceResult(
        applied=body.apply,
        rows=[
            RepriceRow(day=day, provider=provider or None, model=model or None, **_figures(held))
            for (day, provider, model), held in sorted(done.groups.items())
            if held.changed
        ],
        next=done.next,
        **_figures(whole),
    )
    if body.apply and whole.changed:
        subject = body.project or "all projects"
        before = {"usd": result.before_usd, "from_us": within.from_us, "to_us": within.to_us}
        after = {"usd": result.after_usd, "changed": whole.changed, "charges": whole.charges, "next": done.next}
        _record(use, request, "price.reprice", subject, before, after)
    return answer(result)


def _figures(held: repricing.Difference) -> dict[str, Any]:
    return {
        **asdict(held),
        "before_usd": usd_text(held.before_usd),
        "after_usd": usd_text(held.after_usd),
    }


class Pages:
    """Stored charges, newest first, and their places: what is settled anew between reading and writing stays."""

    def __init__(self, ledger: Ledger, project: str | None, within: Window) -> None:
        self._ledger = ledger
        self._project = project
        self._within = within
        self._versions: dict[tuple[str, str, str], int] = {}

    def read(self, cursor: str | None) -> tuple[list[Charge], str | None]:
        """What comes in meanwhile is newer than the cursor, and priced by the book of now."""
        cursor_us, cursor_id, cursor_key = read_cursor(cursor)
        rows = self._ledger.select(
            "charge_page",
            project=self._project,
            trace_id=None,
            cursor_us=cursor_us,
            cursor_id=cursor_id,
            cursor_key=cursor_key,
            limit=repricing.PAGE_CHARGES,
            **self._within.params(),
        )
        charges = [read_charge(row) for row in rows]
        self._versions = {_key(charge): row["version"] for charge, row in zip(charges, rows, strict=True)}
        if len(charges) < repricing.PAGE_CHARGES:
            return charges, None
        last = charges[-1]
        return charges, write_cursor(last.started_us, last.trace_id, last.charge_key)

    def store(self, charges: list[Charge]) -> None:
        self._ledger.rewrite([(charge, self._versions[_key(charge)]) for charge in charges])


def _key(charge: Charge) -> tuple[str, str, str]:
    return charge.project, charge.trace_id, charge.charge_key


def _name(name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise RequestError(
            "an override's name is 1 to 100 letters, digits, dots, dashes or underscores", field="path.name"
        )
    return name


def _record(
    use: Services,
    request: Request,
    action: str,
    subject: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    use.control.audit.record(of_request(request).actor, action, subject, before, after)
