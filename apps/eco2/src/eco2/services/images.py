"""Pictures: fetched from the user's link, and kept on local disk once made."""

import asyncio
import ipaddress
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

    async def keep(self, picture: Picture) -> str:
        """Write the picture to disk; returns its link, or its path when no public URL is set."""
        name = f"{uuid.uuid4().hex}{TYPES.get(picture.mime_type, '.bin')}"
        with self._telemetry.tool("image_store", {"size_bytes": len(picture.content)}) as run:
            folder = anyio.Path(self._folder)
            await folder.mkdir(parents=True, exist_ok=True)
            await (folder / name).write_bytes(picture.content)
            link = f"{self._public_url}/{name}" if self._public_url else str(self._folder / name)
            run["image_url"] = link
        return link
