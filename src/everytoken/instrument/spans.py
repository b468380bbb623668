"""An attempt as an OpenTelemetry span of the GenAI conventions, below the span that the application was in.

What the conventions have no word for travels as LangSmith's attributes, which everytoken and LangSmith both read: the
whole usage with its classes, tags, and metadata.
"""

from datetime import datetime, timedelta
from typing import Any

import orjson

from everytoken.core.projections import to_otel
from everytoken.instrument.answer import Answer, base_metadata, outputs, usage_metadata
from everytoken.instrument.attempt import CANCELLED, Attempt
from everytoken.instrument.content import ContentPolicy
from everytoken.instrument.guard import guarded
from everytoken.instrument.span_messages import input_messages, output_messages, system_instructions
from everytoken.instrument.tracer import Tracers

_OPERATIONS = {
    "embeddings": "embeddings",
    "embed": "embeddings",
    "completions": "text_completion",
    "images": "generate_content",
    "images_edit": "generate_content",
    "imagen": "generate_content",
    "generate": "generate_content",
    "stream": "generate_content",
}
_PROVIDERS = {"google": "gcp.gemini", "google-vertex": "gcp.vertex_ai", "azure-openai": "azure.ai.openai"}
_ASKED = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
}
_PLAIN = (str, bool, int, float)
"""What an attribute may hold."""


class Spans:
    """Makes spans; the span processor queues and sends them, with bounds of its own."""

    def __init__(self) -> None:
        from langsmith.utils import get_env_var
        from opentelemetry import trace

        self._trace = trace
        self._release = get_env_var("REVISION_ID")
        """As langsmith puts it into each run; without it, the `service.version` of the provider's resource tells."""
        self._tracers = Tracers()
        self._tracers.current()  # now: once the interpreter shuts down, no provider can start its thread
        self.lost = self.untold = 0

    def start(self, attempt: Attempt, content: ContentPolicy) -> None:
        """OpenTelemetry has no word for a span that is still open."""

    def end(self, attempt: Attempt, answer: Answer, content: ContentPolicy, extra: dict[str, Any]) -> None:
        """Make the span with the times of the call."""
        operation = _OPERATIONS.get(attempt.endpoint.operation, "chat")
        attributes = _attributes(attempt, answer, operation, content, extra)
        if self._release:
            attributes.setdefault("langsmith.metadata.revision_id", self._release)
        span = self._tracers.current().start_span(
            f"{operation} {attempt.model or ''}".strip(),
            context=attempt.parentage.span,
            kind=self._trace.SpanKind.CLIENT,
            start_time=_ns(attempt.started),
            attributes=attributes,
        )
        if attempt.outcome == "error":
            span.set_status(self._trace.StatusCode.ERROR, content.text(answer.error) or "")
        span.end(_ns(attempt.started + timedelta(seconds=attempt.duration_s or 0)))

    def send(self, *, now: bool) -> None:
        """The span processor has its own queue, with a bound."""

    def flush(self, timeout_s: float) -> None:
        self._tracers.flush(timeout_s)


def _attributes(
    attempt: Attempt, answer: Answer, operation: str, content: ContentPolicy, extra: dict[str, Any]
) -> dict[str, Any]:
    found, parent = answer.found, attempt.parentage
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(attempt.provider, attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.response.model": found.response_model,
        "gen_ai.response.id": found.response_id,
        "gen_ai.conversation.id": parent.metadata.get("thread_id"),
        "user.id": parent.metadata.get("user_id"),
        "langsmith.trace.session_name": parent.project,
        "langsmith.span.tags": ",".join(parent.tags) or None,
        **_asked(attempt),
        **(_content(attempt, answer, content) or {}),
        **_metadata(attempt, answer, extra),
    }
    if attempt.streamed:
        attributes["gen_ai.response.time_to_first_chunk"] = attempt.first_token_s
    if attempt.outcome == "error":
        attributes["error.type"] = str(attempt.status_code or (answer.error or "").partition("(")[0] or "_OTHER")
    if attempt.outcome == CANCELLED:
        attributes["everytoken.cancelled"] = True
    if found.usage is not None and found.usage.source != "estimated":
        attributes |= to_otel(found.usage)
    return {key: value for key, value in attributes.items() if value is not None}


def _asked(attempt: Attempt) -> dict[str, Any]:
    request = attempt.request or {}
    asked = {**request, **(one if isinstance(one := request.get("generationConfig"), dict) else {})}
    found = {name: asked.get(key) for key, name in _ASKED.items() if isinstance(asked.get(key), int | float)}
    return {**found, "gen_ai.request.stream": True} if attempt.streamed else found


@guarded
def _content(attempt: Attempt, answer: Answer, content: ContentPolicy) -> dict[str, Any]:
    """The messages; a shape nobody expected costs the span its content, not its usage."""
    request, said = content.clean(attempt.request or {}), content.clean(outputs(answer))
    told = {
        "gen_ai.system_instructions": system_instructions(request),
        "gen_ai.input.messages": input_messages(request),
        "gen_ai.output.messages": output_messages(said),
        "gen_ai.tool.definitions": request.get("tools"),
    }
    return {key: _json(value) for key, value in told.items() if value}


def _metadata(attempt: Attempt, answer: Answer, extra: dict[str, Any]) -> dict[str, Any]:
    """What the run would carry: plain values as they are, anything else as JSON text."""
    known = {**base_metadata(attempt), **usage_metadata(attempt, answer.found), **extra}
    return {
        f"langsmith.metadata.{key}": value if isinstance(value, _PLAIN) else _json(value)
        for key, value in known.items()
        if value is not None
    }


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _ns(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000) * 1_000
