"""LangSmith's read API, asked by the published `langsmith` client, as it is, of a real server process."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from langsmith import Client
from langsmith.run_trees import RunTree
from langsmith.utils import LangSmithConflictError, LangSmithError, LangSmithNotFoundError
from tests.store.serving import Server, serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::langsmith.utils.LangSmithWarning")
USD = Decimal("0.00025025")
"""gpt-5.2: 47 in at $1.75/M and 12 out at $14/M are 0.00008225 + 0.000168."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("langsmith") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    client = Client(api_url=server.url, api_key="local")
    yield client
    client.cleanup()


def asked(server: Server, question: Callable[[Client], Any]) -> Any:
    """The answer of the client's generated half, which is asynchronous: a value, or all items of all pages."""

    async def ask() -> Any:
        client = Client(api_url=server.url, api_key="local")
        answer = question(client)
        if hasattr(answer, "__aiter__"):
            return [item async for item in answer]
        return await answer

    return asyncio.run(ask())


def send(
    client: Client, server: Server, project: str, *, thread: str = "t-1", tokens: tuple[int, int] = (47, 12),
    error: str | None = None, **metadata: Any,
) -> RunTree:  # fmt: skip
    """A root with a step, and in the step one priced call."""
    extra = {"metadata": {"thread_id": thread, **metadata}}
    root = RunTree(
        name="chat", run_type="chain", inputs={"question": "what is 47 + 12?"}, extra=extra, tags=["prod"],
        project_name=project, ls_client=client,
    )  # fmt: skip
    root.post()
    step = root.create_child(name="plan", run_type="chain", extra={"metadata": {"team": "a"}})
    step.post()
    call = step.create_child(
        name="ChatOpenAI", run_type="llm", inputs={"q": 1},
        extra={"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}},
    )  # fmt: skip
    call.post()
    given, made = tokens
    call.end(
        outputs={
            "a": "ok",
            "usage_metadata": {"input_tokens": given, "output_tokens": made, "total_tokens": given + made},
        }
    )
    call.patch()
    step.end(outputs={})
    step.patch()
    root.end(outputs={"answer": "59"}, error=error)
    root.patch()
    client.flush()
    server.flush()
    return root


def test_a_run_is_read_back_with_the_sums_of_its_charges(client: Client, server: Server) -> None:
    root = send(client, server, "read-run")

    run = client.read_run(root.id, load_child_runs=True)

    assert (run.name, run.run_type, run.status, run.tags) == ("chat", "chain", "success", ["prod"])
    assert run.inputs == {"question": "what is 47 + 12?"}
    assert run.outputs == {"answer": "59"}
    assert run.extra is not None
    assert run.extra["metadata"]["thread_id"] == "t-1"
    (step,) = run.child_runs or []
    (call,) = step.child_runs or []
    for row in (run, step, call):
        assert (row.prompt_tokens, row.completion_tokens, row.total_tokens) == (47, 12, 59)
        assert (row.total_cost, row.prompt_cost, row.completion_cost) == (
            USD,
            Decimal("0.00008225"),
            Decimal("0.000168"),
        )
    assert call.parent_run_ids == [root.id, step.id]
    with pytest.raises(LangSmithNotFoundError):
        client.read_run(uuid.uuid4())


def test_runs_are_listed_by_filter(client: Client, server: Server) -> None:
    good = send(client, server, "filters", thread="t-good", tokens=(1000, 5), customer="acme", nested={"plan": "pro"})
    bad = send(client, server, "filters", thread="t-bad", error="ValueError: broke", customer="zeta")

    def roots(text: str, **more: Any) -> set[uuid.UUID]:
        return {run.id for run in client.list_runs(project_name="filters", filter=text, is_root=True, **more)}

    both = {good.id, bad.id}
    assert roots("eq(is_root, true)") == both
    assert roots('eq(thread_id, "t-good")') == {good.id}
    assert roots("neq(error, null)") == {bad.id}
    assert roots('eq(status, "error")') == {bad.id}
    assert roots('has(tags, "prod")') == both
    assert roots('has(metadata, \'{"customer": "acme"}\')') == {good.id}
    assert roots('and(eq(metadata_key, "customer"), eq(metadata_value, "acme"))') == {good.id}
    assert roots('and(eq(metadata_value, "zeta"), eq(metadata_key, "customer"))') == {bad.id}
    assert roots('and(eq(metadata_key, "customer"), neq(metadata_value, "acme"))') == {bad.id}
    assert roots('eq(metadata_key, "nested.plan")') == {good.id}
    assert roots('neq(metadata_key, "nested")') == {bad.id}
    assert roots('eq(metadata_value, "zeta")') == {bad.id}
    assert roots('and(eq(metadata_key, "thread_id"), eq(metadata_value, "acme"))') == set()
    assert roots("gt(total_tokens, 59)") == {good.id}
    assert roots("lte(total_cost, 0.00025025)") == {bad.id}
    assert roots('search("47 + 12")') == both
    assert roots('search("VALUEERROR")') == {bad.id}
    assert roots('not(search(error, "broke"))') == {good.id}
    assert roots('like(name, "ch%")') == both
    assert roots(f'in(id, ["{good.id}"])') == {good.id}
    assert roots('gt(start_time, "2026-01-01T00:00:00Z")') == both
    assert roots('lt(latency, "10s")') == both
    assert roots('or(eq(run_type, "LLM"), eq(thread_id, "t-bad"))') == {bad.id}
    assert roots('eq(run_type, "chain")', tree_filter='eq(name, "ChatOpenAI")') == both
    assert roots("eq(is_root, true)", query="broke") == {bad.id}
    calls = list(client.list_runs(project_name="filters", run_type="llm", trace_filter='eq(thread_id, "t-good")'))
    assert [(call.trace_id, call.total_tokens) for call in calls] == [(good.id, 1005)]
    assert [run.id for run in client.list_runs(project_name="filters", error=True)] == [bad.id]
    assert {run.name for run in client.list_runs(project_name="filters", parent_run_id=good.id)} == {"plan"}
    assert len(list(client.list_runs(trace_id=good.id))) == 3


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ('eqq(name, "x")', 0, "did you mean eq?"),
        ('eq(nam, "x")', 3, "did you mean name?"),
        ('eq(id, "x")', 7, "ids are UUIDs"),
        ('gt(latency, "soon")', 12, "not a duration"),
        ('gt(start_time, "yesterday")', 15, "not a time"),
        ("gt(total_tokens, true)", 17, "not a number"),
        ("eq(name, 5)", 9, "written in quotes"),
        ('like(is_root, "x")', 14, "true or false"),
        ('has(name, "x")', 4, "has has no meaning"),
        ('has(metadata, "x")', 14, "a JSON object"),
        ("eq(name", 7, "found the end"),
    ],
)
def test_a_wrong_filter_is_answered_with_its_position(server: Server, text: str, position: int, says: str) -> None:
    for path in ("/runs/query", "/api/v1/runs/query", "/api/v2/runs/query", "/runs/stats"):
        wrong = server.http.post(path, json={"filter": text})
        assert wrong.status_code == 400, wrong.text
        assert wrong.json()["position"] == position
        assert says in wrong.json()["detail"]


def test_250_runs_come_in_pages_without_gap_or_repeat(client: Client, server: Server) -> None:
    sent = []
    for number in range(250):
        run = RunTree(name=f"n{number}", run_type="chain", project_name="pages", ls_client=client, inputs={"n": number})
        run.post()
        run.end(outputs={})
        run.patch()
        sent.append(run.id)
    client.flush()
    server.flush()

    runs = list(client.list_runs(project_name="pages", select=["inputs", "total_tokens"]))
    assert [run.id for run in runs] == sorted((run.id for run in runs), key=sent.index, reverse=True)
    assert {run.id for run in runs} == set(sent)
    assert runs[0].inputs == {"n": 249}
    assert len(list(client.list_runs(project_name="pages", limit=120))) == 120

    raw = server.http.post("/runs/query", json={"id": [str(sent[3])], "select": ["name"]}).json()["runs"][0]
    assert raw["name"] == "n3"
    assert "inputs" not in raw
    pages = [str(client.read_project(project_name="pages").id)]
    again = asked(server, lambda c: c.runs.query(project_ids=pages, selects=["NAME"], page_size=100))
    assert [uuid.UUID(item.id) for item in again] == [run.id for run in runs]


def test_statistics_count_each_charge_once(client: Client, server: Server) -> None:
    send(client, server, "stats")
    send(client, server, "stats", error="boom", thread="t-2")

    stats = client.get_run_stats(project_names=["stats"])
    assert (stats["run_count"], stats["total_tokens"], stats["prompt_tokens"]) == (6, 118, 94)
    assert stats["total_cost"] == pytest.approx(0.0005005)
    roots = client.get_run_stats(project_names=["stats"], is_root=True)
    assert (roots["run_count"], roots["total_tokens"], roots["error_rate"], roots["median_tokens"]) == (2, 118, 0.5, 59)
    assert roots["latency_p50"] > 0
    session = str(client.read_project(project_name="stats").id)
    body: dict[str, Any] = {"session": [session], "group_by": {"attribute": "name"}}
    by_name = server.http.post("/runs/stats", json=body).json()
    assert {name: (row["run_count"], row["total_tokens"]) for name, row in by_name.items()} == {
        "chat": (2, 118), "plan": (2, 118), "ChatOpenAI": (2, 118),
    }  # fmt: skip
    body = {"session": [session], "is_root": True, "group_by": {"attribute": "metadata", "path": "thread_id"}}
    by_thread = server.http.post("/runs/stats", json=body).json()
    assert {name: row["total_tokens"] for name, row in by_thread.items()} == {"t-1": 59, "t-2": 59}
    assert server.http.post("/runs/stats", json={**body, "group_by": {"attribute": "x"}}).status_code == 400


def test_projects_are_made_changed_listed_and_deleted(client: Client, server: Server) -> None:
    assert client.has_project("default")
    made = client.create_project("crud", description="first", metadata={"team": "a"})
    with pytest.raises(LangSmithConflictError):
        client.create_project("crud")
    assert client.create_project("crud", description="second", upsert=True).id == made.id
    changed = client.update_project(made.id, name="crud-renamed", end_time=datetime(2026, 1, 2, tzinfo=UTC))
    assert (changed.name, changed.description, changed.metadata) == ("crud-renamed", "second", {"team": "a"})

    send(client, server, "crud-renamed")
    read = client.read_project(project_id=str(made.id), include_stats=True)
    assert (read.run_count, read.total_tokens, read.total_cost, read.error_rate) == (1, 59, USD, 0.0)
    assert read.latency_p50 is not None
    with pytest.raises(LangSmithError, match="keeps its name"):
        client.update_project(made.id, name="other")
    assert [project.id for project in client.list_projects(name="crud-renamed")] == [made.id]
    assert [project.id for project in client.list_projects(metadata={"team": "a"})] == [made.id]
    assert made.id in {project.id for project in client.list_projects()}

    client.delete_project(project_id=str(made.id))
    assert not client.has_project("crud-renamed")
    send(client, server, "crud-renamed")
    again = client.read_project(project_name="crud-renamed", include_stats=True)
    assert again.id != made.id
    assert again.run_count == 1


def test_projects_answer_v2_too(client: Client, server: Server) -> None:
    send(client, server, "v2-project")
    made = asked(server, lambda c: c.sessions.create_v2(type="PROJECT", name="v2-made", description="new"))
    assert (made.name, made.type, made.description) == ("v2-made", "PROJECT", "new")
    changed = asked(server, lambda c: c.sessions.update_v2(made.id, description="changed"))
    assert changed.description == "changed"
    listed = asked(server, lambda c: c.sessions.list_v2(name_contains="v2-", page_size=1, include_stats=True))
    assert [(project.name, project.run_count, project.total_tokens) for project in listed] == [
        ("v2-made", 0, 0), ("v2-project", 1, 59),
    ]  # fmt: skip
    read = asked(server, lambda c: c.sessions.retrieve_v2(listed[1].id, include_stats=True))
    assert (read.total_cost, read.trace_tier) == (pytest.approx(0.00025025), "LONG_LIVED")
    again = server.http.post("/api/v2/sessions", json={"type": "PROJECT", "name": "v2-made"})
    assert again.status_code == 409


def test_feedback_by_request_and_by_part_is_read_changed_and_filtered_by(client: Client, server: Server) -> None:
    root = send(client, server, "feedback")
    other = send(client, server, "feedback", thread="t-2")
    direct = client.create_feedback(root.id, "helpful", score=0.25, comment="so so", source_info={"by": "me"})
    client.create_feedback(trace_id=other.trace_id, run_id=other.id, key="helpful", score=1, value="yes")
    client.flush()
    server.flush()

    held = client.read_feedback(direct.id)
    assert (held.key, held.score, held.comment, held.trace_id) == ("helpful", 0.25, "so so", root.id)
    assert held.session_id == client.read_project(project_name="feedback").id
    assert {row.score for row in client.list_feedback(feedback_key=["helpful"])} == {0.25, 1}
    assert [row.run_id for row in client.list_feedback(run_ids=[other.id])] == [other.id]
    client.update_feedback(direct.id, score=0.75)
    assert client.read_feedback(direct.id).score == 0.75

    def roots(text: str) -> set[uuid.UUID]:
        return {run.id for run in client.list_runs(project_name="feedback", filter=text, is_root=True)}

    assert roots('and(eq(feedback_key, "helpful"), gte(feedback_score, 0.9))') == {other.id}
    assert roots('eq(feedback_key, "helpful")') == {root.id, other.id}
    assert roots('neq(feedback_key, "helpful")') == set()
    stats = client.read_run(root.id).feedback_stats
    assert stats is not None
    assert (stats["helpful"]["n"], stats["helpful"]["avg"]) == (1, 0.75)
    project = client.read_project(project_name="feedback", include_stats=True)
    assert project.feedback_stats is not None
    assert project.feedback_stats["helpful"]["avg"] == 0.875
    told = client.get_run_stats(project_names=["feedback"], filter='eq(thread_id, "t-2")')["feedback_stats"]
    assert (told["helpful"]["n"], told["helpful"]["avg"], told["helpful"]["values"]) == (1, 1.0, {"yes": 1})

    client.delete_feedback(direct.id)
    with pytest.raises(LangSmithNotFoundError):
        client.read_feedback(direct.id)


def test_feedback_comes_by_token_and_keys_have_configs(client: Client, server: Server) -> None:
    root = send(client, server, "tokens")
    token = client.create_presigned_feedback_token(root.id, "stars", expiration=timedelta(hours=1))
    assert httpx.get(token.url, params={"score": 4}).status_code == 200
    client.create_feedback_from_token(token.url, score=5)
    assert sorted(row.score for row in client.list_feedback(run_ids=[root.id])) == [4, 5]  # type: ignore[type-var]

    config: Any = {"type": "continuous", "min": 0, "max": 5, "categories": None}
    client.create_feedback_config("stars", feedback_config=config)
    assert [row.feedback_key for row in client.list_feedback_configs()] == ["stars"]
    wrong: Any = {**config, "max": 6}
    with pytest.raises(LangSmithError, match="already exists"):
        client.create_feedback_config("stars", feedback_config=wrong)
    client.delete_feedback_config("stars")
    assert list(client.list_feedback_configs()) == []


def test_a_shared_run_is_read_by_its_token_alone(client: Client, server: Server) -> None:
    root = send(client, server, "shares")
    other = send(client, server, "shares")
    link = client.share_run(root.id)
    assert client.read_run_shared_link(root.id) == link
    token = link.split("/")[-2]

    assert client.read_shared_run(token).id == root.id
    assert {run.name for run in client.list_shared_runs(token)} == {"chat", "plan", "ChatOpenAI"}
    assert server.http.get(f"/public/{token}/run/{other.id}").status_code == 404
    client.unshare_run(root.id)
    assert client.read_run_shared_link(root.id) is None
    with pytest.raises(LangSmithNotFoundError):
        client.read_shared_run(token)


def test_threads_gather_the_traces_of_one_conversation(client: Client, server: Server) -> None:
    first = send(client, server, "threads", thread='it\'s "a" \\ thread')
    second = send(client, server, "threads", thread='it\'s "a" \\ thread', error="boom")
    send(client, server, "threads", thread="other")

    runs = list(client.read_thread(thread_id='it\'s "a" \\ thread', project_name="threads", order="asc"))
    assert [run.id for run in runs] == [first.id, second.id]
    listed = client.list_threads(project_name="threads")
    assert [(thread["thread_id"], thread["count"]) for thread in listed] == [("other", 1), ('it\'s "a" \\ thread', 2)]

    project_id = str(client.read_project(project_name="threads").id)
    items = asked(server, lambda c: c.threads.query(project_id=project_id))
    assert [(item.thread_id, item.count, item.total_tokens) for item in items] == [
        ("other", 1, 59), ('it\'s "a" \\ thread', 2, 118),
    ]  # fmt: skip
    assert (items[1].last_error, items[1].num_errored_turns, items[1].first_trace_id) == ("boom", 1, str(first.id))
    assert items[1].total_cost == pytest.approx(0.0005005)
    selects: Any = ["NAME", "TOTAL_TOKENS"]
    traces = asked(server, lambda c: c.threads.list_traces("other", project_id=project_id, selects=selects))
    stats = asked(server, lambda c: c.threads.stats("other", session_id=project_id, selects=["TURNS"]))
    assert (stats.turns, stats.total_tokens) == (1, 59)
    assert [(trace.name, trace.total_tokens) for trace in traces] == [("chat", 59)]
    body = {"session_id": project_id, "group_by": "conversation"}
    groups = server.http.post("/api/v1/runs/group", json=body).json()
    assert [(group["group_key"], group["count"]) for group in groups["groups"]] == [
        ("other", 1), ('it\'s "a" \\ thread', 2),
    ]  # fmt: skip


def test_v2_answers_what_is_selected_with_own_numbers(client: Client, server: Server) -> None:
    root = send(client, server, "v2")
    project_id = str(client.read_project(project_name="v2").id)

    bare = asked(server, lambda c: c.runs.query(project_ids=[project_id], is_root=True))
    assert [item.model_dump(exclude_unset=True) for item in bare] == [{"id": str(root.id)}]
    selects: Any = ["NAME", "TOTAL_TOKENS", "TOTAL_COST", "STATUS", "RUN_TYPE"]

    def only(**which: Any) -> Any:
        (item,) = asked(server, lambda c: c.runs.query(project_ids=[project_id], selects=selects, **which))
        return item.name, item.status, item.run_type, item.total_tokens, item.total_cost

    cost = pytest.approx(0.00025025)
    assert only(is_root=True) == ("chat", "SUCCESS", "CHAIN", 0, None)
    assert only(is_root=True, include_subtree_usage=True) == ("chat", "SUCCESS", "CHAIN", 59, cost)
    assert only(run_type="LLM") == ("ChatOpenAI", "SUCCESS", "LLM", 59, cost)
    start = root.start_time
    one = asked(
        server,
        lambda c: c.runs.retrieve(
            str(root.id), project_id=project_id, start_time=start, selects=["INPUTS", "PARENT_RUN_IDS"]
        ),
    )
    assert (one.inputs, one.parent_run_ids) == ({"question": "what is 47 + 12?"}, [])
    shared = asked(server, lambda c: c.runs.share.create(str(root.id), session_id=project_id, trace_id=str(root.id)))
    public = asked(
        server,
        lambda c: c.public.runs.retrieve(
            str(root.id), share_token=shared.share_token, start_time=start, selects=["NAME"]
        ),
    )
    assert public.name == "chat"
    url = asked(server, lambda c: c.runs.get_url(str(root.id), project_id=project_id, trace_id=str(root.id)))
    assert f"/projects/p/{project_id}/r/{root.id}" in url.url

    (trace,) = asked(server, lambda c: c.traces.query(project_id=project_id, selects=["NAME"]))
    assert (trace.root_run.id, trace.trace_aggregates.total_tokens) == (str(root.id), 59)
    window: Any = {"min_start_time": start - timedelta(hours=1), "max_start_time": start + timedelta(hours=1)}
    below = asked(server, lambda c: c.traces.list_runs(str(root.id), project_id=project_id, selects=["NAME"], **window))
    assert [item.name for item in below.items] == ["chat", "plan", "ChatOpenAI"]
    unknown = server.http.post("/v2/runs/query", json={"project_ids": [str(uuid.uuid4())]})
    assert unknown.status_code == 404


def test_attachments_come_by_signed_address_alone(client: Client, server: Server) -> None:
    root = RunTree(name="look", project_name="files", ls_client=client, inputs={})
    files: Any = {"photo": ("image/png", b"\x89PNG bytes"), "page": ("text/html", b"<script>")}
    root.attachments = files
    root.post()
    root.end(outputs={})
    root.patch()
    client.flush()
    server.flush()

    run = client.read_run(root.id)
    assert run.attachments is not None
    assert run.attachments["photo"]["reader"].read() == b"\x89PNG bytes"
    path = run.attachments["page"]["presigned_url"]
    page = server.http.get(path)
    assert (page.content, page.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert server.http.get(path.replace("octet", "x").replace("html", "plain")).status_code == 403


def test_deleted_traces_are_gone_with_their_charges(client: Client, server: Server) -> None:
    gone = send(client, server, "deletes", customer="a")
    also = send(client, server, "deletes", customer="b")
    kept = send(client, server, "deletes", customer="c")
    session = str(client.read_project(project_name="deletes").id)

    assert server.http.post("/runs/delete", json={"session_id": session}).status_code == 422
    for which in ({"trace_ids": [str(gone.id)]}, {"metadata": {"customer": "b"}}):
        assert server.http.post("/runs/delete", json={"session_id": session, **which}).status_code == 200

    assert {run.id for run in client.list_runs(project_name="deletes", is_root=True)} == {kept.id}
    assert client.get_run_stats(project_names=["deletes"])["total_tokens"] == 59
    with pytest.raises(LangSmithNotFoundError):
        client.read_run(also.id)


def test_prices_and_settings_are_answered(server: Server) -> None:
    price = {"name": "mine", "match_pattern": "^mine$", "prompt_cost": "0.000001", "completion_cost": 0.000002}
    made = server.http.post("/model-price-map", json=price).json()
    assert server.http.post("/model-price-map", json=price).status_code == 409
    changed = server.http.put(f"/model-price-map/{made['id']}", json={**price, "prompt_cost": "0.000003"}).json()
    assert [row["prompt_cost"] for row in server.http.get("/model-price-map", params={"q": "MIN"}).json()] == [
        "0.000003"
    ]
    assert server.http.delete(f"/model-price-map/{changed['id']}").status_code == 200
    assert server.http.get("/api/v1/model-price-map").json() == []
    settings = server.http.get("/settings").json()
    assert uuid.UUID(settings["id"])
    assert settings["display_name"] == "everytoken"
