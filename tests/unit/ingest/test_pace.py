"""How often the flusher writes, ten times what a flush took passes between two, and how fast bodies may come."""

from everytoken.ingest.pace import Pace

MEGABYTE = 1024**2


def test_the_first_flush_comes_as_soon_as_the_setting_allows() -> None:
    pace = Pace(0.25)
    assert pace.due_in_s(0.0, 100) == 0.25
    assert pace.due_in_s(0.25, 100) == 0.0
    assert pace.due_in_s(60.0, 100) < 0


def test_a_quick_flush_leaves_the_setting_as_it_is() -> None:
    pace = Pace(0.25)
    pace.took(0.025, 0)
    assert pace.due_in_s(0.0, 100) == 0.25


def test_a_flush_takes_at_most_a_tenth_of_the_time() -> None:
    pace = Pace(0.25)
    pace.took(0.0625, 0)
    assert pace.due_in_s(0.5, 100) == 0.125


def test_nothing_waits_longer_than_a_second_for_a_slow_flush() -> None:
    pace = Pace(0.25)
    pace.took(5.0, 0)
    assert pace.due_in_s(0.0, 100) == 1.0


def test_a_setting_beyond_a_second_is_kept() -> None:
    pace = Pace(3.0)
    pace.took(5.0, 0)
    assert pace.due_in_s(0.0, 100) == 3.0


def test_plenty_that_waits_is_not_held_back_by_a_slow_flush() -> None:
    pace = Pace(0.25)
    pace.took(0.5, 0)
    assert pace.due_in_s(0.25, 4 * MEGABYTE) == 0.75
    assert pace.due_in_s(0.25, 4 * MEGABYTE + 1) == 0.0


def test_a_quick_flush_after_a_slow_one_ends_the_waiting() -> None:
    pace = Pace(0.25)
    pace.took(0.5, 0)
    pace.took(0.01, 0)
    assert pace.due_in_s(0.0, 100) == 0.25


def test_bodies_come_as_fast_as_they_do_while_less_than_a_flush_of_them_waits() -> None:
    pace = Pace(0.25)
    pace.took(0.5, MEGABYTE)
    assert pace.allowed_bytes_per_s(16 * MEGABYTE) is None


def test_when_more_waits_they_come_as_fast_as_the_last_flushes_stored_them() -> None:
    pace = Pace(0.25)
    pace.took(0.5, MEGABYTE)
    assert pace.allowed_bytes_per_s(16 * MEGABYTE + 1) == 2 * MEGABYTE
    pace.took(1.0, MEGABYTE)
    assert pace.allowed_bytes_per_s(28 * MEGABYTE) == 1.5 * MEGABYTE


def test_when_twice_as_much_waits_they_come_half_as_fast() -> None:
    pace = Pace(0.25)
    pace.took(0.5, MEGABYTE)
    assert pace.allowed_bytes_per_s(28 * MEGABYTE + 1) == MEGABYTE


def test_a_flush_of_little_says_nothing_of_the_speed() -> None:
    pace = Pace(0.25)
    pace.took(0.5, 64 * 1024)
    assert pace.allowed_bytes_per_s(100 * MEGABYTE) is None
