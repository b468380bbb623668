"""The world of the end-to-end tests: one server and one simulator a module."""

import os
from collections.abc import Iterator

import pytest
from tests.e2e.world import PROJECT, World, answers
from tests.ports import free_port

from everytoken.cli.client import Client
from everytoken.cli.processes import running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    port, simulator_port = free_port(), free_port()
    url, simulator_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{simulator_port}"
    serve = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    simulate = ["everytoken.cli", "simulator", "--port", str(simulator_port), "--scenario", "reference"]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LANGSMITH_", "LANGCHAIN_"))},
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": url,
        "LANGSMITH_PROJECT": PROJECT,
        "LANGSMITH_API_KEY": "local",
        "OPENAI_BASE_URL": f"{simulator_url}/v1",
        "OPENAI_API_KEY": "simulated",
        "KAKAO_BASE_URL": simulator_url,
        "KAKAO_REST_API_KEY": "simulated",
    }
    with (
        running("the server", serve, log=folder / "server.log", ready=lambda: answers(f"{url}/ok")),
        running("the simulator", simulate, log=folder / "sim.log", ready=lambda: answers(f"{simulator_url}/_ledger")),
    ):
        yield World(url=url, simulator_url=simulator_url, env=env)


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[Client]:
    client = Client(world.url)
    yield client
    client.close()
