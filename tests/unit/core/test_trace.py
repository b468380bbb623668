"""The shape of a trace, by value: the reference trace and one rule a test."""

from decimal import Decimal, localcontext
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

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


def edges_of(shape: TraceShape) -> list[tuple[str, str, int, str]]:
    return [(e.source, e.target, e.count, e.kind) for e in shape.edges]


def test_runs_come_in_tree_order_with_depth_and_offset() -> None:
    runs = [
        run("b", "root", 30, 40), run("leaf", "a", 25, 26), run("a", "root", 20, 28), run("root", None, 10, 50),
    ]  # fmt: skip
    shape = shape_trace(runs, [])
    assert [(r.run.run_id, r.depth, r.offset_us) for r in shape.runs] == [
        ("root", 0, 0), ("a", 1, 10), ("leaf", 2, 15), ("b", 1, 20),
    ]  # fmt: skip


def test_dotted_order_decides_between_siblings_of_the_same_time() -> None:
    runs = [
        run("root", None, 0, 9),
        run("first", "root", 5, 6, dotted_order="20261122T000000000000Zroot.20261122T000000000001Zfirst"),
        run("second", "root", 5, 6, dotted_order="20261122T000000000000Zroot.20261122T000000000002Zsecond"),
    ]
    assert [r.run.run_id for r in shape_trace(runs[::-1], []).runs] == ["root", "first", "second"]
    start = shape_trace(runs[::-1], [], shown=2)
    assert ([r.run.run_id for r in start.runs], start.run_count) == (["root", "first"], 3)


def test_sums_leave_estimates_out_and_say_what_is_unpriced() -> None:
    runs = [run("root", None, 0, 9), run("llm", "root", 1, 2, run_type="llm")]
    charges = [
        charge("llm", 10, 5, "0.5"),
        charge("llm", 900, 900, None, "estimated"),
        charge("llm", 1, 1, None, "partial"),
    ]
    totals = shape_trace(runs, charges).totals
    assert (totals.llm_calls, totals.input_tokens, totals.output_tokens) == (3, 11, 6)
    assert (totals.exact, totals.partial, totals.estimated, totals.missing) == (1, 1, 1, 0)
    assert (totals.cost_usd, totals.cost_known_usd, totals.unpriced_calls) == (None, Decimal("0.5"), 2)


def test_a_sum_of_money_is_not_rounded_by_the_hosts_decimal_context() -> None:
    runs = [run("root", None, 0, 9)]
    with localcontext() as context:
        context.prec = 3
        totals = shape_trace(runs, [charge("root", 1, 1, "1000"), charge("root", 1, 1, "0.000001")]).totals
    assert totals.cost_usd == Decimal("1000.000001")


def test_models_and_first_token_are_those_of_the_whole_trace() -> None:
    runs = [run("root", None, 100, 900), run("llm", "root", 200, 800, run_type="llm", first_token_us=450)]
    shape = shape_trace(runs, [charge("llm", 1, 1, None)])
    assert (shape.models, shape.ttft_us, by_id(shape)["llm"].ttft_us) == (("gpt-5.2",), 350, 250)
    assert by_id(shape)["root"].models == ("gpt-5.2",)


def test_the_first_token_of_a_trace_is_the_first_that_the_user_saw() -> None:
    planned = run("plan", "root", 0, 300, run_type="llm", first_token_us=50)
    answered = run("answer", "root", 300, 900, run_type="llm", first_token_us=400)
    assert shape_trace([run("root", None, 0, 1000), answered, planned], []).ttft_us == 400
    assert shape_trace([run("root", None, 0, 1000, first_token_us=700), answered, planned], []).ttft_us == 700
    assert shape_trace([run("root", None, 0, None), planned], []).ttft_us == 50
    assert shape_trace([run("root", None, 0, 1000)], []).ttft_us is None


def test_a_running_trace_is_pending_and_has_saved_nothing_yet() -> None:
    runs = [run("root", None, 0, None), node("a", 1, 0, 10), node("b", 1, 0, None)]
    shape = shape_trace(runs, [])
    assert (shape.status, shape.end_us, shape.duration_us, shape.saved_us) == ("pending", None, None, None)
    assert edges_of(shape) == [("__start__", "a", 1, "step"), ("__start__", "b", 1, "step")]
    assert [(g.node, g.duration_us, g.wall_us) for g in shape.graph_nodes[1:]] == [("a", 10, 10), ("b", None, None)]


def test_nodes_one_after_the_other_have_saved_nothing_and_a_pause_is_not_a_loss() -> None:
    runs = [run("root", None, 0, 100), node("a", 1, 0, 10), node("b", 2, 50, 60)]
    assert shape_trace(runs, []).saved_us == 0


def test_a_trace_without_nodes_has_no_saving_and_no_graph() -> None:
    shape = shape_trace([run("root", None, 0, 10)], [])
    assert (shape.saved_us, shape.nodes, shape.graph_nodes, shape.edges) == (None, (), (), ())


def test_an_empty_trace_has_a_shape() -> None:
    shape = shape_trace([], [])
    assert (shape.root, shape.status, shape.runs, shape.critical_path) == (None, "pending", (), ())


def test_a_trace_whose_root_never_came_keeps_its_runs_and_sums() -> None:
    shape = shape_trace([run("llm", "lost", 5, 9, run_type="llm")], [charge("llm", 3, 4, "1")])
    assert (shape.root, shape.status, shape.orphans) == (None, "pending", ("llm",))
    assert [(r.depth, r.flags, r.subtree.total_tokens) for r in shape.runs] == [(0, ("orphan",), 7)]
    assert shape.totals.cost_usd == Decimal(1)


def test_a_charge_whose_run_is_not_listed_counts_in_the_total_alone() -> None:
    shape = shape_trace([run("root", None, 0, 9)], [charge("elsewhere", 3, 4, "1")])
    assert (shape.totals.total_tokens, shape.runs[0].subtree.total_tokens) == (7, 0)


def test_the_root_stands_first_beside_a_second_one_that_began_earlier() -> None:
    runs = [run("other", None, 0, 5), run("root", None, 3, 9)]
    assert [r.run.run_id for r in shape_trace(runs, []).runs] == ["root", "other"]


def test_a_circle_of_parents_has_a_shape() -> None:
    shape = shape_trace([run("a", "b", 1, 2), run("b", "a", 3, 4)], [])
    assert [(r.run.run_id, r.depth, r.flags) for r in shape.runs] == [
        ("a", 0, ("parent_cycle",)), ("b", 1, ("parent_cycle",)),
    ]  # fmt: skip


def test_siblings_that_only_touch_are_not_parallel_and_running_ones_are() -> None:
    runs = [run("root", None, 0, None), run("a", "root", 0, 10), run("b", "root", 10, None), run("c", "root", 20, 30)]
    assert {r.run.run_id for r in shape_trace(runs, []).runs if r.parallel} == {"b", "c"}


def test_the_critical_path_leaves_out_work_that_outlived_its_parent() -> None:
    runs = [run("root", None, 0, 100), run("work", "root", 10, 95), run("background", "root", 20, 500)]
    assert shape_trace(runs, []).critical_path == ("root", "work")


def test_a_run_named_like_its_node_in_another_namespace_than_its_parent_is_an_execution() -> None:
    inside = {"langgraph_node": "plan", "langgraph_checkpoint_ns": "plan:1"}
    runs = [
        run("root", None, 0, 9),
        run("execution", "root", 1, 8, name="plan", metadata=inside),
        run("same name", "execution", 2, 7, name="plan", metadata=inside),
        run("other name", "execution", 2, 7, name="prompt", metadata=inside),
    ]
    assert [r.run.run_id for r in shape_trace(runs, []).runs if r.is_node] == ["execution"]


def routed(source: str, start_us: int, output: Any) -> Run:
    """The run of a conditional edge: below its source, with its node keys, in the namespace of the graph."""
    metadata = {"langgraph_node": source, "langgraph_checkpoint_ns": f"{source}:{start_us}"}
    return run(f"route {source}", source, start_us, start_us, metadata=metadata, outputs={"output": output})


def test_a_routing_function_says_which_of_two_nodes_led_on() -> None:
    runs = [
        run("root", None, 0, 100),
        node("chooser", 1, 0, 10),
        routed("chooser", 0, "chosen"),
        node("bystander", 1, 0, 10),
        routed("bystander", 0, "__end__"),
        node("chosen", 2, 20, 30),
    ]
    assert edges_of(shape_trace(runs, [])) == [
        ("__start__", "bystander", 1, "step"),
        ("__start__", "chooser", 1, "step"),
        ("bystander", "__end__", 1, "step"),
        ("chooser", "chosen", 1, "step"),
        ("chosen", "__end__", 1, "step"),
    ]


def test_a_routing_function_that_returns_a_key_of_its_path_map_says_nothing() -> None:
    runs = [
        run("root", None, 0, 100), node("a", 1, 0, 10), routed("a", 0, "yes"), node("silent", 1, 0, 10),
        node("b", 2, 20, 30),
    ]  # fmt: skip
    assert [e for e in edges_of(shape_trace(runs, [])) if e[1] == "b"] == [
        ("a", "b", 1, "step"), ("silent", "b", 1, "step"),
    ]  # fmt: skip


def test_a_command_names_where_a_node_goes() -> None:
    went: dict[str, Any] = {"output": {"graph": None, "update": {}, "resume": None, "goto": ["b"]}}
    elsewhere = {"output": {"goto": "c"}}
    runs = [
        run("root", None, 0, 100), node("a", 1, 0, 10, outputs=went), node("c", 1, 0, 10, outputs=elsewhere),
        node("b", 2, 20, 30),
    ]  # fmt: skip
    assert [e for e in edges_of(shape_trace(runs, [])) if e[1] == "b"] == [("a", "b", 1, "step")]


def test_a_join_names_the_nodes_that_it_waited_for() -> None:
    runs = [
        run("root", None, 0, 100), node("a", 1, 0, 10), node("b", 1, 0, 10), node("c", 1, 0, 10),
        node("end", 2, 20, 30, "join:a+b:end"),
    ]  # fmt: skip
    assert [e for e in edges_of(shape_trace(runs, [])) if e[1] == "end"] == [
        ("a", "end", 1, "step"), ("b", "end", 1, "step"),
    ]  # fmt: skip


def test_a_node_that_failed_or_was_interrupted_does_not_lead_to_the_end() -> None:
    failed = [run("root", None, 0, 100), node("a", 1, 0, 10, status="error")]
    shape = shape_trace(failed, [])
    assert edges_of(shape) == [("__start__", "a", 1, "step")]
    assert [(g.node, g.errors) for g in shape.graph_nodes] == [("__start__", 0), ("a", 1)]


def test_a_loop_counts_each_time_an_edge_was_taken() -> None:
    runs = [
        run("root", None, 0, 100),
        *(node(("agent", "tools")[i % 2], i, i * 10, i * 10 + 10, run_id=f"step{i}") for i in range(5)),
    ]
    assert edges_of(shape_trace(runs, [])) == [
        ("__start__", "agent", 1, "step"),
        ("agent", "__end__", 1, "step"),
        ("agent", "tools", 2, "step"),
        ("tools", "agent", 2, "step"),
    ]


def test_two_runs_of_a_graph_in_one_trace_do_not_lead_into_one_another() -> None:
    runs = [
        run("root", None, 0, 100),
        run("graph1", "root", 0, 40), node("a", 1, 0, 10, parent="graph1", run_id="a1"),
        run("graph2", "root", 50, 90), node("a", 1, 50, 60, parent="graph2", run_id="a2"),
    ]  # fmt: skip
    assert edges_of(shape_trace(runs, [])) == [("__start__", "a", 2, "step"), ("a", "__end__", 2, "step")]


def test_dirty_node_metadata_does_no_harm() -> None:
    dirt = {"langgraph_node": 3, "langgraph_step": "x", "langgraph_triggers": 7, "langgraph_checkpoint_ns": ["n"]}
    runs = [run("root", None, 0, 100), run("a", "root", 0, 10, tags=("graph:step:x", "graph:step:2"), metadata=dirt)]
    assert [(n.node, n.step) for n in shape_trace(runs, []).nodes] == [("3", 2)]


@given(
    st.lists(st.tuples(st.none() | st.integers(0, 12), st.integers(0, 20), st.none() | st.integers(0, 30)), max_size=12)
)
def test_any_runs_have_a_shape_in_which_every_charge_counts_once(
    drawn: list[tuple[int | None, int, int | None]],
) -> None:
    runs = [
        run(str(i), None if parent is None else str(parent), start, end)
        for i, (parent, start, end) in enumerate(drawn)
    ]  # fmt: skip
    charges = [charge(r.run_id, 10, 1, "0.1") for r in runs]
    shape = shape_trace(runs, charges)
    assert sorted(r.run.run_id for r in shape.runs) == sorted(r.run_id for r in runs)
    assert shape.totals.input_tokens == 10 * len(runs) == sum(r.own.input_tokens for r in shape.runs)
    assert sum(r.subtree.input_tokens for r in shape.runs if r.depth == 0) == 10 * len(runs)
    assert len(set(shape.critical_path)) == len(shape.critical_path)
    assert shape_trace(runs[::-1], charges) == shape


def test_a_trace_twenty_thousand_runs_deep_has_a_shape() -> None:
    depth = 20_000
    runs = [run(str(i), str(i - 1) if i else None, i, 2 * depth - i) for i in range(depth)]
    shape = shape_trace(runs, [charge(str(depth - 1), 3, 4, "1")])
    assert (shape.runs[-1].depth, shape.runs[0].subtree.total_tokens) == (depth - 1, 7)
    assert len(shape.critical_path) == depth


def test_of_two_nodes_the_one_whose_routing_sent_leads_to_the_fan_out() -> None:
    runs = [
        run("root", None, 0, 100), node("planner", 1, 0, 10), routed("planner", 0, ["Send(node='worker', arg={})"]),
        node("bystander", 1, 0, 10),
        *(node("worker", 2, 20, 30, "__pregel_push", run_id=f"w{i}") for i in range(2)),
    ]  # fmt: skip
    assert [e for e in edges_of(shape_trace(runs, [])) if e[1] == "worker"] == [("planner", "worker", 2, "send")]


def test_work_that_all_outlived_its_parent_is_still_on_the_critical_path() -> None:
    runs = [run("root", None, 0, 10), run("work", "root", 1, 12)]
    assert shape_trace(runs, []).critical_path == ("root", "work")


def test_nothing_is_saved_yet_while_the_root_runs_though_its_nodes_have_ended() -> None:
    runs = [run("root", None, 0, None), node("a", 1, 0, 10), node("b", 1, 0, 10)]
    assert shape_trace(runs, []).saved_us is None
