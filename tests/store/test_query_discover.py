"""Filtered and sorted traces, traces without a root, facets, distributions and full text on the real engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.store.samples import NOON_US, SECOND_US, TRACE, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.query.distributions import Distribution, Measure, Spread, read_distribution
from everytoken.query.errors import CursorError
from everytoken.query.facets import read_facets
from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.trace_fields import OPERATORS_OF, TRACE_FIELDS, filter_language
from everytoken.query.found_traces import TraceQuestion
from everytoken.query.search import SearchResult, search
from everytoken.query.trace_view import read_trace
from everytoken.query.traces import Sort, Wanted, list_traces
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

ALL = Window()
HOUR_US = 3600 * SECOND_US
BROKEN, ORPHANED = uid(2), uid(3)


@dataclass
class Store:
    ledger: Ledger
    control: Control

    def names(self, filter: str | None = None, sort: Sort = "-start", window: Window = ALL) -> list[str]:
        page = list_traces(self.ledger, self.control, "shop", window, Wanted(filter, sort), limit=50)
        assert page.next is None
        return [row.name for row in page.traces]

    def spread(self, of: Measure) -> Distribution:
        question = TraceQuestion("shop", ALL)
        spread = Spread(of=of, zone=ZoneInfo("UTC"), buckets=4)
        return read_distribution(self.ledger, self.control, no_feedback, question, spread)

    def search(self, text: str, limit: int = 10, cursor: str | None = None) -> SearchResult:
        return search(self.ledger, self.control, text, ALL, project="shop", cursor=cursor, limit=limit)


def no_feedback(_tests: Sequence[object]) -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        yield Store(ledger, control)
        control.close()


@pytest.fixture
def three(store: Store) -> Store:
    """`broken` failed and called nothing, `chat` is plain, and of the third only two children came."""
    store.ledger.write(
        [
            run(BROKEN, trace_id=BROKEN, name="broken", start_us=NOON_US - 5, status="error", error="boom"),
            run(
                TRACE,
                name="chat",
                status="success",
                end_us=NOON_US + SECOND_US,
                tags=("a", "b"),
                inputs={"question": '오늘 날씨\n"now" 100%'},
            ),
            run(uid(30), trace_id=ORPHANED, parent_run_id=uid(99), name="first", start_us=NOON_US + 5),
            run(uid(31), trace_id=ORPHANED, parent_run_id=uid(99), name="second", start_us=NOON_US + 9),
        ],
        [
            charge("a", "0.5", user_id="kim", node="intent", ttft_us=1_000, environment="prod", release="1.4.2"),
            charge("b", "0.25", started_us=NOON_US + 1, node="answer", tokens=(1, 2)),
            charge("c", None, trace_id=ORPHANED, run_id=uid(30), response_id="resp_1", tokens=None),
        ],
        [],
    )
    return store


def test_a_trace_whose_root_never_came_is_listed_by_its_earliest_run(three: Store) -> None:
    rows = list_traces(three.ledger, three.control, "shop", ALL, limit=10).traces

    assert [(row.name, row.rootless, row.runs) for row in rows] == [
        ("first", True, 2),
        ("chat", False, 1),
        ("broken", False, 1),
    ]
    assert (rows[0].trace_id, rows[0].start_us, rows[0].unpriced_calls) == (ORPHANED, NOON_US + 5, 1)
    assert three.names(window=Window(NOON_US + 6, NOON_US + 20)) == []
    assert three.names(window=Window(NOON_US, NOON_US + 6)) == ["first", "chat"]


def test_the_row_of_a_trace_is_the_same_in_the_list_and_above_its_tree(store: Store) -> None:
    told: dict[str, Any] = {
        "metadata": {"thread_id": "t-1", "user_id": "kim"},
        "tags": ("b", "a"),
        "inputs": {"q": "hi"},
    }
    streamed: dict[str, Any] = {
        "first_token_us": NOON_US + 7,
        "end_us": NOON_US + 9,
        "status": "error",
        "error": "boom",
    }
    store.ledger.write(
        [
            run(TRACE, name="chat", **told),
            run(uid(20), parent_run_id=TRACE, name="call", **streamed),
            run(uid(31), trace_id=ORPHANED, parent_run_id=uid(99), name="second", start_us=NOON_US + 9),
            run(
                uid(30),
                trace_id=ORPHANED,
                parent_run_id=uid(98),
                name="first",
                start_us=NOON_US + 5,
                **told,
                **streamed,
            ),
        ],
        [
            charge("a", "0.5", run_id=uid(20), ttft_us=7, duration_us=9),
            charge("b", None, trace_id=ORPHANED, run_id=uid(30), started_us=NOON_US + 5, ttft_us=2, duration_us=4),
        ],
        [],
    )
    rows = list_traces(store.ledger, store.control, "shop", ALL, limit=10).traces

    assert [(row.name, row.status, row.rootless, row.ttft_ms) for row in rows] == [
        ("first", "error", True, 0.002),
        ("chat", "pending", False, 0.007),
    ]
    assert [read_trace(store.ledger, row.trace_id).trace for row in rows] == rows


def test_a_root_that_comes_later_takes_its_trace_over(three: Store) -> None:
    three.ledger.write([run(ORPHANED, trace_id=ORPHANED, name="late root", start_us=NOON_US - 2 * HOUR_US)], [], [])

    assert three.names() == ["chat", "broken", "late root"]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("start", ["broken", "chat", "first"]),
        ("-cost", ["chat", "broken", "first"]),
        ("cost", ["broken", "chat", "first"]),
        ("-latency", ["chat", "first", "broken"]),
        ("-ttft", ["chat", "first", "broken"]),
        ("-tokens", ["chat", "first", "broken"]),
        ("calls", ["broken", "first", "chat"]),
    ],
)
def test_an_unknown_value_comes_last_in_either_order(three: Store, sort: Sort, names: list[str]) -> None:
    assert three.names(sort=sort) == names


@pytest.mark.parametrize("sort", ["-start", "start", "-cost", "cost", "-latency", "latency", "calls"])
def test_pages_of_one_hold_each_trace_once_in_every_order(three: Store, sort: Sort) -> None:
    whole, found, cursor = three.names(sort=sort), [], None
    for _ in range(4):
        page = list_traces(three.ledger, three.control, "shop", ALL, Wanted(sort=sort), limit=1, cursor=cursor)
        found += [row.name for row in page.traces]
        cursor = page.next
        if cursor is None:
            break

    assert found == whole
    assert len(found) == 3


def test_a_cursor_of_another_order_is_refused(three: Store) -> None:
    cursor = list_traces(three.ledger, three.control, "shop", ALL, Wanted(sort="-cost"), limit=1).next

    with pytest.raises(CursorError, match="another order"):
        list_traces(three.ledger, three.control, "shop", ALL, Wanted(sort="cost"), limit=1, cursor=cursor)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('eq(model, "gpt-5.2-2025-12-11")', ["first", "chat"]),
        ('and(eq(node, "intent"), eq(node, "answer"))', ["chat"]),
        ('neq(node, "intent")', ["first", "broken"]),
        ('has(tags, "a")', ["chat"]),
        ('has(user, "kim")', ["chat"]),
        ('like(call_path, "openai.%")', ["first", "chat"]),
        ('eq(quality, "missing")', ["first"]),
        ("gt(total_cost, 0.5)", ["chat"]),
        ("eq(total_cost, null)", ["first"]),
        ("eq(total_tokens, 123)", ["chat"]),
        ("and(eq(llm_calls, 0), eq(status, 'error'))", ["broken"]),
        ('and(gte(ttft, "1ms"), lte(latency, "1s"))', ["chat"]),
        (f'eq(trace_id, "{ORPHANED}")', ["first"]),
        ('search("날씨")', ["chat"]),
        ('not(search("날씨"))', ["first", "broken"]),
    ],
)
def test_a_filter_speaks_of_the_root_and_of_all_charges_of_its_trace(three: Store, text: str, names: list[str]) -> None:
    assert three.names(filter=text) == names


def test_a_wrong_filter_says_where_and_what_was_meant(three: Store) -> None:
    with pytest.raises(FilterError) as caught:
        three.names(filter='eq(modle, "x")')

    assert (caught.value.position, caught.value.suggestion) == (3, "did you mean model?")


def test_every_operator_that_is_offered_for_a_field_is_understood(store: Store) -> None:
    samples = {"id": f'"{TRACE}"', "time": '"2026-11-22"', "seconds": '"5s"', "number": "1", "truth": "true"}
    for name, field in TRACE_FIELDS.items():
        for operator in OPERATORS_OF[field.kind]:
            value = samples.get(field.kind, '"x"')
            assert store.names(filter=f"{operator}({name}, {f'[{value}]' if operator == 'in' else value})") == []
    assert store.names(filter=filter_language().example) == []


def test_facets_count_traces_and_give_the_filter_that_keeps_them(three: Store) -> None:
    found = read_facets(three.ledger, three.control, no_feedback, TraceQuestion("shop", ALL), limit=1)

    assert found.traces == 3
    facets = {facet.field: facet for facet in found.facets}
    assert {name: (held.values[0].value, held.values[0].traces) for name, held in facets.items()} == {
        "status": ("error", 1),
        "model": ("gpt-5.2-2025-12-11", 2),
        "node": ("answer", 1),
        "user": ("kim", 1),
        "tag": ("a", 1),
        "environment": ("prod", 1),
        "release": ("1.4.2", 1),
        "quality": ("exact", 1),
        "cost_status": ("priced", 1),
        "provider": ("openai", 2),
        "call_path": ("openai.chat.create", 2),
        "name": ("broken", 1),
    }
    assert [name for name, held in facets.items() if held.truncated] == [
        "status", "node", "tag", "quality", "cost_status", "name",
    ]  # fmt: skip
    for facet in found.facets:
        assert len(three.names(filter=facet.values[0].filter)) == facet.values[0].traces


def test_facets_of_a_filter_count_what_it_finds(three: Store) -> None:
    question = TraceQuestion("shop", ALL, 'eq(status, "error")')

    found = read_facets(three.ledger, three.control, no_feedback, question, limit=5)
    assert (found.traces, [facet.field for facet in found.facets]) == (1, ["status", "name"])


def test_a_distribution_leaves_the_unknown_out_and_counts_it(three: Store) -> None:
    cost = three.spread("cost")
    assert (cost.traces, cost.unknown, cost.least, cost.most) == (3, 1, 0.0, 0.75)
    assert [bucket.traces for bucket in cost.buckets] == [1, 0, 0, 1]
    assert (cost.marks.p50, cost.marks.p99, cost.unit, cost.field) == (0.75, 0.75, "usd", "total_cost")

    latency = three.spread("latency")
    assert (latency.unknown, latency.least, [bucket.traces for bucket in latency.buckets]) == (2, 1.0, [1])
    assert three.spread("ttft").marks.p50 == 0.001
    assert three.spread("tokens").most == 123.0


def test_a_wide_spread_gets_logarithmic_buckets_and_zeros_one_of_their_own(store: Store) -> None:
    usd = {"1": "0.001", "2": "0.01", "3": "0.1", "4": "1", "5": "10"}
    traces = [run(uid(n), trace_id=uid(n), name=str(n)) for n in range(6)]
    charges = [charge(n, text, trace_id=uid(int(n)), run_id=uid(int(n))) for n, text in usd.items()]
    store.ledger.write(traces, charges, [])

    found = store.spread("cost")
    assert found.scale == "log"
    assert [bucket.traces for bucket in found.buckets] == [1, 1, 1, 1, 2]
    assert found.buckets[1].from_value == 0.001
    for bucket in found.buckets:
        kept = f"and(gte(total_cost, {bucket.from_value}), lt(total_cost, {bucket.to_value}))"
        assert len(store.names(filter=kept)) == bucket.traces
    assert [(time.traces, time.errors) for time in found.times] == [(6, 0)]


def test_nothing_found_has_no_bucket(store: Store) -> None:
    found = store.spread("cost")

    assert (found.traces, found.buckets, found.times, found.least, found.marks.p50) == (0, [], [], None, None)


@pytest.mark.parametrize(
    ("text", "found_in", "snippet"),
    [
        ("날씨", "inputs", '{"question":"오늘 날씨 "now" 100%"}'),
        ('"NOW" 100%', "inputs", '{"question":"오늘 날씨 "now" 100%"}'),
        ("Boom", "error", "boom"),
        ("chat", "name", "chat"),
        ("resp_1", "response_id", "resp_1"),
        ("kim", "user_id", "kim"),
        (ORPHANED, "id", ORPHANED),
    ],
)
def test_a_search_finds_text_and_ids_and_shows_where(three: Store, text: str, found_in: str, snippet: str) -> None:
    result = three.search(text)

    assert [(hit.found_in, hit.snippet) for hit in result.hits] == [(found_in, snippet)]
    (hit,) = result.hits
    assert hit.match_start is not None
    assert hit.snippet[hit.match_start :].lower().startswith(text.lower())
    assert result.complete


def test_a_search_goes_on_by_cursor_over_weeks_without_a_run(store: Store) -> None:
    week_us = 7 * 24 * HOUR_US
    runs = [run(uid(n), trace_id=uid(n), name="needle", start_us=NOON_US - n * week_us) for n in range(4)]
    store.ledger.write([*runs, run(uid(9), trace_id=uid(9), name="straw")], [], [])

    found, cursor = [], None
    for _ in range(3):
        page = store.search("NEEDLE", limit=2, cursor=cursor)
        found += [hit.run_id for hit in page.hits]
        cursor = page.next
        if cursor is None:
            break
    assert found == [uid(0), uid(1), uid(2), uid(3)]
    assert page.complete


def test_a_search_that_runs_out_of_time_says_how_far_it_came(store: Store) -> None:
    day_us = 24 * HOUR_US
    store.ledger.write(
        [run(uid(n), trace_id=uid(n), name="old", start_us=NOON_US - n * day_us) for n in (0, 2)], [], []
    )
    ticks = iter([0.0, 10.0])

    page = search(
        store.ledger, store.control, "nowhere", ALL, project=None, cursor=None, limit=5, clock=lambda: next(ticks)
    )
    assert (page.complete, page.hits, page.searched_from_us) == (False, [], NOON_US + 1 - HOUR_US)
    rest = store.search("old", cursor=page.next)
    assert [hit.run_id for hit in rest.hits] == [uid(2)]
