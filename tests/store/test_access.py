"""A real, guarded server: what a key for one project reaches of another project over every path. Nothing."""

import hashlib
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus
from tests.ports import free_port
from tests.store.serving import Server, command, environment, serving

from everytoken.config import Settings
from everytoken.server.app import create_app
from everytoken.server.scopes import ADMIN_ALL, OPEN, Policy, declared, is_declared, served
from everytoken.store.control import Control
from everytoken.store.keys import Scope

MINE, THEIRS = "mine", "theirs"
V1 = ("", "/api", "/api/v1")
V2 = ("/v2", "/api/v2")
OURS = "/everytoken/v1"


@dataclass
class World:
    server: Server
    keys: dict[str, str]
    mine: str
    """Run, and trace, of the project that the key is for."""
    theirs: str
    sessions: dict[str, str]

    def ask(self, key: str | None, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**({"x-api-key": self.keys[key]} if key else {}), **more.pop("headers", {})}
        return self.server.http.request(method, path, headers=headers, **more)


def run_of(project: str, run_id: str, **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    return {
        "id": run_id, "trace_id": run_id, "name": "chat", "run_type": "llm", "session_name": project,
        "start_time": "2026-11-22T12:00:00Z", "end_time": "2026-11-22T12:00:01Z",
        "inputs": {"q": f"secret of {project}"}, "outputs": {"usage_metadata": usage},
        "extra": {"metadata": {"thread_id": f"thread-{project}", "user_id": "u", "ls_provider": "openai",
                               "ls_model_name": "gpt-5.2", "langgraph_node": "n"}},
        **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data = tmp_path_factory.mktemp("guarded") / "data"
    mine, theirs = str(uuid.uuid4()), str(uuid.uuid4())
    data.mkdir()
    made = ["admin", "mine", "mine-admin", "ingest", "read"]
    with serving(data) as server:  # the first key is made while the server is open
        keys: dict[str, str] = {}
        for name in made:
            scopes = [name] if name in ("ingest", "read") else ["ingest", "read"] + ["admin"] * name.endswith("admin")
            body = {"name": name, "scopes": scopes, "projects": [MINE] if name.startswith("mine") else None}
            headers = {"x-api-key": keys["admin"]} if keys else {}
            answer = server.http.post(f"{OURS}/keys", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            keys[name] = answer.json()["text"]
        held = World(server, keys, mine, theirs, {})
        for project, run_id in ((MINE, mine), (THEIRS, theirs)):
            assert held.ask("admin", "POST", "/runs", json=run_of(project, run_id)).status_code == 202
        assert held.ask("admin", "POST", f"{OURS}/flush").status_code == 200
        held.sessions = {row["name"]: row["id"] for row in held.ask("admin", "GET", "/sessions").json()}
        yield held


def reads(world: World, run_id: str, project: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Every read path that takes an id, or the name of a project."""
    session, thread, quoted = world.sessions[project], f"thread-{project}", project
    asked: dict[str, tuple[str, str, dict[str, Any]]] = {}

    def add(method: str, path: str, **body: Any) -> None:
        asked[f"{method} {path}".replace(run_id, "ID").replace(session, "SESSION")] = (method, path, body)

    for at in V1:
        add("GET", f"{at}/runs/{run_id}")
        add("GET", f"{at}/runs/threads/{thread}?session_id={session}")
        add("GET", f"{at}/runs/{run_id}/share")
        add("GET", f"{at}/sessions/{session}")
        add("GET", f"{at}/sessions/{session}/metadata")
        add("POST", f"{at}/runs/group", session_id=session, group_by="conversation")
        add("POST", f"{at}/runs/query", session=[session])
        add("POST", f"{at}/runs/stats", session=[session])
    for at in V2:
        add("POST", f"{at}/runs/query", project_ids=[session])
        add("GET", f"{at}/runs/{run_id}")
        add("GET", f"{at}/runs/{run_id}/url?project_id={session}")
        add("POST", f"{at}/traces/query", project_id=session)
        add("GET", f"{at}/traces/{run_id}/runs?project_id={session}")
        add("POST", f"{at}/threads/query", project_id=session, min_start_time="2026-11-01T00:00:00Z")
        add("POST", f"{at}/threads/stats", project_id=session, min_start_time="2026-11-01T00:00:00Z")
        add("GET", f"{at}/threads/{thread}/traces?project_id={session}")
        add("GET", f"{at}/threads/{thread}/stats?session_id={session}")
        add("GET", f"{at}/sessions/{session}")
    add("GET", f"{OURS}/traces/{run_id}")
    add("GET", f"{OURS}/traces/{run_id}/runs/{run_id}")
    add("GET", f"{OURS}/traces?project={quoted}")
    add("GET", f"{OURS}/charges?project={quoted}")
    for name in ("summary", "nodes", "models", "users", "threads", "dearest", "coverage", "settings"):
        add("GET", f"{OURS}/projects/{quoted}/{name}")
    add("GET", f"{OURS}/projects/{quoted}/series?from=2026-11-22T00:00:00Z&to=2026-11-23T00:00:00Z")
    add("GET", f"{OURS}/projects/{quoted}/contributions?from=2026-11-22T00:00:00Z")
    add("GET", f"{OURS}/projects/{quoted}/threads/{thread}")
    return asked


def answers(world: World, asked: dict[str, tuple[str, str, dict[str, Any]]]) -> dict[str, httpx.Response]:
    return {name: world.ask("mine", method, path, json=body or None) for name, (method, path, body) in asked.items()}


def test_every_read_of_another_project_answers_as_if_it_were_not_there(world: World) -> None:
    seen = {
        name: world.ask("mine", m, p, json=b or None) for name, (m, p, b) in reads(world, world.theirs, THEIRS).items()
    }
    assert {name: answer.status_code for name, answer in seen.items() if answer.status_code != 404} == {}
    assert [name for name, answer in seen.items() if "secret of" in answer.text] == []


def test_the_same_reads_of_ones_own_project_are_answered(world: World) -> None:
    seen = answers(world, reads(world, world.mine, MINE))
    assert {name: answer.text for name, answer in seen.items() if answer.status_code != 200} == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *[("POST", f"{at}/runs/query", {"id": ["THEIRS"]}) for at in V1],
        *[("POST", f"{at}/runs/query", {"trace": "THEIRS"}) for at in V1],
        *[("POST", f"{at}/runs/query", {"filter": 'eq(thread_id, "thread-theirs")'}) for at in V1],
        *[("POST", f"{at}/runs/query", {"tree_filter": 'eq(name, "chat")'}) for at in V1],
        *[("POST", f"{at}/runs/stats", {"id": ["THEIRS"]}) for at in V1],
        *[("POST", f"{at}/runs/query", {"ids": ["THEIRS"]}) for at in V2],
        *[("POST", f"{at}/runs/query", {"trace_id": "THEIRS"}) for at in V2],
        *[("GET", f"{at}/sessions", None) for at in (*V1, *V2)],
        *[("GET", f"{at}/sessions?name=theirs", None) for at in (*V1, *V2)],
        *[("GET", f"{at}/feedback", None) for at in V1],
        ("GET", f"{OURS}/projects", None),
        ("GET", f"{OURS}/charges?trace_id=THEIRS", None),
        ("GET", f"{OURS}/search?q=secret", None),
        ("GET", f"{OURS}/search?q=THEIRS", None),
    ],
)
def test_a_list_without_a_project_holds_nothing_of_another(
    world: World, method: str, path: str, body: dict[str, Any] | None
) -> None:
    world.ask("admin", "POST", "/feedback", json={"key": "told-theirs", "run_id": world.theirs})
    text = json.dumps(body).replace("THEIRS", world.theirs)
    answer = world.ask("mine", method, path.replace("THEIRS", world.theirs), json=json.loads(text))
    assert answer.status_code == 200, answer.text
    assert "secret of theirs" not in answer.text
    assert '"theirs"' not in answer.text
    assert world.sessions[THEIRS] not in answer.text
    assert "told-theirs" not in answer.text
    if "stats" in path:
        assert answer.json()["run_count"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        *[("PUT", f"{at}/runs/THEIRS/share", {}) for at in V1],
        *[("DELETE", f"{at}/runs/THEIRS/share", None) for at in V1],
        *[("POST", f"{at}/runs/THEIRS/share", {}) for at in V2],
        *[("DELETE", f"{at}/runs/THEIRS/share", None) for at in V2],
        *[("POST", f"{at}/runs/delete", {"session_id": "SESSION", "trace_ids": ["THEIRS"]}) for at in V1],
        *[("DELETE", f"{at}/sessions/SESSION", None) for at in V1],
        *[("PATCH", f"{at}/sessions/SESSION", {"description": "x"}) for at in (*V1, *V2)],
        *[("POST", f"{at}/feedback", {"key": "k", "run_id": "THEIRS"}) for at in V1],
        *[("POST", f"{at}/feedback", {"key": "k", "session_id": "SESSION"}) for at in V1],
        *[("POST", f"{at}/feedback/tokens", {"feedback_key": "k", "run_id": "THEIRS"}) for at in V1],
        ("GET", "/feedback/tokens?run_id=THEIRS", None),
        ("PATCH", f"{OURS}/projects/theirs/settings", {"time_zone": "Asia/Seoul"}),
    ],
)
def test_a_change_of_another_project_finds_nothing(
    world: World, method: str, path: str, body: dict[str, Any] | None
) -> None:
    def put(text: str) -> str:
        return text.replace("THEIRS", world.theirs).replace("SESSION", world.sessions[THEIRS])

    answer = world.ask("mine-admin", method, put(path), json=json.loads(put(json.dumps(body))))
    assert answer.status_code == 404, answer.text
    assert world.ask("admin", "GET", f"/runs/{world.theirs}").status_code == 200


def test_feedback_of_another_project_is_neither_read_nor_written(world: World) -> None:
    told = world.ask("admin", "POST", "/feedback", json={"key": "k", "run_id": world.theirs, "score": 1}).json()
    for method, body in (("GET", None), ("PATCH", {"score": 0}), ("DELETE", None)):
        assert world.ask("mine-admin", method, f"/feedback/{told['id']}", json=body).status_code == 404
    over = {"id": told["id"], "key": "k", "run_id": world.mine, "score": 0}
    assert world.ask("mine", "POST", "/feedback", json=over).status_code == 404
    assert world.ask("admin", "GET", f"/feedback/{told['id']}").json()["score"] == 1


def test_runs_for_another_project_are_rejected_by_name_and_by_id(world: World) -> None:
    by_name = world.ask("mine", "POST", "/runs", json=run_of(THEIRS, str(uuid.uuid4())))
    assert by_name.status_code == 422
    assert by_name.json()["field"] == "session_name"
    unnamed = run_of("", str(uuid.uuid4()), session_id=world.sessions[THEIRS])
    del unnamed["session_name"]
    assert world.ask("mine", "POST", "/runs", json=unnamed).status_code == 422
    own = {**unnamed, "session_id": world.sessions[MINE]}
    assert world.ask("mine", "POST", "/runs", json=own).status_code == 202


def test_a_run_of_another_project_is_not_overwritten_and_its_trace_not_joined(world: World) -> None:
    child = str(uuid.uuid4())
    bodies = (
        run_of(MINE, world.theirs, name="overwritten"),
        run_of(MINE, child, trace_id=world.theirs, parent_run_id=world.theirs, name="joined"),
    )
    for body in bodies:
        assert world.ask("mine", "POST", "/runs", json=body).status_code == 202
    patch = {"end_time": "2026-11-22T12:00:09Z", "error": "overwritten"}
    assert world.ask("mine", "PATCH", f"/runs/{world.theirs}", json=patch).status_code == 202
    world.ask("admin", "POST", f"{OURS}/flush")
    found = world.ask("admin", "GET", f"{OURS}/traces/{world.theirs}").json()
    assert [(run["name"], run["error"]) for run in found["runs"]] == [("chat", None)]
    assert found["trace"]["project"] == THEIRS
    assert world.ask("admin", "GET", f"{OURS}/projects/{MINE}/summary").json()["errors"] == 0


def test_feedback_parts_about_another_project_are_dropped(world: World) -> None:
    part = {"key": "sneaked", "run_id": world.theirs, "trace_id": world.theirs, "session_id": world.sessions[MINE]}
    files = {f"feedback.{uuid.uuid4()}": (None, json.dumps(part), "application/json")}
    world.ask("mine", "POST", "/runs/multipart", files=files)
    world.ask("admin", "POST", f"{OURS}/flush")
    told = world.ask("admin", "GET", "/feedback").json()
    assert "sneaked" not in [row["key"] for row in told]


def test_a_project_of_another_name_is_not_made(world: World) -> None:
    for at in (*V1, *V2):
        assert world.ask("mine", "POST", f"{at}/sessions", json={"name": "new"}).status_code == 403
    renamed = world.ask("mine", "PATCH", f"/sessions/{world.sessions[MINE]}", json={"name": "new"})
    assert renamed.status_code == 403


def test_the_live_feed_of_one_project_tells_nothing_of_another(world: World) -> None:
    assert world.ask("mine", "GET", f"{OURS}/live?project=theirs").status_code == 404
    headers = {"x-api-key": world.keys["mine"]}
    with world.server.http.stream("GET", f"{OURS}/live", headers=headers) as feed:
        lines = feed.iter_lines()
        assert next(lines).startswith("retry")
        for project in (THEIRS, MINE):
            world.ask("admin", "POST", "/runs", json=run_of(project, str(uuid.uuid4())))
            world.ask("admin", "POST", f"{OURS}/flush")
        data = next(line for line in lines if line.startswith("data:"))
    assert json.loads(data[5:])["project"] == MINE


def test_a_live_feed_ends_when_its_key_is_revoked(world: World) -> None:
    made = world.ask("admin", "POST", f"{OURS}/keys", json={"name": "short", "scopes": ["read"]}).json()
    with world.server.http.stream("GET", f"{OURS}/live", headers={"x-api-key": made["text"]}) as feed:
        lines = feed.iter_lines()
        assert next(lines).startswith("retry")
        world.ask("admin", "DELETE", f"{OURS}/keys/{made['key']['key_id']}")
        world.ask("admin", "POST", "/runs", json=run_of(MINE, str(uuid.uuid4())))
        world.ask("admin", "POST", f"{OURS}/flush")
        assert [line for line in lines if line.startswith("data:")] == []


def test_a_public_share_needs_no_key_and_shows_its_run_alone(world: World) -> None:
    token = world.ask("admin", "PUT", f"/runs/{world.theirs}/share").json()["share_token"]
    for at in (*V1, *V2):
        assert world.ask(None, "GET", f"{at}/public/{token}/run").status_code in (200, 404 if at in V2 else 200)
    assert world.ask(None, "GET", f"/public/{token}/run").json()["inputs"] == {"q": "secret of theirs"}
    assert world.ask("mine", "GET", f"/public/{token}/run").status_code == 200
    assert world.ask(None, "GET", f"/public/{token}/run/{world.mine}").status_code == 404
    assert world.ask("admin", "DELETE", f"/runs/{world.theirs}/share").status_code == 200
    assert world.ask(None, "GET", f"/public/{token}/run").status_code == 404


@pytest.mark.parametrize(
    ("key", "method", "path", "status"),
    [
        (None, "GET", f"{OURS}/projects", 401),
        (None, "POST", "/runs", 401),
        (None, "POST", "/v1/traces", 401),
        (None, "POST", "/nowhere", 401),
        ("ingest", "GET", f"{OURS}/projects", 403),
        ("ingest", "POST", "/runs/query", 403),
        ("read", "POST", "/runs", 403),
        ("read", "POST", "/otel/v1/traces", 403),
        ("read", "POST", "/runs/delete", 403),
        ("read", "GET", f"{OURS}/keys", 403),
        ("mine-admin", "GET", f"{OURS}/keys", 403),
        ("mine-admin", "POST", f"{OURS}/keys", 403),
        ("mine-admin", "GET", f"{OURS}/audit", 403),
        ("mine-admin", "POST", "/model-price-map", 403),
        ("mine", "GET", "/metrics", 403),
        ("read", "GET", "/metrics", 200),
        ("ingest", "GET", f"{OURS}/health", 200),
        (None, "GET", "/ok", 200),
        (None, "GET", "/info", 200),
    ],
)
def test_what_a_key_may_not_do_is_refused(world: World, key: str | None, method: str, path: str, status: int) -> None:
    answer = world.ask(key, method, path, json={} if method == "POST" else None)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.json()["hint"]


def test_a_key_comes_in_either_header_and_a_wrong_one_in_none(world: World) -> None:
    text = world.keys["read"]
    for headers, status in (
        ({"x-api-key": text}, 200),
        ({"Authorization": f"Bearer {text}"}, 200),
        ({"Authorization": f"bearer {text}"}, 200),
        ({"x-api-key": text[:-1] + ("a" if text[-1] != "a" else "b")}, 401),
        ({"Authorization": f"Basic {text}"}, 401),
        ({"x-api-key": "lsv2_pt_whatever"}, 401),
        ({"x-api-key": "et__"}, 401),
        ({"x-api-key": "é" * 5_000}, 401),
    ):
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        assert world.server.http.get(f"{OURS}/projects", headers=raw).status_code == status, headers


def test_a_key_is_listed_without_its_secret_and_revoked_at_once(world: World) -> None:
    made = world.ask("admin", "POST", f"{OURS}/keys", json={"name": "gone", "scopes": ["read"]}).json()
    headers = {"x-api-key": made["text"]}
    assert world.server.http.get(f"{OURS}/projects", headers=headers).status_code == 200
    listed = world.ask("admin", "GET", f"{OURS}/keys")
    assert made["text"].split("_", 2)[2] not in listed.text
    row = next(key for key in listed.json()["keys"] if key["name"] == "gone")
    assert row["last_used_us"] is not None
    assert world.ask("admin", "DELETE", f"{OURS}/keys/{row['key_id']}").json()["revoked_us"] is not None
    assert world.server.http.get(f"{OURS}/projects", headers=headers).status_code == 401
    assert world.ask("admin", "DELETE", f"{OURS}/keys/nope").status_code == 404
    log = world.ask("admin", "GET", f"{OURS}/audit?subject={row['key_id']}").json()["entries"]
    assert [entry["action"] for entry in log] == ["key.revoke", "key.create"]
    assert made["text"].split("_", 2)[2] not in json.dumps(log)


def test_a_key_over_its_rate_is_told_when_to_come_back(world: World) -> None:
    body = {"name": "slow", "scopes": ["read"], "requests_per_minute": 2}
    made = world.ask("admin", "POST", f"{OURS}/keys", json=body).json()
    seen = [world.server.http.get(f"{OURS}/projects", headers={"x-api-key": made["text"]}) for _ in range(3)]
    assert [answer.status_code for answer in seen] == [200, 200, 429]
    assert 1 <= int(seen[2].headers["retry-after"]) <= 30
    assert world.ask("read", "GET", f"{OURS}/projects").status_code == 200


def test_an_exporter_that_is_turned_away_reads_why_in_its_own_encoding(world: World) -> None:
    def sent(key: str | None, path: str = "/v1/traces") -> tuple[int, RpcStatus]:
        headers = {"Content-Type": "application/x-protobuf"}
        answer = world.ask(key, "POST", path, headers=headers)
        assert answer.headers["content-type"] == "application/x-protobuf"
        return answer.status_code, RpcStatus.FromString(answer.content)

    status, told = sent(None)
    assert (status, told.code) == (401, 16)
    assert "everytoken keys create" in told.message
    status, told = sent("read", "/api/v1/otel/v1/traces/")
    assert (status, told.code) == (403, 7)
    body = {"name": "slow otlp", "scopes": ["ingest"], "requests_per_minute": 1}
    world.keys["slow"] = world.ask("admin", "POST", f"{OURS}/keys", json=body).json()["text"]
    assert sent("slow")[0] == 200
    status, told = sent("slow")
    assert (status, told.code) == (429, 8)
    (detail,) = told.details
    wait = RetryInfo()
    assert detail.Unpack(wait)
    assert 1 <= wait.retry_delay.seconds <= 60
    as_json = world.ask("read", "POST", "/v1/traces", json={}).json()
    assert (as_json["code"], as_json["hint"] in as_json["message"]) == (7, True)


def test_settings_change_the_days_of_a_series_and_are_logged(world: World) -> None:
    at = f"{OURS}/projects/{MINE}"
    changed = world.ask("mine-admin", "PATCH", f"{at}/settings", json={"time_zone": "Asia/Seoul"})
    assert changed.json()["time_zone"] == "Asia/Seoul"
    series = world.ask("mine", "GET", f"{at}/series?from=2026-11-20T00:00:00Z&to=2026-11-23T00:00:00Z&bucket=day")
    assert series.json()["tz"] == "Asia/Seoul"
    entry = world.ask("admin", "GET", f"{OURS}/audit?action=settings").json()["entries"][0]
    assert (entry["subject"], entry["before"]["time_zone"], entry["after"]["time_zone"]) == (MINE, "UTC", "Asia/Seoul")
    for wrong, field in (
        ({"time_zone": "Mars/Olympus"}, "body.time_zone"),
        ({"charge_retention_days": 5}, "body.content_retention_days"),
        ({"masks": ["nope"]}, "body.masks"),
        ({"mask_patterns": ["("]}, "body.mask_patterns.0"),
        ({"mask_patterns": ["x*"]}, "body.mask_patterns.0"),
    ):
        answer = world.ask("mine-admin", "PATCH", f"{at}/settings", json=wrong)
        assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_masks_are_tried_on_a_text_before_they_are_set(world: World) -> None:
    at = f"{OURS}/projects/{MINE}/settings/masked"
    tried = {"text": "kim@example.com asks for 주문-4711", "masks": ["email"], "mask_patterns": ["주문-\\d+"]}
    assert world.ask("mine-admin", "POST", at, json=tried).json() == {
        "text": "[masked:email] asks for [masked:custom]",
        "matches": 2,
    }
    refused = world.ask("mine-admin", "POST", at, json={"text": "x", "mask_patterns": ["("]})
    assert (refused.status_code, refused.json()["field"]) == (400, "body.mask_patterns.0")
    assert world.ask("mine", "POST", at, json=tried).status_code == 403


def test_a_run_names_no_attachment_that_it_did_not_bring(world: World) -> None:
    """A run that said it itself got a signed address for a file of another project, by its hash alone."""
    theirs, forged = str(uuid.uuid4()), str(uuid.uuid4())
    files = {
        f"post.{theirs}": (None, json.dumps(run_of(THEIRS, theirs)), "application/json"),
        f"attachment.{theirs}.note": (None, b"their note", "text/plain"),
    }
    assert world.ask("admin", "POST", "/runs/multipart", files=files).status_code == 202
    where = {"sha256": hashlib.sha256(b"their note").hexdigest(), "mime_type": "text/plain", "size_bytes": 10}
    body = run_of(MINE, forged)
    body["extra"] = {**body["extra"], "attachment.note": where}
    assert world.ask("mine", "POST", "/runs", json=body).status_code == 202
    patch = {"extra": {"attachment.other": where}, "end_time": "2026-11-22T12:00:01Z"}
    assert world.ask("mine", "PATCH", f"/runs/{forged}", json=patch).status_code == 202
    world.ask("admin", "POST", f"{OURS}/flush")
    held = world.ask("admin", "GET", f"/runs/{theirs}").json()["s3_urls"]
    assert world.server.http.get(held["attachment.note"]["presigned_url"]).text == "their note"
    run = world.ask("mine", "GET", f"/runs/{forged}").json()
    assert run["s3_urls"] == {}
    assert run["extra"]["metadata"]["user_id"] == "u"
    detail = world.ask("mine", "GET", f"{OURS}/traces/{forged}/runs/{forged}").text
    assert hashlib.sha256(b"their note").hexdigest() not in detail


def test_what_a_mask_matches_is_nowhere_in_the_ledger_and_the_numbers_stay(world: World) -> None:
    masks = {"masks": ["email"], "mask_patterns": ["주문-\\d+"]}
    assert world.ask("admin", "PATCH", f"{OURS}/projects/{MINE}/settings", json=masks).status_code == 200
    run_id = str(uuid.uuid4())
    said = {"q": "kim@example.com asks for 주문-4711", "deep": [{"x": "주문-1"}]}
    body = run_of(MINE, run_id, inputs=said, error="failed for kim@example.com")
    assert world.ask("mine", "POST", "/runs", json=body).status_code == 202
    run = world.ask("mine", "GET", f"/runs/{run_id}").json()
    assert run["inputs"] == {"q": "[masked:email] asks for [masked:custom]", "deep": [{"x": "[masked:custom]"}]}
    assert run["error"] == "failed for [masked:email]"
    assert run["total_tokens"] == 15
    found = world.ask("mine", "GET", f"{OURS}/traces/{run_id}").text
    assert "kim@example.com" not in found
    assert "4711" not in found
    world.ask("admin", "PATCH", f"{OURS}/projects/{MINE}/settings", json={"masks": [], "mask_patterns": []})


def test_what_a_mask_matches_is_nowhere_in_feedback_tags_or_names_whichever_way_it_came(world: World) -> None:
    at = f"{OURS}/projects/{MINE}/settings"
    assert world.ask("admin", "PATCH", at, json={"masks": ["email"]}).status_code == 200
    run_id, early = str(uuid.uuid4()), str(uuid.uuid4())
    said = {
        "key": "k",
        "comment": "says kim@example.com",
        "value": "kim@example.com",
        "correction": {"to": "kim@example.com"},
    }
    before = world.ask("admin", "POST", "/feedback", json={**said, "run_id": early, "session_id": world.sessions[MINE]})
    unplaced = world.ask("admin", "POST", "/feedback", json={**said, "run_id": early})
    body = run_of(MINE, run_id, name="asks kim@example.com", tags=["of kim@example.com"], events=[
        {"name": "new_token", "time": "2026-11-22T12:00:00.5Z", "kwargs": {"token": "kim@example.com"}}])  # fmt: skip
    assert world.ask("mine", "POST", "/runs", json=body).status_code == 202
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "span", "kind": 1,
        "startTimeUnixNano": "1795348800000000000", "endTimeUnixNano": "1795348801000000000",
        "attributes": [{"key": name, "value": {"stringValue": "kim@example.com"}}
                       for name in ("input.value", "gen_ai.prompt.0.content", "enduser.note", "exception.message")],
        "events": [{"name": "exception", "timeUnixNano": "1795348800000000000",
                    "attributes": [{"key": "exception.message", "value": {"stringValue": "kim@example.com"}}]}],
    }  # fmt: skip
    sent = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert world.ask("mine", "POST", "/v1/traces", json=sent, headers={"langsmith-project": MINE}).status_code == 200
    assert world.ask("mine", "POST", f"{OURS}/flush").status_code == 200
    given = world.ask("mine", "POST", "/feedback", json={**said, "run_id": run_id}).json()
    world.ask("mine", "PATCH", f"/feedback/{given['id']}", json={"comment": "again kim@example.com"})
    token = world.ask("mine", "POST", "/feedback/tokens", json={"run_id": run_id, "feedback_key": "t"}).json()["id"]
    assert world.ask(None, "POST", f"/feedback/tokens/{token}", json=said).status_code == 200
    part = {**said, "run_id": run_id, "trace_id": run_id, "session_id": world.sessions[MINE]}
    files = {f"feedback.{uuid.uuid4()}": (None, json.dumps(part), "application/json")}
    assert world.ask("mine", "POST", "/runs/multipart", files=files).status_code == 202
    assert world.ask("mine", "POST", f"{OURS}/flush").status_code == 200
    told = world.ask("admin", "GET", f"/feedback?run={run_id}&run={early}&limit=50").json()
    assert len(told) == 5
    assert {row["value"] for row in told} == {"[masked:email]"}
    seen = [
        json.dumps(told), before.text, unplaced.text, world.ask("mine", "GET", f"/runs/{run_id}").text,
        world.ask("mine", "GET", f"{OURS}/export/runs?project={MINE}").text,
        world.ask("mine", "GET", f"{OURS}/export/charges?project={MINE}").text,
        world.ask("mine", "GET", f"{OURS}/search?q=asks").text,
    ]  # fmt: skip
    assert [text[:500] for text in seen if "kim@example.com" in text] == []
    assert '"tags":["of [masked:email]"]' in seen[3]
    assert "span" in seen[4]
    world.ask("admin", "PATCH", at, json={"masks": []})


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(Settings(data=tmp_path_factory.mktemp("routes") / "data"))


async def test_every_route_of_the_app_has_one_declared_scope(routes: FastAPI) -> None:
    async with routes.router.lifespan_context(routes):
        walked = sorted(set(served(routes.routes)))
        gate = routes.state.gate
        need = gate._policy.need("POST", "/nobody/declared/this")
    assert len(walked) > 200
    assert [route for route in walked if not is_declared(*route)] == []
    assert need.scopes == frozenset({Scope.ADMIN})
    assert need.everywhere


async def test_a_path_that_ends_in_a_line_end_asks_for_what_its_route_asks(routes: FastAPI) -> None:
    """The router's patterns end with `$`, which matches before a line end too: the gate must not see another path."""
    async with routes.router.lifespan_context(routes):
        walked = sorted(set(served(routes.routes)))
        policy = Policy(routes.routes)
    differing = []
    for method, template in walked:
        path = re.sub(r"\{[^}]*\}", "x", template)
        if policy.need(method, f"{path}\n") != policy.need(method, path):
            differing.append((method, path))
    assert differing == []


def test_a_line_end_behind_a_path_opens_nothing(world: World) -> None:
    for path in ("keys", "users", "audit", "projects", "health", "prices", "charges", "traces", "live", "export/runs"):
        assert world.ask(None, "GET", f"{OURS}/{path}%0A").status_code == 401, path
        assert world.ask("ingest", "GET", f"{OURS}/{path}%0A").status_code in (200 * (path == "health"), 403), path
    for path in ("/metrics%0A", "/sessions%0A", "/feedback%0A", f"/runs/{world.theirs}/share%0A", "/v2/sessions%0A"):
        assert world.ask(None, "GET", path).status_code == 401, path
    assert world.ask("read", "GET", f"/feedback/tokens%0A?run_id={world.theirs}").status_code == 403
    assert world.ask("mine", "GET", "/metrics%0A").status_code == 403


def test_only_the_page_is_open_where_the_table_says_nothing() -> None:
    """A path that the table overlooks and the router serves is for administrators, whatever the path looks like."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/sessions/{name:path}", lambda name: name)
    policy = Policy(app.routes)
    assert declared("GET", "/sessions/a/b/c") is None
    assert policy.need("GET", "/sessions/a/b/c") == ADMIN_ALL
    assert policy.need("GET", "/somewhere/a/b/c") == OPEN


def test_a_route_that_nobody_declared_is_closed() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/everytoken/v1/brand-new/{name}", lambda name: name)
    policy = Policy(app.routes)
    assert policy.need("GET", "/everytoken/v1/brand-new/x/y") == ADMIN_ALL
    assert declared("GET", "/everytoken/v1/brand-new/x") is None
    assert policy.need("GET", "/projects/shop/traces").scopes == frozenset()


def test_a_server_for_others_starts_with_a_key_and_only_then(tmp_path: Path) -> None:

    control = Control.open(Settings(data=tmp_path))
    control.close()
    (tmp_path / "everytoken.json").write_text('{"product": "everytoken", "schema_version": 1}')
    asked = command("--host", "0.0.0.0", "--port", str(free_port()), "--data", str(tmp_path))
    refused = subprocess.run(asked, capture_output=True, text=True, env=environment(), timeout=60, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("everytoken: refusing to listen on 0.0.0.0")
    assert "everytoken keys create" in refused.stderr
