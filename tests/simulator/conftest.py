"""One simulator without latency a test session; each test starts with an empty ledger and no fault switched on."""

from collections.abc import AsyncIterator, Iterator

import openai
import pytest

from everytoken.simulator.serve import Simulator


@pytest.fixture(scope="session")
def running() -> Iterator[Simulator]:
    with Simulator("reference", latency="none") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    running.world.ledger.clear()
    running.world.faults.switches.clear()
    running.world.runs.clear()
    return running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated", max_retries=0) as client:
        yield client


@pytest.fixture
async def aclient(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=simulator.urls["openai"], api_key="simulated", max_retries=0) as client:
        yield client
