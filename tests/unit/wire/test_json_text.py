"""JSON from outside becomes a value that can be written again, or a sentence that says why not."""

import contextlib
import json
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langsmith._internal._serde import dumps_json

from everytoken.wire.json_text import MAX_DEPTH, JsonError, load_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "\xed\x95\x9c"]}', {"a": [1, 2.5, None, True, "한"]}),
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": None, "b": [None, None]}),
        (b'{"a": 1e999}', {"a": None}),
        (b'{"a": "\\ud800"}', {"a": "\ufffd"}),
        (b'{"a": "\\ud83e\\uddf4", "b": "\\udc00x"}', {"a": "🧴", "b": "\ufffdx"}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        (b"18446744073709551615", 18446744073709551615),
        (b"123456789012345678901234567890", 1.2345678901234568e29),
        (b"[123456789012345678901234567890, NaN]", [1.2345678901234568e29, None]),
        (b"[18446744073709551615, -9223372036854775808, NaN]", [18446744073709551615, -9223372036854775808, None]),
        (b"[1" + b"0" * 400 + b", 9223372036854775807]", [None, 9223372036854775807]),
        (b"9" * 5000, None),
    ],
)
def test_odd_values_become_plain_ones(text: bytes, value: object) -> None:
    assert load_json(text) == value
    assert orjson.loads(orjson.dumps(load_json(text))) == value


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("""ValueError('x \\ud83d')\n\nValueError: x \ud83d""", """ValueError('x \\')\n\nValueError: x """),
        ("""    raise ValueError("x \\ud83d")\nValueError: \ud83d""", """    raise ValueError("x \\")\nValueError: """),
        ("\\udc00next \\udc00uabc \\udc00 \udc00", "\next \\uabc \\ "),
        ('"\\ud83d" ' * 8 + "\ud83d", '"\\" ' * 8),
    ],
)
def test_what_the_sdk_writes_of_half_an_emoji_and_of_one_that_is_shown_is_read(told: str, kept: str) -> None:
    written = dumps_json({"error": told, "id": 1})
    with pytest.raises(json.JSONDecodeError):
        json.loads(written)
    assert load_json(written) == {"error": kept, "id": 1}
    assert load_json(dumps_json(told)) == kept


def test_no_more_is_put_together_than_a_body_can_need() -> None:
    quotes, large = '"\\ud83d" ' * 9 + "\ud83d", '"\\ud83d"' + "x" * 1024**2 + "\ud83d"
    assert load_json(dumps_json("'\\ud83d'" * 1_000 + "\ud83d")) == "'\\'" * 1_000
    for told in (quotes, large, "'\\ud83d'" * 1_001 + "\ud83d"):
        with pytest.raises(JsonError, match="not readable as JSON"):
            load_json(dumps_json(told))


@pytest.mark.parametrize("piece", [b"\\", b"\\\\", b"\\n", b"\\'", b"x"])
def test_text_that_only_looks_broken_takes_no_time(piece: bytes) -> None:
    began_s = time.process_time()
    with pytest.raises(JsonError, match="not readable as JSON"):
        load_json(b'"' + piece * 4_000_000)
    assert time.process_time() - began_s < 3


@pytest.mark.parametrize("text", [b"", b"{", b'{"a": }', b"nul", b"{'a': 1}", b"\x00"])
def test_what_is_no_json_says_where(text: bytes) -> None:
    with pytest.raises(JsonError, match="not readable as JSON"):
        load_json(text)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_is_bounded_and_the_deepest_allowed_can_be_written_again(opening: bytes, closing: bytes) -> None:
    deepest = load_json(opening * (MAX_DEPTH - 1) + b"[]" + closing * (MAX_DEPTH - 1))
    orjson.dumps(deepest)
    for depth in (MAX_DEPTH, 1000, 100_000):
        with pytest.raises(JsonError, match="deeper than 200 levels"):
            load_json(opening * depth + b"[]" + closing * depth)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert load_json(b"[" + b"[],{}," * 500 + b"1]")[-1] == 1
    assert load_json(b'["' + b"[" * 500 + b'"]') == ["[" * 500]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_json_error(data: bytes) -> None:
    with contextlib.suppress(JsonError):
        orjson.dumps(load_json(data))
