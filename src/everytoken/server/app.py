"""The app: opens the stores, mounts the routes, closes the stores."""

import contextlib
import time
from collections.abc import AsyncIterator

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool

from everytoken import __version__
from everytoken.config import Settings
from everytoken.ingest.live import LiveFeed
from everytoken.server import errors, live, openapi, product, static
from everytoken.store.control import Control
from everytoken.store.folder import DataFolder
from everytoken.store.ledger import Ledger


def create_app(settings: Settings) -> FastAPI:
    """The whole server. Nothing is opened before its lifespan starts.

    Raises (when the lifespan starts):
        FolderError: the data folder cannot be used.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with contextlib.ExitStack() as stack:
            app.state.services = await run_in_threadpool(_open, settings, stack)
            yield
            del app.state.services
            await run_in_threadpool(stack.close)

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
    errors.install(app)
    app.include_router(product.router)
    app.include_router(live.router)

    @app.get("/ok", include_in_schema=False)
    def ok() -> Response:
        """200 once ingest works."""
        if not hasattr(app.state, "services"):
            return Response('{"ok":false}', 503, media_type="application/json")
        return Response('{"ok":true}', media_type="application/json")

    app.include_router(static.page_router())
    return app


def stop_feeds(app: FastAPI) -> None:
    """End the open live feeds, which would otherwise hold up a shutdown."""
    if hasattr(app.state, "services"):
        app.state.services.feed.close()


def _open(settings: Settings, stack: contextlib.ExitStack) -> product.Services:
    stack.enter_context(DataFolder(settings.data_dir))
    ledger = Ledger.open(settings)
    stack.callback(ledger.close)
    control = Control.open(settings)
    stack.callback(control.close)
    return product.Services(ledger=ledger, control=control, feed=LiveFeed(), started_s=time.monotonic())
