"""Both encodings of OTLP decode to the same runs, a bad span fails alone, and everything is bounded."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.unit.wire.otlp_requests import (
    START_NS,
    START_US,
    TRACE,
    TRACE_UUID,
    decoded,
    event,
    json_body,
    operation,
    protobuf_body,
    request,
    run_uuid,
    span,
    span_hex,
    value,
)

from everytoken.wire.body import BodyEncodingError, BodyError, BodyTooLargeError, BodyUnreadableError
from everytoken.wire.operations import Decoded, Operation
from everytoken.wire.otlp import JSON, PROTOBUF, content_type_for, decode_otlp, encoding_of

ZEROS = "is all zeros, which OpenTelemetry calls invalid"


def attributed(wire: Any) -> dict[str, Any]:
    return span(3, attributes=[{"key": "k", "value": wire}])


def field(part: bytes, number: int) -> bytes:
    """One length-delimited protobuf field."""
    size, prefix = len(part), bytearray([number << 3 | 2])
    while size > 0x7F:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*prefix, size)) + part


def envelope(*spans: bytes) -> bytes:
    return field(field(b"".join(field(one, 2) for one in spans), 2), 1)


def without_size(decoded: Decoded) -> list[tuple[Any, ...]]:
    return [(o.kind, o.run_id, o.body, o.received_us, o.index) for o in decoded.operations]


def test_both_encodings_give_the_same_runs() -> None:
    wire = request(
        span(
            1,
            {"text": "안녕", "flag": True, "n": 12, "x": 0.5, "list": ["a", 1], "map": {"k": {"deep": [None, False]}}},
            events=[event("exception", {"exception.message": "no"}, after_ms=3)],
            links=[{"traceId": TRACE, "spanId": span_hex(9)}],
            status={"code": 2, "message": "bad"},
            kind=3,
        ),
        span(2, {"gen_ai.usage.input_tokens": 5}, parent=1),
        resource={"service.name": "svc"},
        scope="mine",
    )
    from_json = decode_otlp(json_body(wire), JSON, START_US)
    from_protobuf = decode_otlp(protobuf_body(wire), PROTOBUF, START_US)
    assert without_size(from_json) == without_size(from_protobuf)
    root = from_protobuf.operations[0].body
    assert root["extra"]["otel"] == {
        "span_id": "0000000000000001",
        "attributes": {
            "text": "안녕",
            "flag": True,
            "n": 12,
            "x": 0.5,
            "list": ["a", 1],
            "map": {"k": {"deep": [None, False]}},
        },
        "kind": 3,
        "links": [{"trace_id": TRACE, "span_id": "0000000000000009"}],
    }
    assert root["metadata"] == {
        "otel.scope.name": "mine",
        "otel.scope.version": "1.0",
        "service.name": "svc",
        "OTEL_TRACE_ID": TRACE,
        "OTEL_SPAN_ID": "0000000000000001",
    }
    assert root["error"] == "no"
    assert root["events"] == [
        {"name": "exception", "time": "2026-11-22T12:00:00.003000+00:00", "kwargs": {"exception.message": "no"}}
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
keys = st.sampled_from(
    ["gen_ai.prompt", "gen_ai.completion", "llm.input_messages.0.message.role", "llm.input_messages.0.message",
     "gen_ai.usage.input_tokens", "langsmith.span.tags", "langsmith.trace.id", "metadata", "ai.operationId", "x.y",
     "gen_ai.prompt.0.content", "gen_ai.prompt.0.content.deep", "retrieval.documents.1.document.content", "user.id",
     "langsmith.metadata.usage_metadata", "gen_ai.operation.name", "output.value", "langsmith.is_root"]
)  # fmt: skip


@given(st.dictionaries(keys, values, max_size=8))
def test_any_value_under_any_known_key_is_read_alike_and_rejects_nothing(attributes: dict[str, Any]) -> None:
    wire = request(span(2, attributes, parent=1))
    from_json = decode_otlp(json_body(wire), JSON, START_US)
    from_protobuf = decode_otlp(protobuf_body(wire), PROTOBUF, START_US)
    assert without_size(from_json) == without_size(from_protobuf)
    assert len(from_json.operations) == 1
    assert from_json.rejections == ()


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_hold_nothing_unreadable(body: bytes) -> None:
    for encoding in (PROTOBUF, JSON):
        try:
            found = decode_otlp(body, encoding, START_US)
        except BodyError:
            continue
        assert all(isinstance(one, Operation) for one in found.operations)


@settings(max_examples=300)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_one_changed_byte_never_raises_anything_but_a_refusal(at: int, byte: int) -> None:
    wire = request(span(1), span(2, {"gen_ai.prompt": "hi", "n": [1, {"k": 2}]}, parent=1, events=[event("e")]))
    for encoding, body in ((PROTOBUF, protobuf_body(wire)), (JSON, json_body(wire))):
        damaged = bytearray(body)
        damaged[at % len(damaged)] = byte
        try:
            found = decode_otlp(bytes(damaged), encoding, START_US)
        except BodyError:
            continue
        assert len(found.operations) + len(found.rejections) <= 3


class TestIdentity:
    def test_the_root_has_the_id_of_its_trace_and_a_child_its_padded_span_id(self) -> None:
        root, child = decoded(span(1), span(0xABCDEF0123456789, parent=1)).operations
        assert (root.run_id, root.body["trace_id"]) == (TRACE_UUID, TRACE_UUID)
        assert "parent_run_id" not in root.body
        assert child.run_id == "00000000-0000-0000-abcd-ef0123456789"
        assert child.body["trace_id"] == TRACE_UUID
        assert child.body["parent_run_id"] == run_uuid(1)

    def test_eight_zero_bytes_are_no_parent(self) -> None:
        wire = request(span(1, parentSpanId="0" * 16))
        for encoding, body in ((JSON, json_body(wire)), (PROTOBUF, protobuf_body(wire))):
            (root,) = decode_otlp(body, encoding, START_US).operations
            assert root.run_id == TRACE_UUID

    def test_langsmiths_ids_override_the_spans(self) -> None:
        one = operation(
            {
                "langsmith.trace.id": "11111111-1111-4111-8111-111111111111",
                "langsmith.span.id": "22222222-2222-4222-8222-222222222222",
                "langsmith.span.parent_id": "33333333-3333-4333-8333-333333333333",
                "langsmith.span.dotted_order": "20261122T120000000000Z11111111-1111-4111-8111-111111111111",
            }
        )
        assert one.run_id == "22222222-2222-4222-8222-222222222222"
        assert one.body["trace_id"] == "11111111-1111-4111-8111-111111111111"
        assert one.body["parent_run_id"] == "33333333-3333-4333-8333-333333333333"
        assert one.body["dotted_order"] == "20261122T120000000000Z11111111-1111-4111-8111-111111111111"

    def test_an_override_that_is_no_uuid_is_left_alone(self) -> None:
        one = operation({"langsmith.span.id": "mine", "langsmith.trace.id": 7})
        assert (one.run_id, one.body["trace_id"]) == (run_uuid(2), TRACE_UUID)

    def test_a_span_can_be_made_the_root(self) -> None:
        one = operation({"langsmith.is_root": True})
        assert one.run_id == TRACE_UUID
        assert "parent_run_id" not in one.body

    def test_langsmiths_root_below_a_span_that_is_never_sent_is_the_root(self) -> None:
        one = operation({"langsmith.span.kind": "chain"}, parentSpanId=TRACE[:16])
        assert one.run_id == TRACE_UUID
        stranger = operation({}, parentSpanId=TRACE[:16])
        assert stranger.body["parent_run_id"] == "00000000-0000-0000-0af7-651916cd43dd"


class TestProject:
    @pytest.mark.parametrize(
        ("attributes", "resource", "header", "project"),
        [
            ({}, {}, None, "default"),
            ({}, {}, "헤더; \"x\"", "헤더; \"x\""),
            ({}, {"openinference.project.name": "phoenix"}, "header", "phoenix"),
            ({}, {"langsmith.trace.session_name": "process"}, "header", "process"),
            ({"langsmith.trace.session_name": "span"}, {"langsmith.trace.session_name": "process"}, "header", "span"),
        ],
    )  # fmt: skip
    def test_the_span_names_it_before_the_process_before_the_header(
        self, attributes: dict[str, Any], resource: dict[str, Any], header: str | None, project: str
    ) -> None:
        (one,) = decoded(span(1, attributes), resource=resource, content_type=content_type_for(JSON, header)).operations
        assert one.body["project"] == project

    def test_the_roots_project_holds_for_spans_beside_it(self) -> None:
        child, root = decoded(span(2, parent=1), span(1, {"langsmith.trace.session_name": "shop"})).operations
        assert (child.body["project"], root.body["project"]) == ("shop", "shop")

    def test_a_project_id_is_passed_on(self) -> None:
        one = operation({"langsmith.trace.session_id": "11111111-1111-4111-8111-111111111111"})
        assert one.body["project_id"] == "11111111-1111-4111-8111-111111111111"
        assert "project" not in one.body


class TestRejection:
    @pytest.mark.parametrize(
        ("bad", "field_name", "reason"),
        [
            (span(3, traceId="abc"), "traceId", "'abc' is not 16 bytes; send 32 hexadecimal digits"),
            (span(3, traceId="0" * 32), "traceId", f"{ZEROS}; send the span's own id"),
            (span(3, spanId=None), "spanId", "'' is not 8 bytes; send 16 hexadecimal digits"),
            (span(3, parentSpanId="xyz"), "parentSpanId", "'xyz' is not 8 bytes; send 16 hexadecimal digits"),
            (span(3, startTimeUnixNano="0"), "startTimeUnixNano", "0 is not a time; send nanoseconds since 1970"),
            (span(3, startTimeUnixNano="soon"), "startTimeUnixNano", "'soon' is not an integer of 64 bits"),
            (span(3, name=7), "name", "must be text, not int"),
            (span(3, attributes={"a": 1}), "attributes", "must be a list of JSON objects"),
            (attributed("v"), "attributes.k", 'must be an object such as {"stringValue": "..."}'),
            (attributed({"intValue": "1.5"}), "attributes.k", "'1.5' is not an integer of 64 bits"),
            (attributed({"stringValue": 1}), "attributes.k", "'stringValue' with this content is no OTLP value"),
            ("text", "", "a span must be a JSON object"),
        ],
    )  # fmt: skip
    def test_a_bad_span_is_rejected_alone_and_its_field_named(self, bad: Any, field_name: str, reason: str) -> None:
        found = decoded(span(1), bad, span(2, parent=1))
        assert [one.run_id for one in found.operations] == [TRACE_UUID, run_uuid(2)]
        (rejection,) = found.rejections
        assert rejection.part == "resourceSpans[0].scopeSpans[0].spans[1]"
        assert (rejection.field, rejection.reason) == (field_name, reason)

    def test_a_span_with_damaged_text_is_rejected_alone_in_protobuf(self) -> None:
        good = protobuf_body(request(span(1)))
        inner = ExportTraceServiceRequest.FromString(good).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
        damaged = inner.replace(b"span 1", b"\xff\xfe\xfd 12")
        found = decode_otlp(envelope(inner, damaged, b"\xff\xff", inner), PROTOBUF, START_US)
        assert len(found.operations) == 2
        assert [r.part for r in found.rejections] == [
            "resource_spans[0].scope_spans[0].spans[1]",
            "resource_spans[0].scope_spans[0].spans[2]",
        ]
        assert found.rejections[0].reason == "the protobuf of this span is damaged; is all of its text UTF-8?"

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"[]", 'the body must be a JSON object {"resourceSpans": [...]}'),
            (b'{"resource_spans": []}', "OTLP's JSON is written in camelCase; send resourceSpans"),
            (b'{"resourceSpans": 3}', "resourceSpans must be a list of JSON objects"),
            (b'{"resourceSpans": [{"scopeSpans": [3]}]}', "resourceSpans[0].scopeSpans must be a list of JSON objects"),
            (b'{"resourceSpans": [{"resource": 3}]}', "resourceSpans[0].resource must be a JSON object"),
            (
                b'{"resourceSpans": [{"scopeSpans": [{"spans": 3}]}]}',
                "resourceSpans[0].scopeSpans[0].spans must be a list",
            ),
        ],
    )  # fmt: skip
    def test_an_unreadable_request_is_refused_with_the_cure(self, body: bytes, reason: str) -> None:
        with pytest.raises(BodyUnreadableError) as raised:
            decode_otlp(body, JSON, START_US)
        assert str(raised.value) == reason

    def test_protobuf_that_ends_early_is_refused(self) -> None:
        body = protobuf_body(request(span(1)))
        with pytest.raises(BodyUnreadableError, match="ends early"):
            decode_otlp(body[:-5], PROTOBUF, START_US)

    def test_another_content_type_is_refused_with_those_that_are_read(self) -> None:
        with pytest.raises(BodyEncodingError, match="send application/x-protobuf or application/json"):
            encoding_of("text/plain; charset=utf-8")
        assert encoding_of("application/JSON; charset=utf-8") == JSON
        assert encoding_of("application/protobuf") == PROTOBUF


class TestBounds:
    def test_a_hundred_thousand_attributes_keep_the_first_ones_and_what_counts(self) -> None:
        many = {f"key{n}": n for n in range(100_000)}
        wire = request(span(1, {**many, "gen_ai.usage.input_tokens": 7, "langsmith.metadata.usage_metadata": "{}"}))
        for encoding, body in ((JSON, json_body(wire)), (PROTOBUF, protobuf_body(wire))):
            began = time.process_time()
            (one,) = decode_otlp(body, encoding, START_US).operations
            assert time.process_time() - began < 5
            attributes = one.body["extra"]["otel"]["attributes"]
            assert len(attributes) == 4_098
            assert attributes["gen_ai.usage.input_tokens"] == 7
            assert one.body["flags"] == ("attributes_dropped",)
            assert one.body["extra"]["otel"]["dropped_attributes"] == 95_904

    def test_counting_attributes_after_thousands_of_others_still_count(self) -> None:
        many = {f"key{n}": n for n in range(5_000)}
        one = operation({**many, "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3})
        attributes = one.body["extra"]["otel"]["attributes"]
        assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (7, 3)
        assert "key4095" in attributes
        assert "key4096" not in attributes

    def test_of_counting_attributes_too_only_so_many_are_kept(self) -> None:
        many = {f"key{n}": n for n in range(4_096)} | {f"gen_ai.usage.own{n}": n for n in range(300)}
        attributes = operation(many).body["extra"]["otel"]["attributes"]
        assert "gen_ai.usage.own255" in attributes
        assert len(attributes) == 4_352

    def test_events_and_links_beyond_the_bounds_are_left_out(self) -> None:
        links = [{"traceId": TRACE, "spanId": span_hex(n)} for n in range(1, 131)]
        wire = request(span(1, events=[event("e")] * 1_001, links=links))
        for encoding, body in ((JSON, json_body(wire)), (PROTOBUF, protobuf_body(wire))):
            (one,) = decode_otlp(body, encoding, START_US).operations
            assert len(one.body["events"]) == 1_000
            assert len(one.body["extra"]["otel"]["links"]) == 128

    def test_a_million_empty_attributes_are_not_all_looked_at(self) -> None:
        whole = protobuf_body(request(span(1)))
        inner = (
            ExportTraceServiceRequest.FromString(whole).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
        )
        (one,) = decode_otlp(envelope(inner + field(b"", 9) * 1_000_000), PROTOBUF, START_US).operations
        assert one.body["extra"]["otel"]["attributes"] == {"": None}
        assert one.body["extra"]["otel"]["dropped_attributes"] == 800_000

    def test_one_nested_value_cannot_hold_more_than_the_bound(self) -> None:
        one = operation({"big": list(range(120_000))})
        assert len(one.body["extra"]["otel"]["attributes"]["big"]) == 100_000

    @pytest.mark.parametrize("encoding", [JSON, PROTOBUF])
    def test_more_than_fifty_thousand_spans_are_refused(self, encoding: str) -> None:
        body = (
            b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 50_000 + b"{}]}]}]}"
            if encoding == JSON
            else envelope(*[b""] * 50_001)
        )
        with pytest.raises(BodyTooLargeError, match="more than 50000 spans"):
            decode_otlp(body, encoding, START_US)

    def test_protobuf_nested_without_end_is_rejected(self) -> None:
        nested = b""
        for _ in range(500):
            nested = field(field(nested, 1), 5)
        found = decode_otlp(envelope(field(field(nested, 2), 9)), PROTOBUF, START_US)
        assert found.operations == ()
        assert len(found.rejections) == 1

    def test_json_nested_without_end_is_refused(self) -> None:
        with pytest.raises(BodyUnreadableError, match="deeper"):
            decode_otlp(b'{"resourceSpans":' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON, START_US)

    def test_a_large_resource_is_not_copied_to_every_run(self) -> None:
        (one,) = decoded(span(1), resource={"service.name": "svc", "huge": "x" * 1_000_000}).operations
        assert "huge" not in one.body["metadata"]
        assert one.body["metadata"]["service.name"] == "svc"

    def test_times_out_of_range_do_not_pass(self) -> None:
        far = str(2**63 - 1)
        found = decoded(span(1, endTimeUnixNano=far), span(2, parent=1, startTimeUnixNano=str(2**64)))
        assert found.operations[0].body["end_us"] == 9_223_372_036_854_775
        assert found.rejections[0].field == "startTimeUnixNano"


def test_a_span_without_an_end_is_pending() -> None:
    one = operation({}, endTimeUnixNano=None)
    assert "end_us" not in one.body
    assert "status" not in one.body


def test_times_are_microseconds() -> None:
    one = operation({}, startTimeUnixNano=str(START_NS + 1_999))
    assert one.body["start_us"] == START_US + 1
    assert one.body["end_us"] == START_US + 1_000_000


def test_bytes_are_kept_as_base64() -> None:
    from_json = operation({}, attributes=[{"key": "b", "value": {"bytesValue": "AAE="}}])
    assert from_json.body["extra"]["otel"]["attributes"] == {"b": "AAE="}
    message = ExportTraceServiceRequest.FromString(protobuf_body(request(span(2, {"b": "x"}, parent=1))))
    message.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.bytes_value = b"\x00\x01"
    (from_protobuf,) = decode_otlp(bytes(message.SerializeToString()), PROTOBUF, START_US).operations
    assert from_protobuf.body["extra"]["otel"]["attributes"] == {"b": "AAE="}


def test_token_counts_written_as_floats_are_whole_again() -> None:
    one = operation({"gen_ai.usage.input_tokens": 12.0, "gen_ai.request.temperature": 1.0, "other": 2.0})
    attributes = one.body["extra"]["otel"]["attributes"]
    assert type(attributes["gen_ai.usage.input_tokens"]) is int
    assert type(attributes["other"]) is float


def test_infinite_numbers_become_unknown() -> None:
    assert value(1.5) == {"doubleValue": 1.5}
    one = operation({}, attributes=[{"key": "x", "value": {"doubleValue": "Infinity"}}])
    assert one.body["extra"]["otel"]["attributes"] == {"x": None}


def test_numbers_written_as_text_are_numbers() -> None:
    wire = span(1)
    wire["attributes"] = [
        {"key": "a", "value": {"doubleValue": "1.5"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"doubleValue": "12"}},
        {"key": "b", "value": {"doubleValue": "many"}},
    ]
    (only,) = decoded(wire).operations
    assert only.body["extra"]["otel"]["attributes"] == {"a": 1.5, "gen_ai.usage.input_tokens": 12, "b": None}


@pytest.mark.parametrize("told", [{"stringValueStrindex": 7}, {"stringValue": None}, {"futureValue": {"x": []}}])
def test_a_kind_of_value_that_is_not_known_leaves_the_span_and_its_tokens(told: dict[str, Any]) -> None:
    wire = span(1, {"gen_ai.usage.input_tokens": 5})
    wire["attributes"].append({"key": "new", "value": told})
    read = decoded(wire)
    assert read.rejections == ()
    assert read.operations[0].body["extra"]["otel"]["attributes"] == {"gen_ai.usage.input_tokens": 5, "new": None}
