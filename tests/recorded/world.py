"""What every scenario stands on: the simulator with its bill, the receiver, clients of the SDKs, and the verdict."""

import asyncio
import gc
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import agents
import certifi
import httpx2
import langsmith
import pytest
from google.genai import Client
from google.genai.types import HttpOptions, HttpRetryOptions
from langsmith.run_helpers import tracing_context
from openai import AsyncOpenAI, OpenAI
from tests.langsmith_server import INFO
from tests.recorded.receiver import Receiver, receiving
from tests.recorded.table import Scenario
from tests.recorded.verdict import Verdict, judge

import everytoken
from everytoken.simulator.faults import read_switch
from everytoken.simulator.serve import Simulator

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of a neighbour that the package imports itself
    from langsmith.wrappers import wrap_openai

__all__ = ["CHAT_MODEL", "GEMINI_MODEL", "KEY", "World", "opened", "wrap_openai"]

KEY = "simulated"
RULES = Path(__file__).with_name("recorded.toml")
CHAT_MODEL = "gpt-5.2"
GEMINI_MODEL = "gemini-3-flash-preview"


@dataclass
class World:
    simulator: Simulator
    receiver: Receiver
    client: langsmith.Client
    runner: asyncio.Runner
    """One loop for all scenarios: langchain-openai keeps its async clients for the life of the process."""

    def openai(self, **options: Any) -> OpenAI:
        return OpenAI(**{"base_url": self.simulator.urls["openai"], "api_key": KEY, **options})

    def async_openai(self, **options: Any) -> AsyncOpenAI:
        return AsyncOpenAI(**{"base_url": self.simulator.urls["openai"], "api_key": KEY, **options})

    def genai(self, **options: Any) -> Client:
        retry = HttpRetryOptions(attempts=3, initial_delay=0.02, max_delay=0.05)
        http = {"base_url": self.simulator.urls["gemini"], "retry_options": retry, **options}
        return Client(api_key=KEY, http_options=HttpOptions(**http))

    def vertex(self) -> Client:
        """A client of Vertex AI with a key: its paths name the publisher."""
        return Client(vertexai=True, api_key=KEY, http_options=HttpOptions(base_url=self.simulator.urls["gemini"]))

    def fault(self, fault: str, *, times: int = 1, **where: str) -> None:
        """Let the next `times` requests meet a fault of the simulator."""
        self.simulator.world.faults.add(read_switch({"fault": fault, "times": times, **where}))

    def traced(self) -> AbstractContextManager[Any]:
        """LangChain's and LangGraph's own tracer on, reporting to the receiver."""
        return tracing_context(enabled=True, client=self.client, project_name="recorded")

    def under_one_run(self, action: Callable[[], Any]) -> Any:
        """Call `action` as one traced function of the application."""
        with self.traced():
            return langsmith.traceable(name="application")(action)()

    def reset(self) -> None:
        world = self.simulator.world
        world.ledger.clear()
        world.faults.switches.clear()
        world.scenario.counts.clear()
        self.receiver.clear()

    def perform(self, scenario: Scenario) -> Verdict:
        """Run one scenario and compare what it was billed with what was recorded."""
        self.reset()
        gc.freeze()  # so that the collection below looks only at what the scenario made: 2 ms instead of 190
        if scenario.is_async:
            self.runner.run(scenario.action(self))
        else:
            scenario.action(self)
        gc.collect()
        self.runner.run(asyncio.sleep(0.01))  # generators that were let go are closed by the loop
        entries = self.simulator.ledger()
        everytoken.flush()
        self.client.flush()
        verdict = judge(entries, self.receiver.charges(), scenario.unknown)
        refused = tuple(f"the server would refuse: {reason}" for reason in self.receiver.rejections)
        return Verdict(verdict.qualities, verdict.losses + refused)


class StripDeployments(httpx2.HTTPTransport):
    """Stands in for Azure's gateway: its paths name the deployment, the simulator's do not."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(path=_without_deployment(request.url.path))
        return super().handle_request(request)


class AsyncStripDeployments(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(path=_without_deployment(request.url.path))
        return await super().handle_async_request(request)


def _without_deployment(path: str) -> str:
    head, found, tail = path.partition("/deployments/")
    return f"{head}/{tail.partition('/')[2]}" if found else path


class RejectStreamOptions(httpx2.HTTPTransport):
    """Stands in for a compatible server that does not know `stream_options`."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if b'"stream_options"' in request.read():
            return httpx2.Response(400, json={"error": {"message": "Unknown parameter: 'stream_options'."}})
        return super().handle_request(request)


class RejectingGateway(httpx2.HTTPTransport):
    """Stands in for Azure with an API version from before `stream_options`, at a host of its own."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = httpx2.URL(target)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if b'"stream_options"' in request.read():
            told = {"error": {"message": "Unrecognized request argument supplied: stream_options"}}
            return httpx2.Response(400, json=told)
        path = _without_deployment(request.url.path)
        request.url = request.url.copy_with(host=self._target.host, port=self._target.port, path=path)
        return super().handle_request(request)


@contextmanager
def opened(*, instrumented: bool = True) -> Iterator[World]:
    """A world whose faults of our own are raised, not counted. `instrumented=False` leaves the SDKs as they are."""
    agents.set_trace_processors([])  # the default one wants to report to OpenAI
    with (
        pytest.MonkeyPatch.context() as environment,
        tempfile.TemporaryDirectory() as folder,
        Simulator(RULES) as simulator,
        receiving() as receiver,
        asyncio.Runner() as runner,
    ):
        environment.setenv("EVERYTOKEN_STRICT", "1")
        environment.setenv("SSL_CERT_FILE", _one_certificate(Path(folder)))
        # langsmith 0.15 may return from flush() while a compressed body is still on its way; plain ones are waited for.
        info = {**INFO, "instance_flags": {}}
        client = langsmith.Client(api_url=receiver.url, api_key="local", info=info)
        if instrumented:
            everytoken.instrument(client=client)
        try:
            yield World(simulator, receiver, client, runner)
        finally:
            if instrumented:
                everytoken.uninstrument()
            client.cleanup()
            gc.unfreeze()


def _one_certificate(folder: Path) -> str:
    """A bundle of one: every client of an SDK reads the bundle when it is made, which takes 44 ms for the real one."""
    first, end, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----")
    bundle = folder / "bundle.pem"
    bundle.write_text(f"{first}{end}\n", encoding="utf-8")
    return str(bundle)
