"""A number explained on the real engine: the rows add up to it exactly."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.store.samples import NOON_US, TRACE, charge, opened, uid

from everytoken.catalog.book import PriceBook
from everytoken.config import Settings
from everytoken.core.charge import Charge, Cost
from everytoken.core.pricing import price_charge
from everytoken.core.usage import Usage
from everytoken.query.explain import Cell, Explained, Explanation, explain
from everytoken.query.projects import summary
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

ALL = Window()


@dataclass
class Store:
    ledger: Ledger
    control: Control

    def explain(self, by: Cell = "none", key: str = "", **more: str) -> Explanation:
        return explain(self.ledger, self.control, Explained(project="shop", window=ALL, by=by, key=key, **more))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        yield Store(ledger, control)
        control.close()


def priced(key: str, given: int, made: int, **fields: Any) -> Charge:
    return price_charge(replace(charge(key, **fields), usage=Usage(given, made, {"cache_read": 40})), PriceBook())


def total(found: Explanation) -> Decimal:
    return sum((Decimal(row.usd) for row in found.rows), Decimal(found.rest_usd) + Decimal(found.rounding_usd))


def test_rows_of_one_price_are_one_and_add_up_to_the_number(store: Store) -> None:
    store.ledger.write([], [priced("a", 100, 20), priced("b", 200, 30, node="intent")], [])

    found = store.explain()
    # gpt-5.2: 220 input at 1.75, 80 cached at 0.175, 50 output at 14 dollars a million.
    assert [(row.token_class, row.count, row.rate_usd, row.per, row.usd, row.calls) for row in found.rows] == [
        ("output", "50", "14", 1_000_000, "0.0007", 2),
        ("input", "220", "1.75", 1_000_000, "0.000385", 2),
        ("cache_read", "80", "0.175", 1_000_000, "0.000014", 2),
    ]
    assert found.cost_usd == "0.001099"
    assert total(found) == Decimal("0.001099")
    assert {(row.price_entry, row.price_source.split()[0]) for row in found.rows if row.price_source} == {
        ("openai/gpt-5.2", "genai-prices")
    }
    assert found.notes == []
    assert store.explain("node", "intent").llm_calls == 1
    assert store.explain("node", "").llm_calls == 1


def test_a_model_that_two_providers_serve_is_explained_for_each(store: Store) -> None:
    store.ledger.write([], [priced("a", 100, 20), priced("b", 200, 30, provider="azure-openai")], [])

    served = "gpt-5.2-2025-12-11"
    told = [store.explain("model", served, provider=name).input_tokens for name in ("openai", "azure-openai", "")]
    assert told == [100, 200, 0]
    assert store.explain("model", served).input_tokens == 300


@pytest.mark.parametrize(
    ("by", "key"),
    [
        ("model", "gpt-5.2-2025-12-11"),
        ("user", "kim"),
        ("thread", "t1"),
        ("tag", "beta"),
        ("provider", "openai"),
        ("call_path", "openai.chat.create"),
        ("quality", "exact"),
    ],
)
def test_every_cell_of_a_dimension_can_be_explained(store: Store, by: Cell, key: str) -> None:
    mine = priced("a", 100, 20, user_id="kim", thread_id="t1", tags=("alpha", "beta"))
    other = replace(
        priced("b", 7, 7), provider="google", response_model="x", call_path="y", quality="partial", project="shop"
    )
    store.ledger.write([], [mine, other], [])

    found = store.explain(by, key)
    assert (found.llm_calls, total(found)) == (1, mine.cost.usd)


def test_a_charge_and_a_trace_are_numbers_too(store: Store) -> None:
    elsewhere = replace(priced("c", 100, 9), trace_id=uid(7))
    store.ledger.write([], [priced("a", 100, 20), priced("b", 100, 30), elsewhere], [])

    assert store.explain(charge_key="a").total_tokens == 120
    assert store.explain(trace_id=TRACE).llm_calls == 2
    assert store.explain(trace_id=uid(7)).total_tokens == 109


def test_what_the_number_leaves_out_and_doubts_about_it_are_told(store: Store) -> None:
    cut = replace(
        charge("cut"),
        quality="partial",
        usage=Usage(1, 1, warnings=("usage_stream_cut",)),
        flags=("orphan", "usage_stream_cut"),
        cost=Cost(usd=Decimal("0.1"), status="approximate", reason="cached_modality_unknown"),
    )
    running = charge("run", None, tokens=None, status="pending")
    store.ledger.write([], [cut, charge("none", None), running], [])

    found = store.explain()
    assert [(note.kind, note.code, note.calls) for note in found.notes] == [
        ("approximate", "cached_modality_unknown", 1),
        ("running", "model_unknown", 1),
        ("settlement", "orphan", 1),
        ("unpriced", "model_unknown", 1),
        ("usage", "usage_stream_cut", 1),
    ]
    assert (found.cost_usd, found.cost_known_usd, found.rounding_usd) == (None, "0.1", "0.1")


def test_what_a_pico_dollar_cuts_off_is_a_row_of_its_own(store: Store) -> None:
    # The charge is rounded to 10^-12, its lines are cut there.
    book = PriceBook()
    charges = [price_charge(replace(charge(str(n)), usage=Usage(1, 0)), book) for n in range(3)]
    usd = Decimal("1.6E-12")
    lines = (replace(charges[0].cost.lines[0], usd=usd),)
    thin = [replace(held, cost=replace(held.cost, usd=usd, lines=lines)) for held in charges]
    store.ledger.write([], thin, [])

    found = store.explain()
    assert (found.rows[0].usd, found.cost_known_usd, found.rounding_usd) == (
        "0.000000000003",
        "0.000000000006",
        "0.000000000003",
    )


def test_the_explained_number_is_the_one_of_the_summary(store: Store) -> None:
    store.ledger.write([], [priced(str(n), 1000 + 7 * n, 13 * n) for n in range(60)], [])

    assert total(store.explain()) == Decimal(summary(store.ledger, store.control, "shop", ALL).cost_known_usd)
