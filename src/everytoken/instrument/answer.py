"""An ended attempt, read: the decoded answer, its usage, and what settlement needs to know of the request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from everytoken.core.extract import Extraction, extract_usage
from everytoken.core.projections import to_everytoken, to_langsmith
from everytoken.instrument.attempt import CANCELLED, Attempt
from everytoken.instrument.bodies import decompressed
from everytoken.instrument.events import decode_events, is_complete
from everytoken.instrument.merged import merged

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NOTHING = Extraction(usage=None, reason="absent")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    value: Any
    """One JSON value, the list of a stream's events, or `None` for audio and what can't be read."""
    found: Extraction
    error: str | None


def read_answer(attempt: Attempt) -> Answer:
    """Decode and extract. A stream that was complete before its reader let go counts as a success."""
    body = _body(attempt)
    value = _value(attempt, body)
    found = _NOTHING
    if not attempt.refused:
        endpoint = attempt.endpoint
        context = {**(attempt.request or {}), "model": attempt.model, "one_request": True}
        if isinstance(value, list) and endpoint.stream_shape:
            found = extract_usage(endpoint.stream_shape, _telling(endpoint.stream_shape, value), context)
        else:
            found = extract_usage(endpoint.shape, value, context)
    return Answer(value, found, _error(attempt, body))


def _telling(shape: str, events: list[Any]) -> list[Any]:
    """The events extraction has to read: of a chat stream, the first, which names it, and those with usage."""
    if shape != "openai.chat.stream":
        return events
    return events[:1] + [event for event in events[1:] if isinstance(event, Mapping) and event.get("usage")]


def call_path(attempt: Attempt) -> str:
    """Provider × API × mode, such as `openai.chat.stream`."""
    provider = "gemini" if attempt.endpoint.shape.startswith("gemini.") else attempt.provider
    path = f"{provider}.{attempt.endpoint.operation}"
    return f"{path}.stream" if attempt.streamed and not path.endswith(".stream") else path


def usage_metadata(attempt: Attempt, found: Extraction) -> dict[str, Any]:
    """Our own entry, and the usage in the words of LangSmith where it is known.

    A refusal costs nothing and is marked so; a lost or cut answer may have been billed, so it stays a request whose
    usage is missing. A read of an earlier response is no attempt of its own: it merges with its request by response id.
    """
    entry = to_everytoken(
        found.usage,
        response_id=found.response_id or attempt.response_name,
        response_model=found.response_model,
        call_path=call_path(attempt),
        layer="transport",
        attempt=None if attempt.endpoint.is_poll else str(attempt.run_id),
        provider=attempt.provider,
        request_model=attempt.model,
    )
    if attempt.refused:
        entry["billed"] = False
    if attempt.retry:
        entry["retry"] = attempt.retry
    metadata: dict[str, Any] = {"everytoken": entry}
    if found.usage is not None and found.usage.source != "estimated":
        metadata["usage_metadata"] = to_langsmith(found.usage)
    return metadata


def base_metadata(attempt: Attempt) -> dict[str, Any]:
    """What is known of the call before its answer."""
    request = attempt.request or {}
    asked = {f"ls_{name}": request[name] for name in ("temperature", "stop") if name in request}
    limit = next((request[name] for name in _LIMITS if name in request), None)
    if limit is not None:
        asked["ls_max_tokens"] = limit
    if attempt.parentage.is_orphan:
        asked["everytoken_orphan"] = True
    return {
        **attempt.parentage.metadata,
        "ls_provider": attempt.provider,
        "ls_model_name": attempt.model,
        "ls_model_type": "chat",
        **asked,
    }


def outputs(answer: Answer) -> dict[str, Any]:
    """The answer as the outputs of a run; its usage is told in standard words beside it."""
    value = merged(answer.value) if isinstance(answer.value, list) else answer.value
    if not isinstance(value, Mapping):
        return {}
    return {key: one for key, one in value.items() if key not in ("usage", "usageMetadata")}


def _body(attempt: Attempt) -> bytes:
    if isinstance(attempt.body, str):
        return attempt.body.encode()
    if attempt.body is not None:
        return attempt.body
    if attempt.chunks and not isinstance(attempt.chunks[0], bytes):
        return b""
    return decompressed(attempt.chunks, attempt.content_encoding)


def _value(attempt: Attempt, body: bytes) -> Any:
    if attempt.chunks and not isinstance(attempt.chunks[0], bytes):
        return attempt.chunks
    if attempt.streamed and not attempt.refused:
        if attempt.outcome == CANCELLED and is_complete(body):
            attempt.outcome = "success"
        return decode_events(body)
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None


def _error(attempt: Attempt, body: bytes) -> str | None:
    if attempt.error:
        return attempt.error
    if attempt.status_code is not None and attempt.status_code >= 400:
        return f"HTTP {attempt.status_code}: {body[:2_000].decode(errors='replace')}"
    return None
