"""Print the cost of settling and shaping traces of 20, 10,000 and 1,000,000 runs: `python tests/bench/settle.py`."""

# ruff: noqa: T201  a benchmark speaks on stdout

import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator

from everytoken.core.charge import Evidence, Layer
from everytoken.core.run import Run
from everytoken.core.settle import settle
from everytoken.core.trace import shape_trace
from everytoken.core.usage import Usage

SIZES = (20, 10_000, 1_000_000)
NODE_TAG = ("graph:step:1",)


def turns(count: int) -> Iterator[Run]:
    """A LangGraph trace: nodes with a framework run, a client run and a tool below each."""

    def run(number: int, parent: int | None, kind: str, **more: object) -> Run:
        return Run(
            run_id=f"{number:036}", trace_id=f"{0:036}", project="p", name=f"run-{number % 7}",
            parent_run_id=None if parent is None else f"{parent:036}", run_type=kind, start_us=number * 100,
            end_us=number * 100 + 250, status="success", **more,  # type: ignore[arg-type]  # fields by name
        )  # fmt: skip

    yield run(0, None, "chain", metadata={"thread_id": "t-1", "user_id": "u-1"})
    for node in range(1, count, 4):
        inside = {"langgraph_node": f"node-{node % 17}", "langgraph_step": node, "thread_id": "t-1"}
        yield run(node, 0, "chain", tags=NODE_TAG, metadata=inside)
        yield run(node + 1, node, "llm", metadata=inside)
        yield run(node + 2, node + 1, "llm")
        yield run(node + 3, node, "tool", metadata=inside)


def nested(count: int) -> Iterator[Run]:
    """The worst shape: every run below the one before, and every second one a model call."""
    for number in range(count):
        yield Run(
            run_id=f"{number:036}", trace_id=f"{0:036}", project="p", start_us=number, end_us=2 * count - number,
            parent_run_id=f"{number - 1:036}" if number else None, run_type="llm" if number % 2 else "chain",
        )  # fmt: skip


def evidence_of(run: Run) -> tuple[Evidence, ...]:
    if run.run_type != "llm":
        return ()
    number = int(run.run_id)
    layer: Layer = "framework" if number % 4 == 2 else "sdk"
    return (
        Evidence(
            run_id=run.run_id, usage=Usage(input_tokens=number, output_tokens=7), provider="openai",
            request_model="gpt-5.2", response_model=None, response_id=f"resp_{number // 4}", call_path="openai.chat",
            layer=layer, place="outputs.usage",
        ),
    )  # fmt: skip


def measured(name: str, size: int, make: Callable[[int], Iterator[Run]]) -> None:
    runs = list(make(size))
    gc.collect()
    rounds = max(200 // size, 1)
    began = time.perf_counter()
    for _ in range(rounds):
        settlement = settle(runs, evidence_of)
    settled = time.perf_counter()
    for _ in range(rounds):
        shape_trace(runs, settlement.charges)
    shaped = time.perf_counter()
    per_run = 1e6 / rounds / len(runs)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name:<8}{len(runs):>9} runs {len(settlement.charges):>8} charges   settle {(settled - began) * per_run:6.1f}"
        f" us/run   shape {(shaped - settled) * per_run:6.1f} us/run   peak {peak_mb:6.0f} MB"
    )


if __name__ == "__main__":
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else max(SIZES)
    for size in (s for s in SIZES if s <= largest):
        measured("turns", size, turns)
        measured("nested", size, nested)
