"""Prices that change while the server runs: taken up within seconds, from files and from the control data."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable

from fastapi.concurrency import run_in_threadpool

from everytoken.catalog.book import PriceBook
from everytoken.catalog.errors import PriceFileError
from everytoken.server.beside import beside
from everytoken.store.errors import StoreError
from everytoken.store.price_overrides import PriceOverrides

INTERVAL_S = 5.0

log = logging.getLogger("everytoken.prices")


def take_up(book: PriceBook, overrides: PriceOverrides) -> bool:
    """Reload the book if a file or the control data changed; wrong files leave the prices as they were."""
    try:
        overrides.write_file()
        if book.is_stale():
            book.reload()
            return True
    except PriceFileError as error:
        log.error("prices were not reloaded, those of before stay in force: %s", error)
    except (StoreError, OSError) as error:
        log.warning("prices could not be looked at: %s", error)
    return False


@contextlib.asynccontextmanager
async def watching(
    book: PriceBook, overrides: PriceOverrides, reloaded: Callable[[], None] = lambda: None
) -> AsyncIterator[None]:
    """Look at them every few seconds, and at once on SIGHUP; `reloaded` is called when they are others."""
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()
    # asyncio's words for: a loop without signals, as on Windows, and a thread that is not the main one, as in tests.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGHUP, wake.set)
    try:
        async with beside(_watch(book, overrides, wake, reloaded)):
            yield
    finally:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.remove_signal_handler(signal.SIGHUP)


async def _watch(book: PriceBook, overrides: PriceOverrides, wake: asyncio.Event, reloaded: Callable[[], None]) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), INTERVAL_S)
        wake.clear()
        if await run_in_threadpool(take_up, book, overrides):
            try:
                await run_in_threadpool(reloaded)
            except (StoreError, OSError) as error:
                log.warning("what became of the prices could not be told: %s", error)
