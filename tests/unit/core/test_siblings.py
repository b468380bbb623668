"""Requests that two instrumentations saw side by side, by value: one rule a test."""

from typing import Any

import pytest
from tests.unit.core.test_settle import ROOT, run, says, telling, used

from everytoken.core.charge import Evidence
from everytoken.core.run import Run
from everytoken.core.settle import Settlement, settle

OUTER, INNER = {"otel.scope.name": "langchain"}, {"otel.scope.name": "openai"}


def outer(name: str = "lc", **fields: Any) -> Run:
    return run(name, **{"metadata": OUTER, "start_us": 100, "end_us": 200, **fields})


def inner(name: str = "sdk", **fields: Any) -> Run:
    return run(name, **{"metadata": INNER, "start_us": 120, "end_us": 180, **fields})


def settled(runs: list[Run], *evidence: Evidence) -> Settlement:
    return settle([ROOT, *runs], telling(*evidence))


def keys(settlement: Settlement) -> list[str]:
    return [charge.charge_key for charge in settlement.charges]


def test_a_sibling_within_another_with_the_same_counts_is_the_same_request_in_any_order() -> None:
    told = says("lc", used(30, 9), "otel"), says("sdk", used(30, 9), "otel", response_id="r1")
    for runs in ([outer(), inner()], [inner(), outer()]):
        result = settled(runs, *told)
        assert keys(result) == ["response:r1"]
        assert [one.reason for one in result.duplicates] == ["parent_llm_run"]


@pytest.mark.parametrize(
    ("second", "evidence"),
    [
        (inner(end_us=201), says("sdk", used(30, 9), "otel")),  # not within
        (inner(parent="other"), says("sdk", used(30, 9), "otel")),  # no sibling
        (inner(metadata=OUTER), says("sdk", used(30, 9), "otel")),  # one instrumentation sees a request once
        (inner(metadata={}), says("sdk", used(30, 9), "otel")),
        (inner(), says("sdk", used(30, 8), "otel")),  # other counts
        (inner(), says("sdk", used(30, 9), "otel", request_model="gpt-5.2-mini")),
        (inner(), says("sdk", used(30, 9), "otel", response_id="r2")),  # both have a name, and not the same
        (inner(end_us=None), says("sdk", used(30, 9), "otel")),
    ],
)
def test_siblings_that_may_be_two_requests_stay_two(second: Run, evidence: Evidence) -> None:
    known = outer(), says("lc", used(30, 9), "otel", response_id="r1")
    other = run("other", run_type="chain", start_us=0)
    result = settled([known[0], second, other], known[1], evidence)
    assert len(keys(result)) == 2


def test_a_failed_call_that_both_saw_is_one_request_without_usage() -> None:
    runs = [outer(status="error"), inner(status="error")]
    result = settled(runs, says("lc", None, "otel"), says("sdk", None, "otel"))
    assert [charge.quality for charge in result.charges] == ["missing"]


def test_a_retry_inside_the_outer_call_stays_a_request_of_its_own() -> None:
    runs = [outer(), inner("failed", start_us=110, end_us=115, status="error"), inner("answered")]
    result = settled(
        runs, says("lc", used(30, 9), "otel"), says("failed", None, "otel"), says("answered", used(30, 9), "otel")
    )
    assert keys(result) == ["run:failed", "run:answered"]


def test_equal_calls_at_once_are_as_many_as_the_instrumentations_saw() -> None:
    pairs = [(f"lc{n}", f"sdk{n}") for n in range(50)]
    runs = [outer(a, end_us=200 + n) for n, (a, _) in enumerate(pairs)]
    runs += [inner(b, end_us=180 + n) for n, (_, b) in enumerate(pairs)]
    told = [says(name, used(8, 0), "otel") for pair in pairs for name in pair]
    result = settled(runs, *told)
    assert len(result.charges) == 50
    assert sum(charge.usage.input_tokens for charge in result.charges if charge.usage) == 400


def test_a_parent_above_both_repeats_neither() -> None:
    runs = [run("agent", start_us=50, end_us=300), outer(parent="agent"), inner(parent="agent")]
    result = settled(
        runs, says("agent", used(30, 9), "otel"), says("lc", used(30, 9), "otel"), says("sdk", used(30, 9), "otel")
    )
    assert len(result.charges) == 1
