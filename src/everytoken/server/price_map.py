"""LangSmith's prices as an override of the price book: dollars a million tokens, each until the next of its pattern."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from everytoken.catalog.override import ANY_PROVIDER
from everytoken.query.window import parse_instant

OVERRIDE = "model-price-map"
"""The name of the override that holds them all."""
MTOK = Decimal(1_000_000)
PROMPT_KEYS = {
    "cache_read": "cache_read_mtok", "cache_creation": "cache_write_mtok", "cache_write": "cache_write_mtok",
    "audio": "input_audio_mtok", "image": "input_image_mtok",
}  # fmt: skip
COMPLETION_KEYS = {
    "reasoning": "output_reasoning_mtok", "audio": "output_audio_mtok", "image": "output_image_mtok",
}  # fmt: skip
"""Kinds of tokens that may have a price of their own → the book's price. Others cost what all of their side do."""


def as_override(rows: Iterable[Mapping[str, Any]], *, at_us: int) -> str:
    """`[[price]]` entries of a price file."""
    checked = datetime.fromtimestamp(at_us / 1_000_000, UTC).date()
    by_pattern: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        by_pattern.setdefault(_pattern(row), []).append(row)
    entries: list[str] = []
    for dated in by_pattern.values():
        dated.sort(key=lambda row: begins(row) or date.min)
        for row, following in zip(dated, [*dated[1:], None], strict=True):
            entries.append(_entry(row, None if following is None else begins(following), checked))
    return "\n".join(entries)


def begins(row: Mapping[str, Any]) -> date | None:
    """The day a price begins, in UTC; `None` when it always was so."""
    if row["start_time"] is None:
        return None
    return datetime.fromtimestamp(parse_instant(row["start_time"]) / 1_000_000, UTC).date()


def clashes(row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two prices are of the same models from the same day on."""
    return _pattern(row) == _pattern(other) and begins(row) == begins(other)


def _pattern(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["provider"] or ANY_PROVIDER).lower(), row["match_pattern"]


def _entry(row: Mapping[str, Any], until: date | None, checked: date) -> str:
    since = begins(row)
    lines = [
        "[[price]]",
        f"provider = {_text(row['provider'] or ANY_PROVIDER)}",
        f"regex = {_text(_whole(row['match_pattern']))}",
        *([f"valid_from = {since}"] if since else []),
        *([f"valid_until = {until}"] if until else []),
        f"rates = {{ {', '.join(f'{key} = {usd}' for key, usd in _rates(row).items())} }}",
        f"source = {_text('model price map: ' + row['name'])}",
        f"checked = {checked}",
    ]
    return "\n".join(lines) + "\n"


def _rates(row: Mapping[str, Any]) -> dict[str, str]:
    rates = {"input_mtok": row["prompt_cost"], "output_mtok": row["completion_cost"]}
    for name, keys in (("prompt_cost_details", PROMPT_KEYS), ("completion_cost_details", COMPLETION_KEYS)):
        rates |= {keys[kind]: usd for kind, usd in (row[name] or {}).items()}
    return {key: format(Decimal(str(usd)) * MTOK, "f") for key, usd in rates.items()}


def _whole(pattern: str) -> str:
    """A pattern that the whole name matches where LangSmith's finds itself somewhere in it; case is ignored anyway."""
    pattern = pattern.removeprefix("(?i)")
    is_whole = pattern.startswith("^") and pattern.endswith("$") and "|" not in pattern
    return pattern if is_whole else f".*(?:{pattern}).*"


def _text(text: str) -> str:
    """A string of TOML."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
