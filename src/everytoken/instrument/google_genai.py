"""google-genai 2.x and 3.x: every HTTP attempt, sync and async, at the one function all transports share.

`BaseApiClient._request_once` and `_async_request_once` run once an attempt, over httpx, httpx2, aiohttp and requests;
retries, automatic function calling and continuation each make their own.
"""

import copy
import functools
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from everytoken.instrument.attempt import Attempt
from everytoken.instrument.endpoint import gemini_endpoint
from everytoken.instrument.guard import failed, guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder


def patch(patches: Patches, recorder: Recorder) -> None:
    """Wrap the attempts of the installed `google.genai`."""
    from google.genai import _api_client

    patches.replace(_api_client.BaseApiClient, "_request_once", functools.partial(_wrap_request, recorder))
    patches.replace(_api_client.BaseApiClient, "_async_request_once", functools.partial(_wrap_async_request, recorder))


def _wrap_request(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def request_once(self: Any, http_request: Any, stream: bool = False, **kwargs: Any) -> Any:
        attempt = _begin(recorder, self, http_request, stream)
        if attempt is None:
            return original(self, http_request, stream, **kwargs)
        try:
            response = original(self, http_request, stream, **kwargs)
        except BaseException as error:
            _stopped(attempt, error)
            raise
        _follow(attempt, response, stream)
        return response

    return request_once


def _wrap_async_request(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def request_once(self: Any, http_request: Any, stream: bool = False, **kwargs: Any) -> Any:
        attempt = _begin(recorder, self, http_request, stream)
        if attempt is None:
            return await original(self, http_request, stream, **kwargs)
        try:
            response = await original(self, http_request, stream, **kwargs)
        except BaseException as error:
            _stopped(attempt, error)
            raise
        _follow(attempt, response, stream)
        return response

    return request_once


@guarded
def _begin(recorder: Recorder, client: Any, http_request: Any, stream: bool) -> Attempt | None:
    found = gemini_endpoint(str(http_request.url))
    if found is None or not recorder.wanted():
        return None
    endpoint, model = found
    return recorder.begin(
        endpoint=endpoint,
        provider="google-vertex" if client.vertexai else "google",
        model=model,
        request=http_request.data if isinstance(http_request.data, Mapping) else None,
        streamed=stream,
    )


def _stopped(attempt: Attempt, error: BaseException) -> None:
    code = getattr(error, "code", None)
    attempt.status_code = code if isinstance(code, int) else None
    attempt.fail(error)


@guarded
def _follow(attempt: Attempt, response: Any, stream: bool) -> None:
    attempt.status_code = response.status_code
    if not stream:
        texts = response.response_stream
        attempt.body = texts[0] if isinstance(texts, list) and texts else None
        attempt.end("success")
        return
    # A twin reads, so that watching makes no cycle that would delay the release of a response nobody finishes.
    twin = copy.copy(response)
    response.segments = lambda: _watch(attempt, twin.segments())
    response.async_segments = lambda: _watch_async(attempt, twin.async_segments())
    weakref.finalize(response, attempt.abandoned)


def _watch(attempt: Attempt, segments: Iterator[Any]) -> Iterator[Any]:
    try:
        for segment in segments:
            _note(attempt, segment)
            yield segment
        attempt.end("success")
    except BaseException as error:
        attempt.fail(error)
        raise


async def _watch_async(attempt: Attempt, segments: AsyncIterator[Any]) -> AsyncIterator[Any]:
    try:
        async for segment in segments:
            _note(attempt, segment)
            yield segment
        attempt.end("success")
    except BaseException as error:
        attempt.fail(error)
        raise


def _note(attempt: Attempt, segment: Any) -> None:
    try:
        attempt.piece(segment)
    except Exception as error:  # noqa: BLE001 a fault of ours must not cost the user a chunk
        failed("google_genai.note", error)
