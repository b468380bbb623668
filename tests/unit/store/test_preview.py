"""One line of what was asked or answered, whatever shape it came in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.store.preview import PREVIEW_CHARS, preview


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, ""),
        ("hello", "hello"),
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ({"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "어디?"}]}, "어디?"),
        (
            {"messages": [[{"lc": 1, "type": "constructor", "id": ["HumanMessage"], "kwargs": {"content": "deep"}}]]},
            "deep",
        ),
        ({"choices": [{"message": {"role": "assistant", "content": "hi"}}]}, "hi"),
        ({"generations": [[{"text": "gen"}]]}, "gen"),
        ({"contents": [{"role": "user", "parts": [{"text": "gemini"}]}]}, "gemini"),
        ({"question": "q?", "history": []}, "q?"),
        ({"content": [{"type": "text", "text": "part"}, {"type": "image_url", "image_url": {"url": ""}}]}, "part"),
        ({"answer": "", "other": {"x": "found"}}, "found"),
        ({"n": 5}, "5"),
        ({"flag": True}, ""),
        ([], ""),
    ],
)
def test_the_text_a_person_would_name_is_found(value: Any, line: str) -> None:
    assert preview(value) == line


def test_a_long_text_is_cut_with_a_mark() -> None:
    line = preview("가" * 1_000_000)
    assert len(line) == PREVIEW_CHARS
    assert line.endswith("가…")


def test_a_hostile_depth_gives_nothing() -> None:
    value: Any = "bottom"
    for _ in range(5_000):
        value = {"content": value}
    assert preview(value) == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_any_json_gives_one_short_line(value: Any) -> None:
    line = preview(value)
    assert len(line) <= PREVIEW_CHARS
    assert "\n" not in line
