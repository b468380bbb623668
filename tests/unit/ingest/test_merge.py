"""A run is the same whatever order its operations came in and however often."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.core.run import Run
from everytoken.ingest import merge as merge_module
from everytoken.ingest.merge import Place, build_run, merge, order_of, restored
from everytoken.ingest.trace_fold import RunFold
from everytoken.wire.operations import Operation
from everytoken.wire.times import write_segment

RUN, TRACE, PARENT = (f"01a204f2-8c53-7543-9601-{n:012x}" for n in (1, 2, 3))
PLACE = Place("shop", 1_000_000, False)


def operation(kind: Any, at: int, **fields: Any) -> Operation:
    return Operation(kind, RUN, fields, at)  # type: ignore[arg-type]  # a test writes the fields it means


def run_of(*operations: Operation) -> Run:
    fold = RunFold(RUN, PLACE)
    for one in operations:
        fold.add(one)
    return build_run(RUN, TRACE, PLACE, merge(fold.operations), None)


def test_a_patch_overwrites_its_post_whichever_came_first() -> None:
    started = operation("post", 1, name="call", outputs={}, inputs={"q": 1})
    ended = operation("patch", 2, outputs={"a": 2}, end_us=1_500_000)
    late_post = replace(started, received_us=3)
    for order in ((started, ended), (ended, started), (ended, late_post)):
        run = run_of(*order)
        assert (run.name, run.inputs, run.outputs, run.status) == ("call", {"q": 1}, {"a": 2}, "success")


def test_of_two_patches_the_later_arrival_wins() -> None:
    first, second = operation("patch", 1, outputs={"a": 1}, error="E"), operation("patch", 2, outputs={"b": 2})
    assert run_of(second, first).outputs == {"b": 2}
    assert run_of(second, first).error == "E"


def test_a_patch_said_again_overwrites_one_that_came_in_between() -> None:
    first, between, again = (operation("patch", at, outputs={"a": n}) for at, n in ((1, 1), (2, 2), (3, 1)))
    assert run_of(first, again, between).outputs == run_of(first, between, again).outputs == {"a": 1}


def test_metadata_is_merged_by_key_and_a_usage_is_never_mixed() -> None:
    first = operation("post", 1, metadata={"user_id": "u", "usage_metadata": {"input_tokens": 9, "x": {"y": 1}}})
    second = operation("patch", 2, metadata={"usage_metadata": {"input_tokens": 3}, "user_id": None, "k": None})
    assert run_of(first, second).metadata == {"user_id": "u", "usage_metadata": {"input_tokens": 3}, "k": None}


def test_the_rest_of_extra_is_merged_by_key() -> None:
    first = operation("post", 1, extra={"runtime": {"sdk": "py"}, "invocation_params": {"model": "m"}})
    assert run_of(first, operation("patch", 2, extra={"runtime": {"sdk": "js"}})).extra == {
        "runtime": {"sdk": "js"},
        "invocation_params": {"model": "m"},
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "pending"),
        ({"end_us": 5}, "success"),
        ({"error": "ValueError()"}, "error"),
        ({"error": "GraphInterrupt((Interrupt(value=1),))\n\nTraceback", "end_us": 5}, "interrupted"),
        ({"error": "NodeInterrupt('x')"}, "interrupted"),
        ({"error": "ParentCommand(Command())"}, "interrupted"),
        ({"error": "x", "metadata": {"ls_is_error_interrupt": True}}, "interrupted"),
        ({"status": "cancelled", "end_us": 5}, "cancelled"),
        ({"status": "pending", "end_us": 5}, "success"),
        ({"status": "success", "error": "x"}, "error"),
    ],
)
def test_the_status_is_derived_from_error_and_end(fields: dict[str, Any], status: str) -> None:
    assert run_of(operation("post", 1, name="x", **fields)).status == status


@pytest.mark.parametrize(
    ("events", "first_us"),
    [
        ([], None),
        ([{"name": "start", "time": "2026-11-22T12:00:00Z"}], None),
        ([{"name": "start"}, {"name": "new_token", "time": "2026-11-22T12:00:00.5Z"}], 1_795_348_800_500_000),
        ([{"name": "new_token", "time": 1_795_348_800_500}, {"name": "new_token", "time": 0}], 1_795_348_800_500_000),
        ([{"name": "new_token"}], None),
    ],
)
def test_the_first_token_is_the_first_event_of_that_name(events: list[dict[str, Any]], first_us: int | None) -> None:
    assert run_of(operation("post", 1, name="x", events=events)).first_token_us == first_us


def test_more_patches_than_are_kept_apart_still_add_up() -> None:
    patches = [operation("patch", at, metadata={f"k{at}": at}, outputs={"n": at}) for at in range(2, 40)]
    run = run_of(operation("post", 1, name="x", outputs={}), *patches, operation("post", 99, outputs={}))
    assert (run.outputs, run.metadata["k2"], len(run.metadata)) == ({"n": 39}, 2, 38)


VALUES = st.integers(0, 3) | st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), max_size=2)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["x", "y"]),
        "outputs": VALUES,
        "inputs": VALUES,
        "error": st.sampled_from(["E", "GraphInterrupt()"]),
        "end_us": st.integers(1, 3),
        "tags": st.sampled_from([("a",), ("b", "a")]),
        "metadata": st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 2), min_size=1, max_size=3),
        "extra": st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1, max_size=2),
        "flags": st.just(("part_unreadable",)),
        "parent_run_id": st.just(PARENT),
    },
)
HISTORIES = st.lists(st.tuples(st.sampled_from(["post", "patch"]), FIELDS), min_size=1, max_size=6)


@given(history=HISTORIES, seed=st.integers(), repeats=st.integers(0, 4))
def test_any_order_and_repetition_gives_the_same_run(history: Any, seed: int, repeats: int) -> None:
    operations = [operation(kind, at, **fields) for at, (kind, fields) in enumerate(history)]
    shuffler = random.Random(seed)
    mixed = operations + [shuffler.choice(operations) for _ in range(repeats)]
    shuffler.shuffle(mixed)
    assert run_of(*mixed) == run_of(*operations)


@given(history=HISTORIES, later=FIELDS)
def test_a_run_read_back_from_the_ledger_goes_on_as_if_it_had_never_left(history: Any, later: Any) -> None:
    operations = [operation(kind, at, **fields) for at, (kind, fields) in enumerate(history)]
    before = run_of(*operations)
    held, place = restored(before)
    assert place == PLACE
    assert run_of(held) == before
    more = operation("patch", 50, **later)
    assert run_of(held, more, *(o for o in operations if o.kind == "post")) == run_of(held, more)
    kept = {key: value for key, value in later.items() if key not in ("error", "flags", "metadata", "extra")}
    assert run_of(held, operation("patch", 50, **kept)) == run_of(*operations, operation("patch", 50, **kept))


@pytest.mark.parametrize(("levels", "remembered"), [(20, 1), (21, 0), (270, 0)])
def test_a_long_order_is_read_and_not_kept_in_memory(levels: int, remembered: int) -> None:
    merge_module._remembered.cache_clear()
    segments = [write_segment(1_795_348_800_000_000, f"01a204f2-8c53-7543-9601-{n:012x}") for n in range(levels)]
    for _ in range(2):
        order = order_of(f"01a204f2-8c53-7543-9601-{levels - 1:012x}", {"dotted_order": ".".join(segments)})
        assert order is not None
        assert order.parent_run_id == f"01a204f2-8c53-7543-9601-{levels - 2:012x}"
    assert merge_module._remembered.cache_info().currsize == remembered
