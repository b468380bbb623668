"""Instants as people and programs write them."""

import pytest

from everytoken.query.window import MAX_US, MIN_US, Window, parse_instant

NOON_US = 1_795_348_800_000_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00",
        "2026-11-22 12:00",
        "2026-11-22T21:00:00+09:00",
        "2026-11-22T21:00:00 09:00",
        "20261122T120000Z",
        "2026-11-22T12:00:00z",
        "1795348800000",
        "1795348800000000",
        "  2026-11-22T12:00:00.000000Z ",
    ],
)
def test_the_same_noon_is_read_from_every_spelling(text: str) -> None:
    assert parse_instant(text) == NOON_US


def test_microseconds_are_kept() -> None:
    assert parse_instant("2026-11-22T12:00:00.000001Z") == NOON_US + 1


def test_times_before_the_epoch_are_negative() -> None:
    assert parse_instant("1969-12-31T23:59:59.999999Z") == -1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "12",
        "1795348800",
        "-5",
        "1e15",
        "2026-13-01",
        "２０２６",
        "9" * 40,
        "0001-01-01T00:00:00+23:59",
        "\0",
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match="ISO-8601"):
        parse_instant(text)


def test_an_open_window_covers_all_of_time() -> None:
    assert Window().params() == {"from_us": MIN_US, "to_us": MAX_US}
    assert Window(1, 2).params() == {"from_us": 1, "to_us": 2}
