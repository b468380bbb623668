"""Filters to SQL: what each becomes, and that no value is ever part of its text."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.feedback import FeedbackTest
from everytoken.query.filter.fields import FIELDS, JSON_COLUMNS, PAIRS
from everytoken.query.filter.parse import parse
from everytoken.query.filter.sql import MAX_LOOKUPS, Compiler
from everytoken.query.filter.tree import COMPARISONS, And, Compare, Literal, Not, Search, write

SENTINEL = "qzx'\"\\;--{f0:String}/**/`%s"
RUN = "00000000-0000-4000-8000-000000000001"


def no_runs(_tests: Sequence[FeedbackTest]) -> Sequence[str]:
    return []


def compiled(text: str) -> tuple[str, dict[str, object]]:
    compiler = Compiler(no_runs, "ROLLUP")
    return compiler.condition(parse(text)), compiler.params


@pytest.mark.parametrize(
    ("text", "sql", "params"),
    [
        ('eq(name, "x")', "name.2 = {f0:String}", ["x"]),
        ('eq(run_type, "LLM")', "run_type.2 = {f0:String}", ["llm"]),
        ('in(run_type, ["LLM", "tool"])', "has({f0:Array(String)}, run_type.2)", [["llm", "tool"]]),
        ('in(name, ["LLM"])', "has({f0:Array(String)}, name.2)", [["LLM"]]),
        ("neq(error, null)", "NOT (error.2 = '')", []),
        ("eq(tags, null)", "empty(tags.2)", []),
        ("eq(is_root, false)", "NOT (is_root = 1)", []),
        ('has(tags, "x")', "has(tags.2, {f0:String})", ["x"]),
        (f'eq(id, "{RUN.upper()}")', "ifNull(run_id = {f0:UUID}, 0)", [RUN]),
        ("in(id, [])", "ifNull(run_id IN {f0:Array(UUID)}, 0)", [[]]),
        ('gt(start_time, "2026-11-22T12:00:00Z")', "ifNull(start_us > {f0:Int64}, 0)", [1_795_348_800_000_000]),
        (
            'gte(latency, "250ms")',
            "ifNull(if(end_us.1 > 0, greatest(end_us.2 - start_us, 0) / 1000000, NULL) >= {f0:Float64}, 0)",
            [0.25],
        ),
        (
            'lt(end_time, "2026-11-22T12:00:00+09:00")',
            "ifNull(if(end_us.1 > 0, end_us.2, NULL) < {f0:Int64}, 0)",
            [1_795_316_400_000_000],
        ),
        (
            "gt(total_tokens, 5)",
            "run_id IN (SELECT run_id FROM (ROLLUP) WHERE ifNull(total_tokens > {f0:Float64}, 0))",
            [5.0],
        ),
        (
            "lt(total_tokens, 5)",
            "run_id NOT IN (SELECT run_id FROM (ROLLUP) WHERE NOT ifNull(total_tokens < {f0:Float64}, 0))",
            [5.0],
        ),
        (
            "lt(total_cost, 5)",
            "run_id IN (SELECT run_id FROM (ROLLUP) WHERE ifNull(total_cost < {f0:Float64}, 0))",
            [5.0],
        ),
        ('exists(metadata, "k")', "JSONHas(metadata.2, {f0:String})", ["k"]),
        (
            'has(metadata, \'{"k": ""}\')',
            "(JSONHas(metadata.2, {f0:String}) AND if(JSONType(metadata.2, {f1:String}) = 'String', "
            "JSONExtractString(metadata.2, {f1:String}), JSONExtractRaw(metadata.2, {f1:String})) = {f2:String})",
            ["k", "k", ""],
        ),
        (
            'has(metadata, \'{"a": {"b": 5}}\')',
            "(if(JSONType(metadata.2, {f0:String}, {f1:String}) = 'String', "
            "JSONExtractString(metadata.2, {f0:String}, {f1:String}), "
            "JSONExtractRaw(metadata.2, {f0:String}, {f1:String})) = {f2:String})",
            ["a", "b", "5"],
        ),
        (
            'not(or(eq(name, "a"), like(name, "b%")))',
            "NOT (name.2 = {f0:String} OR name.2 ILIKE {f1:String})",
            ["a", "b%"],
        ),
        (
            'and(eq(metadata_key, "k"), eq(metadata_value, 5), eq(name, "a"))',
            "(name.2 = {f0:String} AND (JSONHas(metadata.2, {f1:String}) AND "
            "if(JSONType(metadata.2, {f2:String}) = 'String', JSONExtractString(metadata.2, {f2:String}), "
            "JSONExtractRaw(metadata.2, {f2:String})) = {f3:String}))",
            ["a", "k", "k", "5"],
        ),
    ],
)
def test_a_filter_becomes_a_condition_with_placeholders(text: str, sql: str, params: list[object]) -> None:
    condition, bound = compiled(text)

    assert condition == sql
    assert list(bound.values()) == params


def test_a_key_and_a_value_of_feedback_ask_for_one_and_the_same_feedback() -> None:
    asked: list[list[FeedbackTest]] = []

    def runs(tests: Sequence[FeedbackTest]) -> Sequence[str]:
        asked.append(list(tests))
        return [RUN]

    compiler = Compiler(runs)
    condition = compiler.condition(
        parse('and(eq(feedback_key, "k"), gte(feedback_score, 0.5), neq(feedback_key, "z"))')
    )

    assert asked == [
        [FeedbackTest("key", "eq", "z")],
        [FeedbackTest("key", "eq", "k"), FeedbackTest("score", "gte", 0.5)],
    ]
    assert condition == "(NOT run_id IN {f0:Array(UUID)} AND run_id IN {f1:Array(UUID)})"


TEXTS = st.one_of(st.text(st.characters(codec="utf-8"), max_size=12), st.just(SENTINEL))
VALUES = st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False), st.booleans(), st.none())
NAMES = st.one_of(st.sampled_from(sorted({*FIELDS, *PAIRS, *JSON_COLUMNS})), TEXTS)
OPERATORS = st.sampled_from([*COMPARISONS, "in", "has", "exists"])


@given(NAMES, OPERATORS, st.one_of(VALUES, st.lists(VALUES, max_size=3).map(tuple)), NAMES, TEXTS)
def test_whatever_is_asked_compiles_or_is_a_filter_error_and_no_value_is_text(
    name: str, operator: str, value: object, other: str, text: str
) -> None:
    tree = And(
        (
            Compare(operator, Literal(name), Literal(value)),  # type: ignore[arg-type]  # all of them are values
            Not(Compare("eq", Literal(other), Literal(text))),
            Search(None, Literal(text)),
        )
    )
    compiler = Compiler(no_runs, "ROLLUP")
    try:
        condition = compiler.condition(parse(write(tree)))
    except FilterError:
        return
    # Without its placeholders the text is made of our own words: letters, digits and the marks of SQL.
    bare = re.sub(r"\{f\d+:[A-Za-z0-9()]+\}", "?", condition)
    assert re.fullmatch(r"[A-Za-z0-9_.,()?<>=!' /*+-]*", bare)
    assert "qzx" not in bare
    assert set(re.findall(r"\{(f\d+):", condition)) == set(compiler.params)


def test_the_sentinel_travels_as_a_parameter_alone() -> None:
    for name in ("name", "error", "thread_id", "tags", "metadata_key", "metadata_value", "input_key", "output_value"):
        tree = Compare("eq", Literal(name), Literal(SENTINEL))
        condition, params = compiled(write(tree))
        assert "qzx" not in condition
        assert SENTINEL in params.values()


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ('eq(nam, "x")', 3, "did you mean name?"),
        ('eq(feedback_scor, "x")', 3, "did you mean feedback_score?"),
        ('gt(id, "x")', 0, "gt has no meaning for an id"),
        ('like(latency, "x")', 0, "like has no meaning for latency"),
        ("gt(error, null)", 10, "gt has no meaning for null"),
        ('and(eq(name, "x"), lt(total_cost, "much"))', 34, "not a number"),
        ('search(tags, "x")', 7, "cannot be searched"),
        ('gt(tags, "x")', 0, 'write has(tags, "x")'),
        ("lt(total_tokens, 99999999999999999999999)", 17, "not a number here"),
        ('exists(name, "k")', 7, 'write exists(metadata, "k")'),
        ("has(tags, 5)", 10, "written in quotes"),
        ('eq(is_root, "maybe")', 12, "write eq(is_root, true)"),
        ('and(in(metadata_key, ["a"]), eq(metadata_value, "v"))', 4, "use eq for the key"),
        ("in(error, [null])", 10, "null goes with eq and neq"),
        ("eq(name, true)", 9, 'write "true"'),
        ('gt(latency, "1m-2s")', 12, 'such as "5s", "250ms" or "1m30s"'),
    ],
)
def test_a_field_or_value_that_does_not_fit_names_its_position(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        compiled(text)

    assert says in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m30s", 90.0), ("1h 5min", 3_900.0), ("2d", 172_800.0), ("250 us", 0.00025), ("5sec", 5.0), ("5", 5.0)],
)
def test_a_duration_is_written_with_units_or_as_seconds(text: str, seconds: float) -> None:
    _, params = compiled(f'gt(latency, "{text}")')

    assert list(params.values()) == [seconds]


def test_a_filter_that_no_query_can_hold_is_refused_where_it_is_too_much() -> None:
    """A store would refuse it, and a client would send it again and again."""
    pair = 'and(eq(metadata_key, "a.b.c.d.e.f"), neq(metadata_value, "v"))'
    with pytest.raises(FilterError, match="more than one query can hold") as refused:
        compiled(f"or({', '.join([pair] * 600)})")
    assert 3 < refused.value.position < 600 * len(pair)

    sums = ", ".join(f"gt(total_cost, {number})" for number in range(MAX_LOOKUPS + 1))
    with pytest.raises(FilterError, match="more than 20 comparisons of sums or of feedback") as refused:
        compiled(f"or({sums})")
    assert refused.value.position == sums.index("gt(total_cost, 20)") + 3
    deep = '{"a":' * 21 + "1" + "}" * 21
    with pytest.raises(FilterError, match="an object deeper than 20"):
        compiled(f"has(metadata, '{deep}')")
