"""The line of bodies that wait to be decoded. A body of 62 KiB costs 64 KiB; 100 ms of waiting are allowed."""

from everytoken.ingest.line import Line

KB = 1024


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def line() -> tuple[Line[str], Clock]:
    clock = Clock()
    return Line(clock), clock


def moved(bodies: int, each_s: float) -> tuple[Line[str], Clock]:
    """A line that has let so many bodies of 64 KiB pass, one after the other."""
    made, clock = line()
    for n in range(bodies):
        made.join(f"body {n}", 62 * KB)
        clock.now_s += each_s
        made.next()
    return made, clock


def holds(made: Line[str]) -> int:
    """How many bodies of 64 KiB it takes until it is full."""
    count = 0
    while not made.is_full:
        made.join("more", 62 * KB)
        count += 1
    return count


def test_first_come_is_first_served() -> None:
    made, _ = line()
    for name in ("first", "second", "third"):
        made.join(name, 10)
    assert [made.next(), made.next(), made.next()] == ["first", "second", "third"]
    assert (len(made), made.waiting_bytes) == (0, 0)


def test_a_body_costs_two_kilobytes_beside_its_own() -> None:
    made, _ = line()
    made.join("small", 1_000)
    assert made.waiting_bytes == 3_048


def test_before_it_has_moved_it_holds_the_least() -> None:
    made, _ = line()
    assert holds(made) == 2


def test_one_body_is_taken_whatever_its_size() -> None:
    made, _ = line()
    assert not made.is_full
    made.join("long", 5_000 * KB)
    assert made.is_full


def test_it_holds_what_passes_in_a_tenth_of_a_second() -> None:
    made, _ = moved(100, each_s=0.0052)
    assert holds(made) == 20


def test_a_slow_line_holds_the_least_all_the_same() -> None:
    made, _ = moved(4, each_s=0.5)
    assert holds(made) == 2


def test_it_grows_shorter_within_a_second_of_slowing_down() -> None:
    made, clock = moved(100, each_s=0.0052)
    for n in range(20):
        made.join(f"slow {n}", 62 * KB)
        clock.now_s += 0.05
        made.next()
    assert holds(made) <= 3


def test_time_in_which_nothing_waited_says_nothing_of_its_speed() -> None:
    made, clock = moved(100, each_s=0.0052)
    clock.now_s += 3_600
    assert holds(made) == 20


def test_a_first_refusal_asks_to_come_again_in_a_second() -> None:
    made, _ = line()
    assert made.refuse() == 1


def test_the_more_are_refused_the_later_they_come_again_and_not_all_at_once() -> None:
    made, clock = line()
    for _ in range(10):
        made.join("taken", 10)
        made.next()
    for _ in range(40):
        made.refuse()
    clock.now_s += 1.5
    told = {made.refuse() for _ in range(500)}
    assert told == {1, 2, 3, 4, 5, 6, 7, 8}  # four for each that was taken: twice as long at most


def test_nobody_is_sent_away_for_more_than_ten_seconds() -> None:
    made, clock = line()
    for _ in range(1_000):
        made.refuse()
    clock.now_s += 1.5
    assert max(made.refuse() for _ in range(500)) == 10
