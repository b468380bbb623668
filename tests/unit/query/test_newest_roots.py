"""The newest roots, from key columns that hold a root as often as its parts were not merged yet."""

from typing import Any

from everytoken.query.cursors import FIRST_PAGE_ID, FIRST_PAGE_US
from everytoken.query.found_traces import Head, newest_roots
from everytoken.query.window import Window

BEYOND = Head(FIRST_PAGE_ID, FIRST_PAGE_ID, FIRST_PAGE_US)


class Keys:
    """A ledger that holds these start times, each as a run of its own name, and counts how often it is asked."""

    def __init__(self, *starts_us: int) -> None:
        self._rows = [
            {"start_us": us, "trace_id": f"t{us}", "run_id": f"r{us}"} for us in sorted(starts_us, reverse=True)
        ]
        self.asked = 0

    def select(self, name: str, **params: Any) -> list[dict[str, Any]]:
        assert name == "root_keys"
        self.asked += 1
        after = (params["cursor_us"], params["cursor_id"], params["cursor_run"])
        rows = [row for row in self._rows if (row["start_us"], row["trace_id"], row["run_id"]) < after]
        return rows[: params["limit"]]


def _starts(ledger: Keys, limit: int) -> list[int]:
    return [head.start_us for head in newest_roots(ledger, "shop", Window(), BEYOND, limit)]  # type: ignore[arg-type]


def test_a_root_that_is_held_twice_counts_once_and_one_read_is_enough() -> None:
    ledger = Keys(40, 40, 30, 30, 20, 20, 10, 10)
    assert _starts(ledger, 3) == [40, 30, 20]
    assert ledger.asked == 1


def test_what_more_versions_took_the_place_of_is_read_as_well() -> None:
    ledger = Keys(40, 40, 40, 40, 30, 30, 30, 30, 20, 10)
    assert _starts(ledger, 2) == [40, 30]
    assert _starts(ledger, 4) == [40, 30, 20, 10]


def test_fewer_roots_than_asked_for_are_all_there_are() -> None:
    assert _starts(Keys(20, 10, 10), 50) == [20, 10]
    assert _starts(Keys(), 50) == []
