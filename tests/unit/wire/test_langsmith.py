"""LangSmith's bodies become the operations they hold; what cannot be read is named and its neighbours are kept."""

import contextlib
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everytoken.wire.body import BodyError, BodyUnreadableError, decompress
from everytoken.wire.langsmith import decode_batch, decode_multipart, decode_run
from everytoken.wire.multipart import boundary_of
from everytoken.wire.operations import Decoded, Operation

DATA = Path(__file__).parents[2] / "data" / "langsmith"
MIB = 1024**2
NOW_US = 1_795_379_400_000_000
RUN, OTHER, FEEDBACK = (str(uuid.UUID(int=n)) for n in (1, 2, 3))


def captured(name: str) -> Decoded:
    """A recorded request, decoded as the server would."""
    headers = json.loads((DATA / f"{name}.headers.json").read_text())["headers"]
    body = decompress((DATA / f"{name}.bin").read_bytes(), headers["Content-Encoding"], MIB)
    return decode_multipart(body, boundary_of(headers["Content-Type"]), NOW_US)


def parts(*given_parts: tuple[str, bytes]) -> bytes:
    one = '--b\r\nContent-Disposition: form-data; name="{}"\r\nContent-Type: application/json\r\n\r\n'
    return b"".join(one.format(name).encode() + data + b"\r\n" for name, data in given_parts) + b"--b--\r\n"


def decoded(*given_parts: tuple[str, bytes]) -> Decoded:
    return decode_multipart(parts(*given_parts), b"b", NOW_US)


def wire_runs(name: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What the recording says was sent: kind, run id, all fields of each operation in order."""
    runs: list[tuple[str, str, dict[str, Any]]] = []
    for part in json.loads((DATA / name).read_text())["parts"]:
        kind, run_id, *field = part["name"].split(".", 2)
        if field:
            runs[-1][2][field[0]] = part["json"]
        else:
            runs.append((kind, run_id, dict(part["json"])))
    return runs


@pytest.mark.parametrize(
    ("body", "recording", "posts", "patches"),
    [
        ("py_langgraph_send.zstd", "py_langgraph_send_zstd.json", 17, 17),
        ("js_traceable.gzip", "js_traceable_gzip.json", 3, 3),
    ],
)
def test_a_captured_body_holds_the_runs_that_were_sent(body: str, recording: str, posts: int, patches: int) -> None:
    found = captured(body)
    sent = wire_runs(recording)
    assert found.rejections == ()
    assert [o.kind for o in found.operations].count("post") == posts
    assert [o.kind for o in found.operations].count("patch") == patches
    for operation, (kind, run_id, wire) in zip(found.operations, sent, strict=True):
        assert (operation.kind, operation.run_id) == (kind, run_id)
        for field in ("name", "run_type", "trace_id", "dotted_order", "inputs", "outputs", "events", "error"):
            assert operation.body.get(field) == wire.get(field)
        assert operation.body.get("project") == wire["session_name"]
        assert operation.body.get("tags", ()) == tuple(wire["tags"])
        assert operation.body.get("parent_run_id") == wire.get("parent_run_id")


def test_a_run_that_was_read_elsewhere_keeps_its_time_to_the_first_token() -> None:
    wire = {"id": RUN, "name": "x", "first_token_time": "2026-11-22T12:00:00.000250"}
    (operation,) = decode_run(json.dumps(wire).encode(), NOW_US).operations
    assert operation.body["first_token_us"] == 1_795_348_800_000_250


def test_a_captured_python_run_has_its_times_and_metadata() -> None:
    first, last = captured("py_langgraph_send.zstd").operations[0], captured("py_langgraph_send.zstd").operations[-1]
    assert first.body["start_us"] == 1_795_379_334_227_115
    assert first.body["metadata"]["thread_id"] == "thread-1"
    assert first.body["extra"]["runtime"]["sdk"] == "langsmith-py"
    assert last.body["end_us"] == 1_795_379_334_247_622
    assert (first.index, last.index) == (0, 33)


def test_a_captured_js_patch_ends_in_epoch_milliseconds() -> None:
    patch = next(o for o in captured("js_traceable.gzip").operations if o.kind == "patch")
    assert patch.body["end_us"] == 1_795_379_302_934_000
    assert patch.body["metadata"]["usage_metadata"] == {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def test_the_fields_of_a_run_may_come_in_any_order_and_before_it() -> None:
    found = decoded((f"post.{RUN}.outputs", b'{"a": 1}'), (f"post.{OTHER}", b"{}"), (f"post.{RUN}", b'{"name": "x"}'))
    assert [(o.run_id, o.body) for o in found.operations] == [
        (RUN, {"outputs": {"a": 1}, "name": "x"}),
        (OTHER, {}),
    ]


def test_the_same_run_posted_twice_in_one_body_is_two_operations() -> None:
    found = decoded((f"post.{RUN}", b'{"name": "a"}'), (f"post.{RUN}", b'{"name": "b"}'), (f"post.{RUN}.error", b'"E"'))
    assert [o.body for o in found.operations] == [{"name": "a"}, {"name": "b", "error": "E"}]


def test_nulls_and_unknown_fields_say_nothing() -> None:
    wire = b'{"id": null, "parent_run_id": null, "end_time": null, "child_runs": [], "execution_order": 1, "name": "x"}'
    assert decoded((f"post.{RUN}", wire)).operations[0].body == {"name": "x"}


@pytest.mark.parametrize("order", [5, [1], {"a": 1}, True, "", "2" * (64 * 1024 + 1)])
def test_what_is_no_order_says_nothing(order: Any) -> None:
    wire = {"id": RUN, "name": "x", "dotted_order": order}
    assert decode_run(json.dumps(wire).encode(), NOW_US).operations[0].body == {"name": "x"}


def test_an_empty_time_or_id_says_nothing() -> None:
    wire = {
        "id": RUN,
        "name": "x",
        "end_time": "",
        "parent_run_id": "",
        "trace_id": "",
        "session_id": "",
        "address": "",
    }
    assert decode_run(json.dumps(wire).encode(), NOW_US).operations[0].body == {"name": "x"}


def test_empty_fields_say_nothing_and_an_empty_payload_does() -> None:
    empty = {
        "name": "",
        "error": "",
        "run_type": "",
        "status": "odd",
        "tags": [],
        "events": [],
        "extra": {"metadata": {}},
    }
    wire = {"id": RUN, **empty, "inputs": "", "outputs": {}}
    assert decode_run(json.dumps(wire).encode(), NOW_US).operations[0].body == {"inputs": "", "outputs": {}}


def test_an_id_of_32_hexadecimal_digits_is_the_same_id() -> None:
    digits = RUN.replace("-", "").upper()
    found = decode_run(json.dumps({"id": digits, "trace_id": digits}).encode(), NOW_US)
    assert found.operations == (Operation("post", RUN, {"trace_id": RUN}, NOW_US, 0, 90),)


def test_an_agent_in_an_environment_is_a_project() -> None:
    (operation,) = decoded((f"post.{RUN}", b'{"address": "lrn:agents/shop/environments/Staging"}')).operations
    assert operation.body["project"] == "shop-staging"


def test_an_unknown_run_type_becomes_a_chain_and_is_remembered() -> None:
    body = decode_run(json.dumps({"id": RUN, "run_type": "agent"}).encode(), NOW_US).operations[0].body
    assert (body["run_type"], body["extra"]) == ("chain", {"run_type_sent": "agent"})


def test_serialized_and_the_reference_example_are_kept_in_extra() -> None:
    body = decode_run(json.dumps({"id": RUN, "serialized": {"id": ["x"]}, "reference_example_id": OTHER}).encode(), 1)
    assert body.operations[0].body == {"extra": {"serialized": {"id": ["x"]}, "reference_example_id": OTHER}}


def test_an_attachment_s_name_may_hold_anything_and_its_bytes_are_not_text() -> None:
    found = decoded((f"attachment.{RUN}.my file.v2/ü.png", b"\x89PNG\r\n\x00\xff"))
    (attachment,) = found.attachments
    assert (attachment.run_id, attachment.name, attachment.data) == (RUN, "my file.v2/ü.png", b"\x89PNG\r\n\x00\xff")


def test_attachments_without_number_are_rejected_beyond_their_bound() -> None:
    found = decoded(*((f"attachment.{RUN}.{n}", b"x") for n in range(2_002)), (f"post.{RUN}", b"{}"))
    assert (len(found.attachments), len(found.operations)) == (2_000, 1)
    assert [(r.part, r.reason) for r in found.rejections] == [
        (f"attachment.{RUN}.{n}", "a request holds at most 2000 attachments; send fewer runs in one")
        for n in (2_000, 2_001)
    ]


def test_feedback_without_number_is_rejected_beyond_its_bound() -> None:
    wire = json.dumps({"key": "good", "trace_id": RUN}).encode()
    found = decoded(*((f"feedback.{FEEDBACK[:-4]}{n:04}", wire) for n in range(1_001)), (f"post.{RUN}", b"{}"))
    assert (len(found.feedback), len(found.operations)) == (1_000, 1)
    assert [(r.part, r.reason) for r in found.rejections] == [
        (f"feedback.{FEEDBACK[:-4]}1000", "a request holds at most 1000 pieces of feedback; send fewer in one")
    ]


def test_feedback_is_read_beside_runs() -> None:
    wire = {"key": "good", "score": 1, "trace_id": RUN, "run_id": None, "created_at": "2026-11-22T12:00:00Z"}
    found = decoded((f"feedback.{FEEDBACK}", json.dumps(wire).encode()), (f"post.{RUN}", b"{}"))
    assert [(f.feedback_id, f.body) for f in found.feedback] == [(FEEDBACK, wire)]
    assert len(found.operations) == 1


@pytest.mark.parametrize(
    ("told", "field", "reason"),
    [
        ({"key": ""}, "key", "must be a text that is not empty"),
        ({"key": None}, "key", "must be a text"),
        ({"key": 5}, "key", "must be a text"),
        ({"score": "very"}, "score", "'very' is not a number; send one, or true or false, or a text as value"),
        ({"score": [1]}, "score", "is not a number"),
        ({"run_id": "x"}, "run_id", "is not a UUID"),
        ({"session_id": 7}, "session_id", "is not a UUID"),
        ({"created_at": "yesterday"}, "created_at", "is not a time"),
        ({"trace_id": None}, "run_id", "send run_id, trace_id or session_id"),
    ],
)
def test_feedback_that_could_not_be_kept_is_rejected_and_named(told: dict[str, Any], field: str, reason: str) -> None:
    wire = {"key": "good", "score": 1, "trace_id": RUN, **told}
    found = decoded((f"feedback.{FEEDBACK}", json.dumps(wire).encode()), (f"post.{RUN}", b"{}"))
    assert (len(found.operations), found.feedback) == (1, ())
    ((part, at, why),) = [(r.part, r.field, r.reason) for r in found.rejections]
    assert (part, at) == (f"feedback.{FEEDBACK}", field)
    assert reason in why


@pytest.mark.parametrize(
    ("wire", "field", "reason"),
    [
        (b'{"start_time": "soon"}', "start_time", "is not a time; send ISO 8601"),
        (b'{"end_time": []}', "end_time", "is not a time"),
        (b'{"trace_id": "abc"}', "trace_id", "is not a UUID"),
        (b'{"parent_run_id": 7}', "parent_run_id", "is not a UUID"),
        (b'{"tags": "a"}', "tags", "must be a list of texts"),
        (b'{"tags": [1]}', "tags", "must be a list of texts"),
        (b'{"name": {}}', "name", "must be text, not dict"),
        (b'{"extra": []}', "extra", "must be a JSON object, not list"),
        (b'{"extra": {"metadata": 1}}', "extra.metadata", "must be a JSON object"),
        (b'{"events": {}}', "events", "must be a list of JSON objects"),
        (b'{"session_name": 1}', "session_name", "must be text, not int"),
        (b'{"address": "shop"}', "address", "must be lrn:agents/<id>/environments/<environment>"),
        (b"[]", "", "a run must be a JSON object"),
        (b"{", "", "not readable as JSON"),
        (f'{{"id": "{OTHER}"}}'.encode(), "id", "differs from the id in the part's name"),
    ],
)
def test_a_run_that_cannot_be_read_is_named_and_its_neighbour_is_kept(wire: bytes, field: str, reason: str) -> None:
    found = decoded((f"post.{RUN}", wire), (f"post.{RUN}.inputs", b"{}"), (f"post.{OTHER}", b'{"name": "x"}'))
    assert [o.run_id for o in found.operations] == [OTHER]
    (rejection,) = found.rejections
    assert (rejection.part, rejection.field) == (f"post.{RUN}", field)
    assert reason in rejection.reason


def test_one_unreadable_field_costs_the_field_and_not_the_run() -> None:
    found = decoded(
        (f"post.{RUN}", b'{"name": "x"}'), (f"post.{RUN}.inputs", b"{"), (f"post.{RUN}.outputs", b'{"a":1}')
    )
    assert found.operations[0].body == {"name": "x", "outputs": {"a": 1}, "flags": ("part_unreadable",)}
    assert [(r.part, r.field) for r in found.rejections] == [(f"post.{RUN}.inputs", "inputs")]


def test_an_error_that_cannot_be_read_is_still_an_error() -> None:
    found = decoded((f"patch.{RUN}", b'{"end_time": 5}'), (f"patch.{RUN}.error", b'"ValueError("x"'))
    assert found.operations[0].body == {"end_us": 5_000, "error": '"ValueError("x"', "flags": ("part_unreadable",)}
    assert [(r.part, r.field) for r in found.rejections] == [(f"patch.{RUN}.error", "error")]


@pytest.mark.parametrize("name", ["post", "post.", "post.abc", "delete." + RUN, "", "post." + RUN + ".password"])
def test_a_part_with_a_wrong_name_is_rejected_alone(name: str) -> None:
    found = decoded((name, b"{}"), (f"patch.{OTHER}", b"{}"))
    assert OTHER in [o.run_id for o in found.operations]
    assert len(found.rejections) == 1


def test_a_batch_holds_posts_and_patches_and_rejects_by_position() -> None:
    body = {"post": [{"id": RUN, "name": "a"}, {"name": "b"}], "patch": [{"id": RUN, "end_time": 5}, 3]}
    found = decode_batch(json.dumps(body).encode(), NOW_US)
    assert [(o.kind, o.run_id, o.body) for o in found.operations] == [
        ("post", RUN, {"name": "a"}),
        ("patch", RUN, {"end_us": 5_000}),
    ]
    assert [(r.part, r.field) for r in found.rejections] == [("post[1]", "id"), ("patch[1]", "")]


def test_a_run_that_is_too_deep_costs_its_batch_nothing() -> None:
    deep = b'{"post": [{"id": "%s", "inputs": %s}, {"id": "%s"}]}'
    body = deep % (RUN.encode(), b"[" * 300 + b"]" * 300, OTHER.encode())
    found = decode_batch(body, NOW_US)
    assert [o.run_id for o in found.operations] == [OTHER]
    assert [(r.part, r.reason) for r in found.rejections] == [("post[0]", "the JSON is nested deeper than 200 levels")]


def test_either_list_of_a_batch_may_be_absent() -> None:
    assert decode_batch(b"{}", NOW_US).is_empty
    assert len(decode_batch(json.dumps({"patch": [{"id": RUN}]}).encode(), NOW_US).operations) == 1


def test_what_is_no_list_in_a_batch_is_rejected_and_the_other_list_is_kept() -> None:
    found = decode_batch(json.dumps({"post": [{"id": RUN}], "patch": {"id": RUN}}).encode(), NOW_US)
    assert [(o.kind, o.run_id) for o in found.operations] == [("post", RUN)]
    assert [(r.part, r.reason) for r in found.rejections] == [("patch", "must be a list of runs, not dict")]


@pytest.mark.parametrize("body", [b"[]", b"", b"\xff{"])
def test_a_batch_that_is_none_is_unreadable(body: bytes) -> None:
    with pytest.raises(BodyUnreadableError) as caught:
        decode_batch(body, NOW_US)
    assert caught.value.field == "body"


def test_a_patch_takes_its_id_from_the_path() -> None:
    found = decode_run(b'{"outputs": {"a": 1}, "id": "ignored"}', NOW_US, patch_run_id=RUN.replace("-", ""))
    assert [(o.kind, o.run_id, o.body) for o in found.operations] == [("patch", RUN, {"outputs": {"a": 1}})]
    assert decode_run(b"{}", NOW_US, patch_run_id="7").rejections[0].field == "run_id"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
FIELDS = st.sampled_from(
    ["id", "trace_id", "start_time", "end_time", "tags", "extra", "name", "run_type", "events", "error", "status",
     "dotted_order", "session_name", "session_id", "inputs", "serialized"]
)  # fmt: skip


@given(st.dictionaries(FIELDS, VALUES, max_size=6))
def test_any_run_object_is_an_operation_or_a_rejection(wire: dict[str, Any]) -> None:
    body = json.dumps({"post": [wire, {"id": OTHER}]}).encode()
    found = decode_batch(body, NOW_US)
    assert len(found.operations) + len(found.rejections) == 2
    assert found.operations[-1].run_id == OTHER


@given(st.binary(max_size=300))
def test_any_bytes_between_boundaries_are_decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(BodyError):
        decode_multipart(b"--b\r\n" + data + b"\r\n--b--\r\n", b"b", NOW_US)


@given(st.integers(0, 4700), st.integers(0, 255))
def test_a_captured_body_with_one_byte_changed_is_decoded_or_refused(position: int, value: int) -> None:
    body = bytearray((DATA / "py_langgraph_send.zstd.bin").read_bytes())
    body[position] = value
    with contextlib.suppress(BodyError):
        decode_multipart(decompress(bytes(body), "zstd", MIB), b"0e678b0b4acc43aeb2d2f6ca9d6fec51", NOW_US)
