"""A server with the Eco² agent attached, its models simulated: what the page's chat talks to."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port
from tests.ui.conftest import answers

from everytoken.cli.demo_agent import Eco2, simulated
from everytoken.cli.processes import running
from everytoken.simulator.serve import Simulator

PROJECT = "eco2-chat-worker"


@contextlib.contextmanager
def attached(folder: Path, *, latency: str) -> Iterator[str]:
    """The URL of the server. One question has been asked before, so that the whole graph is known."""
    port, agent_port = free_port(), free_port()
    url, agent_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{agent_port}"
    serve = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    env = {**os.environ, "EVERYTOKEN_AGENT_URL": agent_url, "EVERYTOKEN_AGENT_PROJECT": PROJECT}
    with (
        Simulator("reference", latency=latency) as simulator,
        running("the server", serve, log=folder / "server.log", ready=lambda: answers(f"{url}/ok"), env=env),
    ):
        services = {**simulated(simulator), "ECO2_IMAGES_DIR": str(folder / "images")}
        agent = Eco2(url=url, provider="openai", services=services)
        agent.ask(PROJECT, "안녕", "job_before")
        arguments, log, ready = ["eco2", "serve", "--port", str(agent_port)], folder / "agent.log", agent_url
        with running(
            "the agent", arguments, log=log, ready=lambda: answers(f"{ready}/healthz"), env=agent.env(PROJECT)
        ):
            yield url
