"""Bills as OpenAI and Google export them, and what is said of each difference from the ledger."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from everytoken.cli.statements.drift import CAUSES, compare
from everytoken.cli.statements.google import model_of
from everytoken.cli.statements.ledger import Ledger
from everytoken.cli.statements.lines import BillLine, StatementError, family
from everytoken.cli.statements.reading import read_statement

DAY_S = 1_795_305_600
"""2026-11-22 00:00 UTC."""
DAY_US = DAY_S * 1_000_000
HOUR_US = 3_600_000_000


def usage_page(*results: dict[str, Any], start: int = DAY_S) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None}


def completions(requests: int = 2, given: int = 1000, made: int = 200, **more: Any) -> dict[str, Any]:
    return {
        "object": "organization.usage.completions.result", "input_tokens": given, "output_tokens": made,
        "input_cached_tokens": 400, "num_model_requests": requests, "model": "gpt-5.2-2025-12-11", "batch": False,
        "service_tier": "default", "project_id": None, "api_key_id": "key_a", **more,
    }  # fmt: skip


def cost(usd: float, item: str | None) -> dict[str, Any]:
    return {"object": "organization.costs.result", "amount": {"value": usd, "currency": "usd"}, "line_item": item,
            "project_id": None}  # fmt: skip


def read(tmp_path: Path, content: Any, name: str = "bill.json") -> list[BillLine]:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_statement(path)


def charge(usd: str | None = "0.0040", tokens: tuple[int, int] | None = (500, 100), **fields: Any) -> dict[str, Any]:
    return {
        "provider": "openai", "request_model": "gpt-5.2", "response_model": "gpt-5.2-2025-12-11", "status": "success",
        "quality": "exact" if tokens else "missing", "tier": None, "started_at": DAY_US + 12 * HOUR_US,
        "input_tokens": tokens[0] if tokens else None, "output_tokens": tokens[1] if tokens else None,
        "input_token_details": {"cache_read": 200}, "cost_usd": usd,
        "cost_reason": None if usd else "model_unknown", **fields,
    }  # fmt: skip


def ledger(*charges: dict[str, Any], provider: Any = "openai") -> Ledger:
    made = Ledger(provider)
    made.add(charges)
    return made


def causes(lines: list[BillLine], held: Ledger, zone: str = "UTC") -> dict[str, list[str]]:
    return {f"{row.day} {row.model}": [cause.code for cause in row.causes] for row in compare(lines, held, zone)}


def test_a_usage_page_is_read_with_its_totals(tmp_path: Path) -> None:
    (line,) = read(tmp_path, usage_page(completions()))
    assert (line.model, line.start_us, line.requests, line.key) == ("gpt-5.2-2025-12-11", DAY_US, 2, "key_a")
    assert (line.input_tokens, line.cached_tokens, line.output_tokens, line.cost_usd) == (1000, 400, 200, None)
    (batch,) = read(tmp_path, usage_page(completions(batch=True)))
    assert batch.tier == "batch"


def test_pages_one_a_line_and_in_a_list_are_the_same(tmp_path: Path) -> None:
    pages = [usage_page(completions()), usage_page(completions(), start=DAY_S + 86_400)]
    as_lines = read(tmp_path, "\n".join(json.dumps(page) for page in pages), "bill.jsonl")
    assert as_lines == read(tmp_path, pages)
    assert len(as_lines) == 2


def test_costs_are_by_line_item_and_a_search_has_no_model(tmp_path: Path) -> None:
    lines = read(tmp_path, usage_page(cost(0.00175, "gpt-5.2-2025-12-11, input"), cost(0.5, "web searches")))
    assert [(line.model, line.what, line.cost_usd) for line in lines] == [
        ("gpt-5.2-2025-12-11", "input", Decimal("0.00175")),
        (None, "web searches", Decimal("0.5")),
    ]


def test_the_csv_of_the_dashboard_is_read_and_its_empty_days_are_none(tmp_path: Path) -> None:
    text = (
        "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n"
        f'{DAY_S},{DAY_S + 86400},2026-11-22T00:00:00+00:00,2026-11-23T00:00:00+00:00,0.0625,usd,"gpt-5.2, output",p\n'
        f"{DAY_S + 86400},{DAY_S + 172800},2026-11-23T00:00:00+00:00,2026-11-24T00:00:00+00:00,,,,\n"
    )
    (line,) = read(tmp_path, text, "cost.csv")
    assert (line.model, line.what, line.cost_usd, line.key) == ("gpt-5.2", "output", Decimal("0.0625"), "p")
    usage = (
        "start_time\tend_time\tproject_id\tnum_model_requests\tmodel\tbatch\tservice_tier\tinput_tokens\toutput_tokens\t"
        f"input_cached_tokens\n{DAY_S}\t{DAY_S + 86400}\tp\t3\tgpt-5.2\tFalse\tflex\t10\t20\t5\n"
    )
    (line,) = read(tmp_path, usage, "usage.tsv")
    assert (line.requests, line.input_tokens, line.output_tokens, line.tier) == (3, 10, 20, "flex")


def test_rows_of_google_s_export_are_read_nested_and_flat(tmp_path: Path) -> None:
    row = {
        "service": {"description": "Gemini API"}, "usage_start_time": "2026-11-22 08:00:00 UTC", "cost": 0.03,
        "sku": {"description": "Generate content input token count gemini 2.5 flash short input text"},
        "currency": "USD", "usage": {"amount": 100000, "unit": "count"}, "project": {"id": "shop"},
        "credits": [{"name": "trial", "amount": -0.01}], "cost_type": "regular",
    }  # fmt: skip
    other = {**row, "sku": {"description": "N1 Predefined Instance Core"}}
    tax = {**row, "cost_type": "tax"}
    (line,) = read(tmp_path, [row, other, tax])
    assert (line.model, line.input_tokens, line.output_tokens, line.key) == ("gemini-2.5-flash", 100000, None, "shop")
    assert (line.cost_usd, line.credits_usd) == (Decimal("0.03"), Decimal("-0.01"))
    flat = (
        "Billing account,ABC\n\nService description,SKU description,Date,Usage amount,Usage unit,Cost ($)\n"
        'Gemini API,Generate content output token count gemini 2.5 pro short,2026-11-22,"1,000",count,0.01\n'
    )
    (line,) = read(tmp_path, flat, "console.csv")
    assert (line.model, line.day, line.output_tokens) == ("gemini-2.5-pro", "2026-11-22", 1000)


def test_won_become_dollars_at_the_rate_of_the_row(tmp_path: Path) -> None:
    row = {"sku_description": "gemini 2.5 flash output text", "cost": 1400, "currency": "KRW",
           "usage_start_time": "2026-11-22T00:00:00Z"}  # fmt: skip
    (line,) = read(tmp_path, [{**row, "currency_conversion_rate": 1400}])
    assert line.cost_usd == Decimal(1)
    with pytest.raises(StatementError, match="KRW"):
        read(tmp_path, [row])


@pytest.mark.parametrize(
    ("sku", "model"),
    [
        ("Gemini 2.5 Flash GA Text Input - Predictions", "gemini-2.5-flash"),
        ("Generate content input token count gemini 2.5 flash-lite", "gemini-2.5-flash-lite"),
        ("Gemini 3 Pro Text Output", "gemini-3-pro"),
        ("Generate content output gemini 2.5 flash image output token count", "gemini-2.5-flash-image"),
        ("Cloud Storage", None),
    ],
)
def test_a_sku_names_its_model(sku: str, model: str | None) -> None:
    assert model_of(sku) == model


def test_a_snapshot_and_its_alias_are_one_model() -> None:
    assert family("gpt-4o-2024-08-06") == family("GPT-4o") == "gpt-4o"
    assert family("models/gemini-2.5-flash-001") == "gemini-2.5-flash"
    assert family("gpt-5.2") == "gpt-5.2"
    assert family(None) is None


@pytest.mark.parametrize("text", ["{}", "[]", "hello", '{"object": "page", "data": [{"start_time": 1}]}'])
def test_what_is_no_bill_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(StatementError):
        read(tmp_path, text)


def test_a_bill_that_the_ledger_knows_to_the_token_agrees(tmp_path: Path) -> None:
    (row,) = compare(read(tmp_path, usage_page(completions())), ledger(charge(), charge()), "UTC")
    assert (row.agrees, row.tokens, row.usd, row.causes) == (True, 0, None, [])


def bill(usd: str | None = None, **more: Any) -> list[BillLine]:
    known: dict[str, Any] = {"input_tokens": 1000, "output_tokens": 200, "requests": 2, **more}
    return [
        BillLine(
            provider="openai", start_us=DAY_US, model="gpt-5.2", cost_usd=None if usd is None else Decimal(usd), **known
        )
    ]


CASES: list[tuple[str, list[BillLine], Ledger]] = [
    ("unpriced", bill("0.5"), ledger(charge(), charge(None))),
    ("missing_usage", bill(), ledger(charge(), charge(None, None))),
    ("partial_streams", bill(), ledger(charge(), charge("0.001", (500, 10), quality="partial"))),
    ("other_traffic", bill(requests=5, input_tokens=9000), ledger(charge(), charge())),
    ("not_on_this_bill", bill(requests=1, input_tokens=500, output_tokens=100), ledger(charge(), charge())),
    ("tier_or_batch", bill("4", tier="batch"), ledger(charge("4"), charge("4"))),
    ("price", bill("9.6"), ledger(charge("4"), charge("4"))),
    ("unexplained", bill(input_tokens=1001), ledger(charge(), charge())),
]


@pytest.mark.parametrize(("code", "lines", "held"), CASES, ids=[case[0] for case in CASES])
def test_a_cause_has_its_name(code: str, lines: list[BillLine], held: Ledger) -> None:
    (row,) = compare(lines, held, "UTC")
    assert [cause.code for cause in row.causes] == [code]
    assert not row.agrees


def test_a_model_that_is_on_one_side_alone_is_other_traffic_or_not_billed() -> None:
    gemini = charge(provider="google")
    other = charge(request_model="gpt-5-mini", response_model=None)
    lines = bill("1", requests=None)
    assert causes(lines, ledger(other, gemini)) == {
        "2026-11-22 gpt-5-mini": ["not_on_this_bill"],
        "2026-11-22 gpt-5.2": ["other_traffic"],
    }


def test_cents_are_rounding_and_dollars_are_not() -> None:
    (row,) = compare(bill("8.01"), ledger(charge("4"), charge("4")), "UTC")
    assert ([(c.code, c.usd) for c in row.causes], row.agrees) == ([("rounding", Decimal("0.01"))], True)
    assert causes(bill("8.50"), ledger(charge("4"), charge("4"))) == {"2026-11-22 gpt-5.2": ["price"]}


def test_credits_are_told_apart_from_the_price() -> None:
    (row,) = compare(bill("8", credits_usd=Decimal("-3")), ledger(charge("4"), charge("4")), "UTC")
    assert ([(c.code, c.usd) for c in row.causes], row.agrees) == ([("credits", Decimal(-3))], True)


def test_what_is_billed_beside_tokens_is_named() -> None:
    lines = [BillLine(provider="openai", start_us=DAY_US, what="web searches", cost_usd=Decimal("0.5"))]
    assert causes(lines, ledger()) == {"2026-11-22 None": ["tools"]}


def test_days_that_begin_elsewhere_are_a_time_zone() -> None:
    # Pacific days as dates: 18:00 UTC is the 22nd there, 05:00 UTC of the 23rd still is.
    lines = [
        BillLine(provider="google", start_us=None, day=day, model="gemini-2.5-flash", input_tokens=tokens)
        for day, tokens in (("2026-11-22", 1000), ("2026-11-23", 500))
    ]
    model: dict[str, Any] = {"provider": "google", "request_model": "gemini-2.5-flash", "response_model": None}
    held = ledger(
        charge(started_at=DAY_US + 18 * HOUR_US, **model), charge(started_at=DAY_US + 29 * HOUR_US, **model),
        charge(started_at=DAY_US + 42 * HOUR_US, **model), provider="google",
    )  # fmt: skip
    found = causes(lines, held)
    assert [codes[0] for codes in found.values()] == ["time_zone", "time_zone"]
    assert causes(lines, held, "America/Los_Angeles") == {
        "2026-11-22 gemini-2.5-flash": [],
        "2026-11-23 gemini-2.5-flash": [],
    }


def test_every_cause_has_a_test_and_a_sentence_in_the_docs() -> None:
    tested = {code for code, _lines, _held in CASES} | {"rounding", "credits", "tools", "time_zone"}
    assert tested == set(CAUSES)
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "reconcile.md").read_text(encoding="utf-8")
    assert [code for code in CAUSES if f"`{code}`" not in page] == []
