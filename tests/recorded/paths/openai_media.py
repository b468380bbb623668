"""openai: pictures, speech in, speech out."""

import io
import wave
from typing import Any

from tests.recorded.paths.openai_chat import SDK
from tests.recorded.table import scenario
from tests.recorded.world import World

PICTURE_MODEL = "gpt-image-1"
NOT_TOLD = "the answer is sound, without usage"


def sound(seconds: float = 2.0) -> Any:
    """A silent WAV file of that length."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(int(seconds * 8_000) * 2))
    return ("question.wav", content.getvalue())


def picture() -> Any:
    return ("bottle.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png")


@scenario(SDK, "images")
def images(w: World) -> None:
    with w.openai() as client:
        client.images.generate(model=PICTURE_MODEL, prompt="투명 페트병", n=2, quality="low")


@scenario(SDK, "images")
async def images_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.images.generate(model=PICTURE_MODEL, prompt="투명 페트병", quality="low")


@scenario(SDK, "images stream")
def images_stream(w: World) -> None:
    with w.openai() as client:
        for _ in client.images.generate(
            model=PICTURE_MODEL, prompt="투명 페트병", quality="low", stream=True, partial_images=2
        ):
            pass


@scenario(SDK, "images stream")
async def images_stream_async(w: World) -> None:
    async with w.async_openai() as client:
        async for _ in await client.images.generate(
            model=PICTURE_MODEL, prompt="투명 페트병", quality="low", stream=True, partial_images=2
        ):
            pass


@scenario(SDK, "images edit")
def images_edit(w: World) -> None:
    with w.openai() as client:
        client.images.edit(model=PICTURE_MODEL, prompt="라벨을 떼어줘", image=picture(), quality="low")


@scenario(SDK, "images edit stream")
def images_edit_stream(w: World) -> None:
    with w.openai() as client:
        for _ in client.images.edit(
            model=PICTURE_MODEL, prompt="라벨을 떼어줘", image=picture(), quality="low", stream=True
        ):
            pass


@scenario(SDK, "transcription billed in tokens")
def transcription(w: World) -> None:
    with w.openai() as client:
        client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound())


@scenario(SDK, "transcription billed in tokens")
async def transcription_async(w: World) -> None:
    async with w.async_openai() as client:
        await client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound())


@scenario(SDK, "transcription stream")
def transcription_stream(w: World) -> None:
    with w.openai() as client:
        for _ in client.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound(), stream=True):
            pass


@scenario(SDK, "transcription billed in seconds")
def whisper(w: World) -> None:
    with w.openai() as client:
        client.audio.transcriptions.create(model="whisper-1", file=sound(), response_format="verbose_json")


@scenario(SDK, "transcription as plain text", inexact=1, why="plain text has no room for usage")
def transcription_text(w: World) -> None:
    with w.openai() as client:
        client.audio.transcriptions.create(model="whisper-1", file=sound(), response_format="text")


@scenario(SDK, "translation, verbose")
def translation(w: World) -> None:
    with w.openai() as client:
        client.audio.translations.create(model="whisper-1", file=sound(), response_format="verbose_json")


@scenario(SDK, "translation", inexact=1, why="the answer is the text alone")
def translation_plain(w: World) -> None:
    with w.openai() as client:
        client.audio.translations.create(model="whisper-1", file=sound())


@scenario(SDK, "speech billed in characters")
def speech(w: World) -> None:
    with w.openai() as client:
        client.audio.speech.create(model="tts-1", voice="alloy", input="라벨을 떼고 버려 주세요.").read()


@scenario(SDK, "speech billed in tokens", inexact=1, why=NOT_TOLD)
def speech_tokens(w: World) -> None:
    with w.openai() as client:
        client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="라벨을 떼고 버려 주세요.").read()


@scenario(SDK, "speech billed in characters, streaming response")
async def speech_streamed_async(w: World) -> None:
    async with (
        w.async_openai() as client,
        client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input="라벨을 떼고 버려 주세요."
        ) as response,
    ):
        async for _ in response.iter_bytes():
            pass


@scenario(SDK, "speech billed in tokens, event stream")
def speech_events(w: World) -> None:
    with w.openai() as client:
        client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="alloy", input="라벨을 떼고 버려 주세요.", stream_format="sse"
        ).read()
