"""The eleven ways in which a model is called: each counted, priced, and made in two modules alone."""

import ast
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from tests.eco2.capture import Capture, usage_of
from tests.eco2.conftest import OpenAgent, switch_on

import eco2
from eco2.kit import Kit
from eco2.llm import Prompt
from eco2.llm.openai import OpenAIChat, _Turns, strict_schema
from eco2.paths import run_paths, table
from eco2.settings import Settings
from eco2.telemetry import PATHS, CallRecord, Telemetry
from everytoken.simulator.serve import Simulator

PROMPT = Prompt(node="web_search", system="지침", user="최근 분리배출 정책 알려줘")


class Meter:
    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def record(self, record: CallRecord) -> None:
        self.records.append(record)


@pytest.fixture
async def rows(settings: Settings, simulator: Simulator, traced: Capture) -> list[dict[str, Any]]:
    return await run_paths(settings)


async def test_all_eleven_paths_are_exact_and_priced(rows: list[dict[str, Any]]) -> None:
    assert [row["path"] for row in rows] == list(range(1, 12))
    for row in rows:
        assert (row["calls"], row["exact"], row["partial"], row["missing"], row["error"]) == (1, 1, 0, 0, None), row
        assert row["cost_usd"] is not None
    assert "11 of 11 call paths exact" in table(rows)


async def test_every_run_says_what_the_provider_billed(
    rows: list[dict[str, Any]], simulator: Simulator, traced: Capture
) -> None:
    billed = {entry["response_id"]: entry for entry in simulator.ledger()}
    runs = traced.llm()
    assert len(runs) == len(rows) == len(billed) == 11
    for run in runs:
        entry, usage = billed[run["metadata"]["response_id"]], usage_of(run)
        assert usage["input_tokens"] == entry["billed"]["input"], run["tags"]
        assert usage["output_tokens"] == entry["billed"]["output"], run["tags"]
        assert usage["total_cost"] > 0
        path = PATHS[next(int(tag[5:]) for tag in run["tags"] if tag.startswith("path:"))]
        assert run["metadata"]["call_path"] == path.name
        assert run["metadata"]["ls_provider"] == path.provider
        assert f"provider:{entry['provider']}" in run["tags"]
        assert run["metadata"]["ls_model_name"] in {"gpt-5.2", "gemini-3-flash-preview", "gemini-3-pro-image-preview"}
        assert run["metadata"]["usage_incomplete"] is False


async def test_classes_of_tokens_are_kept(rows: list[dict[str, Any]], simulator: Simulator, traced: Capture) -> None:
    billed = {entry["response_id"]: entry["billed"] for entry in simulator.ledger()}
    by_path = {run["metadata"]["call_path"]: run for run in traced.llm()}
    for run in by_path.values():
        assert (
            usage_of(run)["output_token_details"].get("reasoning", 0)
            == billed[run["metadata"]["response_id"]]["reasoning"]
        )
    drawn, seen = by_path["gemini.generate.image"], by_path["gemini.generate.vision"]
    assert usage_of(drawn)["output_token_details"]["image"] > 0
    assert usage_of(seen)["input_token_details"]["image"] > 0
    search = billed[by_path["gemini.generate.search"]["metadata"]["response_id"]]
    assert search["tool_use"] > 0


async def test_a_stream_that_hides_its_usage_fails_the_check(settings: Settings, simulator: Simulator) -> None:
    switch_on(simulator, "no_usage", provider="openai", api="chat")
    rows = await run_paths(settings)
    assert [(row["path"], row["missing"]) for row in rows if row["missing"]] == [(1, 1), (2, 1), (3, 1)]
    assert rows[1]["cost_usd"] is None
    assert "8 of 11 call paths exact" in table(rows)


async def test_a_client_that_does_not_ask_for_the_usage_of_a_stream_fails_the_check(
    settings: Settings, simulator: Simulator
) -> None:
    class Forgetful(httpx2.AsyncHTTPTransport):
        """Sends what it is given without `stream_options`."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            asked = {key: value for key, value in json.loads(request.content).items() if key != "stream_options"}
            headers = {key: value for key, value in request.headers.items() if key != "content-length"}
            return await super().handle_async_request(
                httpx2.Request(request.method, request.url, headers=headers, json=asked)
            )

    meter = Meter()
    async with httpx2.AsyncClient(transport=Forgetful()) as client:
        chat = OpenAIChat(settings, Telemetry(meter=meter), client)
        answer = [piece async for piece in chat.stream(PROMPT)]
    assert answer
    (entry,), (record,) = simulator.ledger(), meter.records
    assert entry["billed"]["output"] > 0
    assert (record.usage, record.cost_usd, record.as_json()["complete"]) == (None, None, False)


async def test_usage_on_every_chunk_is_counted_once(settings: Settings, simulator: Simulator) -> None:
    switch_on(simulator, "usage_every_chunk")
    rows = await run_paths(settings)
    total = sum(entry["billed"]["input"] + entry["billed"]["output"] for entry in simulator.ledger())
    assert sum(row["input_tokens"] + row["output_tokens"] for row in rows) == total


async def test_a_cut_gemini_stream_is_partial_and_a_cut_openai_stream_is_missing(
    settings: Settings, simulator: Simulator, traced: Capture
) -> None:
    switch_on(simulator, "cut:2")
    rows = {row["path"]: row for row in await run_paths(settings)}
    assert (rows[2]["exact"], rows[2]["missing"]) == (0, 1)
    assert (rows[6]["exact"], rows[6]["partial"]) == (0, 1)
    stream = next(run for run in traced.llm() if "path:2" in run["tags"])
    assert stream["end_us"] > stream["start_us"]
    assert stream["metadata"]["usage_incomplete"] is True
    assert "usage_metadata" not in stream["metadata"]


async def test_leaving_a_stream_closes_and_marks_its_run(
    agent_with: OpenAgent, simulator: Simulator, traced: Capture
) -> None:
    async with agent_with() as agent:
        for name in ("openai", "google"):
            stream = agent.kit.models[name].stream(PROMPT)
            await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]  # the protocol says less than the generator is
    left, partial = traced.llm()
    for run in (left, partial):
        assert run["end_us"] > run["start_us"]
        assert run["metadata"]["usage_incomplete"] is True
        assert "GeneratorExit" in run["error"]
    assert usage_of(left) == {}
    assert usage_of(partial)["input_tokens"] > 0


@pytest.fixture
def failing_once(tmp_path: Path) -> Path:
    """A scenario whose first search ends in failure, half said."""
    file = tmp_path / "failing.toml"
    file.write_text(
        'name = "failing"\nextends = "reference"\n[[rule]]\nname = "fails"\nwhen = { search = true, calls = "1" }\n'
        'reply = { finish = "failed", usage = { input = 89, output = 5 } }\n'
    )
    return file


async def test_a_search_the_agents_sdk_gives_up_is_asked_directly_and_both_are_counted(
    agent_with: OpenAgent, failing_once: Path, traced: Capture
) -> None:
    with Simulator(failing_once, latency="none") as simulator:
        async with agent_with(openai_base_url=simulator.urls["openai"]) as agent:
            answer = await agent.kit.models["openai"].search(PROMPT)
        billed = {entry["response_id"]: entry["billed"] for entry in simulator.ledger()}
    assert answer.text
    assert answer.queries
    assert answer.sources
    runs = traced.llm()
    assert [run["metadata"]["call_path"] for run in runs] == ["openai.agents.search"] * 2
    assert ["response.failed" in run.get("error", "") for run in runs] == [True, False]
    told = {run["metadata"]["response_id"]: usage_of(run) for run in runs}
    assert {key: (usage["input_tokens"], usage["output_tokens"]) for key, usage in told.items()} == {
        key: (entry["input"], entry["output"]) for key, entry in billed.items()
    }


async def test_a_search_whose_tool_gemini_refuses_is_answered_without_sources(
    agent_with: OpenAgent, simulator: Simulator, traced: Capture
) -> None:
    switch_on(simulator, "400", provider="google", times=1)
    async with agent_with(provider="google") as agent:
        answer = await agent.kit.models["google"].search(PROMPT)
    assert answer.text
    assert (answer.sources, answer.queries) == ([], [])
    assert [run["metadata"]["call_path"] for run in traced.llm()] == [
        "gemini.generate.search",
        "gemini.generate.stream",
    ]


async def test_a_search_that_is_refused_for_now_is_left_to_the_graph(
    agent_with: OpenAgent, simulator: Simulator, traced: Capture
) -> None:
    switch_on(simulator, "429", times=1)
    async with agent_with(provider="google") as agent:
        with pytest.raises(Exception, match="429"):
            await agent.kit.models["google"].search(PROMPT)
    assert len(traced.llm()) == 1


def test_two_model_turns_of_an_agent_are_two_counted_requests() -> None:
    meter = Meter()

    def ended(kind: str, tokens: int) -> SimpleNamespace:
        usage = {"input_tokens": tokens, "output_tokens": 1, "total_tokens": tokens + 1}
        response = _Response(id=f"resp_{tokens}", model="gpt-5.2", usage=usage, output=[])
        return SimpleNamespace(type=kind, response=response)

    from contextlib import ExitStack

    with ExitStack() as stack:
        turns = _Turns(Telemetry(meter=meter), PROMPT, "gpt-5.2", stack)
        turns.see(ended("response.completed", 10))
        turns.see(SimpleNamespace(type="response.created"))
        turns.see(ended("response.incomplete", 20))
    assert [record.usage.total_tokens for record in meter.records if record.usage] == [11, 21]
    assert [record.status for record in meter.records] == ["success", "error"]


class _Response(SimpleNamespace):
    error = None
    incomplete_details = "max_output_tokens"

    def model_dump(self, **_: object) -> dict[str, Any]:
        return {"object": "response", "output": []}


def test_strict_schema_requires_everything_and_allows_nothing_else() -> None:
    from eco2.answers import IntentAnswer

    schema = strict_schema(IntentAnswer)
    assert schema["required"] == ["intent", "confidence", "additional_intents", "queries"]
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["IntentQuery"]["additionalProperties"] is False
    assert "default" not in str(schema)


def test_no_module_but_the_two_imports_a_provider() -> None:
    folder = Path(eco2.__file__).parent
    callers = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            if any(name.split(".")[0] in {"openai", "agents"} or name.startswith("google.genai") for name in names):
                callers.add(path.relative_to(folder).as_posix())
    assert callers == {"llm/openai.py", "llm/gemini.py"}


def test_every_call_to_a_provider_stands_inside_an_llm_run() -> None:
    folder = Path(eco2.__file__).parent / "llm"
    calls = {
        "chat.completions.create",
        "Runner.run_streamed",
        "responses.create",
        "models.generate_content",
        "models.generate_content_stream",
    }
    found = []
    for name in ("openai.py", "gemini.py"):
        for node in ast.walk(ast.parse((folder / name).read_text())):
            if isinstance(node, ast.Call):
                text = ast.unparse(node.func)
                found += [call for call in calls if text.endswith(call)]
    assert sorted(found) == sorted([*calls, "chat.completions.create"])


async def test_each_provider_serves_what_it_is_asked_for(agent_with: OpenAgent) -> None:
    async with agent_with(provider="google", node_providers={"answer": "openai"}) as agent:
        kit: Kit = agent.kit
        assert kit.chat("answer").model == "gpt-5.2"
        assert kit.chat("intent").model == "gemini-3-flash-preview"
