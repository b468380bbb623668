"""From settings to a running server: open the stores, answer until told to stop, drain."""

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from everytoken.config import Settings
from everytoken.server.app import create_app, stop_feeds
from everytoken.server.listen import url_of
from everytoken.server.log_lines import LineFormatter
from everytoken.server.slow_clients import BoundedProtocol

KEEP_ALIVE_S = 30
DRAIN_S = 10  # what an answer under way gets after SIGTERM; Kubernetes kills after 30 s
MAX_CONNECTIONS = 2_000
BACKLOG = 2_048


def run(settings: Settings, sock: socket.socket, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted.

    Raises:
        FolderError: the data folder cannot be used.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        lifespan="off",  # ours runs around the server, so that its errors reach the caller as they are
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        limit_concurrency=MAX_CONNECTIONS,
        backlog=BACKLOG,
    )
    server = _Server(config, app, on_ready=lambda: on_ready(url_of(sock)))

    async def main() -> None:
        async with app.router.lifespan_context(app):
            await server.serve(sockets=[sock])

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(main())
    gc.freeze()  # the process ends now: a last look for cycles in all that is in memory would take a second


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready, ends open feeds when it stops, and leaves the draining to the lifespan."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, *, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own raises the signal again at the end, which would kill us before the journal is drained.
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.should_exit = True
        stop_feeds(self._app)
