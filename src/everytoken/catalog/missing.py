"""Models that were seen and have no price, and the price file one would have to write for them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from everytoken.catalog.book import PriceBook

_TOLERATED = frozenset({"usage_missing", "prepaid"})
"""Reasons that no price can cure."""


@dataclass(slots=True)
class Seen:
    provider: str | None
    model: str | None
    reason: str
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


def find_missing(rows: Iterable[object], book: PriceBook, *, now_us: int) -> list[Seen]:
    """The models without a price among `rows`, most calls first.

    A row is a model's name, `{"provider", "model"}`, or a charge as the product API answers it; a charge's own
    verdict stands, other models are looked up for today.
    """
    found: dict[tuple[str | None, str | None, str], Seen] = {}
    for row in rows:
        provider, model, tokens = _identity(row)
        reason = _reason(row, provider, model, book, now_us)
        if reason is None or reason in _TOLERATED:
            continue
        seen = found.setdefault((provider, model, reason), Seen(provider, model, reason))
        seen.calls += 1
        seen.input_tokens += tokens[0]
        seen.output_tokens += tokens[1]
    return sorted(found.values(), key=lambda seen: (-seen.calls, seen.provider or "", seen.model or ""))


def _identity(row: object) -> tuple[str | None, str | None, tuple[int, int]]:
    if not isinstance(row, Mapping):
        return None, row if isinstance(row, str) else None, (0, 0)
    model = row.get("response_model") or row.get("request_model") or row.get("model")
    counts = tuple(value if isinstance(value, int) else 0 for value in map(row.get, ("input_tokens", "output_tokens")))
    return _text(row.get("provider")), _text(model), (counts[0], counts[1])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _reason(row: object, provider: str | None, model: str | None, book: PriceBook, now_us: int) -> str | None:
    if isinstance(row, Mapping) and "cost_status" in row:
        return str(row.get("cost_reason") or "unpriced") if row["cost_status"] == "unpriced" else None
    return book.why_unpriced(provider=provider, model=model, at_us=now_us)


def toml_stub(found: Iterable[Seen]) -> str:
    """The start of a price file: an entry for each model, with `?` where a number belongs."""
    entries = []
    for seen in found:
        if seen.model is None:
            continue
        entries.append(
            f"\n# {seen.reason}; seen {seen.calls:,} times, {seen.input_tokens:,} input and "
            f"{seen.output_tokens:,} output tokens\n"
            "[[price]]\n"
            f"provider = {_quoted(seen.provider or '?')}\n"
            f"models = [{_quoted(seen.model)}]\n"
            "rates = { input_mtok = ?, cache_read_mtok = ?, output_mtok = ? }\n"
            'source = "?"\n'
            "checked = ?\n"
        )
    return 'version = 1\ncurrency = "USD"\n' + "".join(entries)


def _quoted(text: str) -> str:
    """A TOML text; JSON's escapes are TOML's."""
    return json.dumps(text)
