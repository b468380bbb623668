"""openai: every HTTP attempt of every client, sync and async, made before or after, at the SDK's one sending function.

`SyncAPIClient._send_request` and `AsyncAPIClient._send_request` run once an attempt, whatever the API, the transport
and the way the answer is read. `BaseClient._build_request` runs just before and knows the body the user's call made.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from everytoken.instrument.attempt import Attempt
from everytoken.instrument.endpoint import openai_endpoint
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder
from everytoken.instrument.sse import tee, without_usage_event

_NOTE = "everytoken"
"""Key under `request.extensions` where a `_Note` travels from the building to the sending of a request."""
_GOOGLE_HOST = "generativelanguage.googleapis.com"
_REJECTIONS = (400, 422)
"""Statuses of servers that check their parameters."""
_REJECTING_SERVERS_MAX = 1_000

_rejecting_servers: set[str] = set()
"""Host and port of servers that rejected `stream_options`: they are not asked again."""


@dataclass(frozen=True, slots=True)
class _Note:
    """The body the user's call made, and how to build the request again without what we added."""

    asked: Any
    injected: bool
    rebuild: Callable[[], Any]


def patch(patches: Patches, recorder: Recorder) -> None:
    """Wrap the building and sending of requests in the installed `openai`."""
    from openai import _base_client

    patches.replace(_base_client.BaseClient, "_build_request", _wrap_build)
    patches.replace(_base_client.SyncAPIClient, "_send_request", functools.partial(_wrap_send, recorder))
    patches.replace(_base_client.AsyncAPIClient, "_send_request", functools.partial(_wrap_send_async, recorder))


def _wrap_build(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def build(self: Any, options: Any, **kwargs: Any) -> Any:
        before = (options.json_data, options.extra_json)
        asked = _merged(*before)
        injected = _ask_for_usage(self, options, asked) or False
        request = original(self, options, **kwargs)

        def rebuild() -> Any:
            options.json_data, options.extra_json = before
            return original(self, options, **kwargs)

        _annotate(request, _Note(asked, injected, rebuild))
        return request

    return build


def _merged(body: Any, extra: Any) -> Any:
    """The body that is sent: the SDK lays `extra_body` over the arguments."""
    return {**body, **extra} if isinstance(body, Mapping) and isinstance(extra, Mapping) else body or extra


@guarded
def _ask_for_usage(client: Any, options: Any, body: Any) -> bool:
    """Turn on `include_usage` of a chat stream that did not ask; True when we did. `options` is this attempt's copy."""
    if not isinstance(body, Mapping) or body.get("stream") is not True or not options.url.endswith("/completions"):
        return False
    asked = body.get("stream_options")
    asked = dict(asked) if isinstance(asked, Mapping) else {}
    if asked.get("include_usage") or _server(client) in _rejecting_servers:
        return False
    stream_options = {**asked, "include_usage": True}
    if isinstance(options.extra_json, Mapping) and "stream_options" in options.extra_json:
        options.extra_json = {**options.extra_json, "stream_options": stream_options}
    else:
        options.json_data = {**(options.json_data or {}), "stream_options": stream_options}
    return True


@guarded
def _annotate(request: Any, note: _Note) -> None:
    request.extensions[_NOTE] = note
    if note.injected:
        # The chunk we asked for is taken out of the bytes again, which must then not be compressed.
        request.headers["accept-encoding"] = "identity"


def _wrap_send(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def send(self: Any, request: Any, **kwargs: Any) -> Any:
        attempt = _begin(recorder, self, request)
        if attempt is None:
            return original(self, request, **kwargs)
        try:
            response = original(self, request, **kwargs)
            if _may_reject_usage(request, response):
                response.read()
                if _rejects_usage(response):
                    request = _as_asked(self, request)
                    self._prepare_request(request)
                    response = original(self, request, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        _follow(attempt, request, response, is_async=False)
        return response

    return send


def _wrap_send_async(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def send(self: Any, request: Any, **kwargs: Any) -> Any:
        attempt = _begin(recorder, self, request)
        if attempt is None:
            return await original(self, request, **kwargs)
        try:
            response = await original(self, request, **kwargs)
            if _may_reject_usage(request, response):
                await response.aread()
                if _rejects_usage(response):
                    request = _as_asked(self, request)
                    await self._prepare_request(request)
                    response = await original(self, request, **kwargs)
        except BaseException as error:
            attempt.fail(error)
            raise
        _follow(attempt, request, response, is_async=True)
        return response

    return send


@guarded
def _begin(recorder: Recorder, client: Any, request: Any) -> Attempt | None:
    endpoint = openai_endpoint(request.method, request.url.path)
    if endpoint is None or not recorder.wanted():
        return None
    note = request.extensions.get(_NOTE)
    body = note.asked if note is not None and isinstance(note.asked, Mapping) else {}
    model = body.get("model")
    return recorder.begin(
        endpoint=endpoint,
        provider=_provider(client),
        model=model if isinstance(model, str) else None,
        request=body,
        streamed=body.get("stream") is True,
        retry=int(request.headers.get("x-stainless-retry-count") or 0),
        server=_server(client),
    )


def _server(client: Any) -> str:
    """Two servers of one machine are told apart by their ports."""
    return str(client.base_url.netloc.decode())


def _provider(client: Any) -> str:
    if "Azure" in type(client).__name__:
        return "azure-openai"
    return "google" if client.base_url.host == _GOOGLE_HOST else "openai"


def _may_reject_usage(request: Any, response: Any) -> bool:
    note = request.extensions.get(_NOTE)
    return response.status_code in _REJECTIONS and note is not None and note.injected


def _rejects_usage(response: Any) -> bool:
    return b"stream_options" in response.content or b"include_usage" in response.content


def _as_asked(client: Any, request: Any) -> Any:
    """The request as the user meant it, for a server that does not know `stream_options`; it is not asked again."""
    if len(_rejecting_servers) < _REJECTING_SERVERS_MAX:
        _rejecting_servers.add(_server(client))
    return request.extensions[_NOTE].rebuild()


@guarded
def _follow(attempt: Attempt, request: Any, response: Any, *, is_async: bool) -> None:
    """Follow the answer to its end, read at once or piece by piece."""
    attempt.status_code = response.status_code
    attempt.streamed = "text/event-stream" in response.headers.get("content-type", "")
    note = request.extensions.get(_NOTE)
    hide_usage = note is not None and note.injected and response.status_code == 200
    if hasattr(response, "_content"):
        attempt.body = response.content
        if hide_usage and attempt.streamed:
            response._content = without_usage_event(response.content)
        attempt.end("success")
        return
    attempt.content_encoding = response.headers.get("content-encoding")
    tee(response, attempt, hide_usage=hide_usage, is_async=is_async)
