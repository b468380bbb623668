"""The app: opens the stores, mounts the routes, drains and closes the stores."""

import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from importlib.util import find_spec

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool

from everytoken import __version__
from everytoken.catalog.book import PriceBook
from everytoken.config import Settings
from everytoken.ingest.clock import ForwardClock, latest_us
from everytoken.ingest.estimating import Estimator
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.masking import masking
from everytoken.ingest.meters import Meters
from everytoken.ingest.pipeline import Pipeline
from everytoken.server import (
    agent,
    alerts,
    backups,
    dashboards,
    discover,
    errors,
    explain,
    exporting,
    live,
    metrics,
    openapi,
    prices,
    product,
    static,
)
from everytoken.server.alert_watch import alerting
from everytoken.server.gate import Gate, GateMiddleware
from everytoken.server.key_watch import following
from everytoken.server.keys import router as keys_router
from everytoken.server.langsmith_context import LangSmith, absorbing
from everytoken.server.langsmith_ingest import langsmith_ingest_router
from everytoken.server.langsmith_mounts import mount_langsmith_reads
from everytoken.server.login import router as login_router
from everytoken.server.otlp import otlp_router
from everytoken.server.otlp_grpc import otlp_grpc
from everytoken.server.outside_changes import note_prices, note_settings
from everytoken.server.price_watch import watching
from everytoken.server.project_settings import router as settings_router
from everytoken.server.retention import Sweeper, retaining
from everytoken.server.retention import router as retention_router
from everytoken.server.scopes import Policy
from everytoken.server.shedding import SheddingMiddleware
from everytoken.server.throttle import LoginThrottle
from everytoken.store import memory
from everytoken.store.control import DEFAULT_PROJECT, Control
from everytoken.store.folder import DataFolder
from everytoken.store.journal import Journal
from everytoken.store.ledger import Ledger
from everytoken.store.price_overrides import PriceOverrides

LANGSMITH_MOUNTS = ("", "/api", "/api/v1")
"""Where LangSmith clients look, by version and by how their endpoint is written."""


def create_app(settings: Settings) -> FastAPI:
    """The whole server. Nothing is opened before its lifespan starts.

    Raises (when the lifespan starts):
        FolderError: the data folder cannot be used.
        PriceFileError: the file with price overrides is wrong.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            services = await run_in_threadpool(_open, settings, stack)
            for mount in LANGSMITH_MOUNTS:
                app.include_router(langsmith_ingest_router(services.pipeline, settings), prefix=mount)
                app.include_router(otlp_router(services.pipeline, settings), prefix=mount)
            services.control.ensure_project(DEFAULT_PROJECT, time.time_ns() // 1000)
            mount_langsmith_reads(app, services.langsmith, LANGSMITH_MOUNTS)
            app.include_router(static.page_router())  # last: it answers what nothing else does
            app.state.gate = gate = Gate(services.control, settings, Policy(app.routes))
            services.registry.register(metrics.TurnedAway(gate.turned_away))
            app.state.logins = LoginThrottle()
            await run_in_threadpool(note_settings, services.control, settings)
            noting = partial(note_prices, services.control, settings.prices)
            await run_in_threadpool(noting)
            await stack.enter_async_context(watching(services.book, services.overrides, noting))
            services.pipeline.start()
            if settings.database_url is not None:
                await stack.enter_async_context(absorbing(services.langsmith))
                await stack.enter_async_context(following(services.control))
            stack.push_async_callback(services.pipeline.stop)
            sweeper = Sweeper(settings, services.ledger, services.control, services.langsmith.drop_attachments)
            await stack.enter_async_context(retaining(sweeper, settings.retention_interval_s))
            clock = alerting(settings, services.ledger, services.control)
            app.state.alerting = await stack.enter_async_context(clock)
            services.registry.register(metrics.Alerts(app.state.alerting.counts))
            if settings.otlp_grpc_port is not None:
                await stack.enter_async_context(otlp_grpc(services.pipeline, settings, gate))
            stack.callback(services.feed.close)
            app.state.agent = await stack.enter_async_context(agent.agent_link(settings))
            app.state.services = services
            app.state.settings = settings
            yield
            del app.state.services, app.state.gate

    app = FastAPI(
        title="everytoken",
        version=__version__,
        description="Every token of every LLM call, counted once and priced right.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/everytoken/v1/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    openapi.complete(app)
    app.add_middleware(GateMiddleware, server=app)
    app.add_middleware(SheddingMiddleware, server=app)
    errors.install(app)
    for router in (keys_router, login_router, settings_router, alerts.router, retention_router):
        app.include_router(router)
    for part in (product, discover, dashboards, backups, live, agent, metrics, explain, exporting, prices):
        app.include_router(part.router)

    @app.get("/ok", include_in_schema=False)
    def ok() -> Response:
        """200 once ingest works."""
        if not hasattr(app.state, "services"):
            return Response('{"ok":false}', 503, media_type="application/json")
        return Response('{"ok":true}', media_type="application/json")

    return app


def stop_feeds(app: FastAPI) -> None:
    """End the open live feeds, which would otherwise hold up a shutdown."""
    if hasattr(app.state, "services"):
        app.state.services.feed.close()


def _open(settings: Settings, stack: contextlib.AsyncExitStack) -> product.Services:
    """Open everything; `stack` closes it in reverse, the folder's lock last."""
    stack.enter_context(DataFolder(settings.data_dir))
    control = Control.open(settings)
    stack.callback(control.close)
    memory.take_little()
    overrides = PriceOverrides(control.annotations, settings.data_dir / "prices.api.toml")
    overrides.write_file()
    book = PriceBook((*((settings.prices,) if settings.prices else ()), overrides.file))
    ledger = Ledger.open(settings)
    stack.callback(ledger.close)
    journal = Journal(settings.data_dir / "journal.db", max_bytes=settings.journal_max_bytes)
    stack.callback(journal.close)
    feed = LiveFeed()
    clock = ForwardClock(latest_us(journal.backlog))
    pipeline = Pipeline(settings, journal, ledger, control, book, feed, clock)
    pipeline.mask_with(masking(control))
    pipeline.leave_out(control.deleted.all)
    pipeline.when_idle(lambda: memory.give_back(ledger.purge_memory))
    registry = metrics.registry_of(metrics.Server(pipeline, feed, journal))
    pipeline.meter(Meters(registry).observe)
    if settings.estimate and find_spec("tiktoken") is not None:
        pipeline.estimate_with(Estimator())
    return product.Services(
        ledger=ledger,
        control=control,
        pipeline=pipeline,
        feed=feed,
        journal=journal,
        langsmith=LangSmith(ledger, control, pipeline, journal, settings.data_dir / "attachments", book, overrides),
        registry=registry,
        book=book,
        overrides=overrides,
        started_s=time.monotonic(),
    )
