"""A span to the fields of a run: identity, type, name, status, metadata. Its content is read by `otlp_content`."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from everytoken.core.extract.facts import FRAMEWORKS
from everytoken.core.run import RUN_TYPES
from everytoken.wire.fields import MAX_NAME, read_id
from everytoken.wire.json_text import JsonError, load_json
from everytoken.wire.operations import RunFields
from everytoken.wire.otlp_content import inputs_of, invocation_params_of, outputs_of
from everytoken.wire.otlp_logfire import opens_stream, waited_us
from everytoken.wire.otlp_spans import STATUS_ERROR, STATUS_OK, Span, SpanEvent, dashed, span_uuid
from everytoken.wire.times import EPOCH

FLAG_ATTRIBUTES_DROPPED = "attributes_dropped"
"""The sender, or the bounds here, left attributes of the span out."""
FLAG_HYBRID = "langsmith_hybrid"
"""The langsmith SDK says that it sends this run by its own protocol as well: whoever receives both counts it twice."""
MAX_ORIGIN_CHARS = 8_192
"""Characters of resource and scope attributes copied to each run: they repeat on every span of a process."""
UNNAMED = "unnamed span"

_RUN_TYPES = frozenset[str](RUN_TYPES)
_OPERATIONS = {
    "chat": "llm",
    "completion": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "embedding": "embedding",
    "embeddings": "embedding",
    "execute_tool": "tool",
    "retrieval": "retriever",
    "chain": "chain",
    "invoke_agent": "chain",
    "create_agent": "chain",
    "invoke_workflow": "chain",
}
"""`gen_ai.operation.name` (https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/, 2026-11)."""
_OPENINFERENCE = {
    "llm": "llm",
    "chain": "chain",
    "tool": "tool",
    "retriever": "retriever",
    "embedding": "embedding",
    "prompt": "prompt",
    "agent": "chain",
    "guardrail": "chain",
    "evaluator": "chain",
    "reranker": "chain",
}
_TRACELOOP = {"workflow": "chain", "task": "chain", "agent": "chain", "tool": "tool"}
_REQUEST_TYPES = {"chat": "llm", "completion": "llm", "embedding": "embedding", "embeddings": "embedding"}
_VERCEL_CALLS = {"doGenerate": "llm", "doStream": "llm", "doEmbed": "embedding"}
"""Last words of Vercel's `ai.operationId` that stand for one request; the spans around them total up."""
_MODELS = (
    "gen_ai.request.model",
    "gen_ai.response.model",
    "model",
    "llm.model_name",
    "embedding.model_name",
    "ai.model.id",
)
_PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
_PREFIXES = ("langsmith.metadata.", "traceloop.association.properties.", "ai.telemetry.metadata.")
_NAMED = {
    "session.id": "session_id",
    "gen_ai.conversation.id": "conversation_id",
    "user.id": "user_id",
    "enduser.id": "user_id",
    "gen_ai.agent.name": "agent_name",
    "gcp.vertex.agent.session_id": "session_id",
    "ai.telemetry.metadata.threadId": "thread_id",
    "ai.telemetry.metadata.sessionId": "session_id",
    "ai.telemetry.metadata.conversationId": "conversation_id",
    "ai.telemetry.metadata.userId": "user_id",
}
"""Ids in the words of each convention; what Vercel's applications put into the metadata is written in camelCase."""
_INTERRUPTS = frozenset({"GraphInterrupt", "GraphBubbleUp", "NodeInterrupt", "ParentCommand"})
_FIRST_TOKEN = frozenset(
    {"new_token", "gen_ai.content.completion.chunk", "llm.content.completion.chunk", "ai.stream.firstChunk",
     "First Token Stream Event"}
)  # fmt: skip


_FIRST_CHUNK = {
    "gen_ai.response.time_to_first_chunk": 1_000_000,
    "gen_ai.client.operation.time_to_first_chunk": 1_000_000,
    "ai.response.msToFirstChunk": 1_000,
}
"""The wait for the first chunk → microseconds of its unit."""


def run_of(span: Span) -> tuple[str, RunFields]:
    """Id and fields of the run that the span is."""
    attributes = span.attributes
    trace_id = _stated_id(attributes, "langsmith.trace.id") or dashed(span.trace_id)
    parent = _parent(span)
    run_id = _stated_id(attributes, "langsmith.span.id") or (trace_id if parent is None else span_uuid(span.span_id))
    run_type = run_type_of(attributes)
    error = _error(span)
    if not error and opens_stream(attributes):
        run_type = "chain"
    fields: RunFields = {
        "trace_id": trace_id,
        "name": _name(span, run_type),
        "run_type": run_type,
        "start_us": max(span.start_us - (waited_us(attributes) or 0), 1),
        "metadata": _metadata(span, error),
        "extra": _extra(span),
    }
    if parent is not None:
        fields["parent_run_id"] = parent
    if span.end_us is not None:
        fields["end_us"] = span.end_us
        left = attributes.get("everytoken.cancelled") is True
        fields["status"] = "error" if error else "cancelled" if left else "success"
    optional: dict[str, Any] = {
        "error": error,
        "dotted_order": _text(attributes.get("langsmith.span.dotted_order")),
        "project_id": _stated_id(attributes, "langsmith.trace.session_id") if not project_of(span) else None,
        "tags": _tags(attributes),
        "inputs": inputs_of(span),
        "outputs": outputs_of(span),
        "events": [_event(event) for event in span.events],
        "first_token_us": _first_token_us(span),
        "flags": _flags(span),
    }
    fields |= {key: value for key, value in optional.items() if value}  # type: ignore[typeddict-item]  # its own keys
    return run_id, fields


def project_of(span: Span) -> str | None:
    """The project that the span, or the process it comes from, names."""
    for key in ("langsmith.trace.session_name", "openinference.project.name"):
        found = _text(span.attributes.get(key)) or _text(span.origin.resource.get(key))
        if found:
            return found
    return None


def run_type_of(attributes: Mapping[str, Any]) -> str:
    """What the span did, by the first convention that says so."""
    stated = _word(attributes.get("langsmith.span.kind"))
    if stated in _RUN_TYPES:
        return stated
    for key, known in (
        ("gen_ai.operation.name", _OPERATIONS),
        ("llm.request.type", _REQUEST_TYPES),
        ("openinference.span.kind", _OPENINFERENCE),
        ("traceloop.span.kind", _TRACELOOP),
    ):
        if (found := known.get(_word(attributes.get(key)))) is not None:
            return found
    vercel = _text(attributes.get("ai.operationId")) or ""
    if vercel == "ai.toolCall":
        return "tool"
    if vercel:
        return _VERCEL_CALLS.get(vercel.rpartition(".")[2], "chain")
    return "tool" if attributes.get("gen_ai.tool.name") or attributes.get("tool.name") else "chain"


def _parent(span: Span) -> str | None:
    """The parent's run id; `None` for a root."""
    attributes = span.attributes
    if attributes.get("langsmith.is_root") is True or span.parent_span_id is None:
        return None
    stated = _stated_id(attributes, "langsmith.span.parent_id")
    # The langsmith SDK puts its roots below a span it never sends, whose id is the first half of the trace's.
    langsmiths = span.origin.scope.startswith("langsmith") or "langsmith.span.kind" in attributes
    if stated is None and langsmiths and span.trace_id.startswith(span.parent_span_id):
        return None
    return stated or span_uuid(span.parent_span_id)


def _name(span: Span, run_type: str) -> str:
    attributes = span.attributes
    places = [attributes.get("langsmith.trace.name")]
    if "traceloop.span.kind" in attributes:
        places.append(attributes.get("traceloop.entity.name"))
    if run_type == "tool":
        places += [attributes.get(key) for key in ("gen_ai.tool.name", "tool.name", "ai.toolCall.name")]
    if "{" in span.name:  # a template of Logfire's, which writes beside it what came of it
        places.append(attributes.get("logfire.msg"))
    return next((name for place in (*places, span.name, UNNAMED) if (name := _text(place))), UNNAMED)[:MAX_NAME]


def _metadata(span: Span, error: str | None) -> dict[str, Any]:
    attributes = span.attributes
    metadata = _origin(span)
    whole = decoded(attributes.get("metadata"))
    if isinstance(whole, dict):
        metadata |= whole
    for key, value in attributes.items():
        for prefix in _PREFIXES:
            if key.startswith(prefix) and len(key) > len(prefix):
                metadata[key.removeprefix(prefix)] = decoded(value)
    for key, name in _NAMED.items():
        if (found := attributes.get(key)) not in (None, ""):
            metadata.setdefault(name, found)
    model = next((found for key in _MODELS if (found := _text(attributes.get(key)))), None)
    if model:
        metadata.setdefault("ls_model_name", model)
    if provider := _provider(attributes):
        metadata.setdefault("ls_provider", provider)
    if error and error.partition(":")[0] in _INTERRUPTS:
        metadata["ls_is_error_interrupt"] = True
    return {**metadata, "OTEL_TRACE_ID": span.trace_id, "OTEL_SPAN_ID": span.span_id}


def _origin(span: Span) -> dict[str, Any]:
    """Resource and scope attributes, as many as fit."""
    origin = span.origin
    named = {"otel.scope.name": origin.scope, "otel.scope.version": origin.scope_version}
    metadata: dict[str, Any] = {}
    left = MAX_ORIGIN_CHARS
    for key, value in (*named.items(), *origin.resource.items(), *origin.scope_attributes.items()):
        left -= len(key) + len(str(value))
        if left < 0:
            break
        if value not in (None, ""):
            metadata[key] = value
    return metadata


def _provider(attributes: Mapping[str, Any]) -> str | None:
    """Vercel writes provider and API in one word, `anthropic.messages`; a framework is no provider."""
    for key in _PROVIDERS:
        word = _word(attributes.get(key))
        if word and word not in FRAMEWORKS:
            is_vercels = "ai.operationId" in attributes and not word.startswith("google")
            return word.partition(".")[0] if is_vercels else word
    return None


def _extra(span: Span) -> dict[str, Any]:
    otel: dict[str, Any] = {"span_id": span.span_id, "attributes": dict(span.attributes)}
    known = {
        "parent_span_id": span.parent_span_id,
        "kind": span.kind,
        "links": list(span.links),
        "dropped_attributes": span.dropped_attributes,
    }
    otel |= {key: value for key, value in known.items() if value}
    extra: dict[str, Any] = {"otel": otel}
    if params := invocation_params_of(span.attributes):
        extra["invocation_params"] = params
    if example := _stated_id(span.attributes, "langsmith.reference_example_id"):
        extra["reference_example_id"] = example
    return extra


def _error(span: Span) -> str | None:
    """Message and stack trace of the last exception, where the span did not end well."""
    raised = next((e.attributes for e in reversed(span.events) if e.name == "exception"), None)
    if span.status_code == STATUS_OK or (raised is None and span.status_code != STATUS_ERROR):
        return None
    if raised is None:
        return span.status_message or "the span ended with the status error"
    kind = (_text(raised.get("exception.type")) or "").rpartition(".")[2]
    message = _text(raised.get("exception.message")) or span.status_message
    # The langsmith SDK wraps the error it was told of into a bare Exception.
    first_line = message if kind in ("", "Exception") else f"{kind}: {message}"
    trace = _text(raised.get("exception.stacktrace"))
    return f"{first_line}\n\n{trace}" if trace and "Traceback" not in message else first_line or "exception"


def _flags(span: Span) -> tuple[str, ...]:
    attributes = span.attributes
    mode = attributes.get("langsmith.metadata.LANGSMITH_TRACING_MODE")
    if mode is None and _is_true(attributes.get("langsmith.metadata.LANGSMITH_OTEL_ENABLED")):
        mode = "otel" if _is_true(attributes.get("langsmith.metadata.LANGSMITH_OTEL_ONLY")) else "hybrid"
    flags = (FLAG_ATTRIBUTES_DROPPED,) if span.dropped_attributes else ()
    return (*flags, FLAG_HYBRID) if mode == "hybrid" else flags


def _is_true(value: Any) -> bool:
    return str(value).lower() in ("true", "1")


def _tags(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    stated = attributes.get("langsmith.span.tags") or attributes.get("tag.tags")
    if isinstance(stated, str):
        stated = stated.split(",")
    if not isinstance(stated, list):
        return ()
    return tuple(tag.strip()[:MAX_NAME] for tag in stated if isinstance(tag, str) and tag.strip())


def _event(event: SpanEvent) -> dict[str, Any]:
    """As LangSmith writes the events of a run."""
    moment = {} if event.time_us is None else {"time": (EPOCH + timedelta(microseconds=event.time_us)).isoformat()}
    return {"name": event.name, **moment, **({"kwargs": dict(event.attributes)} if event.attributes else {})}


def _first_token_us(span: Span) -> int | None:
    seen = [e.time_us for e in span.events if e.name in _FIRST_TOKEN and e.time_us is not None]
    if seen:
        return min(seen)
    for key, unit_us in _FIRST_CHUNK.items():
        waited = span.attributes.get(key)
        if isinstance(waited, int | float) and not isinstance(waited, bool) and 0 <= waited * unit_us < 1e12:
            return span.start_us + round(waited * unit_us)
    return None


def decoded(value: Any) -> Any:
    """An object or a list where a tracer had to write it as JSON text; anything else as it is."""
    if isinstance(value, str) and re.match(r"\s*[\[{]", value):
        try:
            return load_json(value.encode())
        except JsonError:
            return value
    return value


def _stated_id(attributes: Mapping[str, Any], key: str) -> str | None:
    """A UUID that the application set itself; one that is none is left where it is, among the raw attributes."""
    try:
        return read_id(attributes.get(key))
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _word(value: Any) -> str:
    return value.lower() if isinstance(value, str) else ""
