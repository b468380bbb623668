"""The worker in this process, its providers simulated over HTTP, its runs sent to a server that keeps them."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import langsmith
import pytest
from pydantic import SecretStr
from tests.eco2.capture import Capture, listening

from eco2.agent import Agent, open_agent
from eco2.settings import Settings
from everytoken.simulator.serve import Simulator

KEY = SecretStr("simulated")
OpenAgent = Callable[..., AbstractAsyncContextManager[Agent]]


@pytest.fixture(scope="session")
def world() -> Iterator[Simulator]:
    with Simulator("reference", latency="none") as simulator:
        yield simulator


@pytest.fixture
def simulator(world: Simulator) -> Simulator:
    """The simulator with an empty ledger and no fault switched on."""
    world.world.ledger.clear()
    world.world.faults.switches.clear()
    return world


@pytest.fixture
def settings(world: Simulator, tmp_path: Path) -> Settings:
    return Settings(
        openai_api_key=KEY,
        openai_base_url=world.urls["openai"],
        google_api_key=KEY,
        google_base_url=world.urls["gemini"],
        kakao_api_key=KEY,
        kakao_base_url=world.urls["kakao"],
        kma_api_key=KEY,
        kma_base_url=world.urls["kma"],
        mois_api_key=KEY,
        mois_base_url=world.urls["mois"],
        keco_api_key=KEY,
        keco_base_url=world.urls["keco"],
        images_dir=tmp_path / "images",
        private_image_links=True,
    )


@pytest.fixture
async def agent(settings: Settings, simulator: Simulator) -> AsyncIterator[Agent]:
    async with open_agent(settings) as opened:
        yield opened


@pytest.fixture
def agent_with(settings: Settings, simulator: Simulator) -> OpenAgent:
    """Opens an agent with some settings changed."""

    def opened(**changes: Any) -> AbstractAsyncContextManager[Agent]:
        return open_agent(settings.model_copy(update=changes))

    return opened


@pytest.fixture
def traced() -> Iterator[Capture]:
    """Tracing on, through the real client, into a server of this test."""
    with listening() as capture:
        client = langsmith.Client(api_url=capture.url, api_key="local")
        capture.client = client
        langsmith.configure(client=client, enabled=True, project_name="eco2-test")
        yield capture
        client.flush()
        langsmith.configure(client=None, enabled=None, project_name=None)
        client.cleanup()


def switch_on(simulator: Simulator, fault: str, **where: Any) -> None:
    """Switch a fault on at the simulator."""
    from everytoken.simulator.faults import read_switch

    simulator.world.faults.add(read_switch({"fault": fault, **where}))
