"""OTLP in JSON to spans: camelCase names, hexadecimal ids, 64-bit integers as text."""

import contextlib
from collections.abc import Iterator
from typing import Any

from everytoken.wire.body import BodyTooLargeError, BodyUnreadableError
from everytoken.wire.fields import FieldError
from everytoken.wire.json_text import JsonError, load_json
from everytoken.wire.operations import Rejection
from everytoken.wire.otlp_spans import (
    MAX_EVENTS,
    MAX_LINKS,
    MAX_SPANS,
    Origin,
    Span,
    SpanEvent,
    Values,
    finite,
    kept_attributes,
    read_hex,
    read_moment,
    read_nanos,
)

MAX_DIGITS = 20
"""Of an integer written as text; 64 bits need no more."""
_KINDS = frozenset({"stringValue", "boolValue", "intValue", "doubleValue", "bytesValue", "arrayValue", "kvlistValue"})
_STATUS_CODES = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


def read_json(body: bytes) -> Iterator[Span | Rejection]:
    """The spans of an `ExportTraceServiceRequest` in order, with a rejection in place of each that is unreadable.

    Raises:
        BodyUnreadableError: it is not an object with a list `resourceSpans`, or not nested as OTLP nests.
        BodyTooLargeError: it holds more than `MAX_SPANS`.
    """
    try:
        request = load_json(body)
    except JsonError as error:
        raise BodyUnreadableError(f"the body is {error}") from error
    if not isinstance(request, dict):
        raise BodyUnreadableError('the body must be a JSON object {"resourceSpans": [...]}')
    if "resource_spans" in request:
        raise BodyUnreadableError("OTLP's JSON is written in camelCase; send resourceSpans", field="resource_spans")
    left = MAX_SPANS
    for r, resource_spans in enumerate(_objects(request, "resourceSpans", "")):
        path = f"resourceSpans[{r}]"
        resource = _origin_attributes(_object(resource_spans, "resource", path), f"{path}.resource")
        for s, scope_spans in enumerate(_objects(resource_spans, "scopeSpans", path)):
            within = f"{path}.scopeSpans[{s}]"
            scope = _object(scope_spans, "scope", within)
            origin = Origin(
                resource, _text(scope, "name"), _text(scope, "version"), _origin_attributes(scope, f"{within}.scope")
            )
            spans = scope_spans.get("spans") or []
            if not isinstance(spans, list):
                raise BodyUnreadableError(f"{within}.spans must be a list", field=f"{within}.spans")
            left -= len(spans) + 1
            if left < 0:
                raise BodyTooLargeError(f"the request holds more than {MAX_SPANS} spans; send fewer at a time")
            size_bytes = len(body) // max(MAX_SPANS - left, 1)
            for n, span in enumerate(spans):
                yield _span(span, origin, f"{within}.spans[{n}]", size_bytes)


def _objects(owner: dict[str, Any], name: str, path: str) -> list[dict[str, Any]]:
    found = owner.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        where = f"{path}.{name}".lstrip(".")
        raise BodyUnreadableError(f"{where} must be a list of JSON objects", field=where)
    if len(found) > MAX_SPANS:
        raise BodyTooLargeError(f"the request holds more than {MAX_SPANS} {name}; send fewer at a time")
    return found


def _object(owner: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    found = owner.get(name) or {}
    if not isinstance(found, dict):
        raise BodyUnreadableError(f"{path}.{name} must be a JSON object", field=f"{path}.{name}")
    return found


def _origin_attributes(owner: dict[str, Any], path: str) -> dict[str, Any]:
    try:
        return _attributes(owner, Values())[0]
    except FieldError as error:
        raise BodyUnreadableError(f"{path}.{error.field}: {error}", field=path) from error


def _span(wire: Any, origin: Origin, part: str, size_bytes: int) -> Span | Rejection:
    try:
        if not isinstance(wire, dict):
            raise FieldError("", "a span must be a JSON object")
        return _read(wire, origin, size_bytes)
    except FieldError as error:
        return Rejection(part, error.field, str(error))


def _read(wire: dict[str, Any], origin: Origin, size_bytes: int) -> Span:
    values = Values()
    attributes, dropped = _attributes(wire, values)
    parent = _text(wire, "parentSpanId")
    status = wire.get("status") or {}
    if not isinstance(status, dict):
        raise FieldError("status", "must be a JSON object")
    code = status.get("code")
    return Span(
        trace_id=read_hex(_text(wire, "traceId"), 16, "traceId"),
        span_id=read_hex(_text(wire, "spanId"), 8, "spanId"),
        parent_span_id=read_hex(parent, 8, "parentSpanId") if parent.strip("0") else None,
        name=_text(wire, "name"),
        start_us=read_nanos(_integer(wire, "startTimeUnixNano"), "startTimeUnixNano"),
        end_us=read_moment(_integer(wire, "endTimeUnixNano")),
        attributes=attributes,
        origin=origin,
        kind=wire["kind"] if type(wire.get("kind")) is int else 0,
        events=tuple(_event(event, values) for event in _members(wire, "events")[:MAX_EVENTS]),
        links=tuple(
            {"trace_id": _text(one, "traceId"), "span_id": _text(one, "spanId")}
            for one in _members(wire, "links")[:MAX_LINKS]
        ),
        status_code=_STATUS_CODES.get(code, 0) if isinstance(code, str) else code if type(code) is int else 0,
        status_message=_text(status, "message"),
        dropped_attributes=_integer(wire, "droppedAttributesCount") + dropped,
        size_bytes=size_bytes,
    )


def _event(wire: dict[str, Any], values: Values) -> SpanEvent:
    return SpanEvent(
        _text(wire, "name"),
        read_moment(_integer(wire, "timeUnixNano")),
        _attributes(wire, values)[0],
    )


def _members(owner: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = owner.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FieldError(name, "must be a list of JSON objects")
    return found


def _attributes(owner: dict[str, Any], values: Values) -> tuple[dict[str, Any], int]:
    def read(attribute: dict[str, Any]) -> tuple[str, Any]:
        key = _text(attribute, "key")
        return key, _value(attribute.get("value"), values, key)

    return kept_attributes(_members(owner, "attributes"), read)


def _value(value: Any, values: Values, key: str) -> Any:
    if not isinstance(value, dict):
        if value is None:
            return None
        raise FieldError(f"attributes.{key[:100]}", 'must be an object such as {"stringValue": "..."}')
    if not value:
        return None
    kind, inner = next(iter(value.items()))
    if inner is None or kind not in _KINDS:
        return None  # receivers pass over fields they do not know
    match kind:
        case "arrayValue" | "kvlistValue":
            return _nested(kind, inner, values, key)
        case "intValue":
            return _integer(value, kind, f"attributes.{key[:100]}")
        case "doubleValue":
            return _double(inner)
        case "stringValue" | "boolValue" | "bytesValue" if isinstance(inner, str | bool):
            return inner
        case _:
            raise FieldError(f"attributes.{key[:100]}", f"{kind[:40]!r} with this content is no OTLP value")


def _nested(kind: str, inner: Any, values: Values, key: str) -> Any:
    if not isinstance(inner, dict):
        raise FieldError(f"attributes.{key[:100]}", f"{kind} must be a JSON object")
    members = _members(inner, "values")
    if kind == "kvlistValue":
        return {_text(one, "key"): _value(one.get("value"), values, key) for one in values.within(members)}
    return [_value(one, values, key) for one in values.within(members)]


def _double(value: Any) -> float | None:
    """Protobuf's JSON writes NaN and infinities as text, and may write any other number so."""
    if isinstance(value, str) and len(value) <= MAX_DIGITS + 12:
        with contextlib.suppress(ValueError):
            value = float(value)
    return finite(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _integer(owner: dict[str, Any], name: str, path: str = "") -> int:
    value = owner.get(name)
    if value is None or value == "":
        return 0
    if isinstance(value, str) and len(value) <= MAX_DIGITS and value.removeprefix("-").isascii():
        with contextlib.suppress(ValueError):
            value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        value = int(value)
    if type(value) is not int or abs(value) >= 2**63:
        raise FieldError(path or name, f"{str(value)[:40]!r} is not an integer of 64 bits")
    return value


def _text(owner: dict[str, Any], name: str) -> str:
    value = owner.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FieldError(name, f"must be text, not {type(value).__name__}")
    return value
