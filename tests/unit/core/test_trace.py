"""The shape of a trace, by value: the reference trace and one rule a test."""

from decimal import Decimal
from typing import Any

from everytoken.core.charge import Charge, Cost, Quality
from everytoken.core.run import Run
from everytoken.core.trace import TraceShape, shape_trace
from everytoken.core.usage import Usage


def run(run_id: str, parent: str | None, start_us: int, end_us: int | None, **fields: Any) -> Run:
    status = fields.pop("status", "pending" if end_us is None else "success")
    named = {"name": run_id, "run_type": "chain", **fields}
    return Run(
        run_id=run_id, trace_id="root", project="p", parent_run_id=parent, start_us=start_us, end_us=end_us,
        status=status, **named,
    )  # fmt: skip


def node(name: str, step: int, start_us: int, end_us: int | None, *triggers: str, **fields: Any) -> Run:
    metadata = {
        "langgraph_node": name,
        "langgraph_step": step,
        "langgraph_triggers": list(triggers) or [f"branch:to:{name}"],
        "langgraph_checkpoint_ns": f"{name}:{start_us}",
    }
    where = {"run_id": name, "parent": "root", "tags": (f"graph:step:{step}",), "metadata": metadata, "name": name}
    given = {**where, **fields}
    return run(given.pop("run_id"), given.pop("parent"), start_us, end_us, **given)


def charge(run_id: str, tokens_in: int, tokens_out: int, usd: str | None, quality: Quality = "exact") -> Charge:
    cost = Cost(usd=Decimal(usd), status="priced") if usd else Cost(usd=None, status="unpriced", reason="model_unknown")
    return Charge(
        charge_key=f"run:{run_id}", project="p", trace_id="root", run_id=run_id, response_model="gpt-5.2",
        quality=quality, usage=Usage(input_tokens=tokens_in, output_tokens=tokens_out), cost=cost,
    )  # fmt: skip


def reference_trace() -> TraceShape:
    """A question for the nearest recycling box: two nodes side by side, 1.82 s, 1,261 tokens, $0.011284."""
    runs = [
        run("root", None, 0, 1_820_000, name="chat"),
        node("intent", 1, 0, 200_000),
        run("intent-llm", "intent", 0, 200_000, run_type="llm"),
        node("router", 2, 200_000, 210_000),
        node("location", 3, 210_000, 810_000, "__pregel_push"),
        run("location-llm", "location", 210_000, 800_000, run_type="llm"),
        node("web_search", 3, 210_000, 1_410_000, "__pregel_push"),
        run("web_search-llm", "web_search", 210_000, 1_400_000, run_type="llm"),
        node("aggregator", 4, 1_410_000, 1_420_000),
        node("answer", 5, 1_420_000, 1_820_000),
        run("answer-llm", "answer", 1_420_000, 1_820_000, run_type="llm"),
    ]
    charges = [
        charge("intent-llm", 47, 12, "0.00025025"),
        charge("location-llm", 128, 128, "0.002016"),
        charge("web_search-llm", 89, 512, "0.00732375"),
        charge("answer-llm", 256, 89, "0.001694"),
    ]
    return shape_trace(runs, charges)


def by_id(shape: TraceShape) -> dict[str, Any]:
    return {r.run.run_id: r for r in shape.runs}


def test_running_two_nodes_at_once_saved_six_tenths_of_a_second() -> None:
    assert reference_trace().saved_us == 600_000


def test_the_reference_trace_adds_up_to_1261_tokens_at_the_root_and_in_total() -> None:
    shape = reference_trace()
    root = by_id(shape)["root"]
    assert (root.own.total_tokens, root.subtree.total_tokens, shape.totals.total_tokens) == (0, 1_261, 1_261)
    assert root.subtree.cost_usd == Decimal("0.011284")
    assert [n.sums.total_tokens for n in shape.nodes] == [59, 0, 256, 601, 0, 345]


def test_the_critical_path_goes_through_the_slower_of_two_parallel_nodes() -> None:
    assert reference_trace().critical_path == (
        "root", "intent", "intent-llm", "router", "web_search", "web_search-llm", "aggregator", "answer", "answer-llm",
    )  # fmt: skip


def test_edges_are_inferred_from_steps_and_sends() -> None:
    edges = [(e.source, e.target, e.count, e.kind) for e in reference_trace().edges]
    assert edges == [
        ("__start__", "intent", 1, "step"),
        ("aggregator", "answer", 1, "step"),
        ("answer", "__end__", 1, "step"),
        ("intent", "router", 1, "step"),
        ("location", "aggregator", 1, "step"),
        ("router", "location", 1, "send"),
        ("router", "web_search", 1, "send"),
        ("web_search", "aggregator", 1, "step"),
    ]


def test_siblings_that_overlap_are_parallel_and_those_that_follow_are_not() -> None:
    parallel = {r.run.run_id for r in reference_trace().runs if r.parallel}
    assert parallel == {"location", "web_search"}
