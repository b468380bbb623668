"""Releases on every engine: since when each makes calls, what it spent, and which one calls are missing with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.store.samples import NOON_US, SECOND_US, TRACE, charge, opened

from everytoken.config import Settings
from everytoken.query.chart_rows import Releases
from everytoken.query.contributions import list_contributions
from everytoken.query.coverage import read_coverage
from everytoken.query.errors import NotFoundError
from everytoken.query.explain import Explained, explain
from everytoken.query.releases import list_releases
from everytoken.query.series import Split, read_series
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.rows import ChargeRef

HOUR_US = 3600 * SECOND_US
DAY = Window(NOON_US - 12 * HOUR_US, NOON_US + 12 * HOUR_US)
SILENT: dict[str, Any] = {"usd": None, "tokens": None, "quality": "missing", "layer": "sdk"}
"""A call whose answer told no usage."""


@dataclass
class Store:
    ledger: Ledger
    control: Control

    def releases(self, window: Window = DAY, limit: int = 10) -> Releases:
        return list_releases(self.ledger, self.control, "shop", window, limit=limit)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """1.4.1 since two days; 1.4.2, a dearer one that forgets usage at times, since noon; one call does not say."""
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        calls = [
            charge("a", "0.125", started_us=NOON_US - 48 * HOUR_US, release="1.4.1"),
            charge("b", "0.125", started_us=NOON_US - 2 * HOUR_US, release="1.4.1"),
            charge("c", "0.5", started_us=NOON_US, release="1.4.2"),
            charge("d", **SILENT, started_us=NOON_US + HOUR_US, release="1.4.2"),
            charge("e", "0.25", started_us=NOON_US + 2 * HOUR_US, release="1.4.1"),
            charge("f", "1", started_us=NOON_US + 3 * HOUR_US),
        ]
        ledger.write([], calls, [])
        yield Store(ledger, control)
        control.close()


def test_a_release_begins_with_its_first_call_ever_and_has_spent_what_the_window_says(store: Store) -> None:
    found = store.releases()
    new, old = found.releases

    assert (new.release, new.first_us, new.last_us) == ("1.4.2", NOON_US, NOON_US + HOUR_US)
    assert (new.llm_calls, new.total_tokens, new.cost_usd, new.cost_known_usd, new.unpriced_calls) == (
        2, 120, None, "0.5", 1,
    )  # fmt: skip
    assert (old.release, old.first_us, old.last_us) == ("1.4.1", NOON_US - 48 * HOUR_US, NOON_US + 2 * HOUR_US)
    assert (old.llm_calls, old.total_tokens, old.cost_usd) == (2, 240, "0.375")
    assert not found.truncated


def test_without_a_window_all_calls_count(store: Store) -> None:
    assert [(row.release, row.llm_calls, row.cost_known_usd) for row in store.releases(Window()).releases] == [
        ("1.4.2", 2, "0.5"),
        ("1.4.1", 3, "0.5"),
    ]


def test_a_window_lists_only_the_releases_that_made_calls_in_it(store: Store) -> None:
    before = store.releases(Window(NOON_US - 3 * HOUR_US, NOON_US))
    assert [(row.release, row.first_us) for row in before.releases] == [("1.4.1", NOON_US - 48 * HOUR_US)]
    assert store.releases(Window(NOON_US + 3 * HOUR_US, None)).releases == []


def test_more_releases_than_asked_for_are_said_to_be_more(store: Store) -> None:
    found = store.releases(limit=1)
    assert ([row.release for row in found.releases], found.truncated) == (["1.4.2"], True)


def test_the_charges_of_a_release_that_settlement_took_back_are_not_its_beginning(store: Store) -> None:
    gone = ChargeRef("shop", TRACE, "a", NOON_US - 48 * HOUR_US)
    store.ledger.write([], [], [gone])
    assert store.releases(Window()).releases[1].first_us == NOON_US - 2 * HOUR_US


def test_a_project_that_nobody_sent_to_has_no_releases(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no project"):
        list_releases(store.ledger, store.control, "other", DAY, limit=10)


def test_series_are_split_by_release_and_each_part_explains_itself(store: Store) -> None:
    split = Split(by="release", bucket="day", zone=ZoneInfo("UTC"), top=8)
    found = read_series(store.ledger, store.control, "shop", DAY, split, now_us=NOON_US)
    assert {group.key: sum(point.llm_calls for point in group.points) for group in found.groups} == {
        "1.4.1": 2,
        "1.4.2": 2,
        None: 1,
    }
    asked = Explained(project="shop", window=DAY, by="release", key="1.4.1")
    assert explain(store.ledger, store.control, asked).cost_usd == "0.375"


def test_a_jump_of_cost_is_put_down_to_the_release_that_caused_it(store: Store) -> None:
    found = list_contributions(
        store.ledger,
        store.control,
        "shop",
        by="release",
        after=(NOON_US, NOON_US + 3 * HOUR_US),
        before=(NOON_US - 3 * HOUR_US, NOON_US),
    )
    # 1.4.1 made a call of $0.125 before and one of $0.25 after; all of 1.4.2 is new.
    assert [(row.key, row.change_usd, row.volume_usd, row.unit_usd) for row in found.groups] == [
        ("1.4.2", "0.5", "0.5", "0"),
        ("1.4.1", "0.125", "0", "0.125"),
    ]


def test_coverage_names_the_release_that_calls_began_to_be_missing_with(store: Store) -> None:
    more = [
        charge("g", **SILENT, started_us=NOON_US + 4 * HOUR_US, release="1.4.3"),
        # Said by another layer: another kind of the same cause, and the older one.
        charge("h", **{**SILENT, "layer": "agents"}, started_us=NOON_US - HOUR_US, release="1.4.0"),
    ]
    store.ledger.write([], more, [])
    (path,) = read_coverage(store.ledger, store.control, "shop", DAY).paths
    (cause,) = path.causes
    assert (cause.code, cause.calls, cause.first_us, cause.release) == ("usage_missing", 3, NOON_US - HOUR_US, "1.4.0")
    (path,) = read_coverage(store.ledger, store.control, "shop", Window(NOON_US, None)).paths
    assert path.causes[0].release == "1.4.2"
    store.ledger.write([], [charge("i", **SILENT, started_us=NOON_US - 2 * HOUR_US)], [])
    (path,) = read_coverage(store.ledger, store.control, "shop", DAY).paths
    assert path.causes[0].release is None
