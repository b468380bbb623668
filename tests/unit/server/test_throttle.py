"""Limits of rate by the clock."""

from everytoken.server import throttle
from everytoken.server.throttle import LoginThrottle, RateLimit


def test_a_bucket_holds_a_minutes_requests_and_fills_evenly() -> None:
    now = [0.0]
    limit = RateLimit(lambda: now[0])
    assert [limit.take("a", 3) for _ in range(4)] == [None, None, None, 20]
    assert limit.take("b", 3) is None
    now[0] = 20.0
    assert [limit.take("a", 3) for _ in range(2)] == [None, 20]
    now[0] = 1_000.0
    assert [limit.take("a", 3) for _ in range(4)] == [None, None, None, 20]


def test_who_was_seen_longest_ago_is_forgotten_first() -> None:
    limit = RateLimit(lambda: 0.0)
    for number in range(throttle.MAX_HELD + 5):
        limit.take(str(number), 1)
    assert len(limit._buckets) == throttle.MAX_HELD


def test_each_wrong_try_beyond_the_fifth_doubles_the_pause_up_to_a_quarter_of_an_hour() -> None:
    now = [0.0]
    tries = LoginThrottle(lambda: now[0])
    pauses = []
    for _ in range(14):
        tries.failed("name minji")
        pauses.append(tries.wait_s("name minji"))
    assert pauses == [None, None, None, None, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert tries.wait_s("address 10.0.0.1") is None
    assert tries.wait_s("address 10.0.0.1", "name minji") == 900
    now[0] = 901.0
    assert tries.wait_s("name minji") is None
    tries.passed("name minji")
    tries.failed("name minji")
    assert tries.wait_s("name minji") is None
