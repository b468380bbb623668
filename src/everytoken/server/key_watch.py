"""Keys and logins that another server changed: read again every two seconds, whether or not anybody asks.

A server that nobody asked for an hour must not take the key that was revoked on another one in that hour.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from everytoken.server.beside import beside
from everytoken.store.control import Control
from everytoken.store.rereading import REFRESH_S


@contextlib.asynccontextmanager
async def following(control: Control, every_s: float = REFRESH_S) -> AsyncIterator[None]:
    """Follow what other servers of the same database change. While it is away, what is known holds."""

    async def work() -> None:
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(control.keys.refresh)
            await asyncio.to_thread(control.users.refresh)

    async with beside(work()):
        yield
