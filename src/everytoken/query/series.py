"""Charges over time, split by one dimension."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from everytoken.core.sums import NOTHING, Sums
from everytoken.query.buckets import Bucket, auto_bucket, bucket_starts
from everytoken.query.chart_rows import Series, SeriesGroup, SeriesPoint
from everytoken.query.dimension import by_dimension
from everytoken.query.projects import known_project
from everytoken.query.totals import latencies, sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.together import together

Dimension = Literal[
    "none", "class", "model", "node", "user", "thread", "tag", "provider", "call_path", "quality", "release"
]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
TOP_MAX = 20
MAX_GROUPS = 10_000

CLASSES = ("input", "cache_read", "cache_write", "output", "reasoning", "other")
"""Classes of money, in the order of a stack. `other` is what is billed and is no token, such as a search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How charges are laid out in time and set apart."""

    by: Dimension
    bucket: Bucket | None
    """`None`: what suits the window."""
    zone: ZoneInfo
    top: int
    """Groups shown apart; the rest becomes one."""


def read_series(ledger: Ledger, control: Control, project: str, window: Window, split: Split, *, now_us: int) -> Series:
    """The dearest groups over time, and the rest as one. An open window ends now, or with the last charge.

    Raises:
        BucketError: the window holds too many buckets of the length asked for.
    """
    known_project(control, project)
    span = _span(ledger, project, window, now_us)
    length = split.bucket or (auto_bucket(*span) if span else "hour")
    starts_us = bucket_starts(*span, length, split.zone) if span else []
    groups, grouped = _groups(ledger, project, span, starts_us, split) if span else ([], 0)
    return Series(
        project=project,
        by=split.by,
        bucket=length,
        tz=split.zone.key,
        from_us=span[0] if span else None,
        to_us=span[1] if span else None,
        starts_us=starts_us,
        groups=groups,
        grouped=grouped,
    )


def _span(ledger: Ledger, project: str, window: Window, now_us: int) -> tuple[int, int] | None:
    """The window with both ends; `None` when it is open and holds no charge."""
    if window.from_us is not None and window.to_us is not None:
        return window.from_us, window.to_us
    (found,) = ledger.select("charge_span", project=project, **window.params())
    if window.from_us is None and not found["charges"]:
        return None
    from_us = found["first_us"] if window.from_us is None else window.from_us
    to_us = max(now_us, found["last_us"] + 1) if window.to_us is None else window.to_us
    return (from_us, to_us) if from_us < to_us else (from_us, from_us + 1)


def _groups(
    ledger: Ledger, project: str, span: tuple[int, int], starts_us: list[int], split: Split
) -> tuple[list[SeriesGroup], int]:
    params: dict[str, Any] = {"project": project, "from_us": span[0], "to_us": span[1]}
    over = {**params, "starts_us": starts_us}
    if split.by == "class":
        return _by_class(ledger, over), 0
    if split.by == "none":
        shown, grouped = [""], 0
    else:
        found = ledger.select("group_money", by_dimension(split.by), by=split.by, limit=MAX_GROUPS, **params)
        shown, grouped = [row["group_key"] for row in found[: split.top]], max(len(found) - split.top, 0)
    points: dict[tuple[bool, str], list[SeriesPoint]] = {(True, key): [] for key in shown}
    for row in ledger.select("series", by_dimension(split.by), by=split.by, shown=shown, **over):
        points.setdefault(_shown(row["shown_group"]), []).append(_point(row))
    groups = [SeriesGroup(key=key or None, other=not is_shown, points=held) for (is_shown, key), held in points.items()]
    return [group for group in groups if group.points], grouped


def _shown(group: tuple[int, str]) -> tuple[bool, str]:
    return bool(group[0]), group[1]


def _point(row: Mapping[str, Any]) -> SeriesPoint:
    return SeriesPoint(
        start_us=row["start_us"], errors=row["errors"], **latencies(row), **total_fields(sums_of_row(row))
    )


def _by_class(ledger: Ledger, over: Mapping[str, Any]) -> list[SeriesGroup]:
    """Tokens from the counts, money from the arithmetic of the priced charges; a class is known or it is not there."""
    found, lines = together(
        lambda: ledger.select("series", by_dimension("none"), by="none", shown=[""], **over),
        lambda: ledger.select("series_lines", **over),
    )
    tokens = {row["start_us"]: sums_of_row(row) for row in found}
    money: dict[tuple[int, str], Sums] = {}
    for row in lines:
        place = row["start_us"], class_of(row["token_class"])
        held = Sums(llm_calls=row["llm_calls"], cost_known_usd=row["known_usd"] or Decimal(0))
        money[place] = money.get(place, NOTHING) + held
    groups = []
    for name in CLASSES:
        points = list(_class_points(name, tokens, money))
        if points:
            groups.append(SeriesGroup(key=name, other=False, points=points))
    return groups


def _class_points(
    name: str, tokens: Mapping[int, Sums], money: Mapping[tuple[int, str], Sums]
) -> Iterable[SeriesPoint]:
    for start_us, sums in tokens.items():
        held = money.get((start_us, name), NOTHING)
        given, made = _tokens_of(name, sums)
        if given or made or held.llm_calls:
            row = replace(held, input_tokens=given, output_tokens=made, unpriced_calls=sums.unpriced_calls)
            yield SeriesPoint(start_us=start_us, **total_fields(row))


def _tokens_of(name: str, sums: Sums) -> tuple[int, int]:
    """Input and output tokens of a class. Written ones are part of `input` here: only their price is apart."""
    if name == "input":
        return max(sums.input_tokens - sums.cache_read_tokens, 0), 0
    if name == "cache_read":
        return sums.cache_read_tokens, 0
    if name == "output":
        return 0, max(sums.output_tokens - sums.reasoning_tokens, 0)
    return 0, sums.reasoning_tokens if name == "reasoning" else 0


def class_of(line: str) -> str:
    """The class of `CLASSES` that a line of a charge's arithmetic belongs to."""
    for prefix, name in _PREFIXES:
        if line.startswith(prefix):
            return name
    return "other"


_PREFIXES = (
    ("cache_read", "cache_read"),
    ("cache_creation", "cache_write"),
    ("cache_write", "cache_write"),
    ("input", "input"),
    ("reasoning", "reasoning"),
    ("output", "output"),
    ("prediction", "output"),
)
