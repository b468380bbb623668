"""LangSmith's prices in the price book: units, days, patterns, and who serves the model."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from everytoken.catalog.book import PriceBook
from everytoken.core.usage import Usage
from everytoken.server.price_map import as_override
from everytoken.store.price_overrides import HEAD

NOON_US = 1_795_348_800_000_000
"""2026-11-22T12:00:00Z."""


def price(pattern: str, prompt: str, completion: str, **more: Any) -> dict[str, Any]:
    told = {"start_time": None, "provider": None, "prompt_cost_details": None, "completion_cost_details": None, **more}
    return {
        "name": '"mine" 강남\x7f',
        "match_pattern": pattern,
        "prompt_cost": prompt,
        "completion_cost": completion,
        **told,
    }


def book(tmp_path: Path, *rows: dict[str, Any]) -> PriceBook:
    file = tmp_path / "map.toml"
    file.write_text(HEAD + as_override(rows, at_us=NOON_US))
    return PriceBook([file])


def cost(book: PriceBook, model: str, provider: str | None = None, year: int = 2026) -> Decimal | None:
    usage = Usage(input_tokens=1_000, output_tokens=100, input_token_details={"cache_read": 400})
    at_us = int(datetime(year, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
    return book.price(usage, provider=provider, model=model, at_us=at_us).usd


def test_a_price_without_a_provider_is_of_all_of_them_and_of_none(tmp_path: Path) -> None:
    """1,000 at $2/M and 100 at $10/M: 0.002 + 0.001. Cached tokens cost what others do."""
    prices = book(tmp_path, price("^acme-7b$", "0.000002", "0.00001"))

    assert cost(prices, "acme-7b") == Decimal("0.003")
    assert cost(prices, "ACME-7B", "openai") == Decimal("0.003")
    assert cost(prices, "acme-7b", "somebody") == Decimal("0.003")
    assert cost(prices, "acme-7b-2") is None


def test_a_price_of_a_provider_is_of_that_one(tmp_path: Path) -> None:
    prices = book(tmp_path, price("^acme$", "0.000002", "0.00001", provider="groq"))

    assert (cost(prices, "acme", "groq"), cost(prices, "acme", "openai")) == (Decimal("0.003"), None)


def test_details_have_prices_of_their_own(tmp_path: Path) -> None:
    """600 at $2/M, 400 cached at $0.2/M, 100 at $10/M: 0.0012 + 0.00008 + 0.001."""
    details = {"cache_read": 2e-07}
    prices = book(tmp_path, price("^acme$", "0.000002", "1e-5", prompt_cost_details=details))

    assert cost(prices, "acme") == Decimal("0.00228")


def test_a_later_price_of_the_same_pattern_takes_over_on_its_day(tmp_path: Path) -> None:
    prices = book(
        tmp_path,
        price("^acme$", "0.00001", "0.0001", start_time="2027-01-01T09:00:00+09:00"),
        price("^acme$", "0.000002", "0.00001", start_time="2026-01-01"),
    )

    found = [cost(prices, "acme", year=year) for year in (2025, 2026, 2027)]
    assert found == [None, Decimal("0.003"), Decimal("0.02")]


@pytest.mark.parametrize("pattern", ["acme", "^acme|^zeta", "(?i)^ACME-[0-9]+b", "7b$"])
def test_a_pattern_is_found_anywhere_in_the_name(tmp_path: Path, pattern: str) -> None:
    assert cost(book(tmp_path, price(pattern, "0.000002", "0.00001")), "acme-7b") == Decimal("0.003")
