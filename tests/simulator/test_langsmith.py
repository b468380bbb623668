"""The real LangSmith client against the simulator: what it sends can be read back, and refusals are as it expects."""

import json
from collections.abc import Iterator

import httpx
import langsmith
import pytest

from everytoken.simulator.serve import Simulator


@pytest.fixture
def client(simulator: Simulator) -> Iterator[langsmith.Client]:
    client = langsmith.Client(api_url=simulator.urls["langsmith"], api_key="simulated")
    yield client
    client.cleanup()


def arrived(simulator: Simulator, **query: str) -> list[dict[str, object]]:
    answer = httpx.get(f"{simulator.origin}/_runs", params=query).raise_for_status().json()
    found: list[dict[str, object]] = answer["runs"]
    assert answer["total"] == len(found)
    return found


def test_a_trace_of_the_real_client_arrives_whole(simulator: Simulator, client: langsmith.Client) -> None:
    with (
        langsmith.tracing_context(enabled=True, client=client, project_name="p"),
        langsmith.trace("outer", "chain", inputs={"question": "어디?"}, tags=["t"]),
        langsmith.trace("inner", "llm", metadata={"ls_model_name": "gpt-5.2"}) as inner,
    ):
        inner.end(outputs={"answer": "여기"})
        inner.set(usage_metadata={"input_tokens": 47, "output_tokens": 12, "total_tokens": 59})
    client.flush()
    outer, llm = arrived(simulator, project="p")
    assert (outer["name"], outer["inputs"], outer["tags"]) == ("outer", {"question": "어디?"}, ["t"])
    assert (llm["parent_run_id"], llm["run_type"]) == (outer["id"], "llm")
    assert llm["end_time"]
    assert json.loads(json.dumps(llm["extra"]))["metadata"]["usage_metadata"]["total_tokens"] == 59
    assert arrived(simulator, project="another") == []


def test_posts_and_patches_of_a_run_are_put_together(simulator: Simulator) -> None:
    run = {"id": "a", "name": "one", "inputs": {"x": 1}, "session_name": "p"}
    for method, path, body in (
        ("POST", "/runs", run),
        ("PATCH", "/runs/a", {"outputs": {"y": 2}, "name": None}),
        ("POST", "/runs/batch", {"post": [{"id": "b", "name": "two"}], "patch": [{"id": "a", "error": "E"}]}),
    ):
        assert httpx.request(method, simulator.origin + path, json=body).status_code == 202
    assert arrived(simulator, project="p") == [{**run, "outputs": {"y": 2}, "error": "E"}]
    assert httpx.delete(f"{simulator.origin}/_runs").status_code == 204
    assert arrived(simulator) == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/runs", b"[]", 400),
        ("/runs", b"{", 400),
        ("/runs", b'{"name": "no id"}', 422),
        ("/runs/batch", b'{"post": [{"id": 5}]}', 422),
        ("/runs/multipart", b"{}", 400),
    ],
)
def test_what_is_no_run_is_refused(simulator: Simulator, path: str, body: bytes, status: int) -> None:
    answer = httpx.post(simulator.origin + path, content=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize(("name", "text"), [("post.a", "{"), ("post.a", "5"), ("what.a", "{}"), ("post", "{}")])
def test_a_part_that_is_no_run_is_refused(simulator: Simulator, name: str, text: str) -> None:
    answer = httpx.post(f"{simulator.origin}/runs/multipart", files={name: (None, text)})
    assert answer.status_code == 422


def test_an_error_status_can_be_switched_on(simulator: Simulator) -> None:
    httpx.post(f"{simulator.origin}/_faults", json={"fault": "429:2", "provider": "langsmith", "times": 1})
    refused = httpx.post(f"{simulator.origin}/runs", json={"id": "a"})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert httpx.post(f"{simulator.origin}/runs", json={"id": "a"}).status_code == 202


def test_the_oldest_runs_leave(simulator: Simulator) -> None:
    from everytoken.simulator.runs import Runs

    runs = Runs(limit=2)
    for name in ("a", "b", "c"):
        runs.merge(name, {"name": name})
    assert [run["id"] for run in runs.of(None)] == ["b", "c"]
    assert runs.forgotten == 1
