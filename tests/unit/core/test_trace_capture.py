"""Settlement and shape of a real LangGraph trace: langsmith 0.15.0, langgraph 1.2.22, a Send fan-out and a subgraph."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from everytoken.core.run import Run
from everytoken.core.settle import settle
from everytoken.core.trace import TraceShape, shape_trace

CAPTURE = Path(__file__).parents[2] / "data" / "langsmith" / "py_langgraph_send_zstd.json"


def captured_runs() -> list[Run]:
    """The runs of the capture: fields of a patch replace those of the post unless they are null or empty."""
    merged: dict[str, dict[str, Any]] = {}
    for part in json.loads(CAPTURE.read_text())["parts"]:
        _, run_id, *field = part["name"].split(".")
        values = {field[0]: part["json"]} if field else part["json"]
        merged.setdefault(run_id, {}).update({k: v for k, v in values.items() if v not in (None, {})})
    return [as_run(fields) for fields in merged.values()]


def as_run(fields: dict[str, Any]) -> Run:
    extra = fields.get("extra", {})
    return Run(
        run_id=fields["id"],
        trace_id=fields["trace_id"],
        project=fields["session_name"],
        parent_run_id=fields.get("parent_run_id"),
        name=fields["name"],
        run_type=fields["run_type"],
        start_us=micros(fields["start_time"]),
        end_us=micros(fields["end_time"]),
        status="success",
        dotted_order=fields["dotted_order"],
        tags=tuple(fields["tags"]),
        metadata=extra.get("metadata", {}),
        extra={k: v for k, v in extra.items() if k != "metadata"},
        inputs=fields.get("inputs"),
        outputs=fields.get("outputs"),
    )


def micros(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1_000_000)


@pytest.fixture(scope="module")
def shape() -> TraceShape:
    runs = captured_runs()
    return shape_trace(runs, settle(runs).charges)


def test_the_capture_settles_to_one_charge_for_each_of_its_four_model_runs() -> None:
    settlement = settle(captured_runs())
    assert [(c.node, c.quality) for c in settlement.charges] == [("worker", "exact")] * 3 + [("reduce", "exact")]
    usages = [c.usage for c in settlement.charges if c.usage]
    assert [(u.input_tokens, u.output_tokens) for u in usages] == [(20, 10)] * 4
    assert {(c.thread_id, c.user_id, c.provider, c.request_model) for c in settlement.charges} == {
        ("thread-1", "u-1", "openai", "gpt-4o-mini")
    }
    assert (settlement.duplicates, settlement.orphans) == ((), ())


def test_the_tree_is_in_display_order(shape: TraceShape) -> None:
    assert [(r.depth, r.run.name) for r in shape.runs] == [
        (0, "fanout_graph"),
        (1, "plan"), (2, "fan"),
        (1, "worker"), (2, "lookup"), (2, "Fake"),
        (1, "worker"), (2, "lookup"), (2, "Fake"),
        (1, "worker"), (2, "lookup"), (2, "Fake"),
        (1, "reduce"), (2, "Fake"),
        (1, "subgraph"), (2, "LangGraph"), (3, "inner"),
    ]  # fmt: skip


def test_node_executions_are_found_and_their_routing_functions_are_none(shape: TraceShape) -> None:
    assert [(n.path, n.step) for n in shape.nodes] == [
        ("plan", 1), ("worker", 2), ("worker", 2), ("worker", 2), ("reduce", 3), ("subgraph", 4), ("subgraph|inner", 1),
    ]  # fmt: skip
    assert [n.path for n in shape.nodes if not n.is_outermost] == ["subgraph|inner"]


def test_the_graph_is_inferred_with_its_fan_out_and_its_subgraph(shape: TraceShape) -> None:
    assert [(e.source, e.target, e.count, e.kind) for e in shape.edges] == [
        ("__start__", "plan", 1, "step"),
        ("plan", "worker", 3, "send"),
        ("reduce", "subgraph", 1, "step"),
        ("subgraph", "__end__", 1, "step"),
        ("subgraph", "subgraph|inner", 1, "nested"),
        ("worker", "reduce", 3, "step"),
    ]
    assert [(g.node, g.executions, g.sums.total_tokens) for g in shape.graph_nodes] == [
        ("__start__", 1, 0), ("plan", 1, 0), ("worker", 3, 90), ("reduce", 1, 30), ("subgraph", 1, 0),
        ("subgraph|inner", 1, 0), ("__end__", 1, 0),
    ]  # fmt: skip


def test_the_fan_out_ran_in_parallel_and_saved_the_time_of_its_overlaps(shape: TraceShape) -> None:
    assert [r.run.name for r in shape.runs if r.parallel] == ["worker"] * 3
    # Workers ran 4,689, 5,153 and 3,495 us; together from .236633 to .242168, that is 5,535 us.
    assert shape.saved_us == 4_689 + 5_153 + 3_495 - 5_535
    worker = next(g for g in shape.graph_nodes if g.node == "worker")
    assert (worker.duration_us, worker.wall_us) == (13_337, 5_535)


def test_the_critical_path_takes_the_worker_that_ended_last(shape: TraceShape) -> None:
    names = {r.run.run_id: r.run.name for r in shape.runs}
    assert [names[i] for i in shape.critical_path] == [
        "fanout_graph", "plan", "fan", "worker", "lookup", "Fake", "reduce", "Fake", "subgraph", "LangGraph", "inner",
    ]  # fmt: skip
    assert shape.critical_path[3].endswith("a717")


def test_any_order_of_the_captured_runs_gives_the_same_shape(shape: TraceShape) -> None:
    runs = captured_runs()[::-1]
    assert shape_trace(runs, settle(runs).charges) == shape
