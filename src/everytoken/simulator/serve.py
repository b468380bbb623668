"""A running simulator: in a thread of a test or a demo, or for good."""

import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from everytoken.simulator.app import create_app
from everytoken.simulator.exchange import World
from everytoken.simulator.pacing import read_pace
from everytoken.simulator.scenario import load_scenario

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
KEEP_ALIVE_S = 75
"""Clients let go of an idle connection after 5 s (httpx): a server that did so too would at times cut a request off."""


def base_urls(origin: str) -> dict[str, str]:
    """Where to point each client, by service."""
    return {
        "openai": f"{origin}/v1",
        "gemini": origin,
        "kakao": origin,
        "kma": f"{origin}/1360000/VilageFcstInfoService_2.0",
        "mois": f"{origin}/1741000/household_waste_info",
        "keco": f"{origin}/api",
        "images": f"{origin}/images",
        "langsmith": origin,
        "ledger": f"{origin}/_ledger",
    }


class Simulator:
    """A simulator that listens on loopback while the `with` block runs.

    >>> with Simulator("reference", latency="none") as simulator:
    ...     client = openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated")
    """

    def __init__(
        self,
        scenario: str | Path = "eco2",
        *,
        seed: int = 0,
        latency: str = "real",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Listens at once, answers from `start` on.

        Raises:
            ScenarioError, ValueError: the scenario or the latency can't be read.
            OSError: the port is taken.
        """
        app = create_app(load_scenario(scenario), seed=seed, pace=read_pace(latency))
        self.world: World = app.state.world
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen()  # whoever connects before the first answer waits, and isn't refused
        except OSError:
            self._socket.close()
            raise
        bound: tuple[Any, ...] = self._socket.getsockname()
        shown = f"[{host}]" if ":" in host else host
        self.origin = f"http://{shown}:{bound[1]}"
        self.urls = base_urls(self.origin)
        # A dropped connection is a wanted fault here: uvicorn's complaint about it would be noise.
        config = uvicorn.Config(
            app,
            log_level="critical",
            access_log=False,
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def serve(self) -> None:
        """Answer until interrupted."""
        self._server.run(sockets=[self._socket])

    def start(self) -> None:
        """Answer from a thread. Raises RuntimeError: it didn't begin to."""
        self._thread = threading.Thread(target=self.serve, name="everytoken-simulator", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the simulator did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)
        self._socket.close()

    def ledger(self, wait_s: float = 5.0) -> list[dict[str, Any]]:
        """What would have been billed, one entry a response, once no response is open any more."""
        deadline = time.monotonic() + wait_s
        while not self.world.ledger.is_settled() and time.monotonic() < deadline:
            time.sleep(0.005)
        return [entry.as_json() for entry in self.world.ledger.entries()]

    def __enter__(self) -> "Simulator":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
