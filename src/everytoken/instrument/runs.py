"""An ended attempt as a standard LangSmith run: what was asked and answered, the usage, and what settlement needs."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from everytoken.core.extract import Extraction, extract_usage
from everytoken.core.projections import to_everytoken, to_langsmith
from everytoken.instrument.attempt import CANCELLED, Attempt
from everytoken.instrument.sse import decode_events, is_complete

_PARAMETERS = ("temperature", "max_tokens", "max_completion_tokens", "max_output_tokens", "top_p", "stop", "n")


def post_start(attempt: Attempt) -> None:
    """Show a call that is still open."""
    attempt.parentage.client.create_run(
        attempt.endpoint.name,
        _inputs(attempt),
        attempt.endpoint.run_type,
        project_name=attempt.parentage.project,
        extra={"metadata": _base_metadata(attempt)},
        tags=list(attempt.parentage.tags),
        start_time=attempt.started,
        **_identity(attempt),
    )


def post_run(attempt: Attempt, *, dropped: int = 0) -> None:
    """Send the whole record: a post for a short call, a patch for one whose start was shown."""
    answer = _answer(attempt)
    found = _extraction(attempt, answer)
    if attempt.endpoint.is_poll and found.usage is None:
        return
    metadata = {**_base_metadata(attempt), **_usage_metadata(attempt, found)}
    if dropped:
        metadata["everytoken_dropped"] = dropped
    facts: dict[str, Any] = {
        "outputs": _outputs(answer, found),
        "error": _error(attempt),
        "extra": {"metadata": metadata},
        "events": _events(attempt),
        "end_time": attempt.started + timedelta(seconds=attempt.duration_s or 0),
    }
    client = attempt.parentage.client
    if attempt.posted:
        identity = _identity(attempt)
        client.update_run(identity.pop("id"), tags=list(attempt.parentage.tags), **identity, **facts)
        return
    client.create_run(
        attempt.endpoint.name,
        _inputs(attempt),
        attempt.endpoint.run_type,
        project_name=attempt.parentage.project,
        tags=list(attempt.parentage.tags),
        start_time=attempt.started,
        **_identity(attempt),
        **facts,
    )


def call_path(attempt: Attempt) -> str:
    """Provider × API × mode, such as `openai.chat.stream`."""
    provider = "gemini" if attempt.endpoint.shape.startswith("gemini.") else attempt.provider
    path = f"{provider}.{attempt.endpoint.operation}"
    return f"{path}.stream" if attempt.streamed and not path.endswith(".stream") else path


def _identity(attempt: Attempt) -> dict[str, Any]:
    parent = attempt.parentage
    own = f"{attempt.started:%Y%m%dT%H%M%S%fZ}{attempt.run_id}"
    return {
        "id": attempt.run_id,
        "trace_id": parent.trace_id or attempt.run_id,
        "parent_run_id": parent.run_id,
        "dotted_order": f"{parent.dotted_order}.{own}" if parent.dotted_order else own,
    }


def _answer(attempt: Attempt) -> Any:
    """The decoded answer: one JSON value, the list of a stream's events, or `None` for audio and the unreadable."""
    if attempt.chunks and not isinstance(attempt.chunks[0], bytes):
        return attempt.chunks
    if attempt.streamed:
        if attempt.outcome == CANCELLED and is_complete(attempt.chunks):
            attempt.outcome = "success"
        return decode_events(attempt.chunks)
    body = attempt.body if attempt.body is not None else b"".join(attempt.chunks)
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _extraction(attempt: Attempt, answer: Any) -> Extraction:
    if attempt.status_code is not None and attempt.status_code >= 400:
        return Extraction(usage=None, reason="absent")
    endpoint = attempt.endpoint
    context = {**(attempt.request or {}), "model": attempt.model}
    if isinstance(answer, list) and endpoint.stream_shape:
        return extract_usage(endpoint.stream_shape, answer, context)
    return extract_usage(endpoint.shape, answer, context)


def _base_metadata(attempt: Attempt) -> dict[str, Any]:
    request = attempt.request or {}
    asked = {f"ls_{name}": request[name] for name in ("temperature", "stop") if name in request}
    limit = next((request[name] for name in _PARAMETERS[1:4] if name in request), None)
    if limit is not None:
        asked["ls_max_tokens"] = limit
    return {
        **attempt.parentage.metadata,
        "ls_provider": attempt.provider,
        "ls_model_name": attempt.model,
        "ls_model_type": "chat",
        **asked,
    }


def _usage_metadata(attempt: Attempt, found: Extraction) -> dict[str, Any]:
    # A refusal costs nothing; a lost or cut answer may have been billed, so it stays a charge whose usage is missing.
    refused = attempt.status_code is not None and attempt.status_code >= 400
    entry = to_everytoken(
        found.usage,
        response_id=found.response_id,
        response_model=found.response_model,
        call_path=call_path(attempt),
        layer="transport",
        attempt=str(attempt.run_id),
        provider=attempt.provider,
        request_model=attempt.model,
    )
    if refused:
        entry["billed"] = False
    if attempt.retry:
        entry["retry"] = attempt.retry
    metadata: dict[str, Any] = {"everytoken": entry}
    if found.usage is not None and found.usage.source != "estimated":
        metadata["usage_metadata"] = to_langsmith(found.usage)
    return metadata


def _inputs(attempt: Attempt) -> dict[str, Any]:
    return dict(attempt.request) if attempt.request else {}


def _outputs(answer: Any, found: Extraction) -> dict[str, Any]:
    if isinstance(answer, list):
        return {"events": answer, **_text_of(answer)}
    if not isinstance(answer, Mapping):
        return {}
    outputs = {key: value for key, value in answer.items() if key not in ("usage", "usageMetadata")}
    if found.usage is not None:
        outputs["usage_metadata"] = to_langsmith(found.usage)
    return outputs


def _text_of(events: list[Any]) -> dict[str, Any]:
    """The text a stream added up to, for the reader; its events stand beside it."""
    parts: list[str] = []
    for event in events:
        if not isinstance(event, Mapping):
            continue
        for choice in event.get("choices") or ():
            parts.append((choice.get("delta") or {}).get("content") or "")
        if event.get("type") == "response.output_text.delta":
            parts.append(event.get("delta") or "")
        for candidate in event.get("candidates") or ():
            parts.extend(part.get("text") or "" for part in (candidate.get("content") or {}).get("parts") or ())
    text = "".join(parts)
    return {"content": text} if text else {}


def _error(attempt: Attempt) -> str | None:
    if attempt.error:
        return attempt.error
    if attempt.status_code is not None and attempt.status_code >= 400:
        body = attempt.body if attempt.body is not None else b"".join(attempt.chunks)
        text = body.decode(errors="replace") if isinstance(body, bytes) else body
        return f"HTTP {attempt.status_code}: {text[:2_000]}"
    return None


def _events(attempt: Attempt) -> list[dict[str, Any]]:
    if attempt.first_token_s is None or not attempt.streamed:
        return []
    when = attempt.started + timedelta(seconds=attempt.first_token_s)
    return [{"name": "new_token", "time": when.isoformat()}]
