"""The reference of the filter language says what is so."""

import re
from pathlib import Path

from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.fields import FIELDS, PAIRS
from everytoken.query.filter.parse import MAX_CHARS, MAX_DEPTH, MAX_TERMS, OPERATORS, parse
from everytoken.query.filter.sql import Compiler
from everytoken.store.annotations import MAX_MATCHED_RUNS

TEXT = (Path(__file__).parents[3] / "docs" / "reference" / "filter-language.md").read_text()


def test_every_example_compiles() -> None:
    examples = re.findall(r"```filter\n(.*?)\n```", TEXT, re.DOTALL)

    assert len(examples) == 6
    for example in examples:
        assert Compiler(lambda _tests: []).condition(parse(example))


def test_every_operator_field_and_bound_is_named() -> None:
    for name in (*OPERATORS, *FIELDS, *PAIRS):
        assert re.search(rf"`{name}[`(]", TEXT), name
    assert f"Calls nest {MAX_DEPTH} deep, hold {MAX_TERMS:,} terms and {MAX_CHARS:,} characters" in TEXT
    assert f"{MAX_MATCHED_RUNS:,}" in TEXT


def test_the_error_that_is_shown_is_the_one_that_is_answered() -> None:
    try:
        parse('eqq(name, "x")')
    except FilterError as error:
        said = str(error)
    assert said in TEXT
