"""LangChain's chat models for Gemini. They need google-genai 2.x: measured in an environment of their own."""

import asyncio
from typing import Any

from langchain_core.caches import InMemoryCache
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_google_genai import (  # type: ignore[import-not-found]  # in an environment of its own alone
    ChatGoogleGenerativeAI,
    GoogleGenerativeAIEmbeddings,
)
from pydantic import SecretStr
from tests.recorded.paths.gemini import CUT
from tests.recorded.paths.langchain import LOST, QUESTIONS, Advice, fan_out, weather
from tests.recorded.table import scenario
from tests.recorded.world import GEMINI_MODEL, KEY, World

SDK = "langchain-google-genai"


def model(w: World, **more: Any) -> ChatGoogleGenerativeAI:
    base = w.simulator.urls["gemini"]
    return ChatGoogleGenerativeAI(
        **{"model": GEMINI_MODEL, "google_api_key": SecretStr(KEY), "base_url": base, "max_retries": 1, **more}
    )


@scenario(SDK, "invoke")
def invoke(w: World) -> None:
    with w.traced():
        model(w).invoke("reasoned answer")


@scenario(SDK, "invoke")
async def invoke_async(w: World) -> None:
    with w.traced():
        await model(w).ainvoke("cached prompt")


@scenario(SDK, "invoke, tracer off")
def untraced(w: World) -> None:
    model(w).invoke("reasoned answer")


@scenario(SDK, "stream")
def stream(w: World) -> None:
    with w.traced():
        for _ in model(w).stream("reasoned answer"):
            pass


@scenario(SDK, "stream")
async def stream_async(w: World) -> None:
    with w.traced():
        async for _ in model(w).astream("cached prompt"):
            pass


@scenario(SDK, "stream left by break", inexact=1, why=CUT)
def broken_off(w: World) -> None:
    with w.traced():
        for _ in model(w).stream("long answer"):
            break


@scenario(SDK, "batch of three", exact=3)
def batch(w: World) -> None:
    with w.traced():
        model(w).batch(list(QUESTIONS))


@scenario(SDK, "batch of three", exact=3)
async def batch_async(w: World) -> None:
    with w.traced():
        await model(w).abatch(list(QUESTIONS))


@scenario(SDK, "astream_events")
async def events_async(w: World) -> None:
    with w.traced():
        async for _ in model(w).astream_events("reasoned answer", version="v2"):
            pass


@scenario(SDK, "cache hit, not billed again")
def cache_hit(w: World) -> None:
    with w.traced():
        chat = model(w, cache=InMemoryCache())
        chat.invoke("두 번 물어볼게")
        chat.invoke("두 번 물어볼게")


@scenario(SDK, "fallback after a refusal")
def fallback(w: World) -> None:
    w.fault("500")
    with w.traced():
        model(w).with_fallbacks([model(w, model="gemini-3-pro-preview")]).invoke("둘 중 하나가 답해줘")


@scenario(SDK, "fallback after a lost answer", exact=1, inexact=1, why=LOST)
def fallback_lost(w: World) -> None:
    w.fault("drop")
    with w.traced():
        model(w).with_fallbacks([model(w, model="gemini-3-pro-preview")]).invoke("둘 중 하나가 답해줘")


@scenario(SDK, "structured output")
def structured(w: World) -> None:
    with w.traced():
        model(w).with_structured_output(Advice).invoke("형식대로")


@scenario(SDK, "search grounding")
def grounded(w: World) -> None:
    with w.traced():
        model(w).bind_tools([{"google_search": {}}]).invoke("grounded answer")


@scenario(SDK, "tool loop, three requests", exact=3)
def tool_loop(w: World) -> None:
    with w.traced():
        chat = model(w).bind_tools([weather])
        messages: list[Any] = [HumanMessage("two tools")]
        while (answer := chat.invoke(messages)).tool_calls:
            calls = answer.tool_calls
            messages += [answer, *(ToolMessage(weather.invoke(c["args"]), tool_call_id=c["id"]) for c in calls)]


@scenario(SDK, "embeddings", exact=1)
def embeddings(w: World) -> None:
    with w.traced():
        GoogleGenerativeAIEmbeddings(
            model="gemini-embedding-001", google_api_key=SecretStr(KEY), base_url=w.simulator.urls["gemini"]
        ).embed_query("페트병")


@scenario(SDK, "Send fan-out of chat models", exact=3)
async def send_async(w: World) -> None:
    with w.traced():
        chat = model(w)

        async def answer(state: Any) -> Any:
            return {"answers": [str((await chat.ainvoke(state["questions"][0])).content)]}

        told = await fan_out(answer).ainvoke({"questions": list(QUESTIONS)})
        assert len(told["answers"]) == 3


@scenario(SDK, "asyncio.gather", exact=3)
async def gather_async(w: World) -> None:
    with w.traced():
        chat = model(w)
        await asyncio.gather(*(chat.ainvoke(text) for text in QUESTIONS))
