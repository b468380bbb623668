"""Calls made from threads, executors and tasks hang in the trace of the run that made them."""

from collections.abc import Iterator

import pytest
from tests.recorded.matrix import load, measure
from tests.recorded.world import World, opened

ONE_TRACE = (
    "any: four threads with no context of their own (sync)",
    "any: ThreadPoolExecutor (sync)",
    "any: executor with a copied context (sync)",
    "any: asyncio.gather (async)",
    "langgraph: Send fan-out of raw SDK calls (sync)",
    "langgraph: Send fan-out of raw SDK streams (async)",
    "langgraph: Send fan-out of Gemini calls (sync)",
    "langgraph: Send fan-out of chat models (async)",
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with opened() as opened_world:
        yield opened_world


@pytest.mark.parametrize("key", ONE_TRACE)
def test_every_call_is_in_the_trace_of_its_caller(key: str, world: World) -> None:
    (scenario,) = [one for one in load() if one.key == key]
    measure(world, scenario)
    charges = world.receiver.charges()
    assert len(charges) == scenario.exact
    roots = {run.run_id for run in world.receiver.runs() if run.is_root}
    assert len(roots) == 1
    assert {charge.trace_id for charge in charges} == roots


def test_calls_of_a_graph_know_their_node(world: World) -> None:
    (scenario,) = [one for one in load() if one.key == "langgraph: Send fan-out of raw SDK calls (sync)"]
    measure(world, scenario)
    assert {charge.node for charge in world.receiver.charges()} == {"answer"}
