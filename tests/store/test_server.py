"""A real server process, the real `langsmith` client as its only sender, everything read back over HTTP."""

import json
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from langsmith import Client
from langsmith.run_trees import RunTree
from tests.ports import free_port
from tests.store.serving import Server, command, environment, serving
from tests.store.test_metrics import llm_run

PROJECT = "shop/한글 'x' %2F?#&"
T0 = "2026-11-22T12:00:00.000000+00:00"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server") / "data") as server:
        yield server


def send_graph(server: Server, project: str, *, fail: bool = False) -> str:
    """One trace: a root, the node `intent` with a priced call, the node `router` without one."""
    client = Client(api_url=server.url, api_key="local", info=None)
    root = RunTree(
        name="chat", run_type="chain", inputs={"messages": [{"role": "user", "content": "페트병 어디에 버려?"}]},
        extra={"metadata": {"thread_id": "t-1", "user_id": "u-1"}}, tags=["prod"],
        project_name=project, ls_client=client,
    )  # fmt: skip
    root.post()
    for step, node in enumerate(("intent", "router"), start=1):
        inside = {"langgraph_node": node, "langgraph_step": step, "thread_id": "t-1"}
        execution = root.create_child(
            name=node, run_type="chain", extra={"metadata": inside}, tags=[f"graph:step:{step}"]
        )
        execution.post()
        if node == "intent":
            call = execution.create_child(
                name="ChatOpenAI", run_type="llm", inputs={"q": 1},
                extra={"metadata": {**inside, "ls_provider": "openai", "ls_model_name": "gpt-5.2"}},
            )  # fmt: skip
            call.post()
            usage = {"input_tokens": 47, "output_tokens": 12, "total_tokens": 59}
            call.end(outputs={"answer": "ok", "usage_metadata": usage})
            call.patch()
        execution.end(outputs={})
        execution.patch()
    root.end(outputs={"answer": "투명 페트병은 따로 모아 버립니다."}, error="ValueError: broke" if fail else None)
    root.patch()
    client.flush()
    server.flush()
    return str(root.trace_id)


def test_what_the_sdk_sent_is_in_every_view_with_the_same_numbers(server: Server) -> None:
    trace_id = send_graph(server, PROJECT)

    # gpt-5.2: 47 in at $1.75/M and 12 out at $14/M are 0.00008225 + 0.000168.
    usd = "0.00025025"
    path = f"/projects/{quote(PROJECT, safe='')}"
    summary = server.get(f"{path}/summary")
    assert (summary["project"], summary["traces"], summary["runs"], summary["llm_calls"]) == (PROJECT, 1, 4, 1)
    assert (summary["input_tokens"], summary["output_tokens"], summary["total_tokens"]) == (47, 12, 59)
    assert (summary["cost_usd"], summary["cost_known_usd"], summary["unpriced_calls"]) == (usd, usd, 0)
    assert summary["quality"] == {"exact": 1, "partial": 0, "estimated": 0, "missing": 0}
    assert summary["errors"] == 0
    assert summary["p50_ms"] > 0

    nodes = {row["node"]: row for row in server.get(f"{path}/nodes")["nodes"]}
    assert {name: (row["executions"], row["llm_calls"], row["cost_usd"]) for name, row in nodes.items()} == {
        "intent": (1, 1, usd),
        "router": (1, 0, "0"),
    }
    assert nodes["intent"]["share"] == 1.0

    (model,) = server.get(f"{path}/models")["models"]
    assert (model["provider"], model["model"], model["llm_calls"], model["cost_usd"]) == ("openai", "gpt-5.2", 1, usd)

    (row,) = server.get("/traces", project=PROJECT)["traces"]
    view = server.get(f"/traces/{trace_id}")
    assert row == view["trace"]
    assert (row["trace_id"], row["name"], row["status"], row["runs"]) == (trace_id, "chat", "success", 4)
    assert (row["thread_id"], row["user_id"], row["tags"], row["models"]) == ("t-1", "u-1", ["prod"], ["gpt-5.2"])
    assert (row["input_preview"], row["output_preview"]) == ("페트병 어디에 버려?", "투명 페트병은 따로 모아 버립니다.")

    assert [(run["name"], run["depth"], run["is_node"], run["subtree"]["total_tokens"]) for run in view["runs"]] == [
        ("chat", 0, False, 59),
        ("intent", 1, True, 59),
        ("ChatOpenAI", 2, False, 59),
        ("router", 1, True, 0),
    ]
    assert [run["own"]["total_tokens"] for run in view["runs"]] == [0, 0, 59, 0]
    assert [(e["source"], e["target"], e["kind"]) for e in view["graph"]["edges"]] == [
        ("__start__", "intent", "step"),
        ("intent", "router", "step"),
        ("router", "__end__", "step"),
    ]

    charges = server.get("/charges", project=PROJECT)["charges"]
    assert charges == server.get("/charges", trace_id=trace_id)["charges"] == view["charges"]
    (charge,) = charges
    assert (charge["node"], charge["thread_id"], charge["user_id"]) == ("intent", "t-1", "u-1")
    assert charge["quality"] == "exact"
    assert [(line["token_class"], line["count"], line["usd"]) for line in charge["cost_lines"]] == [
        ("input", "47", "0.00008225"),
        ("output", "12", "0.000168"),
    ]

    detail = server.get(f"/traces/{trace_id}/runs/{charge['run_id']}")
    assert detail["inputs"] == {"q": 1}
    assert detail["outputs"]["answer"] == "ok"
    assert detail["metadata"]["ls_model_name"] == "gpt-5.2"


def test_projects_list_the_one_that_moved_last_first(server: Server) -> None:
    send_graph(server, "older")
    send_graph(server, "newer", fail=True)

    rows = {row["project"]: row for row in server.get("/projects")["projects"]}
    names = list(rows)
    assert names.index("newer") < names.index("older")
    assert (rows["newer"]["errors"], rows["older"]["errors"]) == (1, 0)
    assert len(rows["newer"]["project_id"]) == 36


def test_a_window_without_traces_sums_to_nothing(server: Server) -> None:
    send_graph(server, "windowed")

    past = server.get("/projects/windowed/summary?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z")
    assert (past["traces"], past["llm_calls"], past["cost_usd"], past["p50_ms"]) == (0, 0, "0", None)
    assert past["from_us"] == 1_577_836_800_000_000
    assert server.get("/traces", project="windowed", to="1577836800000")["traces"] == []


@pytest.mark.parametrize(
    ("path", "params", "status", "field", "code"),
    [
        ("/projects/nothing/summary", {}, 404, "path.project", "project_not_found"),
        ("/traces", {"project": "nothing"}, 404, "query.project", "project_not_found"),
        ("/traces", {}, 400, "query.project", "field_wrong"),
        ("/traces", {"project": "x", "limit": "0"}, 400, "query.limit", "field_wrong"),
        ("/traces", {"project": "x", "limit": "many"}, 400, "query.limit", "field_wrong"),
        ("/charges", {}, 400, "query.project", "field_wrong"),
        ("/charges", {"trace_id": "not-an-id"}, 404, "query.trace_id", "trace_not_found"),
        (
            "/charges",
            {"trace_id": "00000000-0000-4000-8000-000000000000", "cursor": "!"},
            400,
            "query.cursor",
            "cursor_unknown",
        ),
        ("/projects", {"from": "yesterday"}, 400, "query.from", "time_wrong"),
        ("/projects", {"from": "12"}, 400, "query.from", "time_wrong"),
        ("/projects", {"to": "2026-13-01"}, 400, "query.to", "time_wrong"),
        ("/projects", {"from": "2026-01-02", "to": "2026-01-01"}, 400, "query.to", "window_wrong"),
        (
            "/projects/default/series",
            {"from": "0001-01-01", "to": "0001-01-02", "tz": "America/New_York"},
            400,
            "query.bucket",
            "bucket_wrong",
        ),
        (
            "/projects/default/series",
            {"from": "9999-12-30", "to": "9999-12-31T23:59:59Z", "bucket": "day", "tz": "Asia/Seoul"},
            400,
            "query.bucket",
            "bucket_wrong",
        ),
        ("/traces/nope", {}, 404, "path.trace_id", "trace_not_found"),
        ("/traces/00000000-0000-4000-8000-000000000000", {}, 404, "path.trace_id", "trace_not_found"),
        ("/nowhere", {}, 404, None, "not_found"),
    ],
)
def test_a_bad_request_names_its_field(
    server: Server, path: str, params: dict[str, str], status: int, field: str | None, code: str
) -> None:
    problem = server.get(path, status, **params)

    assert (problem["field"], problem["code"]) == (field, code)
    assert problem["error"]
    assert set(problem) == {"error", "code", "field", "hint", "position"}
    assert problem["position"] is None  # only a filter has one


def test_every_answer_names_its_request_and_keeps_the_name_a_proxy_gave_it(server: Server) -> None:
    path = "/everytoken/v1/projects"
    named = [server.http.get(path).headers["x-request-id"] for _ in range(2)]
    assert [len(name) for name in named] == [16, 16]
    assert named[0] != named[1]
    kept = server.http.get(path, headers={"x-request-id": "edge-7.a_b", "host": "elsewhere.example"})
    assert (kept.status_code, kept.json()["code"], kept.headers["x-request-id"]) == (403, "host_unknown", "edge-7.a_b")
    forged = server.http.get(path, headers={"x-request-id": "a b<script>"}).headers["x-request-id"]
    assert len(forged) == 16


def test_the_live_feed_tells_of_a_trace_and_resumes_where_it_was_left(server: Server) -> None:
    with server.http.stream("GET", "/everytoken/v1/live", params={"project": "live"}) as feed:
        assert feed.headers["content-type"].startswith("text/event-stream")
        lines = feed.iter_lines()
        assert next(lines) == "retry: 2000"
        trace_id = send_graph(server, "live")
        first = _event(lines)
    assert first["project"] == "live"

    headers = {"Last-Event-ID": str(first["id"] - 1)}
    with server.http.stream("GET", "/everytoken/v1/live", params={"project": "live"}, headers=headers) as feed:
        again = _event(feed.iter_lines())
    assert again == first
    assert trace_id in json.dumps(first)


def test_the_row_that_the_feed_tells_is_the_row_of_the_list(server: Server) -> None:
    """A trace whose root ended and left memory before the next call came, and one whose root never came."""
    root = llm_run() | {"run_type": "chain", "extra": {"metadata": {"thread_id": "t"}}, "tags": ["b", "a"]}
    root["session_name"] = "rows"
    calls = [llm_run(), llm_run(), llm_run(error="429 too many")]
    for call, trace_id in zip(calls, (root["id"], root["id"], str(uuid.uuid4())), strict=True):
        call |= {"trace_id": trace_id, "parent_run_id": trace_id, "session_name": "rows"}
        call["dotted_order"] = f"20261122T120000000000Z{trace_id}.20261122T120000500000Z{call['id']}"
    with server.http.stream("GET", "/everytoken/v1/live", params={"project": "rows"}) as feed:
        lines = feed.iter_lines()
        assert next(lines) == "retry: 2000"
        told = {}
        for runs in ([root, calls[0]], [calls[1]], [calls[2]]):
            assert httpx.post(f"{server.url}/runs/batch", json={"post": runs}).status_code == 202
            httpx.post(f"{server.url}/everytoken/v1/flush")
            event = _event(lines)
            told[event["trace_id"]] = event["row"]

    listed = {row["trace_id"]: row for row in server.get("/traces", project="rows")["traces"]}
    assert told == listed
    assert {row["rootless"] for row in listed.values()} == {True, False}
    assert {trace_id: server.get(f"/traces/{trace_id}")["trace"] for trace_id in listed} == listed


def test_a_server_that_stops_ends_its_feeds(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.http.stream("GET", "/everytoken/v1/live") as feed:
        lines = feed.iter_lines()
        assert next(lines) == "retry: 2000"
        assert server.stop() == 0
        assert [line for line in lines if line] == []


def _event(lines: Iterator[str]) -> dict[str, Any]:
    number = None
    for line in lines:
        if line.startswith("id: "):
            number = int(line.removeprefix("id: "))
        if line.startswith("data: "):
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            assert event["id"] == number
            return event
    raise AssertionError("the feed ended")


def test_the_health_page_counts_what_came(server: Server) -> None:
    before = server.get("/health")["counters"]["runs_written"]
    send_graph(server, "counted")

    health = server.get("/health")
    assert health["status"] == "ok"
    assert health["counters"]["runs_written"] >= before + 4
    assert health["counters"]["dropped"] == 0


def test_the_page_is_served_under_a_strict_policy_and_unknown_api_paths_are_not_the_page(server: Server) -> None:
    page = server.http.get("/projects/some/trace", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert server.http.get("/runs-of-nobody").status_code == 404
    assert server.http.get("/everytoken/v1/nope", headers={"accept": "text/html"}).status_code == 404
    assert server.http.get("/..%2f..%2fpyproject.toml", headers={"accept": "*/*"}).status_code == 404


def test_everything_is_there_after_a_kill_and_after_a_clean_stop(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        trace_id = send_graph(server, "kept")
        before = server.get(f"/traces/{trace_id}")
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    with serving(tmp_path / "data") as server:
        assert server.get(f"/traces/{trace_id}") == before
        send_graph(server, "kept")
        began = time.monotonic()
        with server.http.stream("GET", "/everytoken/v1/live") as feed:
            next(feed.iter_lines())
            assert server.stop() == 0, "an open feed does not hold up a stop"
        assert time.monotonic() - began < 10
    with serving(tmp_path / "data") as server:
        assert server.get("/projects/kept/summary")["traces"] == 2


def test_what_was_acknowledged_but_not_flushed_survives_a_stop(tmp_path: Path) -> None:
    run_id = "0191a4b8-7c6d-7000-8000-000000000001"
    body = {
        "id": run_id, "trace_id": run_id, "dotted_order": f"20261122T120000000000Z{run_id}", "name": "late",
        "run_type": "chain", "start_time": T0, "end_time": T0, "session_name": "late", "inputs": {}, "outputs": {},
    }  # fmt: skip
    with serving(tmp_path / "data") as server:
        assert server.http.post("/runs", json=body).status_code == 202
        assert server.stop() == 0
    with serving(tmp_path / "data") as server:
        assert server.get(f"/traces/{run_id}")["trace"]["name"] == "late"


def refusal(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=60, env=environment(), check=False
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_second_server_on_the_same_folder_gets_one_clear_line(tmp_path: Path) -> None:
    with serving(tmp_path / "data"):
        code, said = refusal("--port", str(free_port()), "--data", str(tmp_path / "data"))

    assert code == 2
    assert said.splitlines() == [
        f"everytoken: another everytoken server uses {tmp_path / 'data'}",
        "hint: stop it, or give this one its own folder: --data DIR",
    ]


def test_a_port_in_use_gets_one_clear_line(server: Server, tmp_path: Path) -> None:
    port = httpx.URL(server.url).port
    code, said = refusal("--port", str(port), "--data", str(tmp_path))

    assert code == 2
    assert said.splitlines()[0] == f"everytoken: port {port} is in use"
    assert said.splitlines()[1].startswith("hint: ")


def test_another_host_than_loopback_is_refused_without_a_key(tmp_path: Path) -> None:
    code, said = refusal("--host", "0.0.0.0", "--data", str(tmp_path))

    assert code == 2
    assert said.startswith("everytoken: refusing to listen on 0.0.0.0")
    assert not any(tmp_path.iterdir())


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    code, said = refusal("--port", "0", "--data", str(tmp_path))

    assert code == 2
    assert said.startswith(f"everytoken: {tmp_path} holds files that are not everytoken's")
    assert [file.name for file in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "everytoken.json").write_text('{"product": "everytoken", "schema_version": 999}')
    code, said = refusal("--port", "0", "--data", str(tmp_path))

    assert code == 2
    assert "was written by a newer everytoken (schema 999; this one knows 1)" in said


def test_a_folder_that_cannot_be_made_gets_one_clear_line() -> None:
    code, said = refusal("--port", "0", "--data", "/proc/nowhere")

    assert code == 2
    assert said.startswith("everytoken: cannot use the data folder /proc/nowhere: ")
    assert len(said.splitlines()) == 2
