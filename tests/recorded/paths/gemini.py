"""google-genai: generate, stream, function calling, continuation, search, pictures, chats, embeddings, interactions."""

import asyncio
import contextlib
from typing import Any

import httpx
import httpx2
from google.genai import errors, types
from pydantic import BaseModel
from tests.recorded.table import scenario
from tests.recorded.world import GEMINI_MODEL, World

SDK = "google-genai"
CUT = "the client left; the usage so far stands on every chunk"
LOST = "an answer that never arrived cannot be read"
TIMEOUTS = (httpx.TimeoutException, httpx2.TimeoutException)
"""Of the transports of 2.x and 3.x."""
SEARCH = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])


class Advice(BaseModel):
    answer: str


def weather(city: str) -> str:
    """Weather of a city."""
    return f"{city}: 맑음"


def asking(text: Any, **more: Any) -> dict[str, Any]:
    return {"model": GEMINI_MODEL, "contents": text, **more}


CALLING = types.GenerateContentConfig(tools=[weather])


@scenario(SDK, "generate")
def generate(w: World) -> None:
    with w.genai() as client:
        client.models.generate_content(**asking("페트병은 어떻게 버려?"))


@scenario(SDK, "generate")
async def generate_async(w: World) -> None:
    async with w.genai().aio as client:
        await client.models.generate_content(**asking("페트병은 어떻게 버려?"))


@scenario(SDK, "generate, thoughts")
def thoughts(w: World) -> None:
    with w.genai() as client:
        config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True))
        client.models.generate_content(**asking("reasoned answer", config=config))


@scenario(SDK, "generate, cached input")
async def cached_async(w: World) -> None:
    async with w.genai().aio as client:
        await client.models.generate_content(**asking("cached prompt"))


@scenario(SDK, "generate, structured output")
def structured(w: World) -> None:
    with w.genai() as client:
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Advice)
        assert client.models.generate_content(**asking("형식대로", config=config)).parsed


@scenario(SDK, "generate, two candidates")
def two_candidates(w: World) -> None:
    with w.genai() as client:
        client.models.generate_content(
            **asking("두 가지로 답해줘", config=types.GenerateContentConfig(candidate_count=2))
        )


@scenario(SDK, "generate, picture and sound in, cached in part")
def vision(w: World) -> None:
    parts = [
        types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png"),
        types.Part.from_bytes(data=b"RIFF", mime_type="audio/wav"),
        types.Part.from_text(text="seen and heard"),
    ]
    with w.genai() as client:
        client.models.generate_content(**asking(parts))


@scenario(SDK, "generate, picture out")
def drawn(w: World) -> None:
    with w.genai() as client:
        config = types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"])
        client.models.generate_content(model="gemini-3-pro-image-preview", contents="drawn picture", config=config)


@scenario(SDK, "generate, picture out, streamed")
async def drawn_stream_async(w: World) -> None:
    config = types.GenerateContentConfig(response_modalities=["TEXT", "IMAGE"])
    async with w.genai().aio as client:
        async for _ in await client.models.generate_content_stream(
            model="gemini-3-pro-image-preview", contents="drawn picture", config=config
        ):
            pass


@scenario(SDK, "generate, search grounding")
def search(w: World) -> None:
    with w.genai() as client:
        client.models.generate_content(**asking("grounded answer", config=SEARCH))


@scenario(SDK, "stream, search grounding")
async def search_stream_async(w: World) -> None:
    async with w.genai().aio as client:
        async for _ in await client.models.generate_content_stream(**asking("grounded answer", config=SEARCH)):
            pass


@scenario(SDK, "automatic function calling, three requests", exact=3)
def function_calling(w: World) -> None:
    with w.genai() as client:
        client.models.generate_content(**asking("two tools", config=CALLING))


@scenario(SDK, "automatic function calling, three requests", exact=3)
async def function_calling_async(w: World) -> None:
    async with w.genai().aio as client:
        await client.models.generate_content(**asking("two tools", config=CALLING))


@scenario(SDK, "automatic function calling, streamed, three requests", exact=3)
def function_calling_stream(w: World) -> None:
    with w.genai() as client:
        for _ in client.models.generate_content_stream(**asking("two tools", config=CALLING)):
            pass


@scenario(SDK, "automatic function calling, streamed, three requests", exact=3)
async def function_calling_stream_async(w: World) -> None:
    async with w.genai().aio as client:
        async for _ in await client.models.generate_content_stream(**asking("two tools", config=CALLING)):
            pass


@scenario(SDK, "automatic continuation, three requests", exact=3)
def continued(w: World) -> None:
    with w.genai() as client:
        client.models.generate_content(**asking("continued answer"))


@scenario(SDK, "automatic continuation, three requests", exact=3)
async def continued_async(w: World) -> None:
    async with w.genai().aio as client:
        await client.models.generate_content(**asking("continued answer"))


@scenario(SDK, "automatic continuation, streamed, three requests", exact=3)
def continued_stream(w: World) -> None:
    with w.genai() as client:
        for _ in client.models.generate_content_stream(**asking("continued answer")):
            pass


@scenario(SDK, "automatic continuation, streamed, three requests", exact=3)
async def continued_stream_async(w: World) -> None:
    async with w.genai().aio as client:
        async for _ in await client.models.generate_content_stream(**asking("continued answer")):
            pass


@scenario(SDK, "stream")
def stream(w: World) -> None:
    with w.genai() as client:
        for _ in client.models.generate_content_stream(**asking("reasoned answer")):
            pass


@scenario(SDK, "stream")
async def stream_async(w: World) -> None:
    async with w.genai().aio as client:
        async for _ in await client.models.generate_content_stream(**asking("reasoned answer")):
            pass


@scenario(SDK, "stream left by break", inexact=1, why=CUT)
def broken_off(w: World) -> None:
    with w.genai() as client:
        for _ in client.models.generate_content_stream(**asking("long answer")):
            break


@scenario(SDK, "stream left by break", inexact=1, why=CUT)
async def broken_off_async(w: World) -> None:
    async with w.genai().aio as client:
        async for _ in await client.models.generate_content_stream(**asking("long answer")):
            break


@scenario(SDK, "stream, consumer's generator closed", inexact=1, why=CUT)
def closed(w: World) -> None:
    with w.genai() as client:
        chunks: Any = client.models.generate_content_stream(**asking("long answer"))
        for _ in range(3):
            next(chunks)
        chunks.close()


@scenario(SDK, "stream, exception in the consumer", inexact=1, why=CUT)
def consumer_fails(w: World) -> None:
    with w.genai() as client, contextlib.suppress(ZeroDivisionError):
        for _ in client.models.generate_content_stream(**asking("long answer")):
            raise ZeroDivisionError


@scenario(SDK, "stream, task cancelled", inexact=1, why=CUT)
async def cancelled_async(w: World) -> None:
    async def consume() -> None:
        async with w.genai().aio as client:
            async for _ in await client.models.generate_content_stream(**asking("long answer")):
                begun.set()

    begun = asyncio.Event()
    task = asyncio.create_task(consume())
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@scenario(SDK, "chat of two turns", exact=2)
def chats(w: World) -> None:
    with w.genai() as client:
        chat = client.chats.create(model=GEMINI_MODEL)
        chat.send_message("먼저 물어볼게")
        for _ in chat.send_message_stream("이어서 물어볼게"):
            pass


@scenario(SDK, "chat of two turns", exact=2)
async def chats_async(w: World) -> None:
    async with w.genai().aio as client:
        chat = client.chats.create(model=GEMINI_MODEL)
        await chat.send_message("먼저 물어볼게")
        async for _ in await chat.send_message_stream("이어서 물어볼게"):
            pass


@scenario(SDK, "client collected before its stream is read")
def client_collected(w: World) -> None:
    client = w.genai()
    chunks = client.models.generate_content_stream(**asking("흘려서 답해줘"))
    list(chunks)
    client.close()


@scenario(SDK, "embeddings")
def embeddings(w: World) -> None:
    with w.genai() as client:
        client.models.embed_content(model="gemini-embedding-001", contents=["페트병", "유리병"])


@scenario(SDK, "embeddings")
async def embeddings_async(w: World) -> None:
    async with w.genai().aio as client:
        await client.models.embed_content(model="gemini-embedding-001", contents="페트병")


@scenario(SDK, "count_tokens beside a call: a count is no usage")
def count(w: World) -> None:
    with w.genai() as client:
        client.models.count_tokens(**asking("몇 토큰일까?"))
        client.models.generate_content(**asking("몇 토큰일까?"))


@scenario(SDK, "generate, 429 then answered")
def too_many(w: World) -> None:
    w.fault("429:0.01")
    with w.genai() as client:
        client.models.generate_content(**asking("다시 물어볼게"))


@scenario(SDK, "generate, 500 then answered")
async def server_error_async(w: World) -> None:
    w.fault("500")
    async with w.genai().aio as client:
        await client.models.generate_content(**asking("다시 물어볼게"))


@scenario(SDK, "generate, client timeout, asked again", exact=1, inexact=1, why=LOST)
def timeout(w: World) -> None:
    w.fault("timeout")
    with w.genai(timeout=1000) as client:
        # 3.x asks again by itself; 2.x gives up, so the application asks again.
        with contextlib.suppress(*TIMEOUTS):
            client.models.generate_content(**asking("다시 물어볼게"))
        if len(w.simulator.ledger(wait_s=0)) == 1:
            client.models.generate_content(**asking("다시 물어볼게"))


@scenario(SDK, "generate, refused beside one that is answered: a refusal is free")
def refused(w: World) -> None:
    with w.genai() as client:
        w.fault("400")
        with contextlib.suppress(errors.ClientError):
            client.models.generate_content(**asking("거절될 질문"))
        client.models.generate_content(**asking("받아들일 질문"))


@scenario(SDK, "generate, answer without usage", inexact=1, why="the server's answer has no usage")
def without_usage(w: World) -> None:
    w.fault("no_usage")
    with w.genai() as client:
        client.models.generate_content(**asking("답만 줘"))


@scenario(SDK, "interactions")
def interactions(w: World) -> None:
    with w.genai() as client:
        client.interactions.create(model=GEMINI_MODEL, input="reasoned answer")


@scenario(SDK, "interactions")
async def interactions_async(w: World) -> None:
    async with w.genai().aio as client:
        await client.interactions.create(model=GEMINI_MODEL, input="reasoned answer")


@scenario(SDK, "interactions, streamed")
def interactions_stream(w: World) -> None:
    with w.genai() as client:
        for _ in client.interactions.create(model=GEMINI_MODEL, input="reasoned answer", stream=True):
            pass


@scenario(SDK, "interactions, read again, not billed again")
def interactions_again(w: World) -> None:
    with w.genai() as client:
        told: Any = client.interactions.create(model=GEMINI_MODEL, input="한 번만 청구해줘")
        client.interactions.get(told.id)


@scenario(SDK, "generate on Vertex AI")
def vertex(w: World) -> None:
    with w.vertex() as client:
        client.models.generate_content(**asking("reasoned answer"))


@scenario(SDK, "generate on Vertex AI")
async def vertex_async(w: World) -> None:
    async with w.vertex().aio as client:
        await client.models.generate_content(**asking("cached prompt"))


@scenario(SDK, "stream on Vertex AI")
def vertex_stream(w: World) -> None:
    with w.vertex() as client:
        for _ in client.models.generate_content_stream(**asking("reasoned answer")):
            pass


@scenario(SDK, "automatic function calling on Vertex AI, three requests", exact=3)
def vertex_afc(w: World) -> None:
    with w.vertex() as client:
        client.models.generate_content(**asking("two tools", config=CALLING))
