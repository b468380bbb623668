"""Prices and tokenisers: facts that change weekly, kept as dated data behind guards. May import `core` only."""

from everytoken.catalog.book import PriceBook
from everytoken.catalog.errors import PriceFileError, PriceProblem

__all__ = ["PriceBook", "PriceFileError", "PriceProblem"]
