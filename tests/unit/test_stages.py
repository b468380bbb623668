"""What tells that the two stages of `make test` left no test out."""

import pytest
from tests.stages import not_once


@pytest.mark.parametrize(
    ("together", "alone", "wrong"),
    [
        (["a", "b"], ["c"], []),
        (["a"], ["c"], ["b"]),
        (["a", "b", "c"], ["c"], ["c"]),
        (["a", "b", "unknown"], ["c"], []),
        (["a", "b", "b"], ["c"], ["b"]),
        ([], [], ["a", "b", "c"]),
    ],
)
def test_a_test_that_ran_in_no_stage_or_twice_is_named(together: list[str], alone: list[str], wrong: list[str]) -> None:
    accounts = ({"wanted": [], "ran": together}, {"wanted": ["a", "b", "c"], "ran": alone})
    assert not_once(*accounts) == wrong
