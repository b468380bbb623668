"""openai: chat completions that do not stream, embeddings and moderation."""

from typing import Any

import openai
from pydantic import BaseModel
from tests.recorded.table import scenario
from tests.recorded.world import CHAT_MODEL, AsyncStripDeployments, StripDeployments, World

SDK = "openai"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
            "additionalProperties": False,
        },
    },
}


class Advice(BaseModel):
    answer: str


def asking(text: str, **more: Any) -> dict[str, Any]:
    """Arguments of a chat completion whose user says `text`."""
    return {"model": CHAT_MODEL, "messages": [{"role": "user", "content": text}], **more}


@scenario(SDK, "chat")
def chat(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("페트병은 어떻게 버려?"))


@scenario(SDK, "chat")
async def chat_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.chat.completions.create(**asking("페트병은 어떻게 버려?"))


@scenario(SDK, "chat, cached input")
def cached(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("cached prompt"))


@scenario(SDK, "chat, cache written")
def written(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("written cache"))


@scenario(SDK, "chat, reasoning")
def reasoned(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("reasoned answer"))


@scenario(SDK, "chat, predicted output")
def predicted(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(
            **asking("predicted output", prediction={"type": "content", "content": "예측한 답"})
        )


@scenario(SDK, "chat, audio in and out")
def spoken(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("spoken question", modalities=["text", "audio"]))


@scenario(SDK, "chat, three choices")
def three_choices(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("세 가지로 답해줘", n=3))


@scenario(SDK, "chat, function call")
def function_call(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("서울 날씨는?", tools=[WEATHER]))


@scenario(SDK, "chat, JSON schema")
async def json_schema_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.chat.completions.create(**asking("형식대로 답해줘", response_format=SCHEMA))


@scenario(SDK, "chat, parse")
def parse(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.parse(**asking("형식대로 답해줘", response_format=Advice))


@scenario(SDK, "chat, parse")
async def parse_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.chat.completions.parse(**asking("형식대로 답해줘", response_format=Advice))


@scenario(SDK, "chat, flex tier")
def flex(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("천천히 답해도 돼", service_tier="flex"))


@scenario(SDK, "chat through with_options")
def with_options(w: World) -> None:
    with w.openai() as client:
        client.with_options(timeout=5.0).chat.completions.create(**asking("빨리 답해줘"))


@scenario(SDK, "chat through with_options")
async def with_options_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.with_options(timeout=5.0).chat.completions.create(**asking("빨리 답해줘"))


@scenario(SDK, "chat, raw response")
def raw_response(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.with_raw_response.create(**asking("머리글도 줘")).parse()


@scenario(SDK, "chat, raw response")
async def raw_response_async(w: World) -> None:
    async with w.async_openai() as client:
        (await client.chat.completions.with_raw_response.create(**asking("머리글도 줘"))).parse()


@scenario(SDK, "chat, streaming response read as bytes")
def streaming_response(w: World) -> None:
    with (
        w.openai() as client,
        client.chat.completions.with_streaming_response.create(**asking("바이트로 줘")) as response,
    ):
        b"".join(response.iter_bytes())


@scenario(SDK, "chat, streaming response parsed")
async def streaming_response_async(w: World) -> None:
    async with (
        w.async_openai() as client,
        client.chat.completions.with_streaming_response.create(**asking("바이트로 줘")) as response,
    ):
        await response.parse()


@scenario(SDK, "chat, answer without usage", inexact=1, why="the server's answer has no usage")
def without_usage(w: World) -> None:
    with w.openai() as client:
        client.chat.completions.create(**asking("답만 줘", extra_headers={"x-simulator-fault": "no_usage"}))


@scenario(SDK, "chat on Azure")
def azure(w: World) -> None:
    with (
        StripDeployments() as transport,
        openai.DefaultHttpxClient(transport=transport) as http,
        openai.AzureOpenAI(
            base_url=w.simulator.urls["openai"], azure_ad_token="t", api_version="2026-10-21", http_client=http
        ) as client,
    ):
        client.chat.completions.create(**asking("애저에서 답해줘"))


@scenario(SDK, "chat on Azure, streamed")
async def azure_stream_async(w: World) -> None:
    async with openai.AsyncAzureOpenAI(
        base_url=w.simulator.urls["openai"],
        azure_ad_token="t",
        api_version="2026-10-21",
        http_client=openai.DefaultAsyncHttpxClient(transport=AsyncStripDeployments()),
    ) as client:
        async for chunk in await client.chat.completions.create(**asking("애저에서 답해줘", stream=True)):
            assert chunk.choices[0].index == 0


@scenario(SDK, "embeddings")
def embeddings(w: World) -> None:
    with w.openai() as client:
        client.embeddings.create(model="text-embedding-3-small", input=["페트병", "유리병"])


@scenario(SDK, "embeddings")
async def embeddings_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.embeddings.create(model="text-embedding-3-small", input="페트병")


@scenario(SDK, "moderation, free", exact=0)
def moderation(w: World) -> None:
    with w.openai() as client:
        client.moderations.create(input="나쁜 말일까?")
