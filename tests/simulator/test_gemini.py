"""Gemini through the real client: words, thoughts, functions, JSON, search, pictures, continuation, embeddings."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from everytoken.simulator.serve import Simulator

MODEL = "gemini-3-flash-preview"
QUESTION = "유리병은 어떻게 버려?"
REFERENCE = "강남역 근처 페트병 분리수거함 어디있어?"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def gemini(simulator: Simulator) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=simulator.urls["gemini"])
    client = genai.Client(api_key="simulated", http_options=options)
    yield client
    client.close()


@pytest.fixture
async def agemini(simulator: Simulator) -> AsyncIterator[genai.Client]:
    options = types.HttpOptions(base_url=simulator.urls["gemini"])
    client = genai.Client(api_key="simulated", http_options=options)
    yield client
    await client.aio.aclose()
    client.close()


def billed(usage: Any) -> tuple[int, int]:
    """Input and output as they are billed: tool use is input, thoughts are output."""
    return (
        (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
        (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
    )


def ledger(simulator: Simulator) -> list[tuple[int, int]]:
    return [(entry["billed"]["input"], entry["billed"]["output"]) for entry in simulator.ledger()]


def test_answer_reports_what_the_ledger_bills(simulator: Simulator, gemini: genai.Client) -> None:
    response = gemini.models.generate_content(model=MODEL, contents=QUESTION)
    usage = response.usage_metadata
    assert usage is not None
    (entry,) = simulator.ledger()
    assert (entry["response_id"], entry["provider"], entry["api"]) == (response.response_id, "google", "generate")
    assert billed(usage) == (entry["billed"]["input"], entry["billed"]["output"])
    assert usage.thoughts_token_count == entry["billed"]["reasoning"] > 0
    assert usage.total_token_count == sum(billed(usage))
    assert (usage.cached_content_token_count, usage.tool_use_prompt_token_count) == (None, None)
    assert response.text


def test_every_chunk_carries_the_usage_so_far(simulator: Simulator, gemini: genai.Client) -> None:
    chunks = list(gemini.models.generate_content_stream(model=MODEL, contents=REFERENCE))
    counts = [chunk.usage_metadata.candidates_token_count or 0 for chunk in chunks if chunk.usage_metadata]
    assert len(chunks) == 30
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (2, 89)
    assert len({chunk.response_id for chunk in chunks}) == 1
    assert "무인회수기" in "".join(chunk.text or "" for chunk in chunks)
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert ledger(simulator) == [(256, 89)]


async def test_async_stream_is_the_same(simulator: Simulator, agemini: genai.Client) -> None:
    last = None
    async for chunk in await agemini.aio.models.generate_content_stream(model=MODEL, contents=REFERENCE):
        last = chunk
    assert last is not None
    assert billed(last.usage_metadata) == (256, 89)
    assert ledger(simulator) == [(256, 89)]


def test_forced_function_is_called(gemini: genai.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"query": {"type": "string"}, "radius": {"type": "integer"}},
        "required": ["query"],
    }
    declared = types.FunctionDeclaration(name="search_kakao_place", parameters_json_schema=schema)
    forced = types.FunctionCallingConfig(
        mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=["search_kakao_place"]
    )
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[declared])],
        tool_config=types.ToolConfig(function_calling_config=forced),
    )
    response = gemini.models.generate_content(model=MODEL, contents=REFERENCE, config=config)
    (call,) = response.function_calls or []
    assert (call.name, call.args) == ("search_kakao_place", {"query": "강남역 페트병 수거함", "radius": 2000})
    assert billed(response.usage_metadata) == (128, 128)


def test_automatic_function_calling_bills_every_request(
    simulator: Simulator, gemini: genai.Client, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def sky_over(place: str) -> str:
        """How the sky is."""
        asked.append(place)
        return "맑음"

    config = types.GenerateContentConfig(tools=[sky_over])
    response = gemini.models.generate_content(model=MODEL, contents="강남역 날씨 어때?", config=config)
    assert response.text
    assert asked == ["강남역"]
    first, second = ledger(simulator)
    assert billed(response.usage_metadata) == second
    assert second[0] > first[0] > 0


def test_structured_output_fits_the_schema(gemini: genai.Client) -> None:
    schema = {
        "title": "intent",
        "type": "object",
        "properties": {"intent": {"type": "string", "enum": ["waste", "location"]}, "confidence": {"type": "number"}},
        "required": ["intent", "confidence"],
    }
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=schema)
    response = gemini.models.generate_content(model=MODEL, contents=REFERENCE, config=config)
    assert json.loads(response.text or "") == {"intent": "location", "confidence": 0.97}
    assert billed(response.usage_metadata) == (47, 12)


def test_search_adds_tool_use_tokens_and_is_grounded(simulator: Simulator, gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    chunks = list(gemini.models.generate_content_stream(model=MODEL, contents="보증금제 소식 알려줘", config=config))
    (entry,) = simulator.ledger()
    usage = chunks[-1].usage_metadata
    assert usage is not None
    assert usage.tool_use_prompt_token_count == entry["billed"]["tool_use"] > 0
    assert billed(usage) == (entry["billed"]["input"], entry["billed"]["output"])
    assert chunks[-1].candidates is not None
    grounding = chunks[-1].candidates[0].grounding_metadata
    assert grounding is not None
    assert grounding.web_search_queries is not None
    assert len(grounding.web_search_queries) == entry["billed"]["web_search"] == 1
    assert grounding.grounding_chunks


def test_thoughts_are_shown_to_those_who_ask(gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
    response = gemini.models.generate_content(model=MODEL, contents=QUESTION, config=config)
    assert [part.thought for part in response.parts or []] == [True, None]


def test_picture_in_is_counted_by_modality(simulator: Simulator, gemini: genai.Client) -> None:
    picture = types.Part.from_bytes(data=PNG, mime_type="image/png")
    response = gemini.models.generate_content(model=MODEL, contents=[picture, "이건 뭐야?"])
    usage = response.usage_metadata
    assert usage is not None
    details = {detail.modality: detail.token_count for detail in usage.prompt_tokens_details or []}
    assert details[types.MediaModality.IMAGE] == simulator.ledger()[0]["billed"]["input_image"] == 258
    assert sum(count or 0 for count in details.values()) == usage.prompt_token_count


def test_picture_out_is_a_png_and_counted_apart(simulator: Simulator, gemini: genai.Client) -> None:
    config = types.GenerateContentConfig(
        response_modalities=["TEXT", "IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9")
    )
    response = gemini.models.generate_content(
        model="gemini-3-pro-image-preview", contents="지구를 그려줘", config=config
    )
    (drawn,) = [part.inline_data for part in response.parts or [] if part.inline_data]
    assert drawn.data is not None
    assert drawn.data.startswith(PNG)
    assert (int.from_bytes(drawn.data[16:20]), int.from_bytes(drawn.data[20:24])) == (672, 384)
    entry = simulator.ledger()[0]["billed"]
    assert (entry["output_image"], entry["images"], entry["reasoning"]) == (1290, 1, 0)
    assert billed(response.usage_metadata) == (entry["input"], entry["output"])


CONTINUED = """
[[rule]]
name = "long"
[rule.reply]
text = "하나 둘 셋"
hops = 3
usage = { input = 10, output = 4 }
"""


def test_continuation_bills_every_hop_and_sums_up(tmp_path: Path) -> None:
    scenario = tmp_path / "long.toml"
    scenario.write_text(CONTINUED)
    with Simulator(scenario, latency="none") as simulator:
        client = genai.Client(api_key="simulated", http_options=types.HttpOptions(base_url=simulator.urls["gemini"]))
        whole = client.models.generate_content(model=MODEL, contents=QUESTION)
        assert (whole.text, billed(whole.usage_metadata)) == ("하나 둘 셋", (30, 12))
        streamed = list(client.models.generate_content_stream(model=MODEL, contents=QUESTION))
        assert "".join(chunk.text or "" for chunk in streamed) == "하나 둘 셋"
        assert billed(streamed[-1].usage_metadata) == (30, 12)
        assert ledger(simulator) == [(10, 4)] * 6
        assert len({entry["response_id"] for entry in simulator.ledger()}) == 6
        client.close()


def test_embeddings_are_billed_without_an_id_on_the_wire(simulator: Simulator, gemini: genai.Client) -> None:
    response = gemini.models.embed_content(
        model="gemini-embedding-001",
        contents=["유리병", "종이"],
        config=types.EmbedContentConfig(output_dimensionality=8),
    )
    assert response.usage_metadata is not None
    assert ledger(simulator) == [(response.usage_metadata.prompt_token_count, 0)]
    first, second = response.embeddings or []
    assert (len(first.values or []), first.values != second.values) == (8, True)
    assert sum(value * value for value in first.values or []) == pytest.approx(1.0, abs=1e-5)


def test_counting_tokens_is_free(simulator: Simulator, gemini: genai.Client) -> None:
    assert (gemini.models.count_tokens(model=MODEL, contents=QUESTION).total_tokens or 0) > 0
    assert simulator.ledger() == []


def test_missing_contents_are_refused(simulator: Simulator, gemini: genai.Client) -> None:
    with pytest.raises(errors.ClientError, match="contents is not specified"):
        gemini.models.generate_content(model=MODEL, contents=[types.Content(role="user", parts=[])])
    assert simulator.ledger() == []


def test_interaction_reports_what_the_ledger_bills(simulator: Simulator, gemini: genai.Client) -> None:
    first: Any = gemini.interactions.create(model=MODEL, input=QUESTION)
    second: Any = gemini.interactions.create(model=MODEL, input="뚜껑은?", previous_interaction_id=first.id)
    read: Any = gemini.interactions.get(id=first.id)
    usages = [interaction.usage for interaction in (first, second)]
    assert [
        (usage.total_input_tokens, (usage.total_output_tokens or 0) + (usage.total_thought_tokens or 0))
        for usage in usages
        if usage
    ] == ledger(simulator)
    assert ledger(simulator)[1][0] > ledger(simulator)[0][0]
    assert (first.status, [entry["response_id"] for entry in simulator.ledger()]) == (
        "completed",
        [first.id, second.id],
    )
    assert read.usage.total_tokens == first.usage.total_tokens
    assert len(simulator.ledger()) == 2


def test_streamed_interaction_tells_usage_at_its_close(simulator: Simulator, gemini: genai.Client) -> None:
    search: Any = [{"type": "google_search"}]
    events: list[Any] = list(gemini.interactions.create(model=MODEL, input=QUESTION, tools=search, stream=True))
    assert (events[0].event_type, events[-1].event_type) == ("interaction.created", "interaction.completed")
    assert "".join(e.delta.text for e in events if e.event_type == "step.delta" and e.delta.type == "text")
    usage = events[-1].interaction.usage
    (entry,) = simulator.ledger()
    assert usage.total_tool_use_tokens == entry["billed"]["tool_use"] > 0
    assert usage.total_input_tokens + usage.total_tool_use_tokens == entry["billed"]["input"]
    assert usage.total_output_tokens + usage.total_thought_tokens == entry["billed"]["output"]
    assert usage.grounding_tool_count[0].count == entry["billed"]["web_search"] == 1
    assert entry["usage_sent"]
