"""Filters over rows in memory: what each finds, and what it complains of whatever the rows hold."""

import pytest

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.rows import Plain, Row

PROJECTS = Plain({"name": "text", "id": "id", "start_time": "time", "latency": "seconds", "runs": "number"})
ROW = Row(
    {
        "name": "Shop 100%",
        "id": "00000000-0000-4000-8000-000000000001",
        "start_time": 1_795_348_800_000_000,  # 2026-11-22T12:00:00Z
        "latency": 2.5,
        "runs": None,
    },
    {"team": "a", "tier": 1, "live": True, "deep": {"a": {"b": 1}, "c": 2}},
    {"good": {"avg": 0.75, "values": {"yes": 2}, "comments": ["so so"]}},
)


def finds(text: str) -> bool:
    return PROJECTS.holds(PROJECTS.parse(text), ROW)


@pytest.mark.parametrize(
    "text",
    [
        'eq(name, "Shop 100%")',
        'neq(name, "shop 100%")',
        'like(name, "shop%")',
        'like(name, "S_op 100\\\\%")',
        'in(name, ["x", "Shop 100%"])',
        'eq(id, "00000000-0000-4000-8000-000000000001")',
        'gte(start_time, "2026-11-22T12:00:00Z")',
        'lt(start_time, "2026-11-22T21:00:01+09:00")',
        'gt(latency, "2s")',
        "eq(latency, 2.5)",
        "eq(runs, null)",
        "neq(runs, 3)",
        "not(gt(runs, 0))",
        'eq(metadata_key, "team")',
        'neq(metadata_key, "plan")',
        'eq(metadata_value, "a")',
        "eq(metadata_value, true)",
        'and(eq(metadata_key, "tier"), gt(metadata_value, 0.5))',
        'and(eq(metadata_value, "a"), eq(metadata_key, "team"))',
        'and(eq(metadata_key, "team"), neq(metadata_value, "b"))',
        'has(metadata, \'{"team": "a", "live": true}\')',
        'has(metadata, \'{"deep": {"a": {"b": 1}}}\')',
        'gt(latency, "0m2s")',
        'exists(metadata, "tier")',
        'and(eq(feedback_key, "good"), gte(feedback_score, 0.75))',
        'and(eq(feedback_key, "good"), eq(feedback_value, "yes"))',
        'like(feedback_comment, "%SO%")',
        'search("100%")',
        'search(name, "shop")',
        'or(eq(name, "x"), not(eq(latency, 1)))',
    ],
)
def test_a_filter_finds_the_row(text: str) -> None:
    assert finds(text)


@pytest.mark.parametrize(
    "text",
    [
        'eq(name, "shop 100%")',
        'like(name, "shop_")',
        'like(name, "Shop 1000\\\\%")',
        "gt(runs, 0)",
        "lt(runs, 0)",
        'and(eq(metadata_key, "team"), eq(metadata_value, 1))',
        'and(eq(metadata_key, "plan"), neq(metadata_value, "b"))',
        'and(eq(feedback_key, "bad"), gte(feedback_score, 0))',
        'has(metadata, \'{"team": "b"}\')',
        'has(metadata, \'{"deep": {"a": {"b": 2}}}\')',
        'has(metadata, \'{"team": {"a": 1}}\')',
        'has(metadata, \'{"none": ""}\')',
        'exists(metadata, "plan")',
        'search("nowhere")',
    ],
)
def test_a_filter_passes_the_row_by(text: str) -> None:
    assert not finds(text)


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ('eq(nane, "x")', 3, "did you mean name?"),
        ('or(eq(name, "x"), eq(latency, "soon"))', 30, "not a duration"),
        ("gt(name, null)", 9, "no meaning for null"),
        ("eq(name, 5)", 9, "in quotes"),
        ('like(runs, "1%")', 0, "like has no meaning"),
        ('has(name, "x")', 4, "has has no meaning"),
        ('search(latency, "x")', 7, "cannot be searched"),
        ('has(metadata, "x")', 14, "a JSON object"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_row_is_looked_at(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError, match=says) as refused:
        PROJECTS.parse(text)
    assert refused.value.position == position
