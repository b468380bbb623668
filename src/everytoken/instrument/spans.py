"""An attempt as an OpenTelemetry span of the GenAI conventions, through the application's own tracer provider."""

from datetime import datetime, timedelta
from typing import Any

from everytoken.core.projections import to_otel
from everytoken.instrument.answer import Answer, outputs, usage_metadata
from everytoken.instrument.attempt import Attempt
from everytoken.instrument.content import ContentPolicy

_OPERATIONS = {
    "embeddings": "embeddings",
    "embed": "embeddings",
    "images": "generate_content",
    "generate": "generate_content",
}
_PROVIDERS = {"google": "gcp.gemini", "google-vertex": "gcp.vertex_ai", "azure-openai": "azure.ai.openai"}


class Spans:
    """Makes spans; how they travel is the application's own set-up."""

    def __init__(self) -> None:
        from opentelemetry import trace

        self._trace = trace
        self._tracer = trace.get_tracer("everytoken")
        self.lost = 0

    def start(self, attempt: Attempt, content: ContentPolicy) -> None:
        """OpenTelemetry has no word for a span that is still open."""

    def end(self, attempt: Attempt, answer: Answer, content: ContentPolicy, extra: dict[str, Any]) -> None:
        """Make the span with the times of the call."""
        operation = _OPERATIONS.get(attempt.endpoint.operation, "chat")
        span = self._tracer.start_span(
            f"{operation} {attempt.model or ''}".strip(),
            context=attempt.parentage.span,
            kind=self._trace.SpanKind.CLIENT,
            start_time=_ns(attempt.started),
            attributes=_attributes(attempt, answer, operation, content, extra),
        )
        if attempt.outcome == "error":
            span.set_status(self._trace.StatusCode.ERROR, content.text(answer.error) or "")
        span.end(_ns(attempt.started + timedelta(seconds=attempt.duration_s or 0)))

    def send(self, *, now: bool) -> None:
        """The span processor has its own queue, with a bound."""

    def flush(self, timeout_s: float) -> None:
        flush = getattr(self._trace.get_tracer_provider(), "force_flush", None)
        if flush is not None:
            flush(int(timeout_s * 1_000))


def _attributes(
    attempt: Attempt, answer: Answer, operation: str, content: ContentPolicy, extra: dict[str, Any]
) -> dict[str, Any]:
    import orjson

    found = answer.found
    entry = usage_metadata(attempt, found)["everytoken"]
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": _PROVIDERS.get(attempt.provider, attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.response.model": found.response_model,
        "gen_ai.response.id": found.response_id,
        "gen_ai.conversation.id": attempt.parentage.metadata.get("thread_id"),
        "user.id": attempt.parentage.metadata.get("user_id"),
        "langsmith.metadata.everytoken": orjson.dumps(entry, default=str).decode(),
    }
    if content.mode != "none":
        attributes["gen_ai.input.messages"] = _json(content.clean(attempt.request or {}))
        attributes["gen_ai.output.messages"] = _json(content.clean(outputs(answer)))
    if found.usage is not None:
        attributes |= to_otel(found.usage)
    if attempt.outcome == "cancelled":
        attributes["everytoken.cancelled"] = True
    attributes |= {key.replace("_", ".", 1): value for key, value in extra.items()}
    return {key: value for key, value in attributes.items() if value is not None}


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value, default=str).decode()


def _ns(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000) * 1_000
