"""Responses through the real client and the Agents SDK: streams, search, functions, background, threads, ends."""

import json
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from agents import Agent, OpenAIResponsesModel, RunConfig, Runner, WebSearchTool, function_tool

from everytoken.simulator.serve import Simulator

REFERENCE = "강남역 근처 페트병 분리수거함 어디있어?"
QUESTION = "유리병은 어떻게 버려?"
SEARCH: Any = [{"type": "web_search"}]
BOX: Any = {
    "type": "function",
    "name": "find_collection_points",
    "strict": False,
    "parameters": {
        "type": "object",
        "properties": {"item_type": {"enum": ["clothes", "battery"]}, "search_radius_km": {"type": "number"}},
        "required": ["item_type"],
    },
}


def bills(simulator: Simulator) -> list[tuple[int, int]]:
    return [(entry["billed"]["input"], entry["billed"]["output"]) for entry in simulator.ledger()]


def test_response_reports_what_the_ledger_bills(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.responses.create(model="gpt-5.2", input=QUESTION, instructions="짧게")
    assert response.usage is not None
    (entry,) = simulator.ledger()
    assert (entry["response_id"], entry["api"]) == (response.id, "responses")
    assert bills(simulator) == [(response.usage.input_tokens, response.usage.output_tokens)]
    assert response.usage.output_tokens_details.reasoning_tokens == entry["billed"]["reasoning"] > 0
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.output_text


def test_stream_numbers_its_events_and_ends_with_the_usage(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="gpt-5.2", input=REFERENCE, tools=SEARCH, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.web_search_call.in_progress",
        "response.web_search_call.searching",
        "response.web_search_call.completed",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.annotation.added",
        "response.output_text.annotation.added",
        "response.output_text.annotation.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    first, last = events[0], events[-1]
    assert first.type == "response.created"
    assert first.response.usage is None
    assert last.type == "response.completed"
    assert last.response.usage is not None
    assert (last.response.usage.input_tokens, last.response.usage.output_tokens) == (89, 512)
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == last.response.output_text


def test_search_is_metered_unless_the_scenario_says_it_is_free(simulator: Simulator, client: openai.OpenAI) -> None:
    free = client.responses.create(model="gpt-5.2", input=REFERENCE, tools=SEARCH)
    metered = client.responses.create(model="gpt-5.2", input=QUESTION, tools=SEARCH)
    told = [r.tool_usage.web_search.num_requests for r in (free, metered) if r.tool_usage]
    assert told == [entry["billed"]["web_search"] for entry in simulator.ledger()] == [0, 1]


async def test_agents_sdk_streams_a_search(simulator: Simulator, aclient: openai.AsyncOpenAI) -> None:
    model = OpenAIResponsesModel("gpt-5.2", aclient)
    agent = Agent(name="search", instructions="검색", model=model, tools=[WebSearchTool(search_context_size="medium")])
    result = Runner.run_streamed(agent, REFERENCE, run_config=RunConfig(tracing_disabled=True))
    kinds = {event.data.type async for event in result.stream_events() if event.type == "raw_response_event"}
    assert {"response.created", "response.output_text.delta", "response.completed"} <= kinds
    usage = result.context_wrapper.usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens) == (1, 89, 512)
    assert bills(simulator) == [(89, 512)]


async def test_agents_tool_loop_bills_both_turns(simulator: Simulator, aclient: openai.AsyncOpenAI) -> None:
    @function_tool
    def boxes_near(place: str) -> str:
        """Drop-off boxes near a place."""
        return f"{place}: 주민센터"

    agent = Agent(name="boxes", model=OpenAIResponsesModel("gpt-5.2", aclient), tools=[boxes_near])
    result = await Runner.run(agent, "강남역 수거함", run_config=RunConfig(tracing_disabled=True))
    assert result.final_output
    first, second = bills(simulator)
    usage = result.context_wrapper.usage
    assert (usage.requests, usage.input_tokens) == (2, first[0] + second[0])
    assert usage.output_tokens == first[1] + second[1]
    assert second[0] > first[0]


def test_function_call_fits_its_schema_streamed_or_not(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="gpt-4.1", input="폐건전지 수거함", tools=[BOX], tool_choice="required")
    (call,) = whole.output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"item_type": "battery"}
    events = list(
        client.responses.create(
            model="gpt-4.1", input="폐건전지 수거함", tools=[BOX], tool_choice="required", stream=True
        )
    )
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas)) == {"item_type": "battery"}


def test_structured_output_is_json(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"bin": {"type": "string"}},
        "required": ["bin"],
        "additionalProperties": False,
    }
    wanted: Any = {"format": {"type": "json_schema", "name": "bin", "strict": True, "schema": schema}}
    response = client.responses.create(model="gpt-5.2", input=QUESTION, text=wanted)
    assert json.loads(response.output_text) == {"bin": QUESTION}


def test_following_response_reads_the_earlier_one(simulator: Simulator, client: openai.OpenAI) -> None:
    first = client.responses.create(model="gpt-4.1", input=QUESTION)
    alone = client.responses.create(model="gpt-4.1", input="그럼 뚜껑은?")
    second = client.responses.create(model="gpt-4.1", input="그럼 뚜껑은?", previous_response_id=first.id)
    assert first.usage
    assert alone.usage
    assert second.usage
    assert second.usage.input_tokens == alone.usage.input_tokens + first.usage.input_tokens + first.usage.output_tokens
    with pytest.raises(openai.BadRequestError, match="not found"):
        client.responses.create(model="gpt-4.1", input="그럼?", previous_response_id="resp_none")
    assert len(simulator.ledger()) == 3


def test_background_response_is_billed_once_and_tells_its_usage_when_retrieved() -> None:
    with Simulator("eco2", latency="x0.2") as simulator:
        client = openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated")
        queued = client.responses.create(model="gpt-5.2", input=QUESTION, background=True)
        assert (queued.status, queued.usage) == ("queued", None)
        assert simulator.ledger()[0]["usage_sent"] is False
        for _ in range(200):
            found = client.responses.retrieve(queued.id)
            if found.status == "completed":
                break
            assert (found.status, found.usage) == ("in_progress", None)
            time.sleep(0.02)
        again = client.responses.retrieve(queued.id)
        client.close()
        (entry,) = simulator.ledger()
    assert found.usage == again.usage
    assert found.usage is not None
    assert (entry["billed"]["input"], entry["billed"]["output"]) == (
        found.usage.input_tokens,
        found.usage.output_tokens,
    )
    assert entry["usage_sent"] is True


def test_cancelled_background_response_is_billed_for_what_was_made() -> None:
    with Simulator("eco2") as simulator:
        client = openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated")
        queued = client.responses.create(model="gpt-4.1", input=QUESTION, background=True)
        assert client.responses.cancel(queued.id).status == "cancelled"
        client.close()
        (entry,) = simulator.ledger()
    assert (entry["aborted"], entry["usage_sent"]) == (True, False)
    assert entry["billed"]["output"] < 20


ENDS = """
[[rule]]
when = { user = "길게" }
reply = { text = "여기까지", finish = "length", usage = { input = 7, output = 9, reasoning = 4 } }
[[rule]]
name = "broken"
when = { user = "실패" }
reply = { finish = "failed", usage = { input = 7, output = 3, reasoning = 3 } }
[[rule]]
name = "no"
when = { user = "거절" }
reply = { text = "도울 수 없습니다", finish = "refusal", usage = { input = 7, output = 5 } }
"""


def test_incomplete_and_failed_responses_are_billed_with_usage(tmp_path: Path) -> None:
    scenario = tmp_path / "ends.toml"
    scenario.write_text(ENDS)
    with Simulator(scenario, latency="none") as simulator:
        client = openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated", max_retries=0)
        ends: list[Any] = [
            list(client.responses.create(model="gpt-5.2", input=text, stream=True))[-1]
            for text in ("길게", "실패", "거절")
        ]
        client.close()
        found = bills(simulator)
    assert [end.type for end in ends] == ["response.incomplete", "response.failed", "response.completed"]
    assert [(end.response.usage.input_tokens, end.response.usage.output_tokens) for end in ends] == found
    assert found == [(7, 9), (7, 3), (7, 5)]
    assert ends[0].response.incomplete_details.reason == "max_output_tokens"
    assert ends[2].response.output[0].content[0].type == "refusal"


def test_counting_is_free_and_compacting_is_billed(simulator: Simulator, client: openai.OpenAI) -> None:
    counted = client.responses.input_tokens.count(model="gpt-4.1", input=QUESTION)
    assert counted.input_tokens > 0
    assert simulator.ledger() == []
    compacted = client.responses.compact(model="gpt-4.1", input=[{"role": "user", "content": QUESTION}])
    assert simulator.ledger()[0]["api"] == "responses.compact"
    assert bills(simulator) == [(compacted.usage.input_tokens, compacted.usage.output_tokens)]


def test_stored_response_lists_its_input_replays_and_goes(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.responses.create(model="gpt-4.1", input=QUESTION)
    (item,) = client.responses.input_items.list(response.id)
    assert item.type == "message"
    replayed = list(client.responses.retrieve(response.id, stream=True, starting_after=2))
    assert replayed[0].sequence_number == 3
    assert replayed[-1].type == "response.completed"
    client.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response.id)
    assert len(simulator.ledger()) == 1
