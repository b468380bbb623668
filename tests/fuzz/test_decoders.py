"""Every reader of outside bytes, fed with what nearly is right: it answers, or says what is wrong, and never more."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS, seeds

SEEDS = seeds()
WRONG = [b"null", b"-1", b"1e999", b"[]", b"{}", b'""', b"true", b'"\\ud800"', b"\x00", b"\xff", b"9" * 40, b"[" * 300]
"""What stands where something else is expected."""


def astray(data: bytes, seed: int) -> bytes:
    """The same bytes with a few changes: cut, repeated, flipped, or something wrong put in."""
    chance = random.Random(seed)
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        to = min(len(changed), at + chance.randint(0, 12))
        match chance.randrange(5):
            case 0:
                del changed[at:to]
            case 1:
                changed[at:at] = changed[at:to] * chance.randint(1, 3)
            case 2 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 3:
                changed[at:to] = chance.choice(WRONG)
            case _:
                changed[at:at] = chance.choice(WRONG)
    return bytes(changed)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_right_is_read(target: str) -> None:
    for data in SEEDS[target]:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=150)
@given(data=st.data())
def test_what_is_nearly_right_is_read_or_refused(target: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[target]))
    TARGETS[target](astray(seed, data.draw(st.integers(0, 2**32))))


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=50)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(target: str, data: bytes) -> None:
    TARGETS[target](data)
