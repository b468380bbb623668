"""A served process is sent what nearly is right: every answer comes, none is a 5xx, and the neighbours of what is bad
are stored."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import BOUNDARY, seeds
from tests.fuzz.test_decoders import astray
from tests.store.serving import Server, serving

from everytoken.wire.otlp import JSON, PROTOBUF

SEEDS = seeds()
ANSWER_S = 10.0
"""A connection that says nothing for so long is stuck."""
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
INGEST = {
    "multipart": ("POST", "/runs/multipart", {"content-type": MULTIPART}),
    "zstd": ("POST", "/runs/multipart", {"content-type": MULTIPART, "content-encoding": "zstd"}),
    "gzip": ("POST", "/runs/batch", {"content-encoding": "gzip"}),
    "batch": ("POST", "/runs/batch", {}),
    "post": ("POST", "/runs", {}),
    "patch": ("PATCH", f"/runs/{uuid.uuid4()}", {}),
    "otlp_protobuf": ("POST", "/v1/traces", {"content-type": PROTOBUF}),
    "otlp_json": ("POST", "/v1/traces", {"content-type": JSON}),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("fuzzed") / "data") as served:
        served.http.timeout = httpx.Timeout(ANSWER_S)
        yield served


@pytest.mark.parametrize("kind", INGEST)
@settings(max_examples=40)
@given(data=st.data())
def test_a_body_that_is_nearly_right_is_answered(server: Server, kind: str, data: st.DataObject) -> None:
    method, path, headers = INGEST[kind]
    body = astray(data.draw(st.sampled_from(SEEDS[kind])), data.draw(st.integers(0, 2**32)))
    answer = server.http.request(method, path, content=body, headers=headers)
    assert answer.status_code < 500, (answer.status_code, answer.text, body)


@pytest.mark.parametrize("place", ["traces", "runs", "sessions"])
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_a_filter_that_is_nearly_right_is_answered(server: Server, place: str, seed: int) -> None:
    text = astray(SEEDS["filter"][seed % 2], seed).decode("utf-8", "replace")
    if place == "traces":
        answer = server.http.get("/everytoken/v1/traces", params={"project": "default", "filter": text})
    elif place == "runs":
        answer = server.http.post("/runs/query", json={"filter": text, "limit": 1})
    else:
        answer = server.http.get("/sessions", params={"filter": text})
    assert answer.status_code < 500, (answer.status_code, answer.text, text)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_an_override_that_is_nearly_right_is_answered(server: Server, seed: int) -> None:
    toml = astray(SEEDS["prices"][0].removeprefix(b"version = 1\n"), seed).decode("utf-8", "replace")
    answer = server.http.put("/everytoken/v1/prices/overrides/fuzz", json={"toml": toml})
    assert answer.status_code < 500, (answer.status_code, answer.text, toml)
    server.http.delete("/everytoken/v1/prices/overrides/fuzz")


def a_run(**more: Any) -> dict[str, Any]:
    run_id = str(uuid.uuid4())
    wire = {"id": run_id, "trace_id": run_id, "name": "chat", "run_type": "llm", "session_name": "mixed"}
    return {**wire, "start_time": "2026-11-22T12:00:00Z", **more}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("start_time", "yesterday"), ("end_time", []), ("id", 7), ("trace_id", "x"), ("parent_run_id", {}),
        ("name", []), ("inputs", "text"), ("extra", 3), ("tags", {}), ("events", "no"),
    ],
)  # fmt: skip
def test_a_wrong_type_is_named_and_its_neighbours_are_stored(server: Server, field: str, wrong: Any) -> None:
    good, bad, last = a_run(), a_run(**{field: wrong}), a_run()
    answer = server.http.post("/runs/batch", json={"post": [good, bad, last]})
    assert answer.status_code < 500
    server.flush()
    for run in (good, last):
        assert server.http.get(f"/runs/{run['id']}").status_code == 200
    assert field in answer.text or server.http.get(f"/runs/{bad['id']}").status_code == 200, answer.text


def test_a_part_that_cannot_be_read_is_rejected_alone(server: Server) -> None:
    good, bad = a_run(), a_run()
    files: dict[str, tuple[None, str | bytes, str]] = {
        f"post.{good['id']}": (None, json.dumps(good), "application/json"),
        f"post.{bad['id']}": (None, b"{nothing of the kind", "application/json"),
    }
    answer = server.http.post("/runs/multipart", files=files)
    assert answer.status_code == 202
    assert f"post.{bad['id']}" in answer.text
    server.flush()
    assert server.http.get(f"/runs/{good['id']}").status_code == 200
    assert server.http.get(f"/runs/{bad['id']}").status_code == 404


def test_the_server_works_as_before(server: Server) -> None:
    run = a_run(session_name="after")
    assert server.http.post("/runs", json=run).status_code == 202
    server.flush()
    assert server.get("/projects/after/summary")["runs"] == 1
    counts = server.http.get("/metrics").text
    for name in ("settle_failures", "price_failures", "dropped"):
        assert f"everytoken_ingest_{name}_total 0.0" in counts, name
