"""Two ingest nodes on one ClickHouse and one PostgreSQL: a trace split between them is as one node would make it."""

import asyncio
import random
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.store.clickhouse_server import CLUSTER
from tests.store.ingest_world import FlatPricer, body, patch, post, uid, usage

from everytoken.config import Settings
from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.masking import BUILT_IN, masking
from everytoken.ingest.pipeline import Pipeline
from everytoken.store.control import Control
from everytoken.store.errors import StoreUnavailableError
from everytoken.store.journal import Journal
from everytoken.store.ledger import Ledger, TracePlace
from everytoken.store.project_settings import ProjectSettings

START_US = 1_795_348_800_000_000
END = "2026-11-22T12:00:01Z"


class Node:
    """One ingest node: a journal of its own, the ledger and the control data in common."""

    def __init__(self, data: Path, clickhouse_url: str, database_url: str, cluster: str | None) -> None:
        self.settings = Settings(
            data=data,
            flush_interval_ms=100,
            clickhouse_url=clickhouse_url,
            clickhouse_cluster=cluster,
            database_url=database_url,
        )
        data.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger.open(self.settings)
        self.control = Control.open(self.settings)
        self.start()

    def start(self, ledger: Any = None) -> None:
        """A process over the journal that an earlier one left."""
        self.journal = Journal(self.settings.data_dir / "journal.db", max_bytes=64 * 1024**2)
        self.pipeline = Pipeline(
            self.settings, self.journal, ledger or self.ledger, self.control, FlatPricer(), LiveFeed(), Clock.tick
        )
        self.pipeline.start()

    async def send(self, *operations: tuple[str, dict[str, Any]]) -> None:
        await self.pipeline.accept(
            "multipart", body(*operations), content_type="multipart/form-data; boundary=b0undary", encoding=""
        )

    async def stop(self) -> None:
        await self.pipeline.stop()
        self.journal.close()

    def close(self) -> None:
        self.ledger.close()
        self.control.close()


class Clock:
    """One for both nodes, which never tells the same time twice."""

    now_us = START_US

    @classmethod
    def tick(cls) -> int:
        cls.now_us += 1
        return cls.now_us


@pytest.fixture(params=[None, CLUSTER], ids=["one server", "two shards"])
def nodes(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[tuple[Node, Node]]:
    Clock.now_us = START_US
    cluster: str | None = request.param
    url = request.getfixturevalue("clickhouse_url" if cluster is None else "cluster_url")
    both = Node(tmp_path / "a", url, database_url, cluster), Node(tmp_path / "b", url, database_url, cluster)
    yield both
    for node in both:
        node.close()


def trace_of(first: int) -> list[tuple[str, dict[str, Any]]]:
    """An agent's trace of 8 operations and two requests: one of them seen by the callback and by the wrapped client.

    100 + 20 tokens of the request that two runs testify to, and 7 + 3 of the other: 130 in two charges.
    """
    root, step, outer, inner, other = range(first, first + 5)
    twice = {"extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}}}
    seen = {"id": "resp_1", "model": "gpt-5.2"}
    return [
        post(root, trace=root),
        post(step, trace=root, parent=root, extra={"metadata": {"langgraph_node": "answer"}}),
        post(outer, trace=root, parent=step, run_type="llm", **twice),
        post(inner, trace=root, parent=outer, run_type="llm", **twice),
        post(other, trace=root, parent=step, run_type="llm", **twice),
        patch(inner, trace_id=uid(root), outputs={**seen, **usage(100, 20)}),
        patch(outer, trace_id=uid(root), outputs={**seen, **usage(100, 20)}, extra={"metadata": {"outer": 1}}),
        patch(other, trace_id=uid(root), outputs={"id": "resp_2", **usage(7, 3)}),
    ]


def settled(ledger: Ledger, first: int) -> tuple[list[Run], list[Charge]]:
    place = ledger.find_trace(uid(first))
    assert place is not None
    runs = sorted(ledger.read_trace(uid(first)), key=lambda run: run.run_id)
    return runs, sorted(ledger.read_charges(place), key=lambda charge: charge.charge_key)


def check(ledger: Ledger, first: int, alone: tuple[list[Run], list[Charge]]) -> None:
    runs, charges = settled(ledger, first)
    assert [run.run_id for run in runs] == [uid(first + n) for n in range(5)]
    assert sum(charge.usage.total_tokens for charge in charges if charge.usage) == 130
    assert sum(charge.cost.usd or Decimal(0) for charge in charges) == Decimal("0.000130")
    assert (runs, charges) == alone
    assert len(ledger.read_charge_keys(uid(first))) == 2


async def test_every_way_to_split_a_trace_between_two_nodes_settles_to_the_same(nodes: tuple[Node, Node]) -> None:
    chance = random.Random(7)
    firsts = [1 + 10 * n for n in range(12)]
    expected = {}
    for first in firsts:
        for operation in trace_of(first):
            await nodes[0].send(operation)
    await nodes[0].pipeline.flush()
    for first in firsts:
        expected[first] = settled(nodes[0].ledger, first)
    for node in nodes:
        await node.stop()
    nodes[0].ledger.delete("shop")
    assert nodes[0].ledger.find_trace(uid(1)) is None
    for node in nodes:
        node.start()

    sent = [(first, n) for first in firsts for n in range(8)]
    chance.shuffle(sent)
    for count, (first, n) in enumerate(sent):
        node = nodes[chance.randrange(2)]
        await node.send(trace_of(first)[n])
        if chance.random() < 0.1:
            await node.pipeline.flush()
        if count % 50 == 49:
            await asyncio.gather(*(node.pipeline.flush() for node in nodes))
    await asyncio.gather(*(node.pipeline.flush() for node in nodes))

    for first in firsts:
        check(nodes[0].ledger, first, expected[first])
    for node in nodes:
        await node.stop()


class Held:
    """The ledger of a node that stands still between settling and writing: a long pause of its process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.dies = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def write(self, *arguments: Any) -> None:
        first = not self.reached.is_set()
        self.reached.set()
        assert self.go_on.wait(60)
        if self.dies and not first:
            raise StoreUnavailableError("the process is gone")
        self._ledger.write(*arguments)
        if self.dies:
            raise StoreUnavailableError("the process is gone")


@pytest.mark.parametrize("dies", [False, True], ids=["goes on", "dies after its write"])
async def test_a_node_that_writes_what_it_settled_long_ago_does_not_undo_what_the_other_knows(
    nodes: tuple[Node, Node], dies: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = nodes
    operations = trace_of(1)
    await other.send(*trace_of(101))
    await other.pipeline.flush()
    await slow.stop()
    held = Held(slow.ledger)
    held.dies = dies
    slow.start(held)
    held_up = slow.pipeline
    # The outer run does not tell the id of its response: without the inner one it is a request of its own, by its run.
    operations[6] = patch(3, trace_id=uid(1), outputs=usage(100, 20))
    await slow.send(*(operations[n] for n in (0, 1, 2, 4, 6, 7)))
    await asyncio.to_thread(held.reached.wait, 60)
    await other.send(*(operations[n] for n in (3, 5)))
    await other.pipeline.flush()
    known = settled(other.ledger, 1)

    held.go_on.set()
    if dies:
        await asyncio.sleep(0.5)
        slow.journal.close()  # as its disk is found: nothing of the flush was released
        slow.start()
    await slow.pipeline.flush()

    check(other.ledger, 1, known)
    assert sorted(charge.usage.total_tokens for charge in known[1] if charge.usage) == [10, 120]
    for node in nodes:
        await node.stop()
    monkeypatch.setattr("everytoken.ingest.pipeline.DRAIN_S", 0)
    await held_up.stop()  # a dead process would not try on


async def test_a_part_that_comes_late_to_the_other_node_joins_what_was_settled(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    operations = trace_of(1)
    await here.send(*operations[:7])
    await here.pipeline.flush()
    assert sum(charge.usage.total_tokens for charge in settled(here.ledger, 1)[1] if charge.usage) == 120
    await here.stop()

    await there.send(operations[7])
    await there.pipeline.flush()
    known = settled(there.ledger, 1)
    check(there.ledger, 1, known)
    assert [run.status for run in known[0]] == ["pending", "pending", "success", "success", "success"]

    here.start()  # and the first one, which forgot it, hears of it again
    await here.send(patch(1, trace_id=uid(1)))
    await here.pipeline.flush()
    runs, charges = settled(here.ledger, 1)
    assert charges == known[1]
    assert [run.status for run in runs] == ["success", "pending", "success", "success", "success"]
    for node in nodes:
        await node.stop()


async def test_an_update_without_its_trace_finds_the_run_that_another_node_received(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    await here.send(post(1), post(2, parent=1, run_type="llm"))
    await here.pipeline.flush()
    await there.send(patch(2, outputs=usage(30, 4)))  # as older clients send it: the id and what changed
    await there.pipeline.flush()

    runs, charges = settled(here.ledger, 1)
    assert [run.name for run in runs] == ["run 1", "run 2"]
    assert [charge.usage.total_tokens for charge in charges if charge.usage] == [34]
    for node in nodes:
        await node.stop()


async def test_both_nodes_write_one_trace_at_the_same_time(nodes: tuple[Node, Node]) -> None:
    """Forty model calls under one root, every call's start at one node and its end at the other: 40 x 12 tokens."""
    here, there = nodes
    await here.send(post(1))

    async def half(node: Node, offset: int) -> None:
        for n in range(2, 42):
            if (n + offset) % 2:
                await node.send(post(n, parent=1, run_type="llm"))
            else:
                await node.send(patch(n, trace_id=uid(1), outputs={"id": f"resp_{n}", **usage(n, 12)}))
            await asyncio.sleep(0.01)

    await asyncio.gather(half(here, 0), half(there, 1))
    await asyncio.gather(*(node.pipeline.flush() for node in nodes))
    await here.send(patch(1, trace_id=uid(1)))
    await here.pipeline.flush()

    runs, charges = settled(here.ledger, 1)
    assert len(runs) == 41
    assert all(run.status == "success" for run in runs)
    assert len(charges) == 40
    assert sum(charge.usage.input_tokens for charge in charges if charge.usage) == sum(range(2, 42))
    assert sum(charge.usage.output_tokens for charge in charges if charge.usage) == 480
    for node in nodes:
        await node.stop()


SAID = "mail kim@example.com about it"


async def test_what_a_mask_matches_is_not_told_to_other_nodes_and_the_numbers_stay(nodes: tuple[Node, Node]) -> None:
    first, second = nodes
    project = first.control.ensure_project("shop", START_US)
    first.control.settings.put(project.project_id, ProjectSettings(masks=tuple(BUILT_IN)), START_US)
    for node in nodes:
        node.pipeline.mask_with(masking(node.control))
    outputs = {**usage(1000, 20), "id": "resp_4111-1111-1111-1111", "text": SAID}

    await first.send(post(1, run_type="llm", inputs={"q": SAID}))
    await first.pipeline.flush()
    # a patch does not name its project: the node that gets it has never heard of the trace
    await second.send(("patch", {"id": uid(1), "trace_id": uid(1), "end_time": END, "outputs": outputs, "error": SAID}))
    await second.pipeline.flush()

    rows = first.ledger.operations.read([uid(1)])[uid(1)]
    assert len(rows) == 2
    assert not [row.body for row in rows if b"kim@example.com" in row.body]
    assert all(b"[masked:email]" in row.body for row in rows)
    (charge,) = second.ledger.read_charges(everywhere(second.ledger))
    assert charge.usage is not None
    assert (charge.usage.input_tokens, charge.usage.output_tokens) == (1000, 20)
    (run,) = first.ledger.read_trace(uid(1))
    assert run.inputs == {"q": "mail [masked:email] about it"}


def everywhere(ledger: Ledger) -> TracePlace:
    place = ledger.find_trace(uid(1))
    assert place is not None
    return place
