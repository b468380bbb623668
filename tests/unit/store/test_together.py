"""Reads at once: their order, what they see and how they fail."""

import threading

import pytest

from everytoken.store.errors import StoreUnavailableError
from everytoken.store.together import Rows, together
from everytoken.store.visible import only, visible_projects


def _seen() -> Rows:
    return [{"projects": visible_projects(), "thread": threading.get_ident()}]


def test_reads_run_at_once_and_answer_in_their_order() -> None:
    both = threading.Barrier(2, timeout=10)

    def read(name: str) -> Rows:
        both.wait()  # returns when the other one runs too
        return [{"name": name}]

    assert together(lambda: read("a"), lambda: read("b")) == ([{"name": "a"}], [{"name": "b"}])


def test_every_read_sees_the_projects_of_the_request() -> None:
    with only(["shop"]):
        rows = [row for (row,) in together(_seen, _seen, _seen)]
    assert [row["projects"] for row in rows] == [frozenset({"shop"})] * 3
    assert [row["projects"] for (row,) in together(_seen, _seen)] == [None, None]


def test_the_failure_of_a_read_is_that_of_the_view() -> None:
    def away() -> Rows:
        raise StoreUnavailableError("the ledger does not answer")

    with pytest.raises(StoreUnavailableError):
        together(_seen, away)
    with pytest.raises(StoreUnavailableError):
        together(away, _seen)
