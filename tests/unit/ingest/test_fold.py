"""Traces in memory stay within their bounds, and every run finds a place."""

from dataclasses import replace
from typing import Any

import pytest

from everytoken.ingest import fold as fold_module
from everytoken.ingest.fold import PATIENCE_US, Fold
from everytoken.wire.operations import Operation

NOW_US = 1_795_348_800_000_000


def uid(n: int) -> str:
    return f"01a204f2-8c53-7543-9601-{n:012x}"


def post(n: int, *, trace: int | None = None, size: int = 100, **fields: Any) -> Operation:
    known = {"name": f"run {n}", "start_us": NOW_US, "project": "shop", "trace_id": uid(n if trace is None else trace)}
    body = {key: value for key, value in {**known, **fields}.items() if value is not None}
    return Operation("post", uid(n), body, NOW_US + n, 0, size)  # type: ignore[arg-type]  # a test names what it means


def patch(n: int, **fields: Any) -> Operation:
    return replace(post(n, **fields), kind="patch", received_us=NOW_US + 100 + n)


def fold(**bounds: int) -> Fold:
    return Fold(project_name={"p-1": "by id"}.get, locate=lambda _run_id: None, **bounds)


def take(into: Fold, *operations: Operation, now_us: int = NOW_US) -> set[str]:
    return into.take(zip(operations, into.find(operations), strict=True), now_us)


def test_the_trace_that_moved_longest_ago_leaves_first() -> None:
    traces = fold(max_runs=2)
    take(traces, post(1), post(2))
    take(traces, post(3), post(4, trace=1))
    assert traces.shrink(NOW_US) == 2
    assert list(traces.traces) == [uid(1)]
    assert (traces.run_count, traces.size_bytes) == (2, 200)


def test_the_bound_of_bytes_holds_too() -> None:
    traces = fold(max_bytes=1000)
    take(traces, *(post(n, size=300) for n in range(1, 6)))
    assert traces.shrink(NOW_US) == 2
    assert traces.size_bytes == 900


def test_an_idle_trace_leaves_though_there_is_room() -> None:
    traces = fold()
    take(traces, post(1))
    assert traces.shrink(NOW_US + 599_000_000) == 0
    assert traces.shrink(NOW_US + 600_000_000) == 1
    assert (traces.run_count, traces.size_bytes) == (0, 0)


def test_a_project_named_by_its_id_is_found() -> None:
    traces = fold()
    take(traces, post(1, project=None, project_id="p-1"), post(2, project=None, project_id="unknown"))
    assert traces.traces[uid(1)].runs[uid(1)].place.project == "by id"
    assert traces.traces[uid(2)].runs[uid(2)].place.project == "default"


def test_a_child_without_a_project_waits_for_that_of_its_root() -> None:
    traces = fold()
    take(traces, post(2, trace=1, parent_run_id=uid(1), project=None))
    assert list(traces.waiting) == [uid(2)]
    take(traces, post(1))
    assert traces.traces[uid(1)].runs[uid(2)].place.project == "shop"
    assert (len(traces.waiting), traces.waiting_bytes) == (0, 0)


def test_an_orphan_counts_after_a_minute_in_the_trace_of_the_parent_that_never_came() -> None:
    traces = fold()
    take(traces, post(2, trace_id=None, parent_run_id=uid(1)))
    assert not traces.traces
    assert take(traces, now_us=NOW_US + 2 + PATIENCE_US) == {uid(1)}
    placed = traces.traces[uid(1)].runs[uid(2)].place
    assert (placed.is_root, placed.start_us) == (False, NOW_US)


def test_what_a_post_does_not_say_is_not_waited_for() -> None:
    traces = fold()
    take(traces, post(1, start_us=None), post(2, name=None))
    assert [traces.traces[uid(n)].runs[uid(n)].place.start_us - NOW_US for n in (1, 2)] == [1, 0]
    assert not traces.waiting


def test_what_a_post_does_not_say_is_taken_from_an_update_that_came_with_it() -> None:
    traces = fold()
    take(traces, post(1, start_us=None), patch(1, start_us=NOW_US - 7))
    assert traces.traces[uid(1)].runs[uid(1)].place.start_us == NOW_US - 7


def test_more_waiting_runs_than_there_is_room_for_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_module, "MAX_WAITING", 3)
    traces = fold()
    take(traces, *(patch(n, name=None) for n in range(1, 6)))
    assert sorted(traces.traces) == [uid(1), uid(2)]
    assert list(traces.waiting) == [uid(3), uid(4), uid(5)]


def test_waiting_runs_are_bounded_in_bytes() -> None:
    traces = fold(max_bytes=4000)
    take(traces, *(patch(n, name=None, size=600) for n in range(1, 4)))
    assert (list(traces.waiting), traces.waiting_bytes) == ([uid(3)], 600)


def test_runs_that_are_one_another_s_parents_get_an_order_and_end() -> None:
    traces = fold()
    take(traces, post(1, trace=9, parent_run_id=uid(2)), post(2, trace=9, parent_run_id=uid(1)))
    trace = traces.traces[uid(9)]
    trace.build()
    orders = [run.run.dotted_order for run in trace.runs.values() if run.run]
    assert [order[-36:] for order in orders] == [uid(1), uid(2)]
    assert {len(order) for order in orders} == {117}
