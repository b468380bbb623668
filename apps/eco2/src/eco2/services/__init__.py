"""The outside world beside the models: public APIs over HTTP and tables in files. Every call is a `tool` run."""

from collections.abc import Mapping
from typing import Any

import httpx

MAX_BODY_BYTES = 4 * 1024**2
"""Larger answers are refused: these APIs send some kilobytes."""


class ServiceError(Exception):
    """The service could not be asked, or answered with an error of its own."""


async def get_json(
    client: httpx.AsyncClient,
    url: str,
    params: Mapping[str, Any],
    *,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The JSON object at `url`.

    Raises:
        httpx.TransportError: no connection, or no answer in time.
        ServiceError: an error status, or a body that is not a JSON object.
    """
    response = await client.get(url, params=dict(params), headers=dict(headers or {}), timeout=timeout_s)
    if response.is_error:
        raise ServiceError(f"HTTP {response.status_code}: {response.text[:200]}")
    if len(response.content) > MAX_BODY_BYTES:
        raise ServiceError(f"answer of {len(response.content)} bytes")
    try:
        body = response.json()
    except ValueError as error:  # data.go.kr answers in XML when the key or the quota is refused
        raise ServiceError(f"not JSON: {response.text[:200]}") from error
    if not isinstance(body, dict):
        raise ServiceError("not a JSON object")
    return body
