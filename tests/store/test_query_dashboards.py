"""Series, groups, changes of cost and coverage on the real engine, with figures worked out by hand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.store.samples import NOON_US, SECOND_US, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.core.charge import Charge, Cost, CostLine
from everytoken.core.usage import Usage
from everytoken.query.chart_rows import Series
from everytoken.query.contributions import list_contributions
from everytoken.query.coverage import read_coverage
from everytoken.query.errors import NotFoundError
from everytoken.query.groups import list_dearest, list_groups, read_thread
from everytoken.query.series import DIMENSIONS, Dimension, Split, read_series
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

ALL = Window()
HOUR_US = 3600 * SECOND_US
DAY = Window(NOON_US - 12 * HOUR_US, NOON_US + 12 * HOUR_US)


@dataclass
class Store:
    ledger: Ledger
    control: Control

    def series(self, window: Window = DAY, by: Dimension = "none", top: int = 8, **fields: Any) -> Series:
        split = Split(by=by, top=top, **{"bucket": None, "zone": ZoneInfo("UTC"), **fields})
        return read_series(self.ledger, self.control, "shop", window, split, now_us=NOON_US + HOUR_US)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        yield Store(ledger, control)
        control.close()


def points(found: Series) -> dict[str | None, dict[int, str]]:
    """By group: hours from noon → known cost."""
    return {
        group.key: {(point.start_us - NOON_US) // HOUR_US: point.cost_known_usd for point in group.points}
        for group in found.groups
    }


def test_a_series_sums_each_bucket_and_leaves_the_empty_ones_out(store: Store) -> None:
    store.ledger.write(
        [],
        [
            charge("a", "0.5", started_us=NOON_US, duration_us=100_000, ttft_us=10_000),
            charge("b", "0.25", started_us=NOON_US + HOUR_US - 1, duration_us=300_000, status="error"),
            charge("c", None, tokens=None, started_us=NOON_US + 2 * HOUR_US),
            charge("late", "9", started_us=NOON_US + 12 * HOUR_US),
            charge("elsewhere", "9", project="other"),
        ],
        [],
    )

    found = store.series()
    assert (found.bucket, len(found.starts_us), found.starts_us[12]) == ("hour", 24, NOON_US)
    (group,) = found.groups
    first, second = group.points
    assert (group.key, group.other, first.start_us, first.llm_calls) == (None, False, NOON_US, 2)
    assert (first.cost_usd, first.total_tokens, first.errors) == ("0.75", 240, 1)
    assert (first.p50_ms, first.p95_ms, first.ttft_p50_ms) == (300.0, 300.0, 10.0)
    assert (second.start_us, second.cost_usd, second.quality.missing) == (NOON_US + 2 * HOUR_US, None, 1)
    assert second.ttft_p95_ms is None


def test_the_dearest_groups_stand_apart_and_the_rest_is_one(store: Store) -> None:
    store.ledger.write(
        [],
        [
            charge("a", "0.1", response_model="cheap"),
            charge("b", "0.5", response_model="dear"),
            charge("c", "0.2", response_model=None, request_model=None),
            charge("d", "0.05", response_model="cheapest", started_us=NOON_US + HOUR_US),
        ],
        [],
    )

    found = store.series(by="model", top=2)
    assert [(group.key, group.other) for group in found.groups] == [("dear", False), (None, False), (None, True)]
    assert found.groups[2].points[0].cost_known_usd == "0.1"
    assert found.groups[2].points[1].cost_known_usd == "0.05"
    assert found.grouped == 2


def test_a_charge_counts_under_each_of_its_tags(store: Store) -> None:
    store.ledger.write([], [charge("a", "0.5", tags=("x", "y")), charge("b", "0.25", tags=("y",))], [])

    assert points(store.series(by="tag")) == {"y": {0: "0.75"}, "x": {0: "0.5"}}


def test_money_by_class_comes_from_the_arithmetic_and_tokens_from_the_counts(store: Store) -> None:
    lines = (("input", "60"), ("cache_read", "40"), ("output_text_reasoning", "20"), ("web_search", "1"))
    cost = Cost(
        usd=Decimal("0.4"),
        status="priced",
        lines=tuple(CostLine(name, Decimal(n), Decimal(1), 1, Decimal("0.1")) for name, n in lines),
    )
    usage = Usage(100, 20, {"cache_read": 40}, {"reasoning": 5})
    store.ledger.write([], [replace(charge("a"), usage=usage, cost=cost), charge("b", None, tokens=(7, 3))], [])

    found = store.series(by="class")
    assert points(found) == {
        "input": {0: "0.1"},
        "cache_read": {0: "0.1"},
        "output": {0: "0.1"},
        "reasoning": {0: "0"},
        "other": {0: "0.1"},
    }
    tokens = {group.key: group.points[0].total_tokens for group in found.groups}
    assert tokens == {"input": 67, "cache_read": 40, "output": 18, "reasoning": 5, "other": 0}
    assert found.groups[0].points[0].cost_usd is None


def test_days_follow_the_time_zone(store: Store) -> None:
    # 15:00 UTC is midnight in Seoul.
    at = [NOON_US + 3 * HOUR_US - 1, NOON_US + 3 * HOUR_US]
    store.ledger.write([], [charge(f"k{n}", "1", started_us=us) for n, us in enumerate(at)], [])

    found = store.series(bucket="day", zone=ZoneInfo("Asia/Seoul"))
    assert found.starts_us == [NOON_US - 21 * HOUR_US, NOON_US + 3 * HOUR_US]
    assert points(found) == {None: {-21: "1", 3: "1"}}


def test_an_open_window_begins_with_the_first_charge_and_ends_now(store: Store) -> None:
    assert (store.series(ALL).starts_us, store.series(ALL).from_us) == ([], None)
    store.ledger.write([], [charge("a", started_us=NOON_US - HOUR_US)], [])

    found = store.series(ALL)
    assert (found.from_us, found.to_us, found.bucket) == (NOON_US - HOUR_US, NOON_US + HOUR_US, "minute")


@pytest.mark.parametrize("by", DIMENSIONS)
def test_every_dimension_adds_up_to_the_same_cost(store: Store, by: Dimension) -> None:
    lines = (CostLine("input", Decimal(1), Decimal(1), 1, Decimal("0.25")),)
    cost = Cost(usd=Decimal("0.25"), status="priced", lines=lines)
    full: dict[str, Any] = {"node": "answer", "user_id": "u", "thread_id": "t", "tags": ("one",)}
    store.ledger.write([], [replace(charge("a", **full), cost=cost), replace(charge("b"), cost=cost)], [])

    found = store.series(by=by)
    known = [Decimal(point.cost_known_usd) for group in found.groups for point in group.points]
    assert sum(known) == Decimal("0.5")


def test_users_carry_their_traces_threads_and_share(store: Store) -> None:
    store.ledger.write(
        [],
        [
            charge("a", "0.3", user_id="kim", thread_id="t1", trace_id=uid(1)),
            charge("b", "0.3", user_id="kim", thread_id="t2", trace_id=uid(2), started_us=NOON_US + 5),
            charge("c", "0.2", user_id=None, trace_id=uid(3), status="error"),
        ],
        [],
    )

    kim, nobody = list_groups(store.ledger, store.control, "shop", ALL, by="user").groups
    assert (kim.key, kim.traces, kim.threads, kim.users, kim.cost_usd, kim.share) == ("kim", 2, 2, 1, "0.6", 0.75)
    assert (kim.first_us, kim.last_us, kim.models, kim.p50_ms) == (
        NOON_US,
        NOON_US + 5,
        ["gpt-5.2-2025-12-11"],
        250.0,
    )
    assert (nobody.key, nobody.errors, nobody.threads, nobody.share) == (None, 1, 0, 0.25)


def test_a_thread_is_its_traces_in_order_with_what_each_cost(store: Store) -> None:
    runs = [
        run(uid(2), trace_id=uid(2), start_us=NOON_US + HOUR_US, inputs={"message": "and now?"}),
        run(uid(1), trace_id=uid(1), start_us=NOON_US, inputs={"message": "hello"}, outputs={"answer": "hi"}),
        run(uid(3), trace_id=uid(3)),
    ]
    charges = [
        charge("a", "0.5", trace_id=uid(1), thread_id="t'1", started_us=NOON_US + 1),
        charge("b", "0.25", trace_id=uid(2), thread_id="t'1", started_us=NOON_US + HOUR_US + 1),
        charge("c", "9", trace_id=uid(3), thread_id="t2"),
    ]
    store.ledger.write(runs, charges, [])

    view = read_thread(store.ledger, store.control, "shop", "t'1")
    assert [(turn.trace_id, turn.cost_usd, turn.input_preview) for turn in view.turns] == [
        (uid(1), "0.5", "hello"),
        (uid(2), "0.25", "and now?"),
    ]
    assert (view.totals.cost_usd, view.totals.llm_calls, view.truncated) == ("0.75", 2, False)
    with pytest.raises(NotFoundError, match="no thread 'gone'"):
        read_thread(store.ledger, store.control, "shop", "gone")


def test_the_dearest_traces_name_the_run_and_node_that_cost_most(store: Store) -> None:
    store.ledger.write(
        [run(uid(n), trace_id=uid(n)) for n in (1, 2, 3)],
        [
            charge("a", "0.2", trace_id=uid(1), run_id=uid(11), node="intent"),
            charge("b", "0.5", trace_id=uid(1), run_id=uid(12), node="answer"),
            charge("c", "0.6", trace_id=uid(2), run_id=uid(13)),
            charge("d", None, trace_id=uid(3)),
        ],
        [],
    )

    first, second = list_dearest(store.ledger, store.control, "shop", ALL, limit=5).traces
    assert (first.trace_id, first.cost_usd, first.dearest_run_id, first.dearest_node) == (
        uid(1),
        "0.7",
        uid(12),
        "answer",
    )
    assert (second.trace_id, second.dearest_node) == (uid(2), None)


def test_a_change_of_cost_is_parted_into_volume_and_unit_cost(store: Store) -> None:
    hour, before = NOON_US, NOON_US - HOUR_US
    dear = [charge(f"o{n}", "3", started_us=before, node="answer") for n in range(2)]
    dear += [charge(f"n{n}", "4", started_us=hour, node="answer") for n in range(5)]
    new = [charge("x", "1.5", started_us=hour, node="search")]
    gone = [charge("y", "2", started_us=before, node="old"), charge("z", None, started_us=before, node="old")]
    store.ledger.write([], [*dear, *new, *gone], [])

    found = list_contributions(
        store.ledger, store.control, "shop", by="node", after=(hour, hour + HOUR_US), before=(before, hour)
    )
    assert [(row.key, row.change_usd, row.volume_usd, row.unit_usd) for row in found.groups] == [
        ("answer", "14", "9", "5"),
        ("old", "-2", "-2", "0"),
        ("search", "1.5", "1.5", "0"),
    ]
    # 3 priced calls of $8 became 6 of $21.50: three more at $8/3 are $8, the rest is dearer calls.
    assert (found.total.change_usd, found.total.volume_usd, found.total.unit_usd) == ("13.5", "8", "5.5")
    assert (found.groups[0].before.per_call_usd, found.groups[0].after.per_call_usd) == ("3", "4")
    assert (found.groups[1].before.llm_calls, found.groups[1].before.priced_calls) == (2, 1)
    assert found.groups[1].after.per_call_usd is None


def test_coverage_names_the_cause_of_each_path_and_what_needs_attention_first(store: Store) -> None:
    store.ledger.write(
        [],
        [
            charge("good", "0.5", call_path="openai.chat"),
            charge("failed", None, tokens=None, call_path="openai.chat", status="error", started_us=NOON_US + 9),
            charge("a", None, tokens=None, call_path="openai.chat.stream", trace_id=uid(1)),
            charge("b", None, tokens=None, call_path="openai.chat.stream", trace_id=uid(2), started_us=NOON_US + 5),
            charge("c", "1", call_path="openai.chat.stream"),
            charge("d", None, call_path="gemini.generate", response_model="own-1"),
        ],
        [],
    )

    found = read_coverage(store.ledger, store.control, "shop", ALL)
    stream, unpriced, good = found.paths
    assert (found.reporting, len(found.paths), found.llm_calls) == (2, 3, 6)
    assert (stream.call_path, stream.reports, stream.quality.missing) == ("openai.chat.stream", False, 2)
    (cause,) = stream.causes
    assert (cause.code, cause.calls, cause.trace_ids) == ("stream_without_usage", 2, [uid(2), uid(1)])
    assert (cause.first_us, cause.last_us) == (NOON_US, NOON_US + 5)
    assert "include_usage" in (cause.snippet or "")
    assert (unpriced.call_path, unpriced.reports, unpriced.causes[0].code) == ("gemini.generate", True, "model_unknown")
    assert unpriced.causes[0].models == ["own-1"]
    assert (good.call_path, good.reports, [c.code for c in good.causes]) == ("openai.chat", True, ["call_failed"])


def test_what_settlement_noticed_is_told_beside_the_paths(store: Store) -> None:
    store.ledger.write(
        [],
        [
            charge("a", run_ids=(uid(1), uid(2), uid(3)), flags=("layers_disagree",), trace_id=uid(7)),
            charge("b", run_ids=(uid(4), uid(5)), trace_id=uid(8), started_us=NOON_US + 1),
            charge("c", run_ids=(uid(6),), flags=("orphan",), trace_id=uid(9)),
        ],
        [],
    )

    notes = {note.kind: note for note in read_coverage(store.ledger, store.control, "shop", ALL).notes}
    assert set(notes) == {"duplicate", "layers_disagree", "orphan"}
    assert (notes["duplicate"].calls, notes["duplicate"].reports) == (2, 3)
    assert notes["duplicate"].trace_ids == [uid(8), uid(7)]
    assert (notes["layers_disagree"].calls, notes["orphan"].trace_ids) == (1, [uid(9)])


def test_a_response_that_spans_of_several_traces_tell_of_is_told_as_counted_too_often(store: Store) -> None:
    def seen(key: str, trace: int, after_us: int, **more: Any) -> Charge:
        fields = {"layer": "otel", "response_id": "chatcmpl-1", "started_us": NOON_US + after_us, **more}
        return charge(key, trace_id=uid(trace), **fields)

    store.ledger.write(
        [],
        [
            seen("a", 1, 0),
            seen("b", 2, 1),
            seen("c", 3, 2),
            seen("d", 4, 3, response_id="chatcmpl-2"),
            seen("e", 5, 4, response_id="chatcmpl-3", layer="framework"),
            seen("f", 6, 5, response_id="chatcmpl-3", layer="framework"),
            seen("g", 7, 6, response_id=None),
            seen("h", 8, 7, response_id=None),
            seen("i", 9, 8, project="other"),
        ],
        [],
    )

    (note,) = read_coverage(store.ledger, store.control, "shop", ALL).notes
    assert (note.kind, note.calls, note.reports, note.trace_ids) == ("two_traces", 2, 2, [uid(3), uid(1)])
    assert (note.first_us, note.last_us) == (NOON_US, NOON_US + 2)


@pytest.mark.parametrize("name", ["it's", '"; DROP TABLE charge_versions', "\\", "강남 🧴"], ids=repr)
def test_any_group_name_is_only_a_name(store: Store, name: str) -> None:
    store.ledger.write([], [charge("a", "0.5", user_id=name, thread_id=name, node=name)], [])

    assert points(store.series(by="user")) == {name: {0: "0.5"}}
    assert points(store.series(by="node")) == {name: {0: "0.5"}}
    assert list_groups(store.ledger, store.control, "shop", ALL, by="thread").groups[0].key == name
