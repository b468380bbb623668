"""Pictures: fetched from the user's link, and kept on local disk once made."""

import asyncio
import ipaddress
import re
import uuid
from pathlib import Path
from urllib.parse import urlparse

import anyio
import httpx

from eco2.llm import Image, Picture
from eco2.services import ServiceError
from eco2.telemetry import Telemetry

TIMEOUT_S = 30.0
MAX_IMAGE_BYTES = 10 * 1024**2
"""The providers take about 20 MB a request, base64 included."""
TYPES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif"}
KEPT_NAME = re.compile(r"[0-9a-f]{32}\.(png|jpg|webp|gif)")
MAX_KEPT = 2_000
"""Pictures in the folder; beyond it the oldest leave."""


class Images:
    def __init__(
        self, client: httpx.AsyncClient, folder: Path, public_url: str, telemetry: Telemetry, *, private_links: bool
    ) -> None:
        self._client = client
        self._private_links = private_links
        self._folder = folder.expanduser()
        self._public_url = public_url.rstrip("/")
        self._telemetry = telemetry

    async def fetch(self, url: str) -> Image:
        """The picture behind a link.

        Raises:
            httpx.TransportError, httpx.InvalidURL: there is nothing to reach.
            ServiceError: an error status, too large, or not a picture.
        """
        with self._telemetry.tool("image_download", {"url": url[:2_000]}) as run:
            if (own := await self._own(url)) is not None:
                run["mime_type"], run["size_bytes"] = own.mime_type, len(own.content)
                return own
            await self._check(url)
            content = bytearray()
            async with self._client.stream("GET", url, timeout=TIMEOUT_S) as response:
                mime_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                if not response.is_success:  # a redirect is not followed: it could lead past the check
                    raise ServiceError(f"HTTP {response.status_code}")
                if mime_type not in TYPES:
                    raise ServiceError(f"not a picture: {mime_type or 'no content type'}")
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > MAX_IMAGE_BYTES:
                        raise ServiceError(f"larger than {MAX_IMAGE_BYTES} bytes")
            run["mime_type"], run["size_bytes"] = mime_type, len(content)
        return Image(bytes(content), mime_type)

    async def _check(self, url: str) -> None:
        """Raises ServiceError unless the link leads into the public internet: users must not read our own network."""
        parts = urlparse(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServiceError("only http and https links can be opened")
        if self._private_links:
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, None)
        except OSError as error:
            raise ServiceError(f"no such host: {parts.hostname[:100]}") from error
        if not all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_global for *_, address in found):
            raise ServiceError("the link leads into a private network")

    async def _own(self, url: str) -> Image | None:
        """A picture of our own folder, by the link under which it was kept; `None` for any other link."""
        base, _, name = url.rpartition("/")
        kept = KEPT_NAME.fullmatch(name)
        if kept is None or not self._public_url or base != self._public_url:
            return None
        path = anyio.Path(self._folder) / name
        if not await path.is_file():
            raise ServiceError("the picture is no longer kept")
        mime_type = next(known for known, ending in TYPES.items() if ending == f".{kept[1]}")
        return Image(await path.read_bytes(), mime_type)

    async def keep(self, picture: Picture) -> str:
        """Write the picture to disk; returns its link, or its path when no public URL is set."""
        with self._telemetry.tool("image_store", {"size_bytes": len(picture.content)}) as run:
            link = run["image_url"] = await self.store(picture.content, picture.mime_type)
        return link

    async def store(self, content: bytes, mime_type: str) -> str:
        """Write a picture to disk without a trace of it; the link or path as for `keep`."""
        name = f"{uuid.uuid4().hex}{TYPES.get(mime_type, '.bin')}"
        folder = anyio.Path(self._folder)
        await folder.mkdir(parents=True, exist_ok=True)
        await (folder / name).write_bytes(content)
        await asyncio.to_thread(self._forget)
        return f"{self._public_url}/{name}" if self._public_url else str(self._folder / name)

    def _forget(self) -> None:
        kept = [path for path in self._folder.iterdir() if KEPT_NAME.fullmatch(path.name)]
        if len(kept) > MAX_KEPT:
            for path in sorted(kept, key=lambda path: path.stat().st_mtime)[: len(kept) - MAX_KEPT]:
                path.unlink(missing_ok=True)
