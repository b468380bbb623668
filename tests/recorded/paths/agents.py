"""openai-agents: plain, streamed, with tools, handed over, nested, cancelled, and on chat completions."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from agents import (
    Agent,
    ModelBehaviorError,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
    set_trace_processors,
)
from langsmith.integrations.openai_agents_sdk import OpenAIAgentsTracingProcessor
from openai import AsyncOpenAI
from tests.recorded.paths.openai_streams import CUT
from tests.recorded.table import scenario
from tests.recorded.world import CHAT_MODEL, World, wrap_openai

SDK = "openai-agents"
MAX_TURNS = 5
LOST = "an answer that never arrived cannot be read"


@function_tool
def weather(city: str) -> str:
    """Weather of a city."""
    return f"{city}: 맑음"


def agent(client: AsyncOpenAI, *, chat: bool = False, tools: Any = ()) -> Any:
    kind = OpenAIChatCompletionsModel if chat else OpenAIResponsesModel
    model = kind(model=CHAT_MODEL, openai_client=client)
    return Agent(name="helper", instructions="짧게 답해.", model=model, tools=list(tools))


@contextlib.contextmanager
def processed(w: World) -> Iterator[None]:
    """LangSmith's own tracing processor on."""
    processor: Any = OpenAIAgentsTracingProcessor
    set_trace_processors([processor(client=w.client, project_name="recorded")])
    try:
        yield
    finally:
        set_trace_processors([])


@scenario(SDK, "run")
async def run_async(w: World) -> None:
    async with w.async_openai() as client:
        await Runner.run(agent(client), "페트병은?")


@scenario(SDK, "run_sync")
def run_sync(w: World) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    client = w.async_openai()
    try:
        Runner.run_sync(agent(client), "페트병은?")
        loop.run_until_complete(client.close())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@scenario(SDK, "run_streamed")
async def streamed_async(w: World) -> None:
    async with w.async_openai() as client:
        async for _ in Runner.run_streamed(agent(client), "reasoned answer").stream_events():
            pass


@scenario(SDK, "run, two tool turns, three requests", exact=3)
async def tools_async(w: World) -> None:
    async with w.async_openai() as client:
        await Runner.run(agent(client, tools=[weather]), "two tools", max_turns=MAX_TURNS)


@scenario(SDK, "run_streamed, two tool turns, three requests", exact=3)
async def tools_streamed_async(w: World) -> None:
    async with w.async_openai() as client:
        result = Runner.run_streamed(agent(client, tools=[weather]), "two tools", max_turns=MAX_TURNS)
        async for _ in result.stream_events():
            pass


@scenario(SDK, "run on chat completions")
async def chat_async(w: World) -> None:
    async with w.async_openai() as client:
        await Runner.run(agent(client, chat=True), "cached prompt")


@scenario(SDK, "run_streamed on chat completions")
async def chat_streamed_async(w: World) -> None:
    async with w.async_openai() as client:
        async for _ in Runner.run_streamed(agent(client, chat=True), "cached prompt").stream_events():
            pass


@scenario(SDK, "run_streamed on chat completions, two tool turns, three requests", exact=3)
async def chat_tools_streamed_async(w: World) -> None:
    async with w.async_openai() as client:
        result = Runner.run_streamed(agent(client, chat=True, tools=[weather]), "two tools", max_turns=MAX_TURNS)
        async for _ in result.stream_events():
            pass


@scenario(SDK, "run_streamed on chat completions, usage asked for")
async def chat_asked_async(w: World) -> None:
    async with w.async_openai() as client:
        helper = agent(client, chat=True).clone(model_settings=ModelSettings(include_usage=True))
        async for _ in Runner.run_streamed(helper, "cached prompt").stream_events():
            pass


@scenario(SDK, "run of an agent that calls an agent as a tool, three requests", exact=3)
async def nested_async(w: World) -> None:
    async with w.async_openai() as client:
        inner = agent(client).as_tool(tool_name="expert", tool_description="물어볼 수 있는 전문가")
        await Runner.run(agent(client, tools=[inner]), "전문가에게 물어봐", max_turns=MAX_TURNS)


@scenario(SDK, "run, incomplete answer")
async def incomplete_async(w: World) -> None:
    async with w.async_openai() as client:
        with contextlib.suppress(ModelBehaviorError):
            await Runner.run(agent(client), "incomplete answer")


@scenario(SDK, "run with the SDK's own tracing off")
async def untraced_async(w: World) -> None:
    async with w.async_openai() as client:
        await Runner.run(agent(client), "페트병은?", run_config=RunConfig(tracing_disabled=True))


@scenario(SDK, "run, 429 then answered")
async def too_many_async(w: World) -> None:
    w.fault("429:0.01")
    async with w.async_openai() as client:
        await Runner.run(agent(client), "다시 물어볼게")


@scenario(SDK, "run_streamed, cancelled", inexact=1, why=CUT)
async def cancelled_async(w: World) -> None:
    async with w.async_openai() as client:
        result = Runner.run_streamed(agent(client), "long answer")
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                result.cancel()


@scenario(SDK, "run, two tool turns, langsmith's processor on", exact=3)
async def processed_tools_async(w: World) -> None:
    with processed(w):
        async with w.async_openai() as client:
            await Runner.run(agent(client, tools=[weather]), "two tools", max_turns=MAX_TURNS)


@scenario(SDK, "run_streamed, langsmith's processor on")
async def processed_streamed_async(w: World) -> None:
    with processed(w):
        async with w.async_openai() as client:
            async for _ in Runner.run_streamed(agent(client), "reasoned answer").stream_events():
                pass


@scenario(SDK, "run_streamed on chat completions, langsmith's processor on")
async def processed_chat_async(w: World) -> None:
    with processed(w):
        async with w.async_openai() as client:
            async for _ in Runner.run_streamed(agent(client, chat=True), "cached prompt").stream_events():
                pass


@scenario(SDK, "run on a client in langsmith's wrap_openai, langsmith's processor on")
async def wrapped_async(w: World) -> None:
    with processed(w), w.traced():
        async with w.async_openai() as client:
            await Runner.run(agent(wrap_openai(client)), "reasoned answer")


@scenario(SDK, "run, answer lost, SDK retries, langsmith's processor on", exact=1, inexact=1, why=LOST)
async def processed_retry_async(w: World) -> None:
    w.fault("drop")
    with processed(w):
        async with w.async_openai() as client:
            await Runner.run(agent(client), "다시 물어볼게")
