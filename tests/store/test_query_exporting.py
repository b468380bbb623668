"""Whole runs and charges out of the real engine, page by page: each once, the earliest first."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.store.samples import NOON_US, SECOND_US, TRACE, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.query import exporting
from everytoken.query.errors import CursorError, NotFoundError
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

ALL = Window()
Store = tuple[Ledger, Control]
Export = Callable[..., exporting.Page]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        yield ledger, control
        control.close()


def every(export: Export, store: Store, *, limit: int = 2, window: Window = ALL) -> list[list[dict[str, Any]]]:
    pages: list[list[dict[str, Any]]] = []
    cursor: str | None = None
    while True:
        page = export(*store, "shop", window, cursor=cursor, limit=limit)
        pages.append([json.loads(row) for row in page.rows])
        cursor = page.next
        if cursor is None:
            return pages


def test_a_run_comes_with_all_it_carries(store: Store) -> None:
    carried: dict[str, Any] = {
        "inputs": {"q": "강남역"}, "outputs": {"n": 2**70, "a": "b"}, "events": [{"name": "new_token"}],
        "metadata": {"thread_id": "t"}, "extra": {"runtime": {"sdk": "x"}}, "tags": ("a",), "flags": ("f",),
    }  # fmt: skip
    store[0].write([run(uid(1), first_token_us=NOON_US + 5, **carried)], [], [])
    ((found,),) = every(exporting.export_runs, store)
    assert found["run_id"] == uid(1)
    assert (found["start_us"], found["first_token_us"]) == (NOON_US, NOON_US + 5)
    assert {name: found[name] for name in carried} == {**carried, "tags": ["a"], "flags": ["f"]}


def test_pages_hold_each_run_once_in_the_order_of_time(store: Store) -> None:
    store[0].write([run(uid(n), start_us=NOON_US + (5 - n) * SECOND_US) for n in range(1, 6)], [], [])
    store[0].write([run(uid(3), start_us=NOON_US + 2 * SECOND_US, outputs={"again": 1})], [], [])
    pages = every(exporting.export_runs, store)
    assert [[row["run_id"] for row in page] for page in pages] == [[uid(5), uid(4)], [uid(3), uid(2)], [uid(1)]]


def test_a_page_of_large_runs_is_short(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE_BYTES", 2_500)
    store[0].write([run(uid(n), start_us=NOON_US + n, inputs={"text": "x" * 1_000}) for n in range(1, 5)], [], [])
    assert [len(page) for page in every(exporting.export_runs, store, limit=100)] == [2, 2]


def test_charges_leave_with_what_a_list_does_not_show(store: Store) -> None:
    rows = [
        charge(key, started_us=NOON_US + n, environment="prod", release="1.4.2", tags=("a",))
        for n, key in enumerate("cab")
    ]
    store[0].write([], rows, [])
    pages = every(exporting.export_charges, store)
    assert [[row["charge_key"] for row in page] for page in pages] == [["c", "a"], ["b"]]
    first = pages[0][0]
    assert first["release"] == "1.4.2"
    assert (first["environment"], first["tags"], first["requests"], first["trace_id"]) == ("prod", ["a"], 1, TRACE)


def test_a_window_bounds_what_leaves(store: Store) -> None:
    store[0].write([], [charge(key, started_us=NOON_US + n) for n, key in enumerate("abc")], [])
    within = Window(NOON_US + 1, NOON_US + 2)
    assert [[row["charge_key"] for row in page] for page in every(exporting.export_charges, store, window=within)] == [
        ["b"]
    ]


def test_an_unknown_project_and_a_strange_cursor_are_named(store: Store) -> None:
    with pytest.raises(NotFoundError):
        exporting.export_runs(*store, "nobody", ALL, cursor=None, limit=1)
    with pytest.raises(CursorError):
        exporting.export_charges(*store, "shop", ALL, cursor="x", limit=1)
