"""Values are counted before they are read, in little time and memory, whatever stands between them."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.wire import json_values
from everytoken.wire.json_values import MAX_VALUES, count_values

SCALARS = st.none() | st.booleans() | st.integers() | st.text(alphabet='",[{\\x', max_size=30)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v) | st.dictionaries(st.text(alphabet='",\\'), v), max_leaves=30)


def counted(value: object) -> int:
    """Brackets and commas of the value, as the count defines them."""
    if isinstance(value, dict):
        return 1 + max(len(value) - 1, 0) + sum(map(counted, value.values()))
    if isinstance(value, list):
        return 1 + max(len(value) - 1, 0) + sum(map(counted, value))
    return 0


@given(value=VALUES, window=st.integers(1, 40))
def test_what_stands_in_strings_is_not_counted(value: object, window: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_values, "WINDOW_BYTES", window)
        assert json_values._outside_of_strings(json.dumps(value).encode()) == counted(value)


def test_a_text_full_of_commas_is_one_value() -> None:
    assert count_values(b'{"csv": "' + b'1,2,[{\\",' * MAX_VALUES + b'"}') == 1


def after_commas(data: bytes) -> bytes:
    """Behind a text that makes them worth a closer look."""
    return b'["' + b"," * (MAX_VALUES + 1) + b'",' + data


@pytest.mark.parametrize("tail", [b"", b"\\", b'"'])
@pytest.mark.parametrize("piece", [b'\\"', b'"', b"\\", b'x"', b'\\\\"'])
def test_quotes_without_end_take_little_time(piece: bytes, tail: bytes) -> None:
    body = after_commas(b'"' + piece * 200_000 + tail)
    began_s = time.process_time()
    assert count_values(body) == 2
    assert time.process_time() - began_s < 2


def test_many_texts_take_little_memory() -> None:
    body = after_commas(b'"x",' * MAX_VALUES)
    tracemalloc.start()
    try:
        assert count_values(body) > MAX_VALUES
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    finally:
        tracemalloc.stop()
