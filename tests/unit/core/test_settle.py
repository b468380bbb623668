"""Settlement by value: one rule a test."""

import gc
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from everytoken.core.charge import Evidence, Layer
from everytoken.core.run import Run
from everytoken.core.settle import Settlement, settle
from everytoken.core.usage import Usage


def run(run_id: str, parent: str | None = "root", run_type: str = "llm", **fields: Any) -> Run:
    start = fields.pop("start_us", 100)
    return Run(
        run_id=run_id, trace_id="root", project="p", parent_run_id=parent, run_type=run_type, start_us=start,
        end_us=fields.pop("end_us", start + 50), status=fields.pop("status", "success"), **fields,
    )  # fmt: skip


ROOT = run("root", parent=None, run_type="chain", start_us=0)


def used(tokens_in: int, tokens_out: int, **fields: Any) -> Usage:
    return Usage(input_tokens=tokens_in, output_tokens=tokens_out, **fields)


def says(run_id: str, usage: Usage | None, layer: Layer = "sdk", **fields: Any) -> Evidence:
    base = {"provider": "openai", "request_model": "gpt-5.2", "response_model": None, "response_id": None}
    given = {"call_path": "openai.chat", "place": "outputs.usage", **base, **fields}
    return Evidence(run_id=run_id, usage=usage, layer=layer, **given)


def telling(*evidence: Evidence) -> Callable[[Run], tuple[Evidence, ...]]:
    return lambda r: tuple(e for e in evidence if e.run_id == r.run_id)


def settled(runs: Iterable[Run], *evidence: Evidence) -> Settlement:
    return settle([ROOT, *runs], telling(*evidence))


def tokens(settlement: Settlement) -> list[tuple[str, int | None]]:
    return [(c.charge_key, c.usage.total_tokens if c.usage else None) for c in settlement.charges]


def test_one_run_with_usage_is_one_charge() -> None:
    result = settled([run("a")], says("a", used(47, 12)))
    assert tokens(result) == [("run:a", 59)]
    assert result.charges[0].quality == "exact"
    assert result.duplicates == ()


def test_the_same_response_id_is_one_charge_and_the_nearest_layer_owns_it() -> None:
    runs = [run("lc"), run("sdk", "lc"), run("http", "sdk")]
    result = settled(
        runs,
        says("lc", used(10, 5), "framework", response_id="r1"),
        says("sdk", used(10, 5), "sdk", response_id="r1"),
        says("http", used(10, 5), "transport", response_id="r1"),
    )
    (charge,) = result.charges
    assert (charge.charge_key, charge.run_id, charge.run_ids) == ("response:r1", "http", ("http", "sdk", "lc"))
    assert charge.layers_seen == ("transport", "sdk", "framework")
    assert {d.reason for d in result.duplicates} == {"same_response_id"}


def test_an_llm_run_above_llm_runs_with_usage_is_not_a_second_charge_even_through_chains() -> None:
    runs = [run("outer"), run("step", "outer", "chain"), run("inner", "step")]
    result = settled(runs, says("outer", used(10, 5), "manual"), says("inner", used(10, 5)))
    assert tokens(result) == [("run:inner", 15)]
    assert [(d.evidence.run_id, d.reason, d.charge_key) for d in result.duplicates] == [
        ("outer", "parent_llm_run", "run:inner")
    ]


def test_usage_on_a_chain_next_to_an_llm_run_is_not_counted() -> None:
    runs = [run("node", run_type="chain"), run("llm", "node")]
    result = settled(runs, says("node", used(10, 5), "manual"), says("llm", used(10, 5)))
    assert tokens(result) == [("run:llm", 15)]
    assert [d.reason for d in result.duplicates] == ["repeated_on_chain"]


def test_usage_on_a_chain_without_llm_runs_is_a_flagged_charge() -> None:
    result = settled([run("node", run_type="chain")], says("node", used(10, 5), "manual"))
    assert tokens(result) == [("run:node", 15)]
    assert result.charges[0].flags == ("on_chain_run",)


def test_a_request_that_nothing_knows_the_usage_of_is_missing_and_pending_while_it_runs() -> None:
    result = settled([run("a", status="pending", end_us=None)], says("a", None))
    (charge,) = result.charges
    assert (charge.quality, charge.status, charge.usage, charge.duration_us) == ("missing", "pending", None, None)


def test_a_cut_stream_is_partial_with_its_running_total_and_missing_without() -> None:
    runs = [run("gemini", status="cancelled"), run("openai", status="cancelled")]
    result = settled(runs, says("gemini", used(30, 9, source="partial")), says("openai", None))
    assert {c.run_id: (c.quality, c.status) for c in result.charges} == {
        "gemini": ("partial", "cancelled"),
        "openai": ("missing", "cancelled"),
    }


def test_an_estimate_gives_way_to_usage_that_another_layer_reported() -> None:
    runs = [run("outer"), run("inner", "outer")]
    result = settled(
        runs,
        says("outer", used(10, 5), "framework", response_id="r"),
        says("inner", used(9, 9, source="estimated"), response_id="r"),
    )
    (charge,) = result.charges
    assert (charge.run_id, charge.quality, charge.usage) == ("inner", "exact", used(10, 5))


def test_an_estimate_alone_is_a_charge_of_quality_estimated() -> None:
    assert settled([run("a")], says("a", used(9, 9, source="estimated"))).charges[0].quality == "estimated"


def test_a_whole_report_beats_a_cut_one_of_a_nearer_layer() -> None:
    runs = [run("created", status="cancelled"), run("read later", start_us=500)]
    result = settled(
        runs,
        says("created", used(30, 9, source="partial"), "transport", response_id="r"),
        says("read later", used(30, 60), response_id="r"),
    )
    (charge,) = result.charges
    assert (charge.run_id, charge.quality, charge.usage) == ("created", "exact", used(30, 60))
    assert charge.differences == {}


def test_layers_that_disagree_are_shown_and_the_owner_wins() -> None:
    runs = [run("outer"), run("inner", "outer")]
    result = settled(
        runs,
        says("outer", used(10, 4), "framework", response_id="r", response_model="gpt-5.2"),
        says("inner", used(10, 5), response_id="r", response_model="gpt-5.2-2026-08"),
    )
    (charge,) = result.charges
    assert charge.usage == used(10, 5)
    assert charge.flags == ("layers_disagree",)
    assert charge.differences == {
        "output_tokens": {"sdk": 5, "framework": 4},
        "response_model": {"sdk": "gpt-5.2-2026-08", "framework": "gpt-5.2"},
    }


def test_the_owner_takes_what_it_lacks_from_the_other_layers() -> None:
    metadata = {"langgraph_node": "answer", "thread_id": "t-9", "user_id": 7}
    runs = [run("outer", metadata=metadata), run("inner", "outer", first_token_us=None)]
    result = settled(
        runs,
        says("outer", used(10, 5), "framework", response_id="r", response_model="gpt-5.2-2026-08"),
        says("inner", None, "transport", provider=None, request_model=None, call_path="openai.unknown"),
    )
    (charge,) = result.charges
    assert (charge.run_id, charge.charge_key, charge.response_id) == ("inner", "response:r", "r")
    assert (charge.model, charge.provider, charge.call_path) == ("gpt-5.2-2026-08", "openai", "openai.chat")
    assert (charge.node, charge.thread_id, charge.user_id) == ("answer", "t-9", "7")
    assert (charge.usage, charge.quality) == (used(10, 5), "exact")
    assert (charge.flags, charge.differences) == ((), {})


def test_of_two_runs_of_one_layer_the_inner_one_owns_the_charge() -> None:
    runs = [run("parse"), run("z-create", "parse", start_us=110)]
    told = [says("parse", used(10, 5), response_id="r"), says("z-create", used(10, 5), response_id="r")]
    assert settled(runs, *told).charges[0].run_ids == ("z-create", "parse")


def test_copies_of_one_answer_on_one_run_are_one_charge() -> None:
    copies = [says("lc", used(10, 5), "framework", response_id="r", index=i) for i in range(3)]
    result = settled([run("lc")], *copies)
    assert tokens(result) == [("response:r", 15)]
    assert [d.reason for d in result.duplicates] == ["same_response_id"] * 2


def test_a_batch_without_ids_is_as_many_charges_as_answers() -> None:
    batch = [says("lc", used(10, 5), "framework", index=i) for i in range(3)]
    assert tokens(settled([run("lc")], *batch)) == [("run:lc", 15), ("run:lc:1", 15), ("run:lc:2", 15)]


def test_a_batch_lends_each_of_its_counts_to_one_client_run_without_usage() -> None:
    runs = [run("lc"), run("first", "lc", start_us=110), run("second", "lc", start_us=120)]
    batch = [says("lc", used(10 * i, 5), "framework", index=i) for i in (1, 2)]
    result = settled(runs, *batch, says("first", None), says("second", None))
    assert sorted(total or 0 for _, total in tokens(result)) == [15, 25]
    assert {c.run_id for c in result.charges} == {"first", "second"}


def test_an_answer_from_the_framework_cache_is_not_billed_again() -> None:
    first, again = run("first"), run("again", start_us=900)
    original = says("first", used(10, 5), "framework", response_id="r")
    repeated = says("again", used(10, 5), "framework", response_id="r", cached_answer=True)
    result = settled([first, again], original, repeated)
    assert tokens(result) == [("response:r", 15)]
    assert [(d.evidence.run_id, d.reason, d.charge_key) for d in result.duplicates] == [
        ("again", "cached_answer", "response:r")
    ]


def test_an_answer_cached_in_an_earlier_trace_is_no_charge_here() -> None:
    result = settled([run("a")], says("a", used(10, 5), "framework", response_id="r", cached_answer=True))
    assert result.charges == ()
    assert [(d.reason, d.charge_key) for d in result.duplicates] == [("cached_answer", None)]


def test_a_background_response_that_is_read_three_times_is_billed_once() -> None:
    runs = [run("create"), *(run(f"read{i}", start_us=200 + i) for i in range(3))]
    reads = [says(f"read{i}", used(100, 50), response_id="resp_bg") for i in range(3)]
    result = settled(runs, says("create", None, response_id="resp_bg"), *reads)
    assert tokens(result) == [("response:resp_bg", 150)]
    assert result.charges[0].run_id == "create"


def test_attempts_with_different_numbers_are_never_merged() -> None:
    runs = [run("sdk"), run("first", "sdk", status="error"), run("second", "sdk", start_us=300)]
    result = settled(
        runs,
        says("sdk", used(10, 5), response_id="r"),
        says("first", used(10, 4), "transport", response_id="r", attempt="0"),
        says("second", used(10, 5), "transport", response_id="r", attempt="1"),
    )
    assert tokens(result) == [("run:first", 14), ("run:second", 15)]
    assert result.charges[1].run_ids == ("second", "sdk")


def test_a_failed_attempt_is_not_lent_what_the_next_one_was_answered() -> None:
    runs = [run("sdk"), run("lost", "sdk", status="error")]
    result = settled(runs, says("sdk", used(10, 5)), says("lost", None, "transport", attempt="0"))
    assert {c.run_id: c.quality for c in result.charges} == {"sdk": "exact", "lost": "missing"}


def test_automatic_function_calling_bills_every_request_and_the_client_run_names_the_last() -> None:
    hops = [run(f"hop{i}", "sdk", start_us=100 + i) for i in range(3)]
    told = [says(f"hop{i}", used(100 + i, 10), "transport", response_id=f"g{i}") for i in range(3)]
    result = settled([run("sdk"), *hops], says("sdk", used(102, 10), response_id="g2"), *told)
    assert tokens(result) == [("response:g0", 110), ("response:g1", 111), ("response:g2", 112)]
    assert result.charges[2].run_ids == ("hop2", "sdk")


def test_a_client_run_that_sums_its_hops_is_not_a_further_charge() -> None:
    hops = [run(f"hop{i}", "sdk", start_us=100 + i) for i in range(2)]
    told = [says(f"hop{i}", used(100, 10), "transport", response_id=f"g{i}") for i in range(2)]
    result = settled([run("sdk"), *hops], says("sdk", used(200, 20), response_id="merged"), *told)
    assert tokens(result) == [("response:g0", 110), ("response:g1", 110)]
    assert [(d.reason, d.charge_key) for d in result.duplicates] == [("parent_llm_run", None)]


def test_a_model_call_made_by_a_tool_of_a_model_call_is_billed_beside_it() -> None:
    runs = [run("sdk"), run("tool", "sdk", "tool"), run("inner", "tool")]
    result = settled(runs, says("sdk", used(100, 10)), says("inner", used(7, 3)))
    assert tokens(result) == [("run:inner", 10), ("run:sdk", 110)]


def test_two_named_requests_of_which_one_stands_above_the_other_are_two_charges() -> None:
    runs = [run("outer"), run("inner", "outer")]
    told = [says("outer", used(10, 5), response_id="a"), says("inner", used(20, 6), response_id="b")]
    assert tokens(settled(runs, *told)) == [("response:a", 15), ("response:b", 26)]


def test_an_id_that_a_function_of_the_application_returned_does_not_make_a_second_request() -> None:
    runs = [run("mine"), run("client", "mine")]
    result = settled(
        runs, says("mine", used(10, 5), "manual", response_id="job_1"), says("client", used(10, 6), response_id="r")
    )
    assert tokens(result) == [("response:r", 16)]
    assert result.charges[0].flags == ("layers_disagree",)


def test_the_same_job_id_on_two_functions_does_not_merge_their_requests() -> None:
    runs = [run("a", run_type="chain"), run("b", run_type="chain", start_us=200)]
    told = [
        says("a", used(10, 5), "manual", response_id="job_1"),
        says("b", used(20, 5), "manual", response_id="job_1"),
    ]
    assert tokens(settled(runs, *told)) == [("run:a", 15), ("run:b", 25)]


def test_a_chain_above_several_model_runs_is_not_counted_and_they_say_so() -> None:
    runs = [run("node", run_type="chain"), run("one", "node"), run("two", "node", start_us=200)]
    result = settled(
        runs, says("node", used(11, 5), "manual"), says("one", used(10, 5)), says("two", used(1, 1)),
    )  # fmt: skip
    assert tokens(result) == [("run:one", 15), ("run:two", 2)]
    assert [c.flags for c in result.charges] == [("repeated_on_chain",)] * 2
    assert [(d.evidence.run_id, d.reason) for d in result.duplicates] == [("node", "repeated_on_chain")]


def test_a_chain_lends_its_count_to_the_only_model_run_below_that_has_none() -> None:
    runs = [run("node", run_type="chain"), run("stream", "node")]
    result = settled(runs, says("node", used(47, 12), "manual"), says("stream", None))
    (charge,) = result.charges
    assert (charge.run_id, charge.usage, charge.quality) == ("stream", used(47, 12), "exact")
    assert charge.flags == ("on_chain_run", "repeated_on_chain")


def test_a_chain_that_repeats_a_chain_below_is_one_charge_and_one_that_differs_is_two() -> None:
    runs = [run("outer", run_type="chain"), run("inner", "outer", "chain")]
    repeated = settled(runs, says("outer", used(10, 5), "manual"), says("inner", used(10, 5), "manual"))
    assert tokens(repeated) == [("run:inner", 15)]
    differing = settled(runs, says("outer", used(7, 2), "manual"), says("inner", used(10, 5), "manual"))
    assert tokens(differing) == [("run:inner", 15), ("run:outer", 9)]


def test_a_chain_below_a_model_run_that_repeats_its_usage_is_not_counted() -> None:
    runs = [run("llm"), run("step", "llm", "chain")]
    result = settled(runs, says("llm", used(10, 5)), says("step", used(10, 5), "manual"))
    assert tokens(result) == [("run:llm", 15)]
    assert result.charges[0].flags == ("repeated_on_chain",)


def test_totals_of_agents_tasks_and_turns_are_not_charges() -> None:
    runs = [
        run("task", run_type="chain"), run("turn", "task", "chain"), run("g1", "turn"), run("g2", "turn", start_us=200),
    ]  # fmt: skip
    total = used(30, 12, requests=2)
    result = settled(
        runs,
        says("task", total, "agents"),
        says("turn", total, "agents"),
        says("g1", used(10, 5), "agents"),
        says("g2", used(20, 7), "agents"),
    )
    assert tokens(result) == [("run:g1", 15), ("run:g2", 27)]
    assert {d.reason for d in result.duplicates} == {"aggregate_run"}
    assert all(c.flags == () for c in result.charges)


def test_an_agents_response_and_the_wrapped_client_beside_it_are_one_charge() -> None:
    runs = [run("response"), run("client")]
    result = settled(
        runs,
        says("response", used(10, 5), "agents", response_id="resp_1"),
        says("client", used(10, 5), response_id="resp_1"),
    )
    assert [(c.run_id, c.layers_seen) for c in result.charges] == [("client", ("sdk", "agents"))]


def test_an_image_made_inside_a_response_is_a_charge_of_its_own_for_every_layer() -> None:
    runs = [run("outer"), run("inner", "outer")]
    seen: tuple[tuple[str, Layer], ...] = (("outer", "framework"), ("inner", "sdk"))
    told = [
        says(run_id, usage, layer, response_id=name, index=index)
        for run_id, layer in seen
        for index, (usage, name) in enumerate([(used(10, 5), "r"), (used(0, 1056), "r#image_generation")])
    ]
    assert tokens(settled(runs, *told)) == [("response:r", 15), ("response:r#image_generation", 1056)]


def test_embedding_runs_are_requests_and_tools_with_usage_are_flagged() -> None:
    runs = [run("embed", run_type="embedding"), run("tool", run_type="tool", start_us=200)]
    result = settled(runs, says("embed", used(8, 0)), says("tool", used(1, 1), "manual"))
    assert [(c.run_id, c.flags) for c in result.charges] == [("embed", ()), ("tool", ("on_chain_run",))]


def test_a_run_that_bears_no_evidence_is_no_charge() -> None:
    assert settled([run("a"), run("b", run_type="tool")]).charges == ()


def test_the_node_is_the_innermost_one_and_comes_from_above_when_the_run_has_none() -> None:
    runs = [
        run("outer", run_type="chain", metadata={"langgraph_node": "plan"}),
        run("inner", "outer", "chain", metadata={"langgraph_node": "search"}),
        run("llm", "inner"),
    ]
    assert settled(runs, says("llm", used(1, 1))).charges[0].node == "search"


def test_who_and_where_come_from_the_run_then_from_the_root_then_from_between() -> None:
    root = run(
        "root", None, "chain", start_us=0, tags=("prod",),
        metadata={"conversation_id": "c-1", "ls_user_id": "u-1", "environment": "live"},
    )  # fmt: skip
    middle = run("middle", "root", "chain", metadata={"session_id": "s-1"})
    llm = run("llm", "middle", tags=("seq:step:1", "prod"), metadata={"user_id": "u-2"})
    (charge,) = settle([root, middle, llm], telling(says("llm", used(1, 1)))).charges
    assert (charge.thread_id, charge.user_id, charge.session_id, charge.environment) == ("c-1", "u-2", "s-1", "live")
    assert charge.tags == ("seq:step:1", "prod")


def test_a_release_is_what_the_sdk_calls_a_revision_or_what_opentelemetry_calls_the_version_of_the_service() -> None:
    for metadata, release in (
        ({"revision_id": "v1.4.2-3-g1a2b3c4-dirty"}, "v1.4.2-3-g1a2b3c4-dirty"),
        ({"service.version": "2026.11.20"}, "2026.11.20"),
        ({"service.version": "1.0.0", "revision_id": "1a2b3c4"}, "1a2b3c4"),
        ({"LANGSMITH_REVISION_ID": "1.4.2", "revision_id": "1a2b3c4"}, "1.4.2"),
        ({"revision_id": "  "}, None),
        ({"revision_id": {"sha": "1a2b3c4"}}, None),
        ({"revision_id": "x" * 1_000}, "x" * 200),
        ({}, None),
    ):
        (charge,) = settled([run("a", metadata=metadata)], says("a", used(1, 1))).charges
        assert charge.release == release


def test_a_call_of_another_service_has_the_release_of_that_service_and_one_that_does_not_say_that_of_the_root() -> None:
    root = run("root", None, "chain", start_us=0, metadata={"revision_id": "front-7"})
    other = run("other", "root", "chain", metadata={"service.version": "search-2"})
    runs = [root, other, run("told", "other", metadata={"service.version": "search-2"}), run("silent", "other")]
    charges = settle(runs, telling(says("told", used(1, 1)), says("silent", used(1, 1)))).charges
    assert {charge.run_id: charge.release for charge in charges} == {"told": "search-2", "silent": "front-7"}


def test_the_first_key_that_is_set_names_the_thread() -> None:
    metadata = {"thread_id": "", "session_id": None, "conversation_id": 12}
    assert settled([run("a", metadata=metadata)], says("a", used(1, 1))).charges[0].thread_id == "12"


def test_times_come_from_the_owner_and_the_first_token_from_whoever_saw_it() -> None:
    runs = [run("outer", start_us=100, end_us=900, first_token_us=350), run("inner", "outer", start_us=120, end_us=880)]
    result = settled(
        runs, says("outer", used(1, 1), "framework", response_id="r"), says("inner", used(1, 1), response_id="r")
    )
    (charge,) = result.charges
    assert (charge.started_us, charge.duration_us, charge.ttft_us) == (120, 760, 250)


def test_warnings_of_the_usage_are_flags_of_the_charge() -> None:
    result = settled([run("a")], says("a", used(1, 1, warnings=("usage_clamped",))))
    assert result.charges[0].flags == ("usage_clamped",)


def test_charges_come_in_order_of_time_then_key() -> None:
    runs = [run("b", start_us=50), run("a", start_us=90), run("c", start_us=50)]
    result = settled(runs, *(says(name, used(1, 1)) for name in "abc"))
    assert [c.charge_key for c in result.charges] == ["run:b", "run:c", "run:a"]


def test_an_orphan_is_counted_flagged_and_listed() -> None:
    result = settled([run("llm", "never came")], says("llm", used(1, 1)))
    assert result.charges[0].flags == ("orphan",)
    assert result.orphans == ("llm",)


def test_an_orphan_still_meets_the_ancestors_its_dotted_order_names() -> None:
    root = "00000000-0000-0000-0000-00000000000a"
    lost = "00000000-0000-0000-0000-00000000000b"
    leaf = "00000000-0000-0000-0000-00000000000c"
    dotted = ".".join(f"20261122T202854227115Z{i}" for i in (root, lost, leaf))
    runs = [run(root, None), run(leaf, lost, dotted_order=dotted)]
    result = settle(runs, telling(says(root, used(10, 5), "manual"), says(leaf, used(10, 5))))
    assert tokens(result) == [(f"run:{leaf}", 15)]


def test_a_circle_of_parents_is_opened_at_its_earliest_run() -> None:
    runs = [run("a", "c", start_us=10), run("b", "a", start_us=20), run("c", "b", start_us=30)]
    result = settled(runs, says("a", used(10, 5), "manual"), says("c", used(10, 5)))
    assert tokens(result) == [("run:c", 15)]
    assert result.charges[0].flags == ("parent_cycle",)


def test_a_run_that_is_its_own_parent_is_settled() -> None:
    assert tokens(settled([run("a", "a")], says("a", used(1, 2)))) == [("run:a", 3)]


def test_two_roots_are_settled_together() -> None:
    runs = [run("other", None, start_us=5), run("a", "other")]
    assert tokens(settled(runs, says("a", used(1, 2)))) == [("run:a", 3)]


def test_of_two_versions_of_a_run_the_ended_one_counts_whichever_came_first() -> None:
    running, ended = run("a", status="pending", end_us=None), run("a")
    for order in ([running, ended], [ended, running]):
        assert settled(order, says("a", used(1, 2))).charges[0].status == "success"


def test_a_late_parent_takes_nothing_and_adds_nothing() -> None:
    inner, outer = run("inner", "outer"), run("outer")
    told = [says("outer", used(10, 5), "framework"), says("inner", used(10, 5))]
    assert tokens(settled([inner], *told)) == tokens(settled([outer, inner], *told)) == [("run:inner", 15)]


def test_a_chain_of_twenty_thousand_nested_runs_is_settled() -> None:
    depth = 20_000
    runs = [run("0", None, "chain"), *(run(str(i), str(i - 1), "llm" if i % 2 else "chain") for i in range(1, depth))]
    usage = used(10, 5)

    def evidence_of(r: Run) -> tuple[Evidence, ...]:
        return (says(r.run_id, usage),) if r.run_type == "llm" else ()

    result = settle(runs, evidence_of)
    assert [c.run_id for c in result.charges] == [str(depth - 1)]


def test_a_response_id_longer_than_any_providers_is_not_a_key() -> None:
    result = settled([run("a")], says("a", used(1, 1), response_id="x" * 1000))
    assert result.charges[0].charge_key == "run:a"


def test_a_thousand_answers_to_one_id_keep_a_bounded_record_of_their_differences() -> None:
    runs = [run(f"{i:04}", start_us=i) for i in range(1000)]
    told = [says(f"{i:04}", used(i, 1), response_id="constant") for i in range(1000)]
    (charge,) = settled(runs, *told).charges
    assert charge.usage == used(0, 1)
    assert len(charge.differences["input_tokens"]) == 8


def test_a_model_run_without_usage_does_not_take_what_a_tool_below_it_used() -> None:
    result = settled([run("llm"), run("tool", "llm", "tool")], says("llm", None), says("tool", used(7, 3), "manual"))
    assert {c.run_id: c.quality for c in result.charges} == {"llm": "missing", "tool": "exact"}


def test_functions_that_share_a_job_id_and_their_counts_keep_their_own_clients_apart() -> None:
    runs = [run("f1"), run("c1", "f1"), run("f2", start_us=200), run("c2", "f2", start_us=200)]
    told = [says(f, used(10, 5), "manual", response_id="job_1") for f in ("f1", "f2")]
    result = settled(runs, *told, says("c1", used(10, 5)), says("c2", used(10, 5)))
    assert [(c.run_id, c.run_ids, c.charge_key) for c in result.charges] == [
        ("c1", ("c1", "f1"), "run:c1"),
        ("c2", ("c2", "f2"), "run:c2"),
    ]


def test_a_chain_that_names_a_request_elsewhere_tells_of_that_one() -> None:
    runs = [run("node", run_type="chain"), run("one", "node"), run("two", "node"), run("other")]
    told = [says("one", used(1, 1)), says("two", used(2, 2)), says("other", used(10, 5), response_id="r")]
    result = settled(runs, says("node", used(10, 5), "manual", response_id="r"), *told)
    assert [(d.evidence.run_id, d.reason, d.charge_key) for d in result.duplicates] == [
        ("node", "repeated_on_chain", "response:r")
    ]


def test_a_numbered_attempt_above_others_is_neither_their_copy_nor_their_sum() -> None:
    same = [says("outer", used(10, 5), attempt="0"), says("inner", used(10, 5), attempt="1")]
    assert tokens(settled([run("outer"), run("inner", "outer")], *same)) == [("run:inner", 15), ("run:outer", 15)]
    runs = [run("outer"), run("one", "outer"), run("two", "outer")]
    summed = [says("outer", used(3, 3), attempt="0"), says("one", used(1, 1)), says("two", used(2, 2))]
    assert tokens(settled(runs, *summed)) == [("run:one", 2), ("run:outer", 6), ("run:two", 4)]


def test_a_model_run_that_took_a_chains_count_stands_for_it_further_up() -> None:
    runs = [run("outer"), run("middle", "outer"), run("step", "middle", "chain")]
    told = [says("outer", used(10, 6), "framework"), says("middle", None), says("step", used(10, 5), "manual")]
    result = settled(runs, *told)
    assert [(c.run_id, c.usage) for c in result.charges] == [("middle", used(10, 6))]


def test_a_count_set_by_hand_beats_an_estimate() -> None:
    runs = [run("node", run_type="chain"), run("llm", "node")]
    told = [says("node", used(10, 5), "manual"), says("llm", used(10, 5, source="estimated"))]
    (charge,) = settled(runs, *told).charges
    assert (charge.run_id, charge.quality) == ("llm", "exact")


def test_an_owner_whose_end_was_lost_has_the_status_of_the_layer_around_it() -> None:
    runs = [run("outer"), run("inner", "outer", status="pending", end_us=None)]
    told = [says("outer", used(1, 1), "framework", response_id="r"), says("inner", None, response_id="r")]
    (charge,) = settled(runs, *told).charges
    assert (charge.run_id, charge.status, charge.duration_us) == ("inner", "success", 50)


def test_nothing_of_a_trace_is_held_when_it_has_been_settled() -> None:
    class Payload(dict[str, str]):
        """A `dict` that can be watched."""

    runs = [ROOT, run("lc", inputs=Payload()), run("sdk", "lc", inputs=Payload())]
    kept = [weakref.ref(r.inputs) for r in runs if isinstance(r.inputs, Payload)]
    gc.disable()  # what only the collector would find stays
    try:
        told = (says("lc", used(10, 5), "framework"), says("sdk", used(10, 5), response_id="r1"))
        result = settle(runs, telling(*told))
        del runs
        assert [found() for found in kept] == [None, None]
    finally:
        gc.enable()
    assert [charge.usage for charge in result.charges] == [used(10, 5)]


def test_the_api_is_the_one_that_named_the_response_whatever_a_run_calls_it() -> None:
    runs = [run("outer"), run("stream", "outer")]
    outer = says("outer", used(30, 9), "otel", response_id="resp_1", call_path="openai.responses")
    inner = says("stream", used(30, 9), "otel", call_path="openai.chat.stream")
    (charge,) = settled(runs, outer, inner).charges
    assert (charge.response_id, charge.call_path) == ("resp_1", "openai.responses.stream")
    (chat,) = settled([run("a")], says("a", used(1, 1), response_id="chatcmpl-1", call_path="openai.chat")).charges
    assert chat.call_path == "openai.chat"
