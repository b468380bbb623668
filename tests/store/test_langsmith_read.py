"""LangSmith's read API, asked by the published `langsmith` client, as it is, of a real server process."""

import asyncio
import functools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from langsmith import AsyncClient, Client, agent_address
from langsmith.run_trees import RunTree
from langsmith.utils import LangSmithConflictError, LangSmithError, LangSmithNotFoundError
from tests.store.clickhouse_server import ClickHouse
from tests.store.serving import Server, serving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::langsmith.utils.LangSmithWarning")
ENGINES = ("embedded", "http", "two_shards")
"""Where the ledger lies: tests marked `every_engine` hold in all of them, the others ask nothing that could differ."""
USD = Decimal("0.00025025")
"""gpt-5.2: 47 in at $1.75/M and 12 out at $14/M are 0.00008225 + 0.000168."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    engines = ENGINES if metafunc.definition.get_closest_marker("every_engine") else ENGINES[:1]
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", engines, indirect=True, scope="module")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("langsmith") / "data"
    if request.param == "http":
        clickhouse: ClickHouse = request.getfixturevalue("clickhouse")
        url = clickhouse.database()
        with serving(data, EVERYTOKEN_CLICKHOUSE_URL=url) as server:
            yield server
        clickhouse.drop(url)
        return
    program = "tests.store.sharded_serve" if request.param == "two_shards" else "everytoken.cli"
    with serving(data, program=program) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    client = Client(api_url=server.url, api_key="local")
    yield client
    client.cleanup()
    runner, asking = generated(server.url)
    runner.run(asking._get_langsmith_api().close())
    runner.close()


@functools.cache
def generated(url: str) -> tuple[asyncio.Runner, Client]:
    """The client's generated half is asynchronous. One for all questions: each new one reads the certificates anew."""
    return asyncio.Runner(), Client(api_url=url, api_key="local")


def asked(server: Server, question: Callable[[Client], Any]) -> Any:
    """What the generated half answers: a value, or all items of all pages."""
    runner, asking = generated(server.url)

    async def ask() -> Any:
        answer = question(asking)
        if hasattr(answer, "__aiter__"):
            return [item async for item in answer]
        return await answer

    return runner.run(ask())


def send(
    client: Client, server: Server, project: str, *, thread: str = "t-1", tokens: tuple[int, int] | None = (47, 12),
    error: str | None = None, **metadata: Any,
) -> RunTree:  # fmt: skip
    """A root with a step, and in the step one priced call; without tokens, it tells no usage."""
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
    outputs: dict[str, Any] = {"a": "ok"}
    if tokens:
        given, made = tokens
        outputs["usage_metadata"] = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
    call.end(outputs=outputs)
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


@pytest.mark.every_engine
def test_runs_are_listed_by_filter(client: Client, server: Server) -> None:
    good = send(client, server, "filters", thread="t-good", tokens=(1000, 5), customer="acme", nested={"plan": "pro"})
    bad = send(client, server, "filters", thread="t-bad", error="ValueError: broke", customer="zeta")

    session = client.read_project(project_name="filters").id

    def roots(text: str, **more: Any) -> set[uuid.UUID]:
        found = client.list_runs(project_id=session, filter=text, is_root=True, select=["id"], **more)
        return {run.id for run in found}

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
    assert roots(f'eq(session_id, "{session}")') == both
    assert roots(f'neq(session_id, "{session}")') == set()
    assert roots(f'in(id, ["{good.id}"])') == {good.id}
    assert roots('gt(start_time, "2026-01-01T00:00:00Z")') == both
    assert roots('lt(latency, "10s")') == both
    assert roots('or(eq(run_type, "LLM"), eq(thread_id, "t-bad"))') == {bad.id}
    assert roots('eq(run_type, "chain")', tree_filter='eq(name, "ChatOpenAI")') == both
    assert roots("eq(is_root, true)", query="broke") == {bad.id}
    assert roots('has(metadata, \'{"nested": {"plan": "pro"}, "customer": "acme"}\')') == {good.id}
    assert roots('has(metadata, \'{"customer": ""}\')') == roots('has(metadata, \'{"plan": ""}\')') == set()
    assert roots('and(in(status, ["ERROR"]), in(run_type, ["CHAIN"]))') == {bad.id}
    assert roots("neq(tags, null)") == both
    assert roots('lt(latency, "1m30s")') == both
    calls = list(client.list_runs(project_name="filters", run_type="llm", trace_filter='eq(thread_id, "t-good")'))
    assert [(call.trace_id, call.total_tokens) for call in calls] == [(good.id, 1005)]
    assert [run.id for run in client.list_runs(project_name="filters", error=True)] == [bad.id]
    assert {run.name for run in client.list_runs(project_name="filters", parent_run_id=good.id)} == {"plan"}
    assert len(list(client.list_runs(trace_id=good.id))) == 3


def test_the_asynchronous_client_reads_the_same(client: Client, server: Server) -> None:
    root = send(client, server, "asynchronous")

    async def ask(reading: AsyncClient) -> None:
        found = [run async for run in reading.list_runs(project_name="asynchronous", filter="gt(total_tokens, 58)")]
        assert [run.name for run in found] == ["ChatOpenAI", "plan", "chat"]
        assert (await reading.read_run(root.id)).total_cost == USD
        made = await reading.create_project("asynchronous-made")
        assert (await reading.read_project(project_name="asynchronous-made")).id == made.id
        await reading.delete_project(project_name="asynchronous-made")
        assert (await reading.create_feedback(root.id, "async", score=1)).score == 1
        token = await reading.create_presigned_feedback_token(root.id, "async")
        await reading.create_feedback_from_token(token.url, score=0)
        assert {row.score async for row in reading.list_feedback(run_ids=[root.id])} == {0, 1}
        link = await reading.share_run(root.id)
        assert await reading.read_run_shared_link(root.id) == link

    async def opened() -> None:
        async with AsyncClient(api_url=server.url, api_key="local") as reading:
            await ask(reading)

    asyncio.run(opened())


def test_a_run_that_failed_without_saying_why_is_found_among_the_errors(client: Client, server: Server) -> None:
    at, run_id = "2026-11-22T12:00:00+00:00", str(uuid.uuid4())
    body = {
        "id": run_id, "trace_id": run_id, "dotted_order": f"20261122T120000000000Z{run_id}", "name": "mute",
        "run_type": "tool", "inputs": {}, "start_time": at, "end_time": at, "status": "error", "session_name": "mute",
    }  # fmt: skip
    assert server.http.post("/runs", json=body).status_code == 202
    server.flush()

    assert [run.name for run in client.list_runs(project_name="mute", error=True)] == ["mute"]
    assert list(client.list_runs(project_name="mute", error=False)) == []
    assert client.get_run_stats(project_names=["mute"], error=True)["error_rate"] == 1


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


@pytest.mark.every_engine
def test_tokens_that_no_call_told_are_null_and_no_filter_takes_them_for_none(client: Client, server: Server) -> None:
    """Three roots: a call of 59 tokens, a call that told no usage, and no call at all, which used 0."""
    told, untold = send(client, server, "unknown"), send(client, server, "unknown", tokens=None)
    bare = RunTree(name="bare", run_type="chain", project_name="unknown", ls_client=client)
    bare.post()
    bare.end(outputs={})
    bare.patch()
    client.flush()
    server.flush()

    rows = {run.id: run for run in client.list_runs(project_name="unknown", is_root=True)}
    assert {name: rows[run.id].total_tokens for name, run in (("told", told), ("untold", untold), ("bare", bare))} == {
        "told": 59, "untold": None, "bare": 0,
    }  # fmt: skip
    assert (rows[untold.id].prompt_tokens, rows[untold.id].completion_tokens, rows[untold.id].total_cost) == (None,) * 3

    def roots(text: str) -> set[uuid.UUID]:
        return {run.id for run in client.list_runs(project_name="unknown", filter=text, is_root=True)}

    assert roots("eq(total_tokens, null)") == {untold.id}
    assert roots("neq(total_tokens, null)") == {told.id, bare.id}
    assert roots("eq(total_tokens, 0)") == {bare.id}
    assert roots("lt(total_tokens, 100)") == {told.id, bare.id}
    assert roots("in(total_tokens, [0, 59])") == {told.id, bare.id}
    stats = client.get_run_stats(project_names=["unknown"], is_root=True)
    assert (stats["total_tokens"], stats["median_tokens"], stats["tokens_p99"]) == (
        59,
        59,
        59,
    )  # of 0 and 59, the upper
    alone = client.get_run_stats(project_names=["unknown"], id=[str(untold.id)])
    assert (alone["run_count"], alone["total_tokens"], alone["median_tokens"]) == (1, None, None)
    project_id = str(client.read_project(project_name="unknown").id)
    selects: Any = ["TOTAL_TOKENS"]
    items = asked(server, lambda c: c.traces.query(project_id=project_id, selects=selects))
    assert {item.root_run.id: item.trace_aggregates.total_tokens for item in items} == {
        str(told.id): 59, str(untold.id): None, str(bare.id): 0,
    }  # fmt: skip


def test_sums_of_a_window_are_of_all_that_lies_below_its_runs(client: Client, server: Server) -> None:
    """A root of noon whose call came at four: the call is found by what its root, before the window, adds up to."""
    root_id, call_id = str(uuid.uuid4()), str(uuid.uuid4())
    noon, four = datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)
    above = f"20261122T120000000000Z{root_id}"
    client.create_run(
        "long", {}, "chain", id=root_id, trace_id=root_id, dotted_order=above, start_time=noon, end_time=four,
        project_name="windows",
    )  # fmt: skip
    usage = {"input_tokens": 47, "output_tokens": 12, "total_tokens": 59}
    client.create_run(
        "late", {}, "llm", id=call_id, trace_id=root_id, parent_run_id=root_id, start_time=four, end_time=four,
        dotted_order=f"{above}.20261122T160000000000Z{call_id}", outputs={"usage_metadata": usage},
        extra={"metadata": {"ls_model_name": "gpt-5.2"}}, project_name="windows",
    )  # fmt: skip
    client.flush()
    server.flush()

    def names(since: datetime, **which: Any) -> list[str]:
        return [run.name for run in client.list_runs(project_name="windows", start_time=since, **which)]

    assert names(noon, filter="eq(total_tokens, 59)") == ["late", "long"]
    assert names(four, filter="eq(total_tokens, 59)") == ["late"]
    assert names(four, trace_filter="eq(total_tokens, 59)") == ["late"]
    assert names(four, tree_filter='and(eq(name, "long"), eq(total_tokens, 59))') == ["late"]
    stats = client.get_run_stats(project_names=["windows"], start_time=four.isoformat())
    assert (stats["run_count"], stats["total_tokens"], stats["median_tokens"]) == (1, 59, 59)


@pytest.mark.every_engine
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


@pytest.mark.every_engine
def test_projects_are_found_by_filter_and_sorted_by_figures(client: Client, server: Server) -> None:
    """Three projects: two errors, no error with 1,005 tokens, and one that holds no run."""
    for tag, name, error, tokens in (("a", "find-bad", "boom", (47, 12)), ("b", "find-big", None, (1000, 5))):
        client.create_project(name, metadata={"team": tag, "tier": 1}, description=f"of {tag}")
        send(client, server, name, error=error, tokens=tokens)
    client.create_project("find-empty", metadata={"team": "a"})

    def found(text: str, **params: Any) -> list[str]:
        answer = server.http.get("/sessions", params={"name_contains": "find-", "filter": text, **params})
        assert answer.status_code == 200, answer.text
        return sorted(row["name"] for row in answer.json())

    assert found('eq(name, "find-big")') == ["find-big"]
    assert found('like(name, "%B%")') == ["find-bad", "find-big"]
    assert found('and(eq(metadata_key, "team"), eq(metadata_value, "a"))') == ["find-bad", "find-empty"]
    assert found('has(metadata, \'{"team": "a", "tier": 1}\')') == ["find-bad"]
    assert found("gt(error_rate, 0.5)") == ["find-bad"]
    assert found("gt(total_tokens, 59)") == ["find-big"]
    assert found("eq(last_run_start_time, null)") == ["find-empty"]
    assert found('not(search(description, "OF A"))') == ["find-big", "find-empty"]
    wrong = server.http.get("/sessions", params={"filter": 'eq(nane, "x")'})
    assert (wrong.status_code, wrong.json()["position"]) == (400, 3)
    assert "did you mean name?" in wrong.json()["detail"]

    params: dict[str, Any] = {"name_contains": "find-", "include_stats": True, "facets": True, "sort_by": "error_rate"}
    rows = server.http.get("/sessions", params=params).json()
    assert [(row["name"], row["run_count"], row["error_rate"]) for row in rows] == [
        ("find-bad", 1, 1.0), ("find-big", 1, 0.0), ("find-empty", 0, None),
    ]  # fmt: skip
    facets = {(facet["key"], facet["value"], facet["n"], facet["query"]) for facet in rows[0]["run_facets"]}
    assert ("metadata_key", "thread_id", 1, 'eq(metadata_key, "thread_id")') in facets
    assert {facet for facet in facets if facet[0] != "metadata_key"} == {
        ("name", "chat", 1, 'eq(name, "chat")'),
        ("run_type", "chain", 1, 'eq(run_type, "chain")'),
        ("status", "error", 1, 'eq(status, "error")'),
        ("tag", "prod", 1, 'has(tags, "prod")'),
    }
    scoped: dict[str, Any] = {"name_contains": "find-", "include_stats": True, "stats_filter": 'eq(status, "error")'}
    counts = {row["name"]: (row["run_count"], row["total_tokens"], row["total_cost"])
              for row in server.http.get("/sessions", params=scoped).json()}  # fmt: skip
    assert counts == {"find-bad": (1, 59, "0.00025025"), "find-big": (0, 0, None), "find-empty": (0, 0, None)}
    chosen = server.http.get("/sessions", params={**scoped, "stats_select": ["run_count"]}).json()
    assert [("run_count" in row, "total_tokens" in row, "name" in row) for row in chosen] == [(True, False, True)] * 3


def test_projects_are_found_by_tag_dataset_type_and_address(client: Client, server: Server) -> None:
    tag, dataset = str(uuid.uuid4()), str(uuid.uuid4())
    for body in (
        {"name": "place-agent-production", "tag_value_ids": [tag]},
        {
            "name": "place-test",
            "reference_dataset_id": dataset,
            "extra": {"metadata": {"dataset_version": "2026-11-01"}},
        },
        {"name": "place-plain"},
    ):
        assert server.http.post("/sessions", json=body).status_code == 200
    wrong = server.http.post("/sessions", json={"name": "place-never", "start_time": "soon"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "body.start_time")

    def names(**params: Any) -> list[str]:
        rows = server.http.get("/sessions", params={"name_contains": "place-", **params}).json()
        return sorted(row["name"] for row in rows)

    assert names(tag_value_id=tag) == ["place-agent-production"]
    assert names(reference_dataset=dataset) == ["place-test"]
    assert names(reference_free=True) == ["place-agent-production", "place-plain"]
    assert names(dataset_version="2026-11-01T00:00:00Z") == ["place-test"]
    assert names(dataset_version="2026-11-02T00:00:00Z") == []
    assert server.http.get("/sessions", params={"sort_by": "feedback"}).status_code == 422
    experiments = asked(server, lambda c: c.sessions.list_v2(type=["EXPERIMENT"], name_contains="place-"))
    assert [(project.name, project.type) for project in experiments] == [("place-test", "EXPERIMENT")]

    named = asked(server, lambda c: c.sessions.resolve(kind="AGENT", id="place-agent", environment="PRODUCTION"))
    assert named.session_id == str(client.read_project(project_name="place-agent-production").id)
    by_id = asked(server, lambda c: c.sessions.resolve(kind="EXPERIMENT", id=experiments[0].id))
    assert by_id.session_id == experiments[0].id
    for params, status in (
        ({"kind": "AGENT", "id": "place-agent", "environment": "staging"}, 404),
        ({"kind": "AGENT", "id": "place-agent"}, 422),
        ({"kind": "EVALUATOR"}, 404),
        ({"kind": "TEAM"}, 422),
    ):
        assert server.http.get("/api/v1/sessions/resolutions", params=params).status_code == status


def test_runs_sent_to_an_agent_are_in_the_project_that_its_address_names(client: Client, server: Server) -> None:
    sent = RunTree(name="addressed", address=agent_address("shop", "STAGING"), ls_client=client)
    sent.post()
    sent.end(outputs={"a": 1})
    sent.patch()
    client.flush()
    server.flush()

    found = asked(server, lambda c: c.sessions.resolve(kind="AGENT", id="shop", environment="STAGING"))
    assert [run.name for run in client.list_runs(project_id=found.session_id)] == ["addressed"]


def test_projects_are_sorted_by_feedback_on_runs_or_on_themselves(client: Client, server: Server) -> None:
    for name, of_run, of_project in (("judged-a", 0.2, 0.9), ("judged-b", 0.8, 0.1)):
        root = send(client, server, name)
        client.create_feedback(root.id, "good", score=of_run)
        client.create_feedback(project_id=client.read_project(project_name=name).id, key="good", score=of_project)
    client.create_project("judged-never")

    def order(source: str) -> list[str]:
        params = {"name_contains": "judged-", "sort_by": "feedback", "sort_by_feedback_key": "good"}
        rows = server.http.get("/sessions", params={**params, "sort_by_feedback_source": source}).json()
        return [row["name"] for row in rows]

    assert order("run") == ["judged-b", "judged-a", "judged-never"]
    assert order("session") == ["judged-a", "judged-b", "judged-never"]


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


def test_pages_of_projects_repeat_and_lose_none_while_projects_come_and_go(client: Client, server: Server) -> None:
    for number in range(5):
        client.create_project(f"turning-{number}")
    params: dict[str, Any] = {"name_contains": "turning-", "page_size": 2, "sort_by": "name", "sort_order": "ASC"}
    seen: list[str] = []
    cursor = None
    for change in (
        lambda: client.create_project("turning-"),
        lambda: client.delete_project(project_name="turning-3"),
        None,
    ):
        page = server.http.get("/api/v2/sessions", params={**params, "cursor": cursor} if cursor else params).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if change:
            change()

    assert (seen, cursor) == (["turning-0", "turning-1", "turning-2", "turning-3", "turning-4"], None)
    for wrong, status in (({"cursor": "5"}, 400), ({"sort_order": "up"}, 422)):
        assert server.http.get("/api/v2/sessions", params={**params, **wrong}).status_code == status
    assert server.http.post("/api/v2/runs/query", json={"sort_order": "up"}).status_code == 422


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
    experiment = uuid.uuid4()
    client.create_feedback(root.id, "better", score=1, comparative_experiment_id=experiment)
    compared = client.list_feedback(comparative_experiment_id=str(experiment))
    assert [(row.key, row.comparative_experiment_id) for row in compared] == [("better", experiment)]
    assert list(client.list_feedback(comparative_experiment_id=str(uuid.uuid4()))) == []
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
    client.create_feedback_from_token(token.url, score=5, metadata={"page": "chat"})
    held = list(client.list_feedback(run_ids=[root.id]))
    assert sorted(row.score for row in held) == [4, 5]  # type: ignore[type-var]
    sources = [row.feedback_source.metadata for row in held if row.feedback_source]
    assert {"page": "chat", "token": str(token.id)} in sources

    config: Any = {"type": "continuous", "min": 0, "max": 5, "categories": None}
    made = client.create_feedback_config("stars", feedback_config=config)
    assert client.create_feedback_config("stars", feedback_config=config).id == made.id
    assert [(row.id, row.is_first) for row in client.list_feedback_configs()] == [(made.id, True)]
    wrong: Any = {**config, "max": 6}
    with pytest.raises(LangSmithError, match="already exists"):
        client.create_feedback_config("stars", feedback_config=wrong)
    with pytest.raises(LangSmithError, match="no config is enforced"):
        client.create_feedback_config("strict", feedback_config=config, is_enforced=True)
    client.delete_feedback_config("stars")
    assert list(client.list_feedback_configs()) == []


def test_categories_of_feedback_are_added_and_taken_away(client: Client) -> None:
    config: Any = {"type": "categorical", "categories": [{"value": 0, "label": "bill"}, {"value": 1, "label": "ship"}]}
    made = client.create_feedback_config("topics", feedback_config=config)

    added = client.add_feedback_categories("topics", [{"value": 2, "label": "return"}], config_id=made.id)
    assert [(held["value"], held["label"]) for held in added.feedback_config["categories"] or []] == [
        (0, "bill"), (1, "ship"), (2, "return"),
    ]  # fmt: skip
    with pytest.raises(LangSmithError, match="two categories have the same label"):
        client.add_feedback_categories("topics", [{"value": 3, "label": "ship"}])
    left = client.remove_feedback_categories("topics", [0])
    assert [held["value"] for held in left.feedback_config["categories"] or []] == [1, 2]
    with pytest.raises(LangSmithError, match="two categories must be left"):
        client.remove_feedback_categories("topics", [1])
    changed = client.update_feedback_config("topics", is_lower_score_better=True)
    assert (changed.is_lower_score_better, changed.feedback_config) == (True, left.feedback_config)
    with pytest.raises(LangSmithNotFoundError):
        client.update_feedback_config("topics", config_id=uuid.uuid4(), is_lower_score_better=False)
    with pytest.raises(LangSmithNotFoundError):
        client.delete_feedback_config(config_id=uuid.uuid4())
    client.delete_feedback_config(config_id=made.id)
    assert list(client.list_feedback_configs(feedback_key=["topics"])) == []


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


@pytest.mark.every_engine
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
    figures: Any = ["TURNS", "TOTAL_TOKENS", "LATENCY_P50"]
    stats = asked(server, lambda c: c.threads.stats("other", session_id=project_id, selects=figures))
    assert (stats.turns, stats.total_tokens, stats.total_cost) == (1, 59, None)
    assert stats.latency_p50_seconds > 0
    assert [(trace.name, trace.total_tokens) for trace in traces] == [("chat", 59)]
    body = {"session_id": project_id, "group_by": "conversation"}
    counted = server.http.post("/api/v1/runs/group/stats", json=body).json()
    assert (counted["group_count"], counted["run_count"], counted["total_tokens"]) == (2, 3, 177)
    groups = server.http.post("/api/v1/runs/group", json=body).json()
    assert [(group["group_key"], group["count"]) for group in groups["groups"]] == [
        ("other", 1), ('it\'s "a" \\ thread', 2),
    ]  # fmt: skip


def test_a_thread_is_found_by_whatever_text_names_it(client: Client, server: Server) -> None:
    name = "강남/user?1#%2F"
    root = send(client, server, "named-threads", thread=name)
    project_id = str(client.read_project(project_name="named-threads").id)

    selects: Any = ["NAME", "THREAD_ID"]
    traces = asked(server, lambda c: c.threads.list_traces(name, project_id=project_id, selects=selects))
    assert [(trace.trace_id, trace.thread_id) for trace in traces] == [(str(root.id), name)]
    figures: Any = ["TURNS"]
    assert asked(server, lambda c: c.threads.stats(name, session_id=project_id, selects=figures)).turns == 1
    token = asked(server, lambda c: c.threads.share.create(name, project_id=project_id)).share_token
    assert asked(server, lambda c: c.threads.share.retrieve(name, project_id=project_id)).share_token == token
    asked(server, lambda c: c.threads.share.delete(name, project_id=project_id))
    path = f"/api/v1/runs/threads/{quote(name, safe='')}"
    runs = server.http.get(path, params={"session_id": project_id}).json()["runs"]
    assert [run["id"] for run in runs] == [str(root.id)]


def test_pages_of_threads_lose_none_while_traces_arrive(client: Client, server: Server) -> None:
    """A thread that is still to come moves to the top between two pages, and one begins anew."""
    for thread in ("t-1", "t-2", "t-3"):
        send(client, server, "moving", thread=thread)
    session = {"project_id": str(client.read_project(project_name="moving").id), "page_size": 1}
    seen, cursor = [], None
    for newcomer in ("t-1", "t-4", None):
        page = server.http.post("/api/v2/threads/query", json={**session, "cursor": cursor}).json()
        seen += [(item["thread_id"], item["count"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if newcomer:
            send(client, server, "moving", thread=newcomer)

    assert (seen, cursor) == ([("t-3", 1), ("t-2", 1), ("t-1", 1)], None)
    again = server.http.post("/api/v2/threads/query", json={**session, "page_size": 9}).json()
    assert [(item["thread_id"], item["count"]) for item in again["items"]] == [
        ("t-4", 1), ("t-1", 2), ("t-3", 1), ("t-2", 1),
    ]  # fmt: skip
    group = {"session_id": session["project_id"], "group_by": "conversation"}
    for offset, limit, found in ((0, 2, 2), (3, 2, 1), (9, 2, 0)):
        answer = server.http.post("/runs/group", json={**group, "offset": offset, "limit": limit}).json()
        assert (len(answer["groups"]), answer["total"]) == (found, 4)


def test_pages_of_runs_that_began_at_one_instant_lose_and_repeat_none(client: Client, server: Server) -> None:
    """Thirty runs of one microsecond, read five at a time in both directions while more of them arrive."""
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def post(number: int) -> str:
        run_id = str(uuid.UUID(int=number))
        client.create_run(
            "same", {}, "chain", id=run_id, trace_id=run_id, start_time=at, end_time=at, project_name="instant",
            dotted_order=f"20261122T120000000000Z{run_id}",
        )  # fmt: skip
        return run_id

    first = {post(number) for number in range(0x100, 0x11E)}
    client.flush()
    server.flush()
    session = str(client.read_project(project_name="instant").id)
    for order in ("asc", "desc"):
        seen: list[str] = []
        cursor: str | None = None
        while cursor or not seen:
            body = {"session": [session], "limit": 5, "order": order, "cursor": cursor, "select": ["id"]}
            page = server.http.post("/runs/query", json=body).json()
            seen += [run["id"] for run in page["runs"]]
            cursor = page["cursors"]["next"]
            post(0x200 + len(seen) + (order == "desc"))
            client.flush()
            server.flush()
        assert len(seen) == len(set(seen))
        assert first <= set(seen)
        assert seen == sorted(seen, reverse=order == "desc")


@pytest.mark.every_engine
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


def test_v2_streams_the_same_page_as_patches(client: Client, server: Server) -> None:
    root = send(client, server, "streamed")
    project_id = str(client.read_project(project_name="streamed").id)
    selects: Any = ["NAME"]

    runs = asked(
        server, lambda c: c.runs.streaming.query_v2_items(project_ids=[project_id], selects=selects, page_size=2)
    )
    assert [item.name for item in runs] == ["ChatOpenAI", "plan", "chat"]
    traces = asked(server, lambda c: c.traces.streaming.query_items(project_id=project_id, selects=selects))
    assert [(item.root_run.id, item.trace_aggregates.total_tokens) for item in traces] == [(str(root.id), 59)]
    threads = asked(server, lambda c: c.threads.streaming.query_items(project_id=project_id))
    assert [(item.thread_id, item.total_tokens) for item in threads] == [("t-1", 59)]

    body = {"project_ids": [project_id], "page_size": 1, "is_root": True}
    answer = server.http.post("/v2/runs/query", json=body, headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == (
        f'event: data\ndata: [{{"op":"add","path":"/items/-","value":{{"id":"{root.id}"}}}}]\n\n'
        'event: data\ndata: [{"op":"add","path":"/next_cursor","value":null}]\n\n'
        "event: end\ndata: {}\n\n"
    )
    wrong = server.http.post("/v2/runs/query", json={"filter": "eq("}, headers={"accept": "text/event-stream"})
    assert (wrong.status_code, wrong.json()["title"]) == (400, "Bad Request")


def test_v2_says_what_it_cannot_search_and_keeps_to_the_bounds_of_feedback(client: Client, server: Server) -> None:
    root = send(client, server, "bounds")
    client.create_feedback(root.id, "good", score=1)
    project_id = str(client.read_project(project_name="bounds").id)
    hour = timedelta(hours=1)

    def found(**body: Any) -> list[str]:
        answer = server.http.post("/v2/runs/query", json={"project_ids": [project_id], **body})
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    good, now = 'eq(feedback_key, "good")', datetime.now(UTC)
    assert found(filter=good, min_feedback_modified_at=(now - hour).isoformat()) == [str(root.id)]
    assert found(filter=good, max_feedback_modified_at=(now - hour).isoformat()) == []
    assert found(reference_examples=[str(uuid.uuid4())]) == []
    for body, status in (
        ({"min_feedback_modified_at": now.isoformat()}, 422),
        ({"sem_filter": "angry"}, 501),
        ({"ai_search": "angry"}, 501),
        ({"reference_dataset_id": str(uuid.uuid4())}, 422),
    ):
        answer = server.http.post("/v2/runs/query", json={"project_ids": [project_id], **body})
        assert answer.status_code == status, answer.text
    experiment = {"reference_dataset_id": str(uuid.uuid4())}
    assert server.http.post("/v2/runs/query", json=experiment).json()["items"] == []
    one = server.http.get(
        f"/api/v2/runs/{root.id}", params={"project_id": client.read_project(project_name="default").id}
    )
    assert one.status_code == 404


@pytest.mark.every_engine
def test_threads_are_found_by_what_they_add_up_to(client: Client, server: Server) -> None:
    for thread, tokens, error in (("small", (1, 1), None), ("big", (1000, 5), None), ("big", (1, 1), "boom")):
        send(client, server, "sums", thread=thread, tokens=tokens, error=error)
    project_id = str(client.read_project(project_name="sums").id)

    def found(text: str) -> list[str]:
        return [
            item.thread_id
            for item in asked(server, lambda c: c.threads.query(project_id=project_id, thread_filter=text))
        ]

    assert found("gt(total_tokens, 500)") == ["big"]
    assert found("lt(total_cost, 0.001)") == ["small"]
    assert found('and(eq(count, 2), eq(last_error, "boom"))') == ["big"]
    assert found('or(eq(thread_id, "small"), gte(num_errored_turns, 1))') == ["big", "small"]
    select: Any = ["THREAD_COUNT", "TRACE_COUNT", "TOTAL_TOKENS", "ERROR_RATE"]
    counted = asked(server, lambda c: c.threads.aggregate_stats(project_id=project_id, select=select))
    assert (counted.thread_count, counted.trace_count, counted.total_tokens) == (2, 3, 1009)
    assert counted.model_dump(exclude_unset=True).keys() == {
        "thread_count",
        "trace_count",
        "total_tokens",
        "error_rate",
    }
    big = asked(
        server, lambda c: c.threads.aggregate_stats(project_id=project_id, select=select, thread_filter="eq(turns, 2)")
    )
    assert (big.thread_count, big.trace_count, big.total_tokens, big.error_rate) == (1, 2, 1007, 0.5)
    chosen: Any = ["TURN_NUMBER", "INPUTS", "ERROR"]
    turns = asked(server, lambda c: c.threads.list_traces("big", project_id=project_id, selects=chosen))
    assert [(turn.turn_number, turn.error, turn.inputs) for turn in turns] == [
        (2, "boom", {"question": "what is 47 + 12?"}), (1, None, {"question": "what is 47 + 12?"}),
    ]  # fmt: skip


def test_a_shared_thread_is_read_by_its_token_alone(client: Client, server: Server) -> None:
    mine = send(client, server, "shared-threads", thread="mine")
    other = send(client, server, "shared-threads", thread="other")
    project_id = str(client.read_project(project_name="shared-threads").id)

    token = asked(server, lambda c: c.threads.share.create("mine", project_id=project_id)).share_token
    assert asked(server, lambda c: c.threads.share.create("mine", project_id=project_id)).share_token == token
    assert asked(server, lambda c: c.threads.share.retrieve("mine", project_id=project_id)).share_token == token
    assert asked(server, lambda c: c.threads.share.retrieve("other", project_id=project_id)).share_token is None
    assert {run.name for run in client.list_shared_runs(token)} == {"chat", "plan", "ChatOpenAI"}
    assert client.read_shared_run(token, run_id=mine.id).id == mine.id
    with pytest.raises(LangSmithNotFoundError):
        client.read_shared_run(token, run_id=other.id)
    assert server.http.get(f"/public/{token}/run").status_code == 404
    assert server.http.put(f"/runs/{mine.id}/share", json={"share_token": token}).status_code == 409
    unknown = server.http.post("/api/v2/threads/nobody/share", json={"project_id": project_id})
    assert unknown.status_code == 404
    asked(server, lambda c: c.threads.share.delete("mine", project_id=project_id))
    assert server.http.post(f"/public/{token}/runs/query", json={}).status_code == 404


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


@pytest.mark.every_engine
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


def test_a_price_of_the_map_prices_what_comes_from_then_on(client: Client, server: Server) -> None:
    """47 in at a dollar a million and 12 out at two: 0.000071. Nobody says who serves the model."""

    def cost() -> Decimal | None:
        run = RunTree(
            name="call", run_type="llm", project_name="mapped", ls_client=client,
            extra={"metadata": {"ls_model_name": "acme-7b"}},
        )  # fmt: skip
        run.post()
        usage = {"input_tokens": 47, "output_tokens": 12, "total_tokens": 59}
        run.end(outputs={"usage_metadata": usage})
        run.patch()
        client.flush()
        server.flush()
        found: Decimal | None = client.read_run(run.id).total_cost
        return found

    assert cost() is None
    price = {"name": "mine", "match_pattern": "^acme-", "prompt_cost": "0.000001", "completion_cost": 0.000002}
    made = server.http.post("/model-price-map", json=price).json()
    assert cost() == Decimal("0.000071")
    assert server.http.post("/model-price-map", json=price).status_code == 409
    changed = server.http.put(f"/model-price-map/{made['id']}", json={**price, "prompt_cost": "0.000003"}).json()
    assert cost() == Decimal("0.000165")
    later = {**price, "start_time": "2126-01-01T00:00:00Z"}
    assert server.http.post("/model-price-map", json=later).status_code == 200
    assert cost() == Decimal("0.000165")
    rows = server.http.get("/model-price-map", params={"q": "MIN"}).json()
    assert sorted((row["prompt_cost"], row["start_time"]) for row in rows) == [
        ("0.000001", "2126-01-01T00:00:00Z"), ("0.000003", None),
    ]  # fmt: skip
    listed = server.get("/prices", q="acme")["prices"]
    assert {(row["provider"], row["model"]) for row in listed} == {("*", ".*(?:^acme-).*")}
    for row in rows:
        assert server.http.delete(f"/model-price-map/{row['id']}").status_code == 200
    assert changed["id"] in {row["id"] for row in rows}
    assert cost() is None
    assert server.http.get("/api/v1/model-price-map").json() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("match_pattern", "^(mine"), ("prompt_cost", "much"), ("prompt_cost", -1), ("completion_cost", "Infinity"),
        ("completion_cost", 2), ("prompt_cost", "1e-19"), ("start_time", "soon"),
        ("prompt_cost_details", {"cache_read": "x"}), ("completion_cost_details", {"thinking": 0.000001}),
    ],
)  # fmt: skip
def test_a_price_that_prices_nothing_is_refused_with_its_field(server: Server, field: str, value: object) -> None:
    price = {"name": "mine", "match_pattern": "^mine$", "prompt_cost": "0.000001", "completion_cost": 0.000002}
    refused = server.http.post("/model-price-map", json={**price, field: value})
    assert (refused.status_code, refused.json()["field"]) == (422, f"body.{field}")
    assert server.http.get("/model-price-map").json() == []


def test_settings_are_answered(server: Server) -> None:
    settings = server.http.get("/settings").json()
    assert uuid.UUID(settings["id"])
    assert settings["display_name"] == "everytoken"
