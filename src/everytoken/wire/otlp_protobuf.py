"""OTLP in protobuf to spans. The envelope is walked by hand, so that each span is read, and can fail, alone.

Parsing a whole request at once would let two bytes of an empty message take a hundred in memory, and one bad span take
its neighbours with it.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from everytoken.wire.body import BodyTooLargeError, BodyUnreadableError
from everytoken.wire.fields import FieldError
from everytoken.wire.operations import Rejection
from everytoken.wire.otlp_spans import (
    MAX_EVENTS,
    MAX_LINKS,
    MAX_SPANS,
    Origin,
    Span,
    SpanEvent,
    Values,
    byte_text,
    finite,
    kept_attributes,
    read_hex,
    read_moment,
    read_nanos,
)

MAX_SPAN_BYTES = 16 * 1024**2
"""One span: empty messages of two bytes each then take at most half a gigabyte while it is read."""
_CUT = "the protobuf ends early or is none; send an ExportTraceServiceRequest"


def read_protobuf(body: bytes) -> Iterator[Span | Rejection]:
    """The spans of an `ExportTraceServiceRequest` in wire order, with a rejection in place of each that is unreadable.

    Raises:
        BodyUnreadableError: the envelope cannot be walked.
        BodyTooLargeError: it holds more than `MAX_SPANS`.
    """
    envelope = _Envelope()
    for r, resource_spans in enumerate(envelope.members(memoryview(body), 1)):
        resource = envelope.parsed(Resource, resource_spans, 1)
        attributes, _ = _attributes(resource, Values())
        for s, scope_spans in enumerate(envelope.members(resource_spans, 2)):
            scope = envelope.parsed(InstrumentationScope, scope_spans, 1)
            scope_attributes, _ = _attributes(scope, Values())
            origin = Origin(attributes, scope.name, scope.version, scope_attributes)
            for n, data in enumerate(envelope.members(scope_spans, 2)):
                yield _span(data, origin, f"resource_spans[{r}].scope_spans[{s}].spans[{n}]")


class _Envelope:
    """Walks length-delimited fields, within a bound of members over the whole request."""

    def __init__(self) -> None:
        self._left = MAX_SPANS

    def members(self, data: memoryview, number: int) -> Iterator[memoryview]:
        for found, value in _fields(data):
            if found == number:
                self._left -= 1
                if self._left < 0:
                    raise BodyTooLargeError(f"the request holds more than {MAX_SPANS} spans; send fewer at a time")
                yield value

    def parsed(self, kind: Any, data: memoryview, number: int) -> Any:
        """The last message in field `number`, or an empty one."""
        value = b""
        for found, slice_ in _fields(data):
            if found == number:
                value = bytes(slice_)
        try:
            return kind.FromString(value[:MAX_SPAN_BYTES])
        except DecodeError as error:
            raise BodyUnreadableError(_CUT) from error


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and value of each length-delimited field; other fields are passed over."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(data, at)
                if at + size > end:
                    raise BodyUnreadableError(_CUT)
                yield tag >> 3, data[at : at + size]
                at += size
            case 5:
                at += 4
            case _:
                raise BodyUnreadableError(_CUT)
    if at > end:
        raise BodyUnreadableError(_CUT)


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    end = min(len(data), at + 10)
    while at < end:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise BodyUnreadableError(_CUT)


def _span(data: memoryview, origin: Origin, part: str) -> Span | Rejection:
    try:
        if len(data) > MAX_SPAN_BYTES:
            raise FieldError("", f"the span is larger than {MAX_SPAN_BYTES} bytes; send large content elsewhere")
        return _read(trace_pb2.Span.FromString(bytes(data)), origin, len(data))
    except DecodeError:
        return Rejection(part, "", "the protobuf of this span is damaged; is all of its text UTF-8?")
    except FieldError as error:
        return Rejection(part, error.field, str(error))


def _read(message: Any, origin: Origin, size_bytes: int) -> Span:
    values = Values()
    attributes, dropped = _attributes(message, values)
    parent = message.parent_span_id
    return Span(
        trace_id=read_hex(message.trace_id.hex(), 16, "trace_id"),
        span_id=read_hex(message.span_id.hex(), 8, "span_id"),
        # Some senders write eight zero bytes where there is no parent.
        parent_span_id=read_hex(parent.hex(), 8, "parent_span_id") if parent.strip(b"\0") else None,
        name=message.name,
        start_us=read_nanos(message.start_time_unix_nano, "start_time_unix_nano"),
        end_us=read_moment(message.end_time_unix_nano),
        attributes=attributes,
        origin=origin,
        kind=message.kind,
        events=tuple(
            SpanEvent(event.name, read_moment(event.time_unix_nano), _attributes(event, values)[0])
            for event in message.events[:MAX_EVENTS]
        ),
        links=tuple(
            {"trace_id": one.trace_id.hex(), "span_id": one.span_id.hex()} for one in message.links[:MAX_LINKS]
        ),
        status_code=message.status.code,
        status_message=message.status.message,
        dropped_attributes=message.dropped_attributes_count + dropped,
        size_bytes=size_bytes,
    )


def _attributes(owner: Any, values: Values) -> tuple[dict[str, Any], int]:
    return kept_attributes(owner.attributes, lambda one: (one.key, _value(one.value, values)))


def _value(value: AnyValue, values: Values) -> Any:
    """The plain value; protobuf itself refuses to nest deeper than a hundred messages."""
    match kind := value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(member, values) for member in values.within(value.array_value.values)]
        case "kvlist_value":
            return {one.key: _value(one.value, values) for one in values.within(value.kvlist_value.values)}
        case "bytes_value":
            return byte_text(value.bytes_value)
        case "double_value":
            return finite(value.double_value)
        case _:
            return getattr(value, kind)
