"""Questions on the real engine, with figures worked out by hand."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.store.samples import NOON_US, SECOND_US, TRACE, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.core.charge import Charge, Cost, CostStatus, Quality
from everytoken.core.sums import sums_of
from everytoken.core.usage import Usage
from everytoken.query import models, nodes
from everytoken.query.charges import list_charges
from everytoken.query.errors import NotFoundError
from everytoken.query.models import list_models
from everytoken.query.nodes import list_nodes
from everytoken.query.projects import list_projects, summary
from everytoken.query.rows import QualityCounts, Totals
from everytoken.query.run_detail import read_run
from everytoken.query.topology import read_topology
from everytoken.query.totals import sums_of_row, totals
from everytoken.query.trace_search import search_trace
from everytoken.query.trace_view import read_trace
from everytoken.query.traces import list_traces
from everytoken.query.window import Window
from everytoken.query.worst import list_worst
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.rows import SettledRun

ALL = Window()


@dataclass
class Store:
    ledger: Ledger
    control: Control


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as ledger:
        control = Control.open(Settings(data=tmp_path))
        control.ensure_project("shop", NOON_US)
        yield Store(ledger, control)
        control.close()


def mixed_charges() -> list[Charge]:
    """One of each kind: exact, partial, estimated, missing, approximate, unpriced."""
    plain = charge("exact", "0.5", tokens=(100, 20))
    details = Usage(100, 20, {"cache_read": 40}, {"reasoning": 5})
    return [
        replace(plain, usage=details),
        replace(charge("partial", "0.25", tokens=(10, 2)), quality="partial"),
        replace(
            charge("estimated", tokens=(7_000, 3_000)),
            quality="estimated",
            cost=Cost(usd=Decimal(9), status="estimated"),
        ),
        charge("missing", None, tokens=None),
        replace(charge("approximate", tokens=(1, 1)), cost=Cost(usd=Decimal("0.125"), status="approximate")),
    ]


def test_estimates_stay_outside_the_totals_and_an_unpriced_call_makes_the_cost_unknown(store: Store) -> None:
    store.ledger.write([run(TRACE)], mixed_charges(), [])

    found = summary(store.ledger, store.control, "shop", ALL)
    assert found.llm_calls == 5
    assert (found.input_tokens, found.output_tokens, found.total_tokens) == (111, 23, 134)
    assert (found.cache_read_tokens, found.reasoning_tokens) == (40, 5)
    assert found.cost_usd is None
    assert found.cost_known_usd == "0.875"
    assert found.unpriced_calls == 2
    assert found.quality == QualityCounts(exact=2, partial=1, estimated=1, missing=1)


def test_a_request_that_still_runs_is_neither_missing_nor_unpriced(store: Store) -> None:
    open_ones = [
        charge("open", None, tokens=None, status="pending"),
        charge("cut", None, tokens=(5, 1), status="pending"),
    ]
    store.ledger.write([run(TRACE)], [charge("done", "0.5"), open_ones[0]], [])

    found = summary(store.ledger, store.control, "shop", ALL)
    assert (found.llm_calls, found.cost_usd, found.unpriced_calls, found.quality.missing) == (2, "0.5", 0, 0)

    store.ledger.write([], [open_ones[1]], [])
    assert summary(store.ledger, store.control, "shop", ALL).unpriced_calls == 1


def test_sql_and_core_add_up_charges_by_the_same_rule(store: Store) -> None:
    dice = random.Random(7)
    charges = []
    for n in range(300):
        quality: Quality = dice.choice(("exact", "partial", "estimated", "missing"))
        status: CostStatus = dice.choice(("priced", "approximate", "estimated", "unpriced"))
        usd = None if status == "unpriced" else Decimal(dice.randrange(10**9)).scaleb(-9)
        usage = None if quality == "missing" else Usage(dice.randrange(9999), dice.randrange(999), {"cache_read": n})
        ended = dice.choice(("success", "error", "pending"))
        told = Cost(usd=usd, status=status)
        charges.append(replace(charge(f"k{n}"), quality=quality, usage=usage, cost=told, status=ended))
    store.ledger.write([], charges, [])

    (row,) = store.ledger.select("project_charges", project="shop", from_us=0, to_us=2**62)
    assert totals(sums_of_row(row)) == totals(sums_of(charges))


def test_a_summary_counts_roots_errors_and_durations_of_ended_traces(store: Store) -> None:
    ended = [
        run(uid(n), trace_id=uid(n), end_us=NOON_US + n * SECOND_US, status="error" if n == 3 else "success")
        for n in (1, 2, 3)
    ]
    running = run(uid(4), trace_id=uid(4))
    child = run(uid(5), trace_id=uid(1), parent_run_id=uid(1), end_us=NOON_US + 99 * SECOND_US, status="error")
    store.ledger.write([*ended, running, child], [], [])

    found = summary(store.ledger, store.control, "shop", ALL)
    assert (found.traces, found.runs, found.errors) == (4, 5, 1)
    assert found.p50_ms == 2000.0
    assert found.p95_ms == 3000.0


def test_a_project_without_traces_sums_to_nothing(store: Store) -> None:
    found = summary(store.ledger, store.control, "shop", ALL)

    assert (found.traces, found.llm_calls, found.cost_usd, found.cost_known_usd) == (0, 0, "0", "0")
    assert (found.p50_ms, found.p95_ms) == (None, None)


def test_the_window_is_from_inclusive_to_exclusive(store: Store) -> None:
    starts = [NOON_US - 1, NOON_US, NOON_US + 1, NOON_US + 2]
    runs = [run(uid(n), trace_id=uid(n), start_us=at) for n, at in enumerate(starts)]
    store.ledger.write(runs, [charge(f"k{n}", "1", started_us=at) for n, at in enumerate(starts)], [])

    found = summary(store.ledger, store.control, "shop", Window(NOON_US, NOON_US + 2))
    assert (found.traces, found.llm_calls, found.cost_usd) == (2, 2, "2")
    page = list_traces(store.ledger, store.control, "shop", Window(NOON_US, NOON_US + 2), limit=10)
    assert [row.start_us for row in page.traces] == [NOON_US + 1, NOON_US]


def test_nodes_without_a_model_call_are_listed_and_charges_join_by_node(store: Store) -> None:
    runs = [
        run(uid(1), node="answer", is_node=True, end_us=NOON_US + SECOND_US),
        run(uid(2), node="answer", is_node=True, end_us=NOON_US + 3 * SECOND_US, status="error"),
        run(uid(3), node="answer", end_us=NOON_US + 50 * SECOND_US),
        run(uid(4), node="router", is_node=True),
    ]
    charges = [
        charge("a", "0.3", node="answer"),
        charge("b", "0.1", node=None),
        charge("c", "0.6", node="late_node"),
    ]
    store.ledger.write(runs, charges, [])

    found = list_nodes(store.ledger, store.control, "shop", ALL)
    assert (found.outside.llm_calls, found.outside.cost_usd, found.truncated) == (1, "0.1", False)
    rows = {row.node: row for row in found.nodes}
    assert list(rows) == ["late_node", "answer", "router"]
    assert (rows["answer"].executions, rows["answer"].errors, rows["answer"].llm_calls) == (2, 1, 1)
    assert (rows["answer"].cost_usd, rows["answer"].share) == ("0.3", 0.3)
    assert (rows["answer"].p50_ms, rows["answer"].p95_ms) == (3000.0, 3000.0)
    assert (rows["router"].executions, rows["router"].llm_calls, rows["router"].p50_ms) == (1, 0, None)
    assert (rows["late_node"].executions, rows["late_node"].share) == (0, 0.6)


def test_more_nodes_and_models_than_are_listed_are_said_to_be_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "MAX_NODES", 2)
    monkeypatch.setattr(models, "MAX_MODELS", 2)
    about = (store.ledger, store.control, "shop", ALL)
    for number, name in enumerate(("a", "b", "c")):
        store.ledger.write([], [charge(name, f"0.{3 - number}", node=name, response_model=name)], [])
        listed = list_nodes(*about)
        assert [row.node for row in listed.nodes] == ["a", "b", "c"][: min(number + 1, 2)]
        assert listed.truncated == list_models(*about).truncated == (number == 2)
        assert len(list_models(*about).models) == len(listed.nodes)


def test_the_worst_runs_of_a_node_are_the_slowest_the_dearest_and_the_failed(store: Store) -> None:
    def execution(number: int, seconds: int | None, **fields: Any) -> SettledRun:
        end_us = None if seconds is None else NOON_US + seconds * SECOND_US
        return run(uid(number), trace_id=uid(100 + number), node="answer", is_node=True, end_us=end_us, **fields)

    store.ledger.write(
        [
            execution(1, 2),
            execution(2, 5, status="error", error="TimeoutError: " + "x" * 1_000),
            execution(3, None),
            run(uid(4), node="router", is_node=True, end_us=NOON_US + 60 * SECOND_US),
        ],
        [
            charge("a", "0.25", trace_id=uid(101), run_id=uid(11), node="answer"),
            charge("b", "0.5", trace_id=uid(101), run_id=uid(12), node="answer"),
            charge("c", "0.6", trace_id=uid(102), run_id=uid(13), node="answer"),
            charge("d", "9", trace_id=uid(102), run_id=uid(14), node="router"),
            charge("e", None, trace_id=uid(103), run_id=uid(15), node="answer"),
        ],
        [],
    )
    found = list_worst(store.ledger, store.control, "shop", "answer", ALL, limit=2)
    assert [(row.run_id, row.duration_ms) for row in found.slowest] == [(uid(2), 5_000.0), (uid(1), 2_000.0)]
    assert [(row.trace_id, row.run_id, row.cost_usd) for row in found.dearest] == [
        (uid(101), uid(12), "0.75"),
        (uid(102), uid(13), "0.6"),
    ]
    (failed,) = found.failed
    assert (failed.run_id, failed.error and len(failed.error)) == (uid(2), 300)


def test_models_are_named_by_what_answered_else_by_what_was_asked_for(store: Store) -> None:
    charges = [
        charge("a", "0.5", response_model="gpt-5.2", duration_us=100_000, ttft_us=20_000),
        charge("b", "0.25", response_model=None, request_model="gpt-5.2", duration_us=300_000, status="error"),
        charge("c", None, tokens=None, provider=None, response_model=None, request_model=None, duration_us=None),
    ]
    store.ledger.write([], charges, [])

    first, second = list_models(store.ledger, store.control, "shop", ALL).models
    assert (first.provider, first.model, first.llm_calls, first.cost_usd) == ("openai", "gpt-5.2", 2, "0.75")
    assert (first.errors, first.ttft_p50_ms, first.share) == (1, 20.0, 1.0)
    assert (second.provider, second.model, second.cost_usd, second.p50_ms) == (None, None, None, None)


def test_traces_carry_the_sums_of_their_own_charges(store: Store) -> None:
    runs = [
        run(uid(1), trace_id=uid(1), start_us=NOON_US, end_us=NOON_US + SECOND_US, status="success"),
        run(uid(2), trace_id=uid(1), parent_run_id=uid(1), start_us=NOON_US + 5),
        run(uid(3), trace_id=uid(3), start_us=NOON_US + 9, metadata={"thread_id": "t", "user_id": "u"}),
    ]
    charges = [
        charge("a", "0.5", trace_id=uid(1), response_model="m2", duration_us=600_000, ttft_us=400_000),
        charge("p", "0", trace_id=uid(1), response_model="m1", duration_us=90_000, ttft_us=10_000),
        charge("b", "0.25", trace_id=uid(1), response_model="m1", started_us=NOON_US + 10),
    ]
    store.ledger.write(runs, charges, [])

    newest, older = list_traces(store.ledger, store.control, "shop", ALL, limit=10).traces
    assert (newest.trace_id, newest.thread_id, newest.user_id, newest.runs) == (uid(3), "t", "u", 1)
    assert (newest.llm_calls, newest.cost_usd, newest.status, newest.duration_ms) == (0, "0", "pending", None)
    assert (older.llm_calls, older.cost_usd, older.runs, older.models) == (3, "0.75", 2, ["m1", "m2"])
    assert (older.duration_ms, older.ttft_ms) == (1000.0, 400.0)


def test_pages_neither_repeat_nor_skip_while_new_traces_come(store: Store) -> None:
    # Ten traces a microsecond, so that pages end in the middle of equal times.
    traces = [run(uid(n), trace_id=uid(n), start_us=NOON_US + n // 10) for n in range(95)]
    store.ledger.write(traces, [], [])
    seen: list[str] = []
    cursor: str | None = None
    for step in range(40):
        page = list_traces(store.ledger, store.control, "shop", ALL, cursor=cursor, limit=7)
        seen += [row.trace_id for row in page.traces]
        late = uid(10_000 + step)
        store.ledger.write([run(late, trace_id=late, start_us=NOON_US + 10**6 + step)], [], [])
        cursor = page.next
        if cursor is None:
            break

    assert len(seen) == 95
    assert sorted(seen) == sorted(uid(n) for n in range(95))


def test_pages_of_charges_neither_repeat_nor_skip(store: Store) -> None:
    keys = [f"k'{n:03}\\" for n in range(50)]
    store.ledger.write([], [charge(key, trace_id=uid(n % 3)) for n, key in enumerate(keys)], [])
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = list_charges(store.ledger, store.control, ALL, project="shop", cursor=cursor, limit=8)
        seen += [row.charge_key for row in page.charges]
        cursor = page.next
        if cursor is None:
            break

    assert len(seen) == 50
    assert sorted(seen) == keys


def test_charges_of_one_trace_are_those_of_no_other(store: Store) -> None:
    store.ledger.write([], [charge("a", trace_id=uid(1)), charge("b", trace_id=uid(2))], [])

    page = list_charges(store.ledger, store.control, ALL, trace_id=uid(2), limit=10)
    assert [row.charge_key for row in page.charges] == ["b"]
    assert page.charges[0].price_source == "genai-prices 0.2.3"
    assert page.charges[0].cost_lines[0].rate_usd == "1.75"


def test_a_trace_is_shown_as_a_tree_with_own_and_subtree_numbers(store: Store) -> None:
    runs = [
        run(TRACE, name="root", end_us=NOON_US + 10 * SECOND_US, status="success", inputs={"question": "어디?"}),
        run(uid(2), parent_run_id=TRACE, name="left", start_us=NOON_US + 1, end_us=NOON_US + 4 * SECOND_US),
        run(uid(3), parent_run_id=TRACE, name="right", start_us=NOON_US + 2, end_us=NOON_US + 9 * SECOND_US),
        run(uid(4), parent_run_id=uid(3), name="llm", run_type="llm", start_us=NOON_US + 3, outputs="x" * 9_000),
    ]
    charges = [charge("a", "0.5", run_id=uid(4)), charge("b", "0.25", run_id=uid(2))]
    store.ledger.write(runs, charges, [])

    view = read_trace(store.ledger, TRACE)
    assert [(row.name, row.depth, row.subtree.cost_usd, row.own.cost_usd) for row in view.runs] == [
        ("root", 0, "0.75", "0"),
        ("left", 1, "0.25", "0.25"),
        ("right", 1, "0.5", "0"),
        ("llm", 2, "0.5", "0.5"),
    ]
    assert [row.parallel for row in view.runs] == [False, True, True, False]
    assert view.trace.input_preview == "어디?"
    assert view.trace.cost_usd == "0.75"
    assert view.charges[0].run_id in (uid(2), uid(4))
    assert view.truncated_runs == 0

    start = read_trace(store.ledger, TRACE, limit=2)
    assert [row.name for row in start.runs] == ["root", "left"]
    assert [row.cost_usd for row in start.charges] == ["0.25"], "the charges of the runs shown"
    assert start.charges == [row for row in view.charges if row.charge_key == "b"], "with all that stands behind them"
    assert (start.truncated_runs, start.trace.runs, start.trace.cost_usd) == (2, 4, "0.75"), "sums are of the whole"


def test_a_commands_destination_is_found_in_a_large_answer(store: Store) -> None:
    def node(number: int, name: str, step: int, **fields: Any) -> SettledRun:
        return run(
            uid(number), parent_run_id=TRACE, name=name, start_us=NOON_US + step, end_us=NOON_US + step + 1,
            status="success", tags=(f"graph:step:{step}",),
            metadata={"langgraph_node": name, "langgraph_step": step}, **fields,
        )  # fmt: skip

    large = {"output": {"goto": ["b"], "update": {"text": "y" * 10_000}}}
    runs = [
        run(TRACE, end_us=NOON_US + 9, status="success"),
        node(2, "a", 1, outputs=large),
        node(3, "other", 1),
        node(4, "b", 2),
    ]
    store.ledger.write(runs, [], [])

    edges = {(edge.source, edge.target) for edge in read_trace(store.ledger, TRACE).graph.edges}
    assert ("a", "b") in edges


def _step(trace: str, run_id: str, name: str, step: int) -> SettledRun:
    return run(
        run_id, trace_id=trace, parent_run_id=trace, name=name, status="success", start_us=NOON_US + step,
        end_us=NOON_US + step + 1, tags=(f"graph:step:{step}",),
        metadata={"langgraph_node": name, "langgraph_step": step},
    )  # fmt: skip


def _path(number: int, *names: str, **metadata: Any) -> list[SettledRun]:
    """A trace that ran the nodes one after the other."""
    trace = uid(number)
    root = run(trace, trace_id=trace, end_us=NOON_US + 9, status="success", metadata=metadata)
    return [root, *(_step(trace, uid(number + step), name, step) for step, name in enumerate(names, 1))]


def test_the_topology_behind_a_trace_is_what_traces_that_share_a_node_took(store: Store) -> None:
    alike, other = _path(200, "router", "weather"), _path(300, "index")
    store.ledger.write([*_path(100, "router", "search"), *alike, *other], [], [])
    found = read_topology(store.ledger, uid(100))
    assert (found.source, found.traces) == ("observed", 1)
    assert found.nodes == ["__end__", "__start__", "router", "search", "weather"]
    assert [(edge.source, edge.target) for edge in found.edges] == [
        ("__start__", "router"),
        ("router", "search"),
        ("router", "weather"),
        ("search", "__end__"),
        ("weather", "__end__"),
    ]


def test_a_graph_that_a_run_tells_is_the_topology(store: Store) -> None:
    told = {"nodes": ["router", "search", 7], "edges": [["router", "search"], ["search", "__end__", True], "junk"]}
    store.ledger.write([*_path(100, "router", everytoken_graph=told), *_path(200, "router", "weather")], [], [])
    found = read_topology(store.ledger, uid(100))
    assert (found.source, found.nodes) == ("compiled", ["__end__", "router", "search"])
    assert [(edge.source, edge.target) for edge in found.edges] == [("router", "search"), ("search", "__end__")]


def test_an_unknown_trace_has_no_topology(store: Store) -> None:
    with pytest.raises(NotFoundError):
        read_topology(store.ledger, uid(999))


def test_a_trace_whose_root_never_came_is_shown_by_its_earliest_run(store: Store) -> None:
    store.ledger.write([run(uid(2), parent_run_id=TRACE, name="orphan")], [charge("a", "1", run_id=uid(2))], [])

    view = read_trace(store.ledger, TRACE)
    assert (view.trace.trace_id, view.trace.name, view.trace.status) == (TRACE, "orphan", "pending")
    assert view.runs[0].flags == ["orphan"]
    assert view.trace.cost_usd == "1"


def test_one_runs_payload_is_read_on_its_own(store: Store) -> None:
    store.ledger.write([run(TRACE, inputs={"a": [1, None]}, outputs="text", events=({"name": "new_token"},))], [], [])

    detail = read_run(store.ledger, TRACE, TRACE)
    assert (detail.inputs, detail.outputs, detail.events) == ({"a": [1, None]}, "text", [{"name": "new_token"}])
    with pytest.raises(NotFoundError):
        read_run(store.ledger, TRACE, uid(9))


def test_a_text_is_found_in_names_errors_inputs_and_outputs_of_one_trace(store: Store) -> None:
    store.ledger.write(
        [
            run(TRACE, name="chat", inputs={"message": '강남역 "근처"\n수거함'}),
            run(uid(2), parent_run_id=TRACE, name="Search", outputs={"answer": "11번 출구"}),
            run(uid(3), parent_run_id=TRACE, error="TimeoutError: slow"),
            run(uid(4), trace_id=uid(50), name="search"),
        ],
        [],
        [],
    )

    def found(text: str) -> list[str]:
        return sorted(search_trace(store.ledger, TRACE, text).run_ids)

    assert found('역 "근처"\n수') == [TRACE]
    assert found("sEARCH") == found("출구") == [uid(2)]
    assert found("timeout") == [uid(3)]
    assert found("nowhere") == []
    with pytest.raises(NotFoundError):
        search_trace(store.ledger, uid(99), "x")


@pytest.mark.parametrize(
    "name", ["it's", "a/b/summary", '"; DROP TABLE charges', "nul\0", "강남 🧴", "\\", " "], ids=repr
)
def test_any_project_name_is_only_a_name(store: Store, name: str) -> None:
    store.control.ensure_project(name, NOON_US)
    store.ledger.write([run(TRACE, project=name)], [charge("a", "0.5", project=name), charge("b", "7")], [])

    assert summary(store.ledger, store.control, name, ALL).cost_usd == "0.5"
    assert {row.project for row in list_projects(store.ledger, store.control, ALL).projects} == {"shop", name}
    assert len(list_traces(store.ledger, store.control, name, ALL, limit=5).traces) == 1


def test_an_unknown_project_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no project 'nothing'"):
        summary(store.ledger, store.control, "nothing", ALL)


def test_totals_of_a_trace_its_list_row_and_its_project_agree(store: Store) -> None:
    store.ledger.write([run(TRACE)], mixed_charges(), [])

    def only_totals(row: Totals) -> Totals:
        return Totals(**{name: getattr(row, name) for name in Totals.__dataclass_fields__})

    in_list = list_traces(store.ledger, store.control, "shop", ALL, limit=1).traces[0]
    in_view = read_trace(store.ledger, TRACE)
    whole = only_totals(summary(store.ledger, store.control, "shop", ALL))
    assert only_totals(in_list) == only_totals(in_view.trace) == in_view.runs[0].subtree == whole
