"""The filter language: what parses, and what every fault says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.parse import OPERATORS, parse
from everytoken.query.filter.tree import And, Compare, Expression, Literal, Not, Or, Search, Value, write

NAMES = st.sampled_from(["name", "run_type", "metadata_key", "latency", "feedback_score", "tags"])
SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.integers(-(10**15), 10**15),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
COMPARES: st.SearchStrategy[Expression] = st.one_of(
    st.builds(
        lambda operator, name, value: Compare(operator, Literal(name), Literal(value)),
        st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte", "like", "has", "exists"]), NAMES, SCALARS,
    ),
    st.builds(
        lambda name, values: Compare("in", Literal(name), Literal(tuple(values))), NAMES, st.lists(SCALARS, max_size=4)
    ),
    st.builds(lambda text: Search(None, Literal(text)), st.text(st.characters(codec="utf-8"), max_size=10)),
)  # fmt: skip
TREES: st.SearchStrategy[Expression] = st.recursive(
    COMPARES,
    lambda inner: st.one_of(
        st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=1, max_size=4)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)


def fault_position(text: str) -> int:
    """Where the fault is; 0 for none."""
    try:
        parse(text)
    except FilterError as error:
        return error.position
    return 0


@given(TREES)
def test_what_is_written_parses_to_the_same_tree(tree: Expression) -> None:
    assert parse(write(tree)) == tree


@given(st.text(max_size=80))
def test_any_text_parses_or_names_a_position_inside_of_it(text: str) -> None:
    assert 0 <= fault_position(text) <= len(text)


PIECES = st.sampled_from(
    [*OPERATORS, "name", "(", ")", "[", "]", ",", '"x"', "'y'", "5", "-1.5e3", "null", " ", '"\\', "\\ud800"]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_heap_of_pieces_parses_or_names_a_position(text: str) -> None:
    assert 0 <= fault_position(text) <= len(text)


def test_white_space_quotes_and_a_single_argument_are_free() -> None:
    assert parse(" and( eq(\n name ,'it\\'s \"so\"') ) ") == And(
        (Compare("eq", Literal("name"), Literal('it\'s "so"')),)
    )
    assert parse('in(id, ["a", 1, true, null])') == Compare("in", Literal("id"), Literal(("a", 1, True, None)))
    assert parse('has(metadata, \'{"k":"v"}\')') == Compare("has", Literal("metadata"), Literal('{"k":"v"}'))
    assert parse('search("\\ud83e\\uddf4")') == Search(None, Literal("🧴"))
    assert parse('search(error, "timeout")') == Search(Literal("error"), Literal("timeout"))


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 0, "the filter is empty"),
        ('equals(name, "x")', 0, "unknown operator 'equals'"),
        ('eqq(name, "x")', 0, "did you mean eq?"),
        ('eq(name "x")', 8, "expected ',', found '\"x\"'"),
        ('eq(name, x)', 9, 'quote text: "x"'),
        ('eq(name, "x"', 12, "expected ')', found the end"),
        ('eq(name, "x', 9, 'close it with "'),
        ('eq(name, "x") eq(name, "y")', 14, "join two filters with and(first, second)"),
        ("name:x", 4, 'write eq(field, "value") in place of field:value'),
        ("latency > 5", 8, "write operators as calls, such as gt(latency, 5)"),
        ("and()", 0, "needs at least one argument"),
        ('in(id, "a")', 7, "write in(id, [...])"),
        ("eq(id, [1])", 7, "takes one value, not a list"),
        ("in(id, [[1]])", 7, "a list holds no lists"),
        ("search(5)", 7, "search needs a string"),
        ("gt(latency, 1e999)", 12, "beyond all bounds"),
        ('eq(name, "\\ud800")', 9, "half of a surrogate pair"),
        ("not(" * 60 + 'eq(name, "x")' + ")" * 60, 204, "nested deeper than 50"),
        ("and(" + ",".join(["eq(name,1)"] * 2100) + ")", 21993, "more than 2000 terms"),
        ("x" * 50_001, 50_000, "longer than 50000 characters"),
    ],
)  # fmt: skip
def test_a_fault_names_its_position_and_what_to_do(text: str, position: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text)

    assert says in str(caught.value)
    assert caught.value.position == position
