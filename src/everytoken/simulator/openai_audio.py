"""OpenAI sound: transcription, translation, speech. Some of it is billed in tokens, some in seconds or characters."""

import base64
import io
import struct
import wave
from typing import Any

import orjson
from starlette.requests import Request

from everytoken.simulator.answer import ADVICE, pieces
from everytoken.simulator.ask import Ask, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.bodies import digest_of, event, read_object
from everytoken.simulator.chance import Chance
from everytoken.simulator.exchange import Exchange, Frame, RefusalError, StreamReply, WholeReply
from everytoken.simulator.forms import read_form
from everytoken.simulator.openai_wire import headers_of, text_field

Json = dict[str, Any]
AUDIO_TOKENS_PER_SECOND = 10
"""Heard by gpt-4o-transcribe; spoken by gpt-4o-mini-tts it is 20."""
SPOKEN_TOKENS_PER_SECOND = 20
CHARACTERS_PER_SECOND = 6
"""Korean read aloud."""
COMPRESSED_BYTES_PER_SECOND = 16_000
SPEECH_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
MAX_SPEECH_CHARACTERS = 4_096


async def read_transcription(request: Request, *, translation: bool) -> Ask:
    """Raises RefusalError: what OpenAI would refuse."""
    form = await read_form(request)
    body = form.texts
    model = text_field(body, "model")
    _, content = form.one_file()
    seconds = seconds_of(content)
    by_time = model.startswith("whisper") or translation
    heard = round(seconds * AUDIO_TOKENS_PER_SECOND)
    prompt = tokens_of(body["prompt"]) if body.get("prompt") else 0
    digest = digest_of(f"transcription {len(content)}", body)
    text = Chance(digest).pick(ADVICE)
    usage = (
        Billed(seconds=seconds) if by_time else Billed(input=heard + prompt, input_audio=heard, output=tokens_of(text))
    )
    return Ask(
        provider="openai",
        api="translation" if translation else "transcription",
        model=model,
        digest=digest,
        stream=body.get("stream") == "true" and not by_time,
        usage=usage,
        extra={"text": text, "seconds": seconds, "by_time": by_time, "format": body.get("response_format", "json")},
    )


def write_transcription(exchange: Exchange) -> WholeReply | StreamReply:
    extra, headers = exchange.ask.extra, headers_of(exchange)
    entry = exchange.open_entry(f"transcript_{exchange.chance.token(20)}", exchange.answer.usage)
    if exchange.ask.stream:
        return StreamReply(exchange, entry, _transcript_frames(exchange), headers=headers)
    if extra["format"] in ("text", "srt", "vtt"):
        content = extra["text"].encode()
        return WholeReply(
            exchange, entry, content, headers=headers, usage_sent=False, media_type="text/plain; charset=utf-8"
        )
    body: Json = {"text": extra["text"]}
    if extra["format"] == "verbose_json":
        body |= {"task": "transcribe", "language": "korean", "duration": extra["seconds"], "segments": []}
    tells = exchange.ask.api == "transcription" and not exchange.has_fault("no_usage")
    if tells:
        body["usage"] = _heard(exchange)
    return WholeReply(exchange, entry, orjson.dumps(body), headers=headers, usage_sent=tells)


def _transcript_frames(exchange: Exchange) -> list[Frame]:
    answer, text = exchange.answer, exchange.ask.extra["text"]
    parts = pieces(text, answer.chunks, exchange.chance)
    frames = []
    for number, piece in enumerate(parts, 1):
        told: Json = {"type": "transcript.text.delta", "delta": piece}
        share = number / len(parts)
        frames.append(Frame(body=event(told), due_ms=answer.duration_ms * share, share=share, content=True))
    done: Json = {"type": "transcript.text.done", "text": text}
    if not exchange.has_fault("no_usage"):
        done["usage"] = _heard(exchange)
    return [
        *frames,
        Frame(body=event(done), due_ms=answer.duration_ms, share=1.0, usage_sent=not exchange.usage_is_hidden),
    ]


def _heard(exchange: Exchange) -> Json | None:
    if exchange.has_fault("null_usage"):
        return None
    billed = exchange.answer.usage
    if exchange.ask.extra["by_time"]:
        return {"type": "duration", "seconds": billed.seconds}
    return {
        "type": "tokens",
        "input_tokens": billed.input,
        "input_token_details": {"audio_tokens": billed.input_audio, "text_tokens": billed.input - billed.input_audio},
        "output_tokens": billed.output,
        "total_tokens": billed.total,
    }


async def read_speech(request: Request) -> Ask:
    """Raises RefusalError: what OpenAI would refuse."""
    body = await read_object(request)
    model, text = text_field(body, "model"), text_field(body, "input")
    if len(text) > MAX_SPEECH_CHARACTERS:
        raise RefusalError(
            400, f"Input is longer than {MAX_SPEECH_CHARACTERS} characters.", param="input", code="string_too_long"
        )
    seconds = max(0.5, len(text) / CHARACTERS_PER_SECOND)
    spoken = round(seconds * SPOKEN_TOKENS_PER_SECOND)
    by_character = model.startswith("tts-")
    spoken_bill = Billed(input=tokens_of(text), output=spoken, output_audio=spoken, characters=len(text))
    return Ask(
        provider="openai",
        api="speech",
        model=model,
        digest=digest_of("speech", body),
        stream=body.get("stream_format") == "sse" and not by_character,
        user=text,
        usage=Billed(characters=len(text)) if by_character else spoken_bill,
        extra={"format": str(body.get("response_format") or "mp3"), "seconds": seconds},
    )


def write_speech(exchange: Exchange) -> WholeReply | StreamReply:
    """Bytes bear no usage; only the event stream of the token-billed models tells it at its end."""
    extra, headers, answer = exchange.ask.extra, headers_of(exchange), exchange.answer
    entry = exchange.open_entry(f"speech_{exchange.chance.token(20)}", answer.usage)
    sound = silence(extra["seconds"], extra["format"])
    if not exchange.ask.stream:
        media_type = SPEECH_TYPES.get(extra["format"], "audio/mpeg")
        return WholeReply(exchange, entry, sound, headers=headers, usage_sent=False, media_type=media_type)
    frames, step = [], max(1, len(sound) // 4)
    starts = range(0, len(sound), step)
    for number, start in enumerate(starts, 1):
        told: Json = {"type": "speech.audio.delta", "audio": base64.b64encode(sound[start : start + step]).decode()}
        share = number / len(starts)
        frames.append(Frame(body=event(told), due_ms=answer.duration_ms * share, share=share, content=True))
    usage = {
        "input_tokens": answer.usage.input,
        "output_tokens": answer.usage.output,
        "total_tokens": answer.usage.total,
    }
    done: Json = {"type": "speech.audio.done"}
    if not exchange.has_fault("no_usage"):
        done["usage"] = dict.fromkeys(usage) if exchange.has_fault("null_usage") else usage
    frames.append(
        Frame(body=event(done), due_ms=answer.duration_ms, share=1.0, usage_sent=not exchange.usage_is_hidden)
    )
    return StreamReply(exchange, entry, frames, headers=headers)


def seconds_of(content: bytes) -> float:
    """Length of a WAV file, or of a compressed one by its size; to a tenth of a second."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            return round(float(sound.getnframes()) / float(sound.getframerate()), 1)
    except (wave.Error, EOFError, ZeroDivisionError):
        return round(max(0.1, len(content) / COMPRESSED_BYTES_PER_SECOND), 1)


def silence(seconds: float, kind: str) -> bytes:
    """Silent sound: a WAV file, raw samples, or frames of MPEG layer III for every compressed kind."""
    if kind == "wav":
        samples = bytes(int(seconds * 8_000) * 2)
        head = struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            36 + len(samples),
            b"WAVE",
            b"fmt ",
            16,
            1,
            1,
            8_000,
            16_000,
            2,
            16,
            b"data",
            len(samples),
        )
        return head + samples
    if kind == "pcm":
        return bytes(int(seconds * 24_000) * 2)
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * max(1, round(seconds * 38.28))
