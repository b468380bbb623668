"""Cursors: what we wrote we read, anything else is refused."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.query.cursors import FIRST_PAGE_ID, FIRST_PAGE_US, read_cursor, write_cursor
from everytoken.query.errors import CursorError

TRACE = "00000000-0000-4000-8000-000000000001"


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.uuids(), st.text(max_size=200))
def test_a_cursor_is_read_as_it_was_written(at_us: int, row_id: object, key: str) -> None:
    assert read_cursor(write_cursor(at_us, str(row_id), key)) == (at_us, str(row_id), key)


@pytest.mark.parametrize("cursor", [None, ""])
def test_no_cursor_is_the_first_page(cursor: str | None) -> None:
    assert read_cursor(cursor) == (FIRST_PAGE_US, FIRST_PAGE_ID, "")


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "!",
        "aaaa",
        "강남",
        encoded("[]"),
        encoded("{}"),
        encoded(f'["1","{TRACE}",""]'),
        encoded('[1,"no-uuid",""]'),
        encoded(f'[1,"{TRACE}",5]'),
        encoded(f'[{2**64},"{TRACE}",""]'),
        "a" * 5000,
    ],
)
def test_a_cursor_of_someone_else_is_refused(cursor: str) -> None:
    with pytest.raises(CursorError):
        read_cursor(cursor)


@given(st.text(max_size=100))
def test_random_text_is_refused_or_read_but_never_breaks(text: str) -> None:
    try:
        read_cursor(text)
    except CursorError:
        return
