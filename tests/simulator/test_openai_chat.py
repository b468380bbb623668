"""Chat completions through the real client: every shape a caller can ask for, and the ledger beside it."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from everytoken.simulator.serve import Simulator

QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
REFERENCE: list[Any] = [{"role": "user", "content": QUESTION}]
PLAIN: list[Any] = [
    {"role": "system", "content": "짧게 답하세요."},
    {"role": "user", "content": "유리병은 어떻게 버려?"},
]
PLACES: Any = {
    "type": "function",
    "function": {
        "name": "search_kakao_place",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "search_type": {"enum": ["keyword", "category"]}},
            "required": ["query", "search_type"],
        },
    },
}
INTENT: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "intent",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "intent": {"type": "string", "enum": ["waste", "location"]},
                "place": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "confidence": {"type": "number", "minimum": 0, "maximum": 1},
            },
            "required": ["intent", "place", "confidence"],
            "additionalProperties": False,
        },
    },
}


def counts(response: ChatCompletion | ChatCompletionChunk) -> tuple[int, int, int]:
    assert response.usage is not None
    return response.usage.prompt_tokens, response.usage.completion_tokens, response.usage.total_tokens


def only(simulator: Simulator) -> dict[str, Any]:
    (entry,) = simulator.ledger()
    return entry


def test_plain_completion_reports_what_the_ledger_bills(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.chat.completions.create(model="gpt-5.2", messages=PLAIN)
    entry = only(simulator)
    assert response.id.startswith("chatcmpl-")
    assert entry["response_id"] == response.id
    assert (entry["provider"], entry["api"], entry["model"], entry["attempt"]) == ("openai", "chat", "gpt-5.2", 1)
    assert counts(response) == (
        entry["billed"]["input"],
        entry["billed"]["output"],
        entry["billed"]["input"] + entry["billed"]["output"],
    )
    assert response.usage is not None
    assert response.usage.completion_tokens_details is not None
    assert response.usage.completion_tokens_details.reasoning_tokens == entry["billed"]["reasoning"] > 0
    assert (entry["usage_sent"], entry["aborted"], entry["open"]) == (True, False, False)


def test_same_request_gives_the_same_answer_under_another_id(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="gpt-5.2", messages=PLAIN)
    second = client.chat.completions.create(model="gpt-5.2", messages=PLAIN)
    assert first.choices[0].message.content == second.choices[0].message.content
    assert counts(first) == counts(second)
    assert first.id != second.id


def test_another_seed_gives_another_count() -> None:
    seen = set()
    for seed in range(4):
        with Simulator("eco2", seed=seed, latency="none") as other:
            client = openai.OpenAI(base_url=other.urls["openai"], api_key="simulated")
            seen.add(counts(client.chat.completions.create(model="gpt-5.2", messages=PLAIN)))
            client.close()
    assert len(seen) > 1


def test_request_id_of_the_header_stands_in_the_ledger(simulator: Simulator, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-5.2", messages=PLAIN)
    assert raw.headers["x-request-id"] == only(simulator)["request_id"]
    assert raw.parse().choices[0].finish_reason == "stop"


def stream(client: openai.OpenAI, messages: list[Any], **options: Any) -> list[ChatCompletionChunk]:
    chunks: Iterator[ChatCompletionChunk] = client.chat.completions.create(
        model="gpt-5.2", messages=messages, stream=True, **options
    )
    return list(chunks)


def test_stream_has_role_content_finish_and_usage_in_this_order(simulator: Simulator, client: openai.OpenAI) -> None:
    chunks = stream(client, REFERENCE, stream_options={"include_usage": True})
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "무인회수기" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, counts(chunks[-1])) == ([], (256, 89, 345))
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert len(chunks) == 1 + 30 + 1 + 1
    assert len({chunk.id for chunk in chunks}) == 1
    assert only(simulator)["usage_sent"]


def test_stream_without_the_option_never_mentions_usage_and_is_billed(
    simulator: Simulator, client: openai.OpenAI
) -> None:
    chunks = stream(client, REFERENCE)
    assert all(chunk.usage is None and "usage" not in chunk.model_fields_set for chunk in chunks)
    entry = only(simulator)
    assert (entry["billed"]["input"], entry["billed"]["output"], entry["usage_sent"]) == (256, 89, False)


def test_forced_function_is_called_with_arguments_that_fit_its_schema(
    simulator: Simulator, client: openai.OpenAI
) -> None:
    response = client.chat.completions.create(
        model="gpt-5.2",
        messages=REFERENCE,
        tools=[PLACES],
        tool_choice={"type": "function", "function": {"name": "search_kakao_place"}},
    )
    (call,) = response.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"query": "강남역 페트병 수거함", "search_type": "keyword"}
    assert response.choices[0].message.content is None
    assert counts(response) == (128, 128, 256)


def test_streamed_function_call_joins_to_the_arguments(client: openai.OpenAI) -> None:
    chunks = stream(client, REFERENCE, tools=[PLACES], tool_choice="required", stream_options={"include_usage": True})
    deltas = [d for chunk in chunks if chunk.choices for d in chunk.choices[0].delta.tool_calls or []]
    assert deltas[0].id is not None
    assert deltas[0].function is not None
    assert deltas[0].function.name == "search_kakao_place"
    joined = "".join((delta.function.arguments or "") for delta in deltas if delta.function)
    assert json.loads(joined)["search_type"] == "keyword"
    assert next(c.choices[0].finish_reason for c in reversed(chunks) if c.choices) == "tool_calls"


def test_function_result_is_answered_in_words(client: openai.OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "search_kakao_place", "arguments": "{}"}}
    told = [
        *PLAIN,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "[]"},
    ]
    response = client.chat.completions.create(model="gpt-5.2", messages=told, tools=[PLACES])
    assert response.choices[0].message.content
    assert response.choices[0].message.tool_calls is None


def test_structured_output_fits_the_schema_and_the_scenario(client: openai.OpenAI) -> None:
    response = client.chat.completions.create(model="gpt-5.2", messages=REFERENCE, response_format=INTENT)
    assert json.loads(response.choices[0].message.content or "") == {
        "intent": "location",
        "place": "강남역",
        "confidence": 0.97,
    }
    assert counts(response) == (47, 12, 59)


def test_strict_schema_with_an_optional_property_is_refused(simulator: Simulator, client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False}
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "loose", "strict": True, "schema": schema}}
    with pytest.raises(openai.BadRequestError, match="Missing 'a'"):
        client.chat.completions.create(model="gpt-5.2", messages=PLAIN, response_format=wanted)
    assert simulator.ledger() == []


def test_several_choices_share_one_usage(simulator: Simulator, client: openai.OpenAI) -> None:
    one = client.chat.completions.create(model="gpt-4.1", messages=PLAIN)
    three = client.chat.completions.create(model="gpt-4.1", messages=PLAIN, n=3)
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert counts(three)[0] == counts(one)[0]
    assert counts(three)[1] > counts(one)[1]
    assert simulator.ledger()[1]["billed"]["output"] == counts(three)[1]


def test_picture_in_a_message_costs_image_tokens(simulator: Simulator, client: openai.OpenAI) -> None:
    picture: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "이건 뭐야?"}, picture]}]
    response = client.chat.completions.create(model="gpt-5.2", messages=messages)
    billed = only(simulator)["billed"]
    assert billed["input_image"] == 765
    assert counts(response)[0] == billed["input"] > 765


def test_limit_of_the_client_ends_the_answer(client: openai.OpenAI) -> None:
    response = client.chat.completions.create(model="gpt-4.1", messages=PLAIN, max_completion_tokens=5)
    assert (response.choices[0].finish_reason, counts(response)[1]) == ("length", 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"messages": []}, "messages"),
        ({"max_tokens": 10}, "max_completion_tokens"),
        ({"tools": [PLACES], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"n": 0}, "'n'"),
    ],
)
def test_what_openai_refuses_is_refused(client: openai.OpenAI, options: dict[str, Any], message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        client.chat.completions.create(**{"model": "gpt-5.2", "messages": PLAIN, **options})


async def test_async_client_streams_too(simulator: Simulator, aclient: openai.AsyncOpenAI) -> None:
    chunks = await aclient.chat.completions.create(
        model="gpt-5.2", messages=REFERENCE, stream=True, stream_options={"include_usage": True}
    )
    last = [chunk async for chunk in chunks][-1]
    assert counts(last) == (256, 89, 345)
    assert only(simulator)["billed"]["output"] == 89
