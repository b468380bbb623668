"""Request bodies in, server-sent events out: what every dialect needs."""

from hashlib import blake2b
from typing import Any

import orjson
from starlette.requests import Request

from everytoken.simulator.exchange import RefusalError

MAX_BODY_BYTES = 64 * 1024**2
UNTOLD = ("stream", "stream_options", "metadata", "user")
"""Fields that don't change what a model says."""


async def read_object(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises RefusalError: it is too large, or no object."""
    raw = await read_bytes(request)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusalError(400, f"We could not parse the JSON body of your request. ({error})") from error
    if not isinstance(body, dict):
        raise RefusalError(400, "The body of the request must be a JSON object.")
    return body


async def read_bytes(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise RefusalError(413, f"The body of the request is larger than {MAX_BODY_BYTES} bytes.")
        parts.append(part)
    return b"".join(parts)


def digest_of(api: str, body: dict[str, Any]) -> str:
    """Names the request by its content; streaming or not doesn't change what a model says."""
    told = {key: value for key, value in body.items() if key not in UNTOLD}
    return blake2b(api.encode() + orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def event(data: Any, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"
