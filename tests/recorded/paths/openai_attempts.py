"""openai: retries. A refusal is free; an answer that was generated and lost is billed, and so is its repetition."""

import contextlib

import openai
from tests.recorded.paths.openai_chat import SDK, asking
from tests.recorded.paths.openai_streams import read
from tests.recorded.table import scenario
from tests.recorded.world import World

LOST = "an answer that never arrived cannot be read"


@scenario(SDK, "chat, 429 then answered")
def too_many(w: World) -> None:
    w.fault("429:0.01")
    with w.openai() as client:
        client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, 500 twice, then answered")
async def server_error_async(w: World) -> None:
    w.fault("503:0.01", times=2)
    async with w.async_openai() as client:
        await client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, 500 then answered")
def server_error(w: World) -> None:
    w.fault("500")
    with w.openai() as client:
        client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, answer lost after generation, then answered", exact=1, inexact=1, why=LOST)
def dropped(w: World) -> None:
    w.fault("drop")
    with w.openai() as client:
        client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, answer lost after generation, then answered", exact=1, inexact=1, why=LOST)
async def dropped_async(w: World) -> None:
    w.fault("drop")
    async with w.async_openai() as client:
        await client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, client timeout, then answered", exact=1, inexact=1, why=LOST)
def timeout(w: World) -> None:
    w.fault("timeout")
    with w.openai(timeout=1.0) as client:
        client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, client timeout, then answered", exact=1, inexact=1, why=LOST)
async def timeout_async(w: World) -> None:
    w.fault("timeout")
    async with w.async_openai(timeout=1.0) as client:
        await client.chat.completions.create(**asking("다시 물어볼게"))


@scenario(SDK, "chat, client timeout, given up", inexact=1, why=LOST)
def timeout_given_up(w: World) -> None:
    w.fault("timeout")
    with w.openai(timeout=1.0, max_retries=0) as client, contextlib.suppress(openai.APITimeoutError):
        client.chat.completions.create(**asking("한 번만 물어볼게"))


@scenario(SDK, "chat stream, lost after generation, then answered", exact=1, inexact=1, why=LOST)
def stream_timeout(w: World) -> None:
    w.fault("timeout")
    with w.openai(timeout=1.0) as client:
        read(client, "다시 흘려서 답해줘")


@scenario(SDK, "chat, refused beside one that is answered: a refusal is free")
def refused(w: World) -> None:
    with w.openai() as client:
        with contextlib.suppress(openai.BadRequestError):
            client.chat.completions.create(**asking("거절될 질문", max_tokens=5))
        client.chat.completions.create(**asking("받아들일 질문"))


@scenario(SDK, "embeddings, 429 then answered")
def embeddings(w: World) -> None:
    w.fault("429:0.01")
    with w.openai() as client:
        client.embeddings.create(model="text-embedding-3-small", input="페트병")
