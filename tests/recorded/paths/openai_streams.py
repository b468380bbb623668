"""openai: streamed chat completions, read to the end, left early, and read as lines."""

import asyncio
import contextlib
import json
from typing import Any

import openai
from tests.recorded.paths.openai_chat import SCHEMA, SDK, WEATHER, Advice, asking
from tests.recorded.table import scenario
from tests.recorded.world import RejectingGateway, RejectStreamOptions, World

CUT = "the provider bills what was generated, and tells the usage only at the end of a stream"


def read(client: openai.OpenAI, text: str, **more: Any) -> None:
    """Read a whole stream as applications do: every chunk has a choice."""
    for chunk in client.chat.completions.create(**asking(text, stream=True, **more)):
        assert chunk.choices[0].index >= 0


@scenario(SDK, "chat stream, usage not asked for")
def not_asked(w: World) -> None:
    with w.openai() as client:
        read(client, "흘려서 답해줘")


@scenario(SDK, "chat stream, usage not asked for")
async def not_asked_async(w: World) -> None:
    async with w.async_openai() as client:
        async for chunk in await client.chat.completions.create(**asking("흘려서 답해줘", stream=True)):
            assert chunk.choices[0].index == 0


@scenario(SDK, "chat stream, usage asked for")
def asked(w: World) -> None:
    with w.openai() as client:
        chunks = list(
            client.chat.completions.create(
                **asking("흘려서 답해줘", stream=True, stream_options={"include_usage": True})
            )
        )
    assert chunks[-1].usage is not None
    assert chunks[-1].choices == []


@scenario(SDK, "chat stream, usage asked for")
async def asked_async(w: World) -> None:
    async with w.async_openai() as client:
        options = {"include_usage": True}
        stream = await client.chat.completions.create(**asking("흘려서 답해줘", stream=True, stream_options=options))
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].usage is not None


@scenario(SDK, "chat stream, usage switched off by the user")
def switched_off(w: World) -> None:
    with w.openai() as client:
        read(client, "흘려서 답해줘", stream_options={"include_usage": False})


@scenario(SDK, "chat stream, function call")
def function_call(w: World) -> None:
    with w.openai() as client:
        read(client, "서울 날씨는?", tools=[WEATHER])


@scenario(SDK, "chat stream, three choices")
def three_choices(w: World) -> None:
    with w.openai() as client:
        read(client, "세 가지로 답해줘", n=3)


@scenario(SDK, "chat stream, JSON schema")
def json_schema(w: World) -> None:
    with w.openai() as client:
        read(client, "형식대로 답해줘", response_format=SCHEMA)


@scenario(SDK, "chat stream, cached input and reasoning", exact=2)
def cached(w: World) -> None:
    with w.openai() as client:
        read(client, "cached prompt")
        read(client, "reasoned answer")


@scenario(SDK, "chat stream in a context manager")
def context_manager(w: World) -> None:
    with w.openai() as client, client.chat.completions.create(**asking("흘려서 답해줘", stream=True)) as stream:
        for chunk in stream:
            assert chunk.choices


@scenario(SDK, "chat .stream() helper")
def helper(w: World) -> None:
    with w.openai() as client, client.chat.completions.stream(**asking("형식대로", response_format=Advice)) as stream:
        stream.get_final_completion()


@scenario(SDK, "chat .stream() helper")
async def helper_async(w: World) -> None:
    async with (
        w.async_openai() as client,
        client.chat.completions.stream(**asking("형식대로", response_format=Advice)) as stream,
    ):
        await stream.get_final_completion()


@scenario(SDK, "chat stream, raw response parsed")
def raw_response(w: World) -> None:
    with w.openai() as client:
        response = client.chat.completions.with_raw_response.create(**asking("흘려서 답해줘", stream=True))
        for chunk in response.parse():
            assert chunk.choices


@scenario(SDK, "chat stream, raw response parsed")
async def raw_response_async(w: World) -> None:
    async with w.async_openai() as client:
        response = await client.chat.completions.with_raw_response.create(**asking("흘려서 답해줘", stream=True))
        async for chunk in response.parse():
            assert chunk.choices


@scenario(SDK, "chat stream read with iter_lines")
def iter_lines(w: World) -> None:
    streaming = asking("흘려서 답해줘", stream=True)
    with w.openai() as client, client.chat.completions.with_streaming_response.create(**streaming) as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: {")]
    assert all(json.loads(line[6:])["choices"] for line in lines)


@scenario(SDK, "chat stream read with iter_lines")
async def iter_lines_async(w: World) -> None:
    async with (
        w.async_openai() as client,
        client.chat.completions.with_streaming_response.create(**asking("흘려서", stream=True)) as response,
    ):
        lines = [line async for line in response.iter_lines() if line.startswith("data: {")]
    assert all(json.loads(line[6:])["choices"] for line in lines)


@scenario(SDK, "chat stream read with iter_bytes")
def iter_bytes(w: World) -> None:
    streaming = asking("흘려서 답해줘", stream=True)
    with w.openai() as client, client.chat.completions.with_streaming_response.create(**streaming) as response:
        body = b"".join(response.iter_bytes())
    assert body.endswith(b"data: [DONE]\n\n")


@scenario(SDK, "chat stream of a server that puts usage on every chunk")
def usage_every_chunk(w: World) -> None:
    with w.openai() as client:
        read(client, "흘려서 답해줘", extra_headers={"x-simulator-fault": "usage_every_chunk"})


@scenario(
    SDK,
    "chat stream of a server that rejects stream_options, twice",
    inexact=2,
    why="the server has no way to be asked for the usage of a stream",
)
def rejected_option(w: World) -> None:
    with (
        RejectStreamOptions() as transport,
        openai.DefaultHttpxClient(transport=transport) as http,
        w.openai(base_url=w.simulator.urls["openai"].replace("127.0.0.1", "localhost"), http_client=http) as client,
    ):
        read(client, "흘려서 답해줘")
        read(client, "다시 흘려서 답해줘")


@scenario(
    SDK,
    "chat stream on Azure with an API version that rejects stream_options, twice",
    inexact=2,
    why="the server has no way to be asked for the usage of a stream",
)
def rejected_by_azure(w: World) -> None:
    with (
        RejectingGateway(w.simulator.urls["openai"]) as transport,
        openai.DefaultHttpxClient(transport=transport) as http,
        openai.AzureOpenAI(
            base_url="http://azure.test/v1", azure_ad_token="t", api_version="2024-02-01", http_client=http
        ) as client,
    ):
        read(client, "애저에서 흘려서 답해줘")
        read(client, "애저에서 다시 흘려서 답해줘")


@scenario(SDK, "chat stream closed after three chunks", inexact=1, why=CUT)
def closed(w: World) -> None:
    with w.openai() as client:
        stream = client.chat.completions.create(**asking("long answer", stream=True))
        for _ in range(3):
            next(stream)
        stream.close()


@scenario(SDK, "chat stream closed after three chunks", inexact=1, why=CUT)
async def closed_async(w: World) -> None:
    async with w.async_openai() as client:
        stream = await client.chat.completions.create(**asking("long answer", stream=True))
        for _ in range(3):
            await anext(stream)
        await stream.close()


@scenario(SDK, "chat stream left by break", inexact=1, why=CUT)
def broken_off(w: World) -> None:
    with w.openai() as client:
        for chunk in client.chat.completions.create(**asking("long answer", stream=True)):
            if chunk.choices[0].delta.content:
                break


@scenario(SDK, "chat stream left by break", inexact=1, why=CUT)
async def broken_off_async(w: World) -> None:
    async with w.async_openai() as client:
        async for chunk in await client.chat.completions.create(**asking("long answer", stream=True)):
            if chunk.choices[0].delta.content:
                break


@scenario(SDK, "chat stream, exception in the consumer", inexact=1, why=CUT)
def consumer_fails(w: World) -> None:
    streaming = asking("long answer", stream=True)
    with (
        w.openai() as client,
        contextlib.suppress(ZeroDivisionError),
        client.chat.completions.create(**streaming) as stream,
    ):
        for _ in stream:
            raise ZeroDivisionError


@scenario(SDK, "chat stream, consumer's generator collected", inexact=1, why=CUT)
def collected(w: World) -> None:
    def words(client: openai.OpenAI) -> Any:
        for chunk in client.chat.completions.create(**asking("long answer", stream=True)):
            yield chunk.choices[0].delta.content

    with w.openai() as client:
        next(words(client))


@scenario(SDK, "chat stream, task cancelled", inexact=1, why=CUT)
async def cancelled_async(w: World) -> None:
    async def consume() -> None:
        async with w.async_openai() as client:
            async for _ in await client.chat.completions.create(**asking("long answer", stream=True)):
                begun.set()

    begun = asyncio.Event()
    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@scenario(SDK, "chat, task cancelled before the answer", inexact=1, why="a call given up has no answer to read")
async def cancelled_call_async(w: World) -> None:
    async def call() -> None:
        async with w.async_openai() as client:
            await client.chat.completions.create(**asking("long answer"))

    task = asyncio.create_task(call())
    await asyncio.sleep(0.2)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@scenario(
    SDK, "chat stream cut by the network", inexact=1, why="the connection broke before the usage, at the stream's end"
)
def cut(w: World) -> None:
    w.fault("cut:3")
    with w.openai(max_retries=0) as client, contextlib.suppress(openai.APIConnectionError):
        read(client, "흘려서 답해줘")
