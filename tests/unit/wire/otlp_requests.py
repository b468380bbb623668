"""OTLP requests as a test writes them: spans in JSON, and the same request in protobuf."""

from collections.abc import Iterable
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from everytoken.core.charge import Evidence
from everytoken.core.extract import evidence_of
from everytoken.core.run import Run
from everytoken.ingest.merge import Place, build_run
from everytoken.wire.operations import Decoded, Operation
from everytoken.wire.otlp import JSON, decode_otlp

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACE_UUID = "0af76519-16cd-43dd-8448-eb211c80319c"
START_NS = 1_795_348_800_000_000_000
"""2026-11-22 12:00 UTC."""
START_US = 1_795_348_800_000_000


def span_hex(n: int) -> str:
    return f"{n:016x}"


def run_uuid(n: int) -> str:
    return f"00000000-0000-0000-{n >> 48:04x}-{n & (2**48 - 1):012x}"


def value(of: Any) -> dict[str, Any]:
    match of:
        case bool():
            return {"boolValue": of}
        case int():
            return {"intValue": str(of)}
        case float():
            return {"doubleValue": of}
        case str():
            return {"stringValue": of}
        case list():
            return {"arrayValue": {"values": [value(one) for one in of]}}
        case dict():
            return {"kvlistValue": {"values": pairs(of)}}
    return {}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(of)} for key, of in attributes.items()]


def span(n: int, told: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Any]:
    """Span `n`, of one second, with the attributes `told`; a child names its parent by `parent=`."""
    parent = more.pop("parent", None)
    wire = {
        "traceId": TRACE,
        "spanId": span_hex(n),
        "name": f"span {n}",
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 1_000_000_000),
        "attributes": pairs(told or {}),
        **({} if parent is None else {"parentSpanId": span_hex(parent)}),
        **more,
    }
    return {key: one for key, one in wire.items() if one is not None}


def event(name: str, attributes: dict[str, Any] | None = None, *, after_ms: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "timeUnixNano": str(START_NS + after_ms * 1_000_000),
        "attributes": pairs(attributes or {}),
    }


def request(
    *spans: Any, resource: dict[str, Any] | None = None, scope: str = "", version: str = "1.0"
) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs(resource or {})},
                "scopeSpans": [{"scope": {"name": scope, "version": version} if scope else {}, "spans": list(spans)}],
            }
        ]
    }


def json_body(wire: dict[str, Any]) -> bytes:
    return orjson.dumps(wire)


def protobuf_body(wire: dict[str, Any]) -> bytes:
    """The same request, by OpenTelemetry's own messages."""
    message = ExportTraceServiceRequest()
    for resource_spans in wire["resourceSpans"]:
        out = message.resource_spans.add()
        out.resource.attributes.extend(_key_values(resource_spans["resource"]["attributes"]))
        for scope_spans in resource_spans["scopeSpans"]:
            scoped = out.scope_spans.add()
            scoped.scope.name = scope_spans["scope"].get("name", "")
            scoped.scope.version = scope_spans["scope"].get("version", "")
            scoped.spans.extend(protobuf_span(one) for one in scope_spans["spans"])
    return bytes(message.SerializeToString())


def protobuf_span(wire: dict[str, Any]) -> Span:
    status = wire.get("status", {})
    return Span(
        trace_id=bytes.fromhex(wire["traceId"]),
        span_id=bytes.fromhex(wire["spanId"]),
        parent_span_id=bytes.fromhex(wire.get("parentSpanId", "")),
        name=wire["name"],
        kind=wire.get("kind", 0),
        start_time_unix_nano=int(wire["startTimeUnixNano"]),
        end_time_unix_nano=int(wire.get("endTimeUnixNano", 0)),
        attributes=_key_values(wire["attributes"]),
        events=[
            Span.Event(
                name=one["name"], time_unix_nano=int(one["timeUnixNano"]), attributes=_key_values(one["attributes"])
            )
            for one in wire.get("events", [])
        ],
        links=[
            Span.Link(trace_id=bytes.fromhex(one["traceId"]), span_id=bytes.fromhex(one["spanId"]))
            for one in wire.get("links", [])
        ],
        status=Status(code=status.get("code", 0), message=status.get("message", "")),
    )


def _key_values(wire: Iterable[dict[str, Any]]) -> list[KeyValue]:
    return [KeyValue(key=one["key"], value=_any_value(one["value"])) for one in wire]


def _any_value(wire: dict[str, Any]) -> AnyValue:
    match wire:
        case {"boolValue": of}:
            return AnyValue(bool_value=of)
        case {"intValue": of}:
            return AnyValue(int_value=int(of))
        case {"doubleValue": of}:
            return AnyValue(double_value=of)
        case {"stringValue": of}:
            return AnyValue(string_value=of)
        case {"arrayValue": of}:
            return AnyValue(array_value=ArrayValue(values=[_any_value(one) for one in of["values"]]))
        case {"kvlistValue": of}:
            return AnyValue(kvlist_value=KeyValueList(values=_key_values(of["values"])))
    return AnyValue()


def decoded(*spans: Any, content_type: str = JSON, **more: Any) -> Decoded:
    return decode_otlp(json_body(request(*spans, **more)), content_type, START_US)


def operation(told: dict[str, Any] | None = None, /, *, scope: str = "", **more: Any) -> Operation:
    """The one operation of a child span with these attributes."""
    (only,) = decoded(span(2, told, **{"parent": 1, **more}), scope=scope).operations
    return only


def run(told: dict[str, Any], /, **more: Any) -> Run:
    """The run that such a span becomes."""
    one = operation(told, **more)
    return build_run(one.run_id, one.body["trace_id"], Place("shop", one.body["start_us"], False), one.body, None)


def evidence(told: dict[str, Any], /, **more: Any) -> Evidence:
    """The one billed request that such a span tells of."""
    (only,) = evidence_of(run(told, **more))
    return only
