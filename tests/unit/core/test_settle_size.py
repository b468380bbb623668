"""A trace of a million runs: no recursion, one look at each run, memory for the runs' places and no more."""

import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator

from everytoken.core.charge import Evidence
from everytoken.core.run import Run
from everytoken.core.settle import settle
from everytoken.core.trace import shape_trace
from everytoken.core.usage import Usage

RUNS = 1_000_000
CALLS = 1_000
BYTES_A_RUN = 300
"""Beyond the runs themselves. 147 were measured (CPython 3.11, 2026-11)."""

USAGE = Usage(input_tokens=3, output_tokens=2)
CALL_PATH = "openai.chat"


def _wide() -> Iterator[Run]:
    """One root over a million children, every thousandth of which is a call."""
    yield Run(run_id="root", trace_id="root", project="p", start_us=0, end_us=RUNS)
    for number in range(1, RUNS):
        kind = "llm" if number % (RUNS // CALLS) == 1 else "chain"
        yield Run(
            run_id=f"{number}",
            trace_id="root",
            project="p",
            parent_run_id="root",
            run_type=kind,
            start_us=number,
            end_us=number,
        )


def _evidence(run: Run) -> tuple[Evidence, ...]:
    if run.run_type != "llm":
        return ()
    return (
        Evidence(
            run_id=run.run_id,
            usage=USAGE,
            provider="openai",
            request_model="gpt-5.2",
            response_model=None,
            response_id=None,
            call_path=CALL_PATH,
            layer="sdk",
            place="metadata.usage_metadata",
        ),
    )


def test_a_million_runs_are_settled_with_one_look_at_each() -> None:
    looks: Counter[str] = Counter()

    def counted(run: Run) -> tuple[Evidence, ...]:
        looks["all"] += 1
        return _evidence(run)

    runs = list(_wide())
    tracemalloc.start()
    settlement = settle(runs, counted)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert looks["all"] == RUNS
    assert len(settlement.charges) == CALLS
    assert sum(charge.usage.total_tokens for charge in settlement.charges if charge.usage) == 5 * CALLS
    assert peak_bytes < RUNS * BYTES_A_RUN


def test_a_chain_deeper_than_the_stack_is_settled_and_drawn() -> None:
    depth = 20 * sys.getrecursionlimit()
    runs = [
        Run(
            run_id=f"{level}",
            trace_id="0",
            project="p",
            parent_run_id=f"{level - 1}" if level else None,
            run_type="llm" if level == depth - 1 else "chain",
            start_us=level,
            end_us=2 * depth,
        )
        for level in range(depth)
    ]
    charges = settle(runs, _evidence).charges
    shape = shape_trace(runs, charges)
    assert [charge.run_id for charge in charges] == [f"{depth - 1}"]
    assert len(shape.runs) == depth
    assert shape.runs[-1].depth == depth - 1
