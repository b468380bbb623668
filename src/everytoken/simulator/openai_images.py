"""OpenAI pictures: made and edited, whole and streamed."""

import base64
import time
from typing import Any

import orjson
from starlette.requests import Request

from everytoken.simulator.ask import OPENAI_IMAGE_TOKENS, Ask, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.bodies import digest_of, event, read_object
from everytoken.simulator.exchange import Exchange, Frame, RefusalError, StreamReply, WholeReply
from everytoken.simulator.forms import read_form
from everytoken.simulator.openai_wire import headers_of, text_field
from everytoken.simulator.picture import draw

Json = dict[str, Any]
SIZES = {"1024x1024": (1024, 1024), "1024x1536": (1024, 1536), "1536x1024": (1536, 1024)}
OUTPUT_TOKENS = {
    "low": {"1024x1024": 272, "1024x1536": 408, "1536x1024": 400},
    "medium": {"1024x1024": 1056, "1024x1536": 1584, "1536x1024": 1568},
    "high": {"1024x1024": 4160, "1024x1536": 6240, "1536x1024": 6208},
}
"""https://platform.openai.com/docs/guides/image-generation, read 2026-11-22."""
PARTIAL_TOKENS = 100
"""What each partial picture of a stream costs in addition."""


async def read_images(request: Request, *, edit: bool) -> Ask:
    """Raises RefusalError: what OpenAI would refuse."""
    sent: list[tuple[str, bytes]] = []
    if edit:
        form = await read_form(request)
        body, sent = form.texts, form.files
        if not sent:
            raise RefusalError(400, "Missing required parameter: 'image'.", param="image")
    else:
        body = await read_object(request)
    prompt = text_field(body, "prompt")
    model = str(body.get("model") or "gpt-image-1")
    size = str(body.get("size") or "auto").replace("auto", "1024x1024")
    quality = str(body.get("quality") or "auto").replace("auto", "medium").replace("standard", "medium")
    if size not in SIZES or quality not in OUTPUT_TOKENS:
        raise RefusalError(400, f"Invalid value: '{size}', '{quality}'.", param="size", code="invalid_value")
    count = int(body.get("n") or 1)
    if not 1 <= count <= 10:
        raise RefusalError(400, "Invalid 'n': expected an integer from 1 to 10.", param="n")
    partial = int(body.get("partial_images") or 0)
    drawn = count * OUTPUT_TOKENS[quality][size] + partial * PARTIAL_TOKENS
    shown = len(sent) * OPENAI_IMAGE_TOKENS
    tokens = model.startswith("gpt-image")
    words = tokens_of(prompt)
    return Ask(
        provider="openai",
        api="images.edit" if edit else "images",
        model=model,
        digest=digest_of(f"images {edit} {[len(content) for _, content in sent]}", body),
        stream=str(body.get("stream")).lower() == "true",
        user=prompt,
        pictures=len(sent),
        wants_picture=True,
        usage=Billed(input=words + shown, input_image=shown, output=drawn, output_image=drawn, images=count)
        if tokens
        else Billed(images=count),
        extra={"size": size, "quality": quality, "count": count, "partial": partial, "tokens": tokens},
    )


def write_images(exchange: Exchange) -> WholeReply | StreamReply:
    extra = exchange.ask.extra
    entry = exchange.open_entry(f"img_{exchange.chance.token(24)}", exchange.answer.usage)
    if exchange.ask.stream:
        return StreamReply(exchange, entry, _frames(exchange), headers=headers_of(exchange))
    body: Json = {
        "created": int(time.time()),
        "background": "opaque",
        "output_format": "png",
        "quality": extra["quality"],
        "size": extra["size"],
        "data": [{"b64_json": _drawn(exchange, str(number))} for number in range(extra["count"])],
    }
    tells = extra["tokens"] and not exchange.has_fault("no_usage")
    if tells:
        body["usage"] = _usage(exchange, details=True)
    return WholeReply(exchange, entry, orjson.dumps(body), headers=headers_of(exchange), usage_sent=tells)


def _frames(exchange: Exchange) -> list[Frame]:
    answer, extra = exchange.answer, exchange.ask.extra
    kind = "image_edit" if exchange.ask.api == "images.edit" else "image_generation"
    told = {"background": "opaque", "created_at": int(time.time()), "output_format": "png"}
    told |= {"quality": extra["quality"], "size": extra["size"]}
    count = extra["partial"] + 1
    frames = []
    for number in range(extra["partial"]):
        partial = {
            "type": f"{kind}.partial_image",
            "b64_json": _drawn(exchange, f"0 {number}"),
            "partial_image_index": number,
        }
        frames.append(_frame(exchange, partial | told, (number + 1) / count, usage_sent=False))
    done = {"type": f"{kind}.completed", "b64_json": _drawn(exchange, "0"), **told}
    if not exchange.has_fault("no_usage"):
        done["usage"] = _usage(exchange, details=False)
    frames.append(_frame(exchange, done, 1.0, usage_sent=not exchange.usage_is_hidden))
    return frames if answer.finish == "stop" else frames[:-1]


def _frame(exchange: Exchange, told: Json, share: float, *, usage_sent: bool) -> Frame:
    due_ms = exchange.answer.duration_ms * share
    return Frame(body=event(told, told["type"]), due_ms=due_ms, share=share, content=True, usage_sent=usage_sent)


def _usage(exchange: Exchange, *, details: bool) -> Json:
    """The stream has no details of the output: there all of it is picture."""
    billed = exchange.answer.usage
    usage: Json = {
        "input_tokens": billed.input,
        "input_tokens_details": {"image_tokens": billed.input_image, "text_tokens": billed.input - billed.input_image},
        "output_tokens": billed.output,
        "total_tokens": billed.total,
    }
    if details:
        usage["output_tokens_details"] = {
            "image_tokens": billed.output_image,
            "text_tokens": billed.output - billed.output_image,
        }
    return dict.fromkeys(usage) if exchange.has_fault("null_usage") else usage


def _drawn(exchange: Exchange, number: str) -> str:
    width, height = SIZES[exchange.ask.extra["size"]]
    return base64.b64encode(draw(f"{exchange.ask.digest} {number}", width, height)).decode()
