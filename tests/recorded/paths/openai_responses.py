"""openai: Responses, whole, streamed, unfinished, in the background and on threads of them; batches."""

import asyncio
import contextlib
import json
import time
from typing import Any

import openai
from tests.recorded.paths.openai_chat import SDK, Advice
from tests.recorded.paths.openai_streams import CUT
from tests.recorded.table import scenario
from tests.recorded.world import CHAT_MODEL, World


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"model": CHAT_MODEL, "input": text, **more}


@scenario(SDK, "responses")
def responses(w: World) -> None:
    with w.openai() as client:
        client.responses.create(**asking("reasoned answer"))


@scenario(SDK, "responses")
async def responses_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.responses.create(**asking("written cache"))


@scenario(SDK, "responses, parse")
def parse(w: World) -> None:
    with w.openai() as client:
        client.responses.parse(**asking("형식대로", text_format=Advice))


@scenario(SDK, "responses through client.beta")
def beta(w: World) -> None:
    with w.openai() as client:
        client.beta.responses.create(**asking("베타로 답해줘"))


@scenario(SDK, "responses stream")
def stream(w: World) -> None:
    with w.openai() as client:
        for _ in client.responses.create(**asking("reasoned answer", stream=True)):
            pass


@scenario(SDK, "responses stream")
async def stream_async(w: World) -> None:
    async with w.async_openai() as client:
        async for _ in await client.responses.create(**asking("cached prompt", stream=True)):
            pass


@scenario(SDK, "responses .stream() helper")
def helper(w: World) -> None:
    with w.openai() as client, client.responses.stream(**asking("흘려서 답해줘")) as events:
        events.get_final_response()


@scenario(SDK, "responses .stream() helper")
async def helper_async(w: World) -> None:
    async with w.async_openai() as client, client.responses.stream(**asking("흘려서 답해줘")) as events:
        await events.get_final_response()


@scenario(SDK, "responses stream left at response.completed")
async def left_at_completed_async(w: World) -> None:
    async with w.async_openai() as client:
        async for event in await client.responses.create(**asking("흘려서 답해줘", stream=True)):
            if event.type == "response.completed":
                break


@scenario(SDK, "responses stream closed after three events", inexact=1, why=CUT)
def closed(w: World) -> None:
    with w.openai() as client:
        events = client.responses.create(**asking("long answer", stream=True))
        for _ in range(3):
            next(events)
        events.close()


@scenario(SDK, "responses, incomplete")
def incomplete(w: World) -> None:
    with w.openai() as client:
        assert client.responses.create(**asking("incomplete answer")).status == "incomplete"


@scenario(SDK, "responses stream, incomplete")
async def incomplete_stream_async(w: World) -> None:
    async with w.async_openai() as client:
        async for _ in await client.responses.create(**asking("incomplete answer", stream=True)):
            pass


@scenario(SDK, "responses, failed")
def failed(w: World) -> None:
    with w.openai() as client:
        assert client.responses.create(**asking("failed answer")).status == "failed"


@scenario(SDK, "responses stream, failed")
def failed_stream(w: World) -> None:
    with w.openai() as client:
        for _ in client.responses.create(**asking("failed answer", stream=True)):
            pass


def _in_background(client: openai.OpenAI) -> None:
    begun = client.responses.create(**asking("background work", background=True))
    while (state := client.responses.retrieve(begun.id)).status in ("queued", "in_progress"):
        time.sleep(0.03)
    client.responses.retrieve(state.id)


@scenario(SDK, "responses in the background, polled, under one run")
def background_traced(w: World) -> None:
    with w.openai() as client:
        w.under_one_run(lambda: _in_background(client))


@scenario(SDK, "responses in the background, polled, under no run")
def background(w: World) -> None:
    with w.openai() as client:
        _in_background(client)


@scenario(SDK, "responses in the background, polled, under no run")
async def background_async(w: World) -> None:
    async with w.async_openai() as client:
        begun = await client.responses.create(**asking("background work", background=True))
        for _ in range(3):
            await asyncio.sleep(0.03)
            await client.responses.retrieve(begun.id)


@scenario(SDK, "responses in the background, cancelled", inexact=1, why="a cancelled response tells no usage")
def background_cancelled(w: World) -> None:
    with w.openai() as client:
        client.responses.cancel(client.responses.create(**asking("long answer", background=True)).id)


@scenario(SDK, "responses read again, not billed again")
def read_again(w: World) -> None:
    with w.openai() as client:
        told = client.responses.create(**asking("한 번만 청구해줘"))
        client.responses.retrieve(told.id)


@scenario(SDK, "responses on the one before", exact=2)
def previous(w: World) -> None:
    with w.openai() as client:
        first = client.responses.create(**asking("먼저 물어볼게"))
        client.responses.create(**asking("이어서 물어볼게", previous_response_id=first.id))


@scenario(SDK, "responses, two web searches")
def web_search(w: World) -> None:
    with w.openai() as client:
        client.responses.create(**asking("two searches", tools=[{"type": "web_search"}]))


@scenario(SDK, "responses stream, two web searches")
async def web_search_stream_async(w: World) -> None:
    async with w.async_openai() as client:
        tools = [{"type": "web_search"}]
        async for _ in await client.responses.create(**asking("two searches", tools=tools, stream=True)):
            pass


@scenario(SDK, "responses.compact", exact=1)
def compact(w: World) -> None:
    with w.openai() as client:
        client.responses.compact(**asking("길어진 대화를 줄여줘"))


@scenario(SDK, "responses.input_tokens.count beside a call: a count is no usage")
def count(w: World) -> None:
    with w.openai() as client:
        client.responses.input_tokens.count(**asking("몇 토큰일까?"))
        client.responses.create(**asking("몇 토큰일까?"))


@scenario(SDK, "responses, raw lines of a stream")
def raw_lines(w: World) -> None:
    streaming = asking("흘려서 답해줘", stream=True)
    with w.openai() as client, client.responses.with_streaming_response.create(**streaming) as response:
        assert any("response.completed" in line for line in response.iter_lines())


@scenario(SDK, "batch of two, results read", exact=2)
def batch(w: World) -> None:
    lines = [
        {"custom_id": str(n), "method": "POST", "url": "/v1/responses", "body": asking(text)}
        for n, text in enumerate(("첫 줄", "둘째 줄"))
    ]
    with w.openai() as client:
        content = "\n".join(map(json.dumps, lines)).encode()
        sent = client.files.create(file=("lines.jsonl", content), purpose="batch")
        begun = client.batches.create(input_file_id=sent.id, endpoint="/v1/responses", completion_window="24h")
        while (state := client.batches.retrieve(begun.id)).status != "completed":
            time.sleep(0.1)
        assert state.output_file_id
        assert len(client.files.content(state.output_file_id).text.splitlines()) == 2


@scenario(SDK, "responses stream, task cancelled", inexact=1, why=CUT)
async def cancelled_async(w: World) -> None:
    async def consume() -> None:
        async with w.async_openai() as client:
            async for event in await client.responses.create(**asking("long answer", stream=True)):
                if event.type == "response.output_text.delta":
                    begun.set()

    begun = asyncio.Event()
    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
