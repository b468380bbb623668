"""What 1,000 ingest nodes of 1,000 runs/s each would do to a ClickHouse cluster: queues, parts and merges, simulated.

    python tests/bench/scale_simulation.py             # measures an insert and a merge here, then simulates (a minute)
    python tests/bench/scale_simulation.py --measured  # with the figures below, measured before (seconds)

All nodes are alike and traces spread evenly by their hash, so one shard stands for all of them: 1/shards of each node's
rows arrive there. A step is 50 ms. An insert costs a fixed time for its part and a time for each row; a merge joins up
to 100 of the smallest parts at a measured rate; both share the shard's cores, inserts first. Beyond 1,000 parts in a
partition ClickHouse delays an insert, at 3,000 it refuses it; the nodes' journals hold what waits. Not simulated:
reads, replication traffic, the network, Keeper, more than one partition at a time.
"""

import argparse
import heapq
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from everytoken.config import Settings
from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.store.ledger import Ledger
from everytoken.store.rows import SettledRun

STEP_S = 0.05
DELAY_PARTS, THROW_PARTS = 1_000, 3_000
"""ClickHouse's `parts_to_delay_insert` and `parts_to_throw_insert`, for one partition."""
MERGE_PARTS = 100
NOW_US = 1_795_348_800_000_000
ROWS_PER_RUN = 2.3
"""Rows a run becomes: its own, its share of charges (5 of 17 runs), and one of operations (it arrives as one body)."""
TABLES = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one core."""

    part_s: float
    """Fixed cost of an insert of one part."""
    row_s: float
    merge_row_s: float


MEASURED = Figures(part_s=0.0097, row_s=15.2e-6, merge_row_s=6.9e-6)
"""chDB 26.5 on one of 2 shared cores, 2026-11-23; `main` prints what it measures."""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    shards: int
    nodes: int = 1_000
    runs_per_s: float = 1_000
    """Of each node."""
    flush_s: float = 0.25
    gather_s: float = 0.0
    """How long a shard gathers inserts into one part (`async_insert` with `wait_for_async_insert`)."""
    cores: int = 16
    merge_share: float = 0.5
    """Of the cores, at most this many merge."""


@dataclass(slots=True)
class Outcome:
    peak_parts: int = 0
    waiting_s: float = 0.0
    """Of the nodes' journals at the end: how much of their time they hold."""
    insert_load: float = 0.0
    merge_load: float = 0.0
    refused: int = 0


def simulate(scenario: Scenario, figures: Figures, seconds: float = 120.0) -> Outcome:
    rows_s = scenario.nodes * scenario.runs_per_s * ROWS_PER_RUN / scenario.shards / TABLES
    inserts_s = 1 / scenario.gather_s if scenario.gather_s else scenario.nodes / scenario.flush_s
    outcome, queue, due = Outcome(), deque[float](), 0.0
    parts: list[float] = []
    merging: list[float] = []  # seconds of work left
    joined: list[float] = []  # and the rows they will leave
    for _ in range(int(seconds / STEP_S)):
        due += inserts_s * STEP_S
        while due >= 1:
            queue.append(rows_s / inserts_s)
            due -= 1
        # A third of the cores for each of three tables.
        budget = scenario.cores / TABLES * STEP_S
        spent = 0.0
        while queue and spent < budget and len(parts) < THROW_PARTS:
            cost = figures.part_s + queue[0] * figures.row_s
            if len(parts) > DELAY_PARTS:  # a delayed insert holds its slot and works later
                cost *= 1 + (len(parts) - DELAY_PARTS) / (THROW_PARTS - DELAY_PARTS)
            spent += cost
            heapq.heappush(parts, queue.popleft())
        outcome.refused += bool(queue) and len(parts) >= THROW_PARTS
        outcome.insert_load += min(spent, budget)
        left = min(budget - min(spent, budget), budget * scenario.merge_share)
        left = max(left, budget * 0.1)  # the pool of merges keeps some time under any load
        while left > 0:
            if not merging:
                if len(parts) < 10:
                    break
                taken = [heapq.heappop(parts) for _ in range(min(MERGE_PARTS, len(parts)))]
                merging.append(sum(taken) * figures.merge_row_s)
                joined.append(sum(taken))
            done = min(left, merging[0])
            merging[0] -= done
            left -= done
            outcome.merge_load += done
            if merging[0] <= 0:
                merging.clear()
                heapq.heappush(parts, joined.pop())
        outcome.peak_parts = max(outcome.peak_parts, len(parts))
    outcome.waiting_s = sum(queue) / rows_s
    whole = seconds * scenario.cores / TABLES
    outcome.insert_load /= whole
    outcome.merge_load /= whole
    return outcome


def measure() -> Figures:
    """Inserts of 100 and of 5,000 rows into both tables, and a merge of what they left, on the embedded engine."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger.open(Settings(data=Path(folder)))
        small = min(_insert(ledger, 100, n) for n in range(5))
        large = min(_insert(ledger, 5_000, 10 + n) for n in range(3))
        row_s = max(large - small, 0.0) / 4_900
        start = time.process_time()
        ledger._writer.command("OPTIMIZE TABLE run_versions FINAL")
        merge_row_s = (time.process_time() - start) / 15_500
        ledger.close()
    return Figures(part_s=max(small - 100 * row_s, 1e-4) / 2, row_s=row_s / 2, merge_row_s=merge_row_s)


def _insert(ledger: Ledger, rows: int, seed: int) -> float:
    ids = [f"{seed:08x}-0000-4000-8000-{n:012x}" for n in range(rows)]
    text = {"messages": ["a question and what was answered to it, " * 12]}
    runs = [
        SettledRun(Run(run_id=i, trace_id=i, project="p", start_us=NOW_US + n, inputs=text, outputs=text))
        for n, i in enumerate(ids)
    ]
    charges = [Charge(charge_key=i, project="p", trace_id=i, run_id=i, started_us=NOW_US) for i in ids]
    start = time.process_time()
    ledger.write(runs, charges, [])
    return time.process_time() - start


SCENARIOS = (
    Scenario("one server, 4 nodes", 1, nodes=4),
    Scenario("one server, 10 nodes", 1, nodes=10),
    Scenario("one server, 10 nodes, flush 2 s", 1, nodes=10, flush_s=2.0),
    Scenario("1,000 nodes as they are", 64),
    Scenario("flush 5 s", 64, flush_s=5.0),
    Scenario("flush 30 s", 64, flush_s=30.0),
    Scenario("shards gather for 1 s", 64, gather_s=1.0),
    Scenario("the same on half the shards", 32, gather_s=1.0),
    Scenario("the same on an eighth", 8, gather_s=1.0),
    Scenario("250 nodes of 4,000 runs/s, shards gather", 64, nodes=250, runs_per_s=4_000, gather_s=1.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measured", action="store_true", help="use the figures in the script")
    figures = MEASURED if parser.parse_args().measured else measure()
    say = sys.stdout.write
    say(
        f"a part {figures.part_s * 1e3:.1f} ms, a row {figures.row_s * 1e6:.1f} us, "
        f"a merged row {figures.merge_row_s * 1e6:.1f} us of one core\n\n"
    )
    say("| scenario | shards | rows a part | parts at most | cores: inserts | merges | journals hold |\n")
    say("|---|---|---|---|---|---|---|\n")
    for scenario in SCENARIOS:
        found = simulate(scenario, figures)
        per_s = 1 / scenario.gather_s if scenario.gather_s else scenario.nodes / scenario.flush_s
        rows = scenario.nodes * scenario.runs_per_s * ROWS_PER_RUN / scenario.shards / TABLES / per_s
        say(
            f"| {scenario.name} | {scenario.shards} | {rows:,.0f} | {found.peak_parts:,} | "
            f"{found.insert_load:.0%} | {found.merge_load:.0%} | {found.waiting_s:.1f} s of 120 |\n"
        )


if __name__ == "__main__":
    main()
