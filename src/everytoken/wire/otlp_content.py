"""What went into a span and what came out of it, wherever a convention keeps it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from everytoken.core.extract.reading import dig
from everytoken.wire.json_text import JsonError, load_json
from everytoken.wire.otlp_logfire import waited_us
from everytoken.wire.otlp_spans import Span

MAX_MESSAGES = 10_000
"""Position of the last flattened message that is read."""
MAX_STEPS = 8
"""Dots in the rest of a flattened message's key, such as `tool_calls.0.function.arguments`."""
_INDEXED = re.compile(r"(\d{1,5})\.(.+)")
_REQUEST = "gen_ai.request."
_PARAMS = frozenset(
    {"temperature", "top_p", "top_k", "max_tokens", "frequency_penalty", "presence_penalty", "seed", "stop_sequences",
     "encoding_formats", "stream", "service_tier"}
)  # fmt: skip

_INPUTS = (
    "gen_ai.prompt",
    "input.value",
    "traceloop.entity.input",
    "ai.prompt.messages",
    "ai.prompt",
    "gen_ai.tool.call.arguments",
    "tool_arguments",
    "ai.toolCall.args",
    "tool.parameters",
    "all_messages_events",
    "pydantic_ai.all_messages",
    "events",
    "prompt",
    "ai.value",
    "ai.values",
)
_OUTPUTS = (
    "gen_ai.completion",
    "output.value",
    "traceloop.entity.output",
    "gen_ai.tool.call.result",
    "tool_response",
    "ai.toolCall.result",
    "ai.response.text",
    "ai.response.object",
    "ai.response.toolCalls",
    "final_result",
)
"""Attributes that hold all of it, as JSON or text; LangSmith's own OpenTelemetry mode writes the first of each."""
_ROLE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


def inputs_of(span: Span) -> Any:
    """The inputs of the run, or `None`."""
    attributes = _with_details(span)
    messages = _messages(attributes, "gen_ai.input.messages", ("gen_ai.prompt.", "llm.input_messages."))
    if not messages:
        messages = [
            {"role": role, **_plain(event.attributes)}
            for event in span.events
            if (role := _ROLE_EVENTS.get(event.name)) is not None
        ]
    if messages:
        asked = {"messages": messages}
        for key, name in (("gen_ai.system_instructions", "system_instructions"), ("gen_ai.tool.definitions", "tools")):
            if (value := _content(attributes.get(key))) is not None:
                asked[name] = value
        return _with_tools(asked, attributes)
    found = _whole(attributes, _INPUTS)
    if found is None:
        found = _event_value(span, "gen_ai.content.prompt", "gen_ai.prompt")
    named = _named(found, "input")
    return _with_tools(named, attributes) if isinstance(named, dict) and "messages" in named else named


def outputs_of(span: Span) -> Any:
    """The outputs of the run, or `None`. A provider's whole response is preferred to messages made of it."""
    attributes = _with_details(span)
    whole = _content(attributes.get("output.value"))
    if isinstance(whole, dict):
        return whole
    messages = _messages(attributes, "gen_ai.output.messages", ("gen_ai.completion.", "llm.output_messages."))
    if not messages:
        messages = [_plain(event.attributes) for event in span.events if event.name == "gen_ai.choice"]
    if messages:
        return {"messages": messages}
    if documents := flattened(attributes, "retrieval.documents."):
        return {"documents": [one.get("document", one) for one in documents]}
    found = _whole(attributes, _OUTPUTS)
    if found is None:
        found = _event_value(span, "gen_ai.content.completion", "gen_ai.completion")
    return _named(found, "output")


def invocation_params_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What the model was asked with, apart from the messages."""
    params: dict[str, Any] = {}
    told = _content(attributes.get("llm.invocation_parameters"))
    if isinstance(told, dict):
        params |= told
    for key, value in attributes.items():
        name = key.removeprefix(_REQUEST) if key.startswith(_REQUEST) else ""
        if name in _PARAMS:
            params[name] = value
    vercel = attributes.get("ai.operationId")
    if (
        attributes.get("langsmith.request.streaming") is True
        or (isinstance(vercel, str) and vercel.endswith("doStream"))
        or waited_us(attributes) is not None
    ):
        params["stream"] = True
    apis = [attributes.get(key) for key in ("openai.api.type", "gen_ai.openai.api.type", "gen_ai.system")]
    if "responses" in apis[:2] or (isinstance(apis[2], str) and apis[2].endswith(".responses")):
        params["use_responses_api"] = True
    return params


def flattened(attributes: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Objects that a convention spread over keys such as `<prefix>0.message.role`, in the order of their numbers."""
    found: dict[int, dict[str, Any]] = {}
    for key, value in attributes.items():
        if not key.startswith(prefix):
            continue
        indexed = _INDEXED.fullmatch(key, len(prefix))
        if indexed is None or int(indexed[1]) > MAX_MESSAGES:
            continue
        _put(found.setdefault(int(indexed[1]), {}), indexed[2].split(".", MAX_STEPS), value)
    return [{key: _listed(value) for key, value in found[n].items()} for n in sorted(found)]


def _put(into: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        inner = into.setdefault(step, {})
        if not isinstance(inner, dict):  # a scalar stood at this key before; it stays among the raw attributes
            inner = into[step] = {}
        into = inner
    into[steps[-1]] = value


def _listed(value: Any) -> Any:
    """Objects whose keys are all numbers become lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(one) for key, one in value.items()}
    if inner and all(key.isascii() and key.isdigit() and len(key) <= 5 for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _messages(attributes: Mapping[str, Any], whole: str, prefixes: Iterable[str]) -> list[Any]:
    told = _content(attributes.get(whole))
    if isinstance(told, list) and told:
        return told
    for prefix in prefixes:
        if found := flattened(attributes, prefix):
            return [one["message"] if isinstance(one.get("message"), dict) else one for one in found]
    return []


def _with_tools(asked: dict[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """With the tools that were offered: OpenInference spreads their schemas over keys, Vercel lists them as texts."""
    listed = attributes.get("ai.prompt.tools")
    if not isinstance(listed, list):
        listed = [dig(one, "tool", "json_schema") for one in flattened(attributes, "llm.tools.")]
    tools = [tool for one in listed if (tool := _content(one)) is not None]
    return {"tools": tools, **asked} if tools else asked


def _with_details(span: Span) -> Mapping[str, Any]:
    """The attributes, with those of the events in which newer conventions keep content: one, or one a direction."""
    details = [e.attributes for e in span.events if e.name == "gen_ai.client.inference.operation.details"]
    return (
        {key: value for told in (*details, span.attributes) for key, value in told.items()}
        if details
        else span.attributes
    )


def _event_value(span: Span, event_name: str, key: str) -> Any:
    return next((_content(e.attributes.get(key)) for e in span.events if e.name == event_name), None)


def _whole(attributes: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((value for key in keys if (value := _content(attributes.get(key))) is not None), None)


def _named(value: Any, name: str) -> Any:
    """A run's inputs and outputs are objects; a bare list of messages, or a text, gets a name."""
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(one, dict) and "role" in one for one in value):
        return {"messages": value}
    return {name: value}


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _content(value) for key, value in attributes.items() if key != "gen_ai.system"}


def _content(value: Any) -> Any:
    """The object or list that a text holds as JSON, else the text itself; `None` for nothing."""
    if not isinstance(value, str):
        return value
    if value.lstrip()[:1] not in ("{", "["):
        return value or None
    try:
        return load_json(value.encode())
    except JsonError:
        return value
