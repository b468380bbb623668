"""Every route the server mounts, asked with a key for one project about another: nothing is told, nothing changes.

`ASKS` has a line for each route, or the first test fails. A line is proved by an administrator: what it asks for is
there to be told (a word that only the other project holds), or is there to be changed.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tests.ports import free_port
from tests.store.serving import Server, serving
from tests.unit.wire.otlp_requests import protobuf_body, request, span

from everytoken.config import Settings
from everytoken.server.app import create_app
from everytoken.server.langsmith_unserved import TEMPLATES
from everytoken.server.scopes import PAGE_PATH, served

MINE, THEIRS = "mine", "agent-production"
WORD = "xyzzy"
"""In every text that the other project holds, and in none of ours or of a question."""
OURS = "/everytoken/v1"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
MOUNTS = re.compile(r"^/(?:api/v1|api)(?=/)")
V2_MOUNTS = re.compile(r"^/(?:api/v2|v2)(?=/)")
OTLP_MOUNTS = re.compile(r"(?:/api(?:/v1)?)?((?:/otel)?/v1/(?:traces|logs|metrics))/?")
WINDOW = {"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
SINCE = "2026-11-01T00:00:00Z"

Kind = Literal["tells", "changes", "nothing", "secret", "whole"]
"""`tells` of the project; `changes` it; holds `nothing` of any project; is open by a `secret` of its own; is about the
`whole` installation, and closed to who is not for all of it."""


@dataclass(frozen=True, slots=True)
class Ask:
    kind: Kind
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tells: str = WORD
    """What an administrator's answer holds."""
    streams: bool = False


RUN = {
    "id": "NEW", "trace_id": "NEW", "name": "n", "run_type": "chain", "session_name": THEIRS,
    "start_time": "2026-11-22T12:00:00Z", "end_time": "2026-11-22T12:00:01Z",
}  # fmt: skip
MULTIPART = "multipart/form-data; boundary=b"
PART = '--b\r\nContent-Disposition: form-data; name="post.NEW"\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--\r\n'
SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "s", "kind": 1,
    "startTimeUnixNano": "1795348800000000000", "endTimeUnixNano": "1795348801000000000",
}  # fmt: skip
OTLP = Ask(
    "changes",
    body={"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]},
    headers={"langsmith-project": THEIRS},
)
ALERT = {"name": "a", "kind": "budget", "window": "day", "limit": "10"}
PRICE = {"name": "p", "match_pattern": "p", "prompt_cost": 1, "completion_cost": 1}
PROJECT: dict[str, Any] = {"project": THEIRS}
SESSION: dict[str, Any] = {"session": ["SESSION"]}

ASKS: dict[str, Ask] = {
    # LangSmith v1, at the root and its mounts
    "POST /runs": Ask("changes", body=RUN),
    "POST /runs/batch": Ask("changes", body={"post": [RUN], "patch": []}),
    "POST /runs/multipart": Ask("changes", body=PART.format(json.dumps(RUN)), headers={"content-type": MULTIPART}),
    "PATCH /runs/{run_id}": Ask("changes", body={"error": "changed", "end_time": "2026-11-22T12:00:09Z"}),
    "POST /v1/traces": OTLP,
    "POST /otel/v1/traces": OTLP,
    "POST /v1/logs": Ask("nothing", body={}),
    "POST /otel/v1/logs": Ask("nothing", body={}),
    "POST /v1/metrics": Ask("nothing", body={}),
    "POST /otel/v1/metrics": Ask("nothing", body={}),
    "GET /info": Ask("nothing"),
    "GET /settings": Ask("nothing"),
    "POST /runs/query": Ask("tells", body=SESSION),
    "POST /runs/query/validate": Ask("nothing", body={"filter": 'eq(name, "n")'}),
    "POST /runs/stats": Ask("tells", body=SESSION, tells='"run_count":4'),
    "POST /runs/group": Ask("tells", body={"session_id": "SESSION"}),
    "POST /runs/group/stats": Ask("tells", body={"session_id": "SESSION"}, tells='"group_count":1'),
    "GET /runs/threads/{thread_id}": Ask("tells", {"session_id": "SESSION"}),
    "GET /runs/{run_id}": Ask("tells"),
    "GET /runs/{run_id}/share": Ask("tells", tells="SHARE"),
    "PUT /runs/{run_id}/share": Ask("changes", body={}),
    "DELETE /runs/{run_id}/share": Ask("changes"),
    "POST /runs/delete": Ask("changes", body={"session_id": "SESSION", "trace_ids": ["TRACE"]}),
    "POST /runs/delete/traces": Ask("changes", body={"session_id": "SESSION", "trace_ids": ["TRACE"]}),
    "GET /sessions": Ask("tells"),
    "POST /sessions": Ask("changes", {"upsert": "true"}, {"name": THEIRS, "description": "changed"}),
    "GET /sessions/resolutions": Ask(
        "tells", {"kind": "agent", "id": "agent", "environment": "production"}, tells="SESSION"
    ),
    "GET /sessions/{session_id}": Ask("tells"),
    "PATCH /sessions/{session_id}": Ask("changes", body={"description": "changed"}),
    "DELETE /sessions/{session_id}": Ask("changes"),
    "GET /sessions/{session_id}/metadata": Ask("tells"),
    "POST /feedback/tokens": Ask("changes", body={"run_id": "RUN", "feedback_key": "k"}),
    "GET /feedback/tokens": Ask("tells", {"run_id": "RUN"}, tells="TOKEN"),
    "GET /feedback/tokens/{token}": Ask("secret"),
    "POST /feedback/tokens/{token}": Ask("secret", body={"score": 1}),
    "POST /feedback": Ask("changes", body={"key": "k", "run_id": "RUN", "score": 1}),
    "POST /feedback/eager": Ask("changes", body={"key": "k", "run_id": "RUN", "score": 1}),
    "GET /feedback": Ask("tells"),
    "GET /feedback/{feedback_id}": Ask("tells"),
    "PATCH /feedback/{feedback_id}": Ask("changes", body={"score": 0}),
    "DELETE /feedback/{feedback_id}": Ask("changes"),
    "GET /feedback-configs": Ask("nothing"),
    "POST /feedback-configs": Ask("whole", body={"feedback_key": "k", "feedback_config": {"type": "freeform"}}),
    "PATCH /feedback-configs": Ask("whole", body={"feedback_key": "k", "feedback_config": {"type": "freeform"}}),
    "DELETE /feedback-configs": Ask("whole", {"feedback_key": "k"}),
    "GET /public/{token}/run": Ask("secret"),
    "GET /public/{token}/run/{run_id}": Ask("secret"),
    "POST /public/{token}/runs/query": Ask("secret", body={}),
    "GET /public/{token}/runs{query}": Ask("secret"),
    "GET /model-price-map": Ask("nothing"),
    "POST /model-price-map": Ask("whole", body=PRICE),
    "PUT /model-price-map/{price_id}": Ask("whole", body=PRICE),
    "DELETE /model-price-map/{price_id}": Ask("whole"),
    "GET /attachments/{sha256}": Ask("secret", {"mime_type": "text/plain", "expires": "9999999999", "signature": "x"}),
    # LangSmith v2, at its mounts
    "POST 2/runs/query": Ask("tells", body={"project_ids": ["SESSION"], "min_start_time": SINCE, "selects": ["name"]}),
    "GET 2/runs/{run_id}": Ask("tells", {"project_id": "SESSION", "selects": "name"}),
    "GET 2/runs/{run_id}/url": Ask("tells", {"project_id": "SESSION"}, tells="RUN"),
    "POST 2/runs/{run_id}/share": Ask("changes", body={}),
    "DELETE 2/runs/{trace_id}/share": Ask("changes"),
    "GET 2/public/{token}/run/{run_id}": Ask("secret"),
    "POST 2/public/{token}/runs/query": Ask("secret", body={}),
    "POST 2/traces/query": Ask("tells", body={"project_id": "SESSION", "min_start_time": SINCE, "selects": ["name"]}),
    "GET 2/traces/{trace_id}/runs": Ask("tells", {"project_id": "SESSION", "selects": "name"}),
    "POST 2/threads/query": Ask("tells", body={"project_id": "SESSION", "min_start_time": SINCE}),
    "POST 2/threads/stats": Ask(
        "tells", body={"project_id": "SESSION", "min_start_time": SINCE}, tells='"run_count":1'
    ),
    "GET 2/threads/{thread_id}/traces": Ask("tells", {"project_id": "SESSION", "selects": "name"}),
    "GET 2/threads/{thread_id}/stats": Ask("tells", {"session_id": "SESSION"}, tells="total_tokens"),
    "POST 2/threads/{thread_id}/share": Ask("changes", body={"project_id": "SESSION"}),
    "GET 2/threads/{thread_id}/share": Ask("tells", {"project_id": "SESSION"}, tells="share_token"),
    "DELETE 2/threads/{thread_id}/share": Ask("changes", {"project_id": "SESSION"}),
    "GET 2/sessions": Ask("tells"),
    "POST 2/sessions": Ask("changes", {"upsert": "true"}, {"name": THEIRS, "description": "changed"}),
    "GET 2/sessions/{session_id}": Ask("tells"),
    "PATCH 2/sessions/{session_id}": Ask("changes", body={"description": "changed"}),
    # the product's own
    f"GET {OURS}/session": Ask("nothing"),
    f"POST {OURS}/session": Ask("nothing", body={"key": "x"}),
    f"DELETE {OURS}/session": Ask("nothing"),
    f"GET {OURS}/openapi.json": Ask("nothing"),
    f"HEAD {OURS}/openapi.json": Ask("nothing"),
    f"GET {OURS}/keys": Ask("whole"),
    f"POST {OURS}/keys": Ask("whole", body={"name": "k", "scopes": ["read"]}),
    f"DELETE {OURS}/keys/{{key_id}}": Ask("whole"),
    f"GET {OURS}/users": Ask("whole"),
    f"PUT {OURS}/users/{{name}}": Ask("whole", body={"password": "correct horse battery"}),
    f"DELETE {OURS}/users/{{name}}": Ask("whole"),
    f"GET {OURS}/audit": Ask("whole"),
    f"GET {OURS}/projects/{{project}}/settings": Ask("tells", tells="Asia/Seoul"),
    f"PATCH {OURS}/projects/{{project}}/settings": Ask("changes", body={"time_zone": "UTC"}),
    f"POST {OURS}/projects/{{project}}/settings/masked": Ask("changes", body={"text": "t"}),
    f"GET {OURS}/projects/{{project}}/alerts": Ask("tells"),
    f"POST {OURS}/projects/{{project}}/alerts": Ask("changes", body=ALERT),
    f"POST {OURS}/projects/{{project}}/alerts/preview": Ask("tells", body=ALERT, tells="Asia/Seoul"),
    f"PUT {OURS}/projects/{{project}}/alerts/{{rule_id}}": Ask("changes", body=ALERT),
    f"DELETE {OURS}/projects/{{project}}/alerts/{{rule_id}}": Ask("changes"),
    f"POST {OURS}/projects/{{project}}/alerts/{{rule_id}}/test": Ask("changes", body={}),
    f"GET {OURS}/projects/{{project}}/alert-events": Ask("tells", tells='"events":['),
    f"DELETE {OURS}/projects/{{project}}/users/{{user}}/data": Ask("changes"),
    f"DELETE {OURS}/traces/{{trace_id}}": Ask("changes", PROJECT),
    f"GET {OURS}/projects": Ask("tells", tells=THEIRS),
    f"GET {OURS}/projects/{{project}}/summary": Ask("tells", tells='"total_tokens":30'),
    f"GET {OURS}/projects/{{project}}/nodes": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/models": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/facets": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/distributions": Ask("tells", {"of": "tokens"}, tells="buckets"),
    f"GET {OURS}/projects/{{project}}/series": Ask("tells", {**WINDOW, "by": "model"}),
    f"GET {OURS}/projects/{{project}}/users": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/threads": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/threads/{{thread_id}}": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/dearest": Ask("tells", tells="TRACE"),
    f"GET {OURS}/projects/{{project}}/nodes/{{node}}/worst": Ask("tells", tells="TRACE"),
    f"GET {OURS}/projects/{{project}}/coverage": Ask("tells", tells="call_path"),
    f"GET {OURS}/projects/{{project}}/releases": Ask("tells"),
    f"GET {OURS}/projects/{{project}}/contributions": Ask("tells", {"from": WINDOW["from"], "by": "model"}),
    f"GET {OURS}/traces": Ask("tells", PROJECT),
    f"GET {OURS}/traces/{{trace_id}}": Ask("tells"),
    f"GET {OURS}/traces/{{trace_id}}/topology": Ask("tells"),
    f"GET {OURS}/traces/{{trace_id}}/search": Ask("tells", {"q": "says"}, tells="RUN"),
    f"GET {OURS}/traces/{{trace_id}}/runs/{{run_id}}": Ask("tells"),
    f"GET {OURS}/charges": Ask("tells", {"trace_id": "TRACE"}),
    f"GET {OURS}/search": Ask("tells", {"q": "says"}),
    f"GET {OURS}/filter/fields": Ask("nothing"),
    f"GET {OURS}/live": Ask("tells", PROJECT, tells="", streams=True),
    f"GET {OURS}/explain": Ask("tells", {"project": THEIRS, **WINDOW}, tells="gpt-5.2"),
    f"GET {OURS}/export/runs": Ask("tells", {"project": THEIRS, **WINDOW}),
    f"GET {OURS}/export/charges": Ask("tells", {"project": THEIRS, **WINDOW}),
    f"GET {OURS}/prices": Ask("nothing"),
    f"GET {OURS}/prices/show": Ask("nothing", {"model": "gpt-5.2"}),
    f"GET {OURS}/prices/missing": Ask("tells"),
    f"GET {OURS}/prices/overrides": Ask("nothing"),
    f"PUT {OURS}/prices/overrides/{{name}}": Ask("whole", body={"toml": "x"}),
    f"DELETE {OURS}/prices/overrides/{{name}}": Ask("whole"),
    f"POST {OURS}/reprice": Ask("whole", body={"apply": True}),
    f"POST {OURS}/backup": Ask("whole", body={"target": "/nowhere/at/all"}),
    f"POST {OURS}/flush": Ask("nothing"),
    f"GET {OURS}/health": Ask("nothing"),
    f"POST {OURS}/agent/chat/{{chat_id}}/messages": Ask("whole", body={}),
    f"POST {OURS}/agent/chat/{{job_id}}/input": Ask("whole", body={}),
    f"POST {OURS}/agent/images": Ask("whole", body={}),
    f"GET {OURS}/agent/chat/{{job_id}}/events": Ask("whole"),
    f"GET {OURS}/agent/images/{{name}}": Ask("whole"),
    "GET /metrics": Ask("whole"),
    "GET /ok": Ask("nothing"),
}  # fmt: skip


LAST = (
    f"DELETE {OURS}/traces/{{trace_id}}",
    "POST /runs/delete",
    "POST /runs/delete/traces",
    f"DELETE {OURS}/projects/{{project}}/users/{{user}}/data",
    "DELETE /sessions/{session_id}",
)
"""Changes after which there is nothing left for others, in the order in which each finds something."""


def line_of(method: str, template: str) -> str:
    """The line of `ASKS` for a route, wherever it is mounted."""
    if found := OTLP_MOUNTS.fullmatch(template):
        return f"{method} {found.group(1)}"
    if V2_MOUNTS.match(template):
        return f"{method} 2{V2_MOUNTS.sub('', template)}"
    path = MOUNTS.sub("", template)
    return f"{method} {path.rstrip('/')}"


def route_of(line: str) -> tuple[str, str]:
    """One of the routes that a line stands for."""
    method, path = line.split(" ")
    return method, path.replace("2/", "/v2/", 1) if path.startswith("2") else path


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    app = create_app(Settings(data=tmp_path_factory.mktemp("routes") / "data"))

    async def walked() -> set[tuple[str, str]]:
        async with app.router.lifespan_context(app):
            return set(served(app.routes))

    found = asyncio.run(walked())
    return sorted((method, path) for method, path in found if path != PAGE_PATH and path not in TEMPLATES)


@dataclass
class World:
    server: Server
    admin: str
    mine: str
    """The text of a key of all scopes for our project alone."""
    mine_id: str
    ids: dict[str, str]
    """What stands in an ask for each placeholder."""

    def send(self, key: str, method: str, template: str, ask: Ask) -> httpx.Response:
        ids = {**self.ids, "NEW": str(uuid.uuid4())}

        def put(value: Any) -> Any:
            text = json.dumps(value)
            for name in filter(str.isupper, ids):
                text = text.replace(name, ids[name])
            return json.loads(text)

        path = re.sub(r"\{(\w+)\}", lambda found: ids[found.group(1)], template)
        headers = {"x-api-key": key, **ask.headers}
        body = ask.body if ask.body is None else put(ask.body)
        content = body.encode() if isinstance(body, str) else None
        more = {"content": content} if content else {"json": body} if body is not None else {}
        request = self.server.http.build_request(method, path, params=put(dict(ask.query)), headers=headers, **more)
        answer = self.server.http.send(request, stream=True)
        try:
            if not (ask.streams and answer.is_success):
                answer.read()
            return answer
        finally:
            answer.close()

    def told(self, method: str, path: str, **more: Any) -> Any:
        answer = self.server.http.request(method, path, headers={"x-api-key": self.admin}, **more)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    def all_of_theirs(self) -> dict[str, Any]:
        """Whatever a change of the other project, or of what all share, would show in."""
        self.told("POST", f"{OURS}/flush")
        session, run, thread = (self.ids[name] for name in ("SESSION", "RUN", "thread_id"))
        at = f"{OURS}/projects/{THEIRS}"
        paths = [
            f"{OURS}/export/runs?project={THEIRS}", f"{OURS}/export/charges?project={THEIRS}", f"{at}/settings",
            f"{at}/alerts", f"{at}/alert-events", f"/sessions/{session}", f"/sessions/{session}/metadata",
            f"/feedback?run={run}", f"/feedback/tokens?run_id={run}", f"/runs/{run}/share", "/feedback-configs",
            f"/v2/threads/{thread}/share?project_id={session}", "/model-price-map", f"{OURS}/prices/overrides",
            f"{OURS}/users", "/sessions",
        ]  # fmt: skip
        return {path: self.told("GET", path) for path in paths}


def populated(server: Server) -> World:
    def ask(method: str, path: str, key: str | None = None, **more: Any) -> Any:
        headers = {**({"x-api-key": key} if key else {}), **more.pop("headers", {})}
        answer = server.http.request(method, path, headers=headers, **more)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None

    every = ["ingest", "read", "admin"]
    admin = ask("POST", f"{OURS}/keys", json={"name": "admin", "scopes": every})["text"]
    mine = ask("POST", f"{OURS}/keys", admin, json={"name": "mine", "scopes": every, "projects": [MINE]})
    trace, step, run, second, own = (str(uuid.uuid4()) for _ in range(5))
    metadata = {
        "thread_id": f"thread-{WORD}", "user_id": f"user-{WORD}", "langgraph_node": f"node-{WORD}",
        "ls_provider": "openai", "ls_model_name": f"model-{WORD}", "revision_id": f"release-{WORD}",
        "everytoken_graph": {"nodes": [f"node-{WORD}"], "edges": []},
    }  # fmt: skip
    said = {
        "start_time": "2026-11-22T12:00:00Z", "end_time": "2026-11-22T12:00:01Z", "session_name": THEIRS,
        "inputs": {"q": f"says {WORD}"}, "tags": [f"tag-{WORD}"], "error": f"error {WORD}",
        "events": [{"name": "new_token", "time": "2026-11-22T12:00:00.5Z", "kwargs": {"token": WORD}}],
        "outputs": {"usage_metadata": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}},
        "extra": {"metadata": metadata},
    }  # fmt: skip
    root = {**said, "id": trace, "trace_id": trace, "name": f"root {WORD}", "run_type": "chain", "outputs": {"a": WORD},
            "dotted_order": f"20261122T120000000000Z{trace}"}  # fmt: skip
    at = f"20261122T120000000000Z{trace}.20261122T120000000000Z{step}"
    node = {**said, "id": step, "trace_id": trace, "parent_run_id": trace, "name": f"node-{WORD}", "run_type": "chain",
            "outputs": {"a": WORD}, "dotted_order": at}  # fmt: skip
    call = {**said, "id": run, "trace_id": trace, "parent_run_id": step, "name": f"call {WORD}", "run_type": "llm",
            "dotted_order": f"{at}.20261122T120000000000Z{run}"}  # fmt: skip
    priced = {**call, "id": second, "dotted_order": f"{at}.20261122T120000000000Z{second}", "extra": {"metadata": {
        **metadata, "ls_model_name": "gpt-5.2"}}}  # fmt: skip
    ask("POST", "/runs/batch", admin, json={"post": [root, node, call, priced], "patch": []})
    plain = {"id": own, "trace_id": own, "name": "plain", "run_type": "chain", "session_name": MINE}
    ask("POST", "/runs", admin, json={**plain, "start_time": said["start_time"], "end_time": said["end_time"]})
    ask("POST", f"{OURS}/flush", admin)
    session = next(row["id"] for row in ask("GET", "/sessions", admin) if row["name"] == THEIRS)
    ask("PATCH", f"/sessions/{session}", admin, json={"description": f"about {WORD}"})
    ask("PATCH", f"{OURS}/projects/{THEIRS}/settings", admin, json={"time_zone": "Asia/Seoul"})
    feedback = ask("POST", "/feedback", admin, json={"key": f"key-{WORD}", "run_id": run, "comment": WORD})
    rule = ask(
        "POST", f"{OURS}/projects/{THEIRS}/alerts", admin, json={**ALERT, "name": f"rule {WORD}", "enabled": False}
    )
    share = ask("PUT", f"/runs/{run}/share", admin, json={})["share_token"]
    ask("POST", f"/v2/threads/thread-{WORD}/share", admin, json={"project_id": session})
    token = ask("POST", "/feedback/tokens", admin, json={"run_id": run, "feedback_key": "k"})["id"]
    ids = {
        "SESSION": session, "TRACE": trace, "RUN": run, "SHARE": share, "TOKEN": token,
        "session_id": session, "trace_id": trace, "run_id": run, "thread_id": f"thread-{WORD}", "project": THEIRS,
        "node": f"node-{WORD}", "user": f"user-{WORD}", "rule_id": rule["rule"]["rule_id"],
        "feedback_id": feedback["id"], "token": str(uuid.uuid4()), "sha256": "0" * 64, "price_id": str(uuid.uuid4()),
        "key_id": "nobody", "name": "name", "chat_id": "c", "job_id": "j", "query": "",
    }  # fmt: skip
    return World(server, admin, mine["text"], mine["key"]["key_id"], ids)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    port = free_port()
    with serving(tmp_path_factory.mktemp("walk") / "data", EVERYTOKEN_OTLP_GRPC_PORT=str(port)) as server:
        world = populated(server)
        world.ids["GRPC"] = f"127.0.0.1:{port}"
        yield world


def secrets_of(world: World, asked: httpx.Request) -> list[str]:
    """What an answer must not hold: the project's word, and its names and ids unless the question held them."""
    question = f"{asked.url} {asked.content.decode()} {asked.headers.get('langsmith-project', '')}"
    names = [
        THEIRS,
        *(world.ids[name] for name in ("SESSION", "TRACE", "RUN", "SHARE", "TOKEN", "feedback_id", "rule_id")),
    ]
    return [WORD, *(name for name in names if name not in question)]


def unaddressed(ask: Ask) -> Ask:
    """The same question without the name of a project."""
    dropped = {"project", "project_id", "project_ids", "session", "session_id"}
    query = {name: value for name, value in ask.query.items() if name not in dropped}
    body = ask.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in dropped}
    return replace(ask, query=query, body=body)


def test_every_route_has_a_line_and_every_line_a_route(mounted: list[tuple[str, str]]) -> None:
    lines = {line_of(*route) for route in mounted}
    assert len(mounted) > 200
    assert sorted(lines - set(ASKS)) == []
    assert sorted(set(ASKS) - lines) == []


def test_a_key_for_one_project_is_told_nothing_of_another_and_changes_nothing(
    world: World, mounted: list[tuple[str, str]]
) -> None:
    before = world.all_of_theirs()
    faults = []
    for method, template in mounted:
        ask = ASKS[line_of(method, template)]
        for one in (ask, unaddressed(ask)) if ask.kind == "tells" else (ask,):
            answer = world.send(world.mine, method, template, one)
            if one.streams and answer.is_success:
                continue  # what a feed of all one's projects tells is looked at on its own
            told = [name for name in secrets_of(world, answer.request) if name in answer.text]
            if told or answer.status_code >= 500 or (ask.kind == "whole" and answer.status_code != 403):
                faults.append((method, template, answer.status_code, told, answer.text[:300]))
    assert not faults, "\n".join(map(str, faults))
    assert world.all_of_theirs() == before
    audit = world.told("GET", f"{OURS}/audit?limit=500")["entries"]
    assert [entry for entry in audit if entry["actor"] == f"key:{world.mine_id}"] == []


def test_spans_over_grpc_need_a_key_of_their_project(world: World) -> None:
    before = world.all_of_theirs()
    body = protobuf_body(request(span(1)))

    def export(key: str | None, project: str) -> ExportTraceServiceResponse:
        metadata = [("langsmith-project", project), *([("x-api-key", key)] if key else [])]
        with grpc.insecure_channel(world.ids["GRPC"]) as channel:
            told = channel.unary_unary(EXPORT)(body, timeout=10, metadata=metadata)
        answer: ExportTraceServiceResponse = ExportTraceServiceResponse.FromString(told)
        return answer

    reader = world.told("POST", f"{OURS}/keys", json={"name": "reader", "scopes": ["read"]})["text"]
    refused = []
    for key in (None, "et_000000000000_wrong", reader):
        with pytest.raises(grpc.RpcError) as raised:
            export(key, THEIRS)
        refused.append(raised.value.code())
    assert refused == [
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
    ]
    assert export(world.mine, THEIRS).partial_success.rejected_spans == 1
    assert world.all_of_theirs() == before
    assert export(world.mine, MINE).partial_success.rejected_spans == 0


def test_what_the_lines_ask_for_is_there_to_be_told(world: World) -> None:
    silent = []
    for line, ask in ASKS.items():
        if ask.kind == "tells":
            method, template = route_of(line)
            answer = world.send(world.admin, method, template, ask)
            expected = world.ids.get(ask.tells, ask.tells)
            if not answer.is_success or not (ask.streams or expected in answer.text):
                silent.append((line, answer.status_code, "" if ask.streams else answer.text[:300]))
    assert not silent, "\n".join(map(str, silent))


def test_what_the_lines_change_is_there_to_be_changed(world: World) -> None:
    refused = []
    for line in sorted(ASKS, key=lambda line: (LAST.index(line) if line in LAST else -1, line.startswith("DELETE"))):
        ask = ASKS[line]
        if ask.kind == "changes":
            method, template = route_of(line)
            answer = world.send(world.admin, method, template, ask)
            if not answer.is_success:
                refused.append((line, answer.status_code, answer.text[:300]))
    assert not refused, "\n".join(map(str, refused))
