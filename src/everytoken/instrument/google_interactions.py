"""The Interactions API of google-genai, which has a generated client of its own: each attempt at its HTTP client."""

import copy
import functools
import json
from collections.abc import Callable
from typing import Any

from everytoken.instrument.attempt import Attempt
from everytoken.instrument.endpoint import interaction_endpoint
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder
from everytoken.instrument.sse import tee


def patch(patches: Patches, recorder: Recorder) -> None:
    """Wrap what sends requests for `client.interactions`, sync and async."""
    from google.genai._gaos import basesdk

    patches.replace(basesdk.BaseSDK, "do_request", functools.partial(_wrap, recorder, "client", _Sender))
    patches.replace(
        basesdk.AsyncBaseSDK, "do_request_async", functools.partial(_wrap, recorder, "async_client", _AsyncSender)
    )


def _wrap(
    recorder: Recorder, name: str, sender: Callable[[Recorder, Any], Any], original: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def do_request(self: Any, *args: Any, **kwargs: Any) -> Any:
        return original(_twin(recorder, self, name, sender) or self, *args, **kwargs)

    return do_request


@guarded
def _twin(recorder: Recorder, sdk: Any, name: str, sender: Callable[[Recorder, Any], Any]) -> Any:
    """The SDK object with a watched HTTP client: `do_request` retries inside, and calls `send` once an attempt."""
    twin = copy.copy(sdk)
    twin.sdk_configuration = copy.copy(sdk.sdk_configuration)
    client = getattr(sdk.sdk_configuration, name)
    if client is not None:
        setattr(twin.sdk_configuration, name, sender(recorder, client))
    return twin


class _Sender:
    """An HTTP client whose `send` is watched."""

    def __init__(self, recorder: Recorder, client: Any) -> None:
        self._recorder = recorder
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, request: Any, **kwargs: Any) -> Any:
        attempt = _begin(self._recorder, request)
        if attempt is None:
            return self._client.send(request, **kwargs)
        try:
            response = self._client.send(request, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        _follow(attempt, response, is_async=False)
        return response


class _AsyncSender(_Sender):
    async def send(self, request: Any, **kwargs: Any) -> Any:
        attempt = _begin(self._recorder, request)
        if attempt is None:
            return await self._client.send(request, **kwargs)
        try:
            response = await self._client.send(request, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        _follow(attempt, response, is_async=True)
        return response


@guarded
def _begin(recorder: Recorder, request: Any) -> Attempt | None:
    endpoint = interaction_endpoint(request.method, request.url.path)
    if endpoint is None or not recorder.wanted():
        return None
    body = json.loads(request.content) if request.method == "POST" and request.content else {}
    model = body.get("model") or body.get("agent")
    vertex = "aiplatform" in request.url.host
    return recorder.begin(
        endpoint=endpoint,
        provider="google-vertex" if vertex else "google",
        model=model if isinstance(model, str) else None,
        request=body,
        streamed=body.get("stream") is True,
        server=request.url.netloc.decode(),
    )


@guarded
def _follow(attempt: Attempt, response: Any, *, is_async: bool) -> None:
    attempt.status_code = response.status_code
    attempt.streamed = "text/event-stream" in response.headers.get("content-type", "")
    if hasattr(response, "_content"):
        attempt.body = response.content
        attempt.end("success")
        return
    attempt.content_encoding = response.headers.get("content-encoding")
    tee(response, attempt, hide_usage=False, is_async=is_async)
