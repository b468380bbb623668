"""Embeddings of both providers, and Gemini's token counts: vectors of length one, drawn from the text."""

import base64
import math
import struct
from hashlib import shake_256
from typing import Any

import orjson

from everytoken.simulator import gemini_wire, openai_wire
from everytoken.simulator.ask import Ask, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.bodies import digest_of
from everytoken.simulator.exchange import Exchange, RefusalError, WholeReply

Json = dict[str, Any]
MAX_INPUTS = 2_048
MAX_DIMENSIONS = 3_072
OPENAI_DIMENSIONS = {"text-embedding-3-large": 3_072}
OPENAI_DEFAULT_DIMENSIONS = 1_536


def vector(text: str, dimensions: int) -> list[float]:
    """A vector of length 1; the same text has the same one."""
    raw = shake_256(text.encode("utf-8", "surrogatepass")).digest(2 * dimensions)
    parts = [value - 32_767.5 for value in struct.unpack(f">{dimensions}H", raw)]
    length = math.sqrt(sum(part * part for part in parts))
    return [part / length for part in parts]


def read_openai(body: Json) -> Ask:
    model = openai_wire.text_field(body, "model")
    given = body.get("input")
    inputs: list[Any] = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    if given in (None, "", []) or len(inputs) > MAX_INPUTS:
        raise RefusalError(400, "'$.input' is invalid. Please check the API reference.", param="input")
    counts = [len(entry) if isinstance(entry, list) else tokens_of(str(entry)) for entry in inputs]
    tokens = sum(counts)
    dimensions = int(body.get("dimensions") or OPENAI_DIMENSIONS.get(model, OPENAI_DEFAULT_DIMENSIONS))
    return Ask(
        provider="openai",
        api="embeddings",
        model=model,
        digest=digest_of("embeddings", body),
        user=str(inputs[-1]),
        usage=Billed(input=tokens),
        extra={"inputs": inputs, "dimensions": _checked(dimensions), "format": body.get("encoding_format", "float")},
    )


def write_openai(exchange: Exchange) -> WholeReply:
    entry = exchange.open_entry(f"embd_{exchange.chance.token(24)}", exchange.answer.usage)
    body = openai_body(exchange)
    return WholeReply(exchange, entry, orjson.dumps(body), headers=openai_wire.headers_of(exchange))


def openai_body(exchange: Exchange) -> Json:
    extra, billed = exchange.ask.extra, exchange.answer.usage
    vectors = [vector(str(entry), extra["dimensions"]) for entry in extra["inputs"]]
    packed = extra["format"] == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(entry) if packed else entry}
        for index, entry in enumerate(vectors)
    ]
    body: Json = {"object": "list", "data": data, "model": exchange.answer.model}
    if not exchange.has_fault("no_usage"):
        usage = {"prompt_tokens": billed.input, "total_tokens": billed.input}
        body["usage"] = dict.fromkeys(usage) if exchange.has_fault("null_usage") else usage
    return body


def read_gemini(body: Json, model: str, *, batch: bool) -> Ask:
    requests = body.get("requests") if batch else [body]
    if not isinstance(requests, list) or not requests or len(requests) > MAX_INPUTS:
        raise RefusalError(400, "* BatchEmbedContentsRequest.requests: requests is not specified\n")
    texts = [gemini_wire.text_of(request.get("content")) for request in requests]
    if not all(texts):
        raise RefusalError(400, "* EmbedContentRequest.content: contents is not specified\n")
    return Ask(
        provider="google",
        api="embed",
        model=model,
        digest=digest_of(f"embed {model}", body),
        user=texts[-1],
        usage=Billed(input=sum(map(tokens_of, texts))),
        extra={
            "texts": texts,
            "batch": batch,
            "dimensions": _checked(int(requests[0].get("outputDimensionality") or MAX_DIMENSIONS)),
        },
    )


def write_gemini(exchange: Exchange) -> WholeReply:
    extra, billed = exchange.ask.extra, exchange.answer.usage
    vectors = [{"values": vector(text, extra["dimensions"])} for text in extra["texts"]]
    body: Json = {"embeddings": vectors} if extra["batch"] else {"embedding": vectors[0]}
    if not exchange.has_fault("no_usage"):
        usage = gemini_wire.usage_json(billed)
        body["usageMetadata"] = {"promptTokenCount": None} if exchange.has_fault("null_usage") else usage
    entry = exchange.open_entry(f"embd_{exchange.chance.token(24)}", billed)
    return WholeReply(exchange, entry, orjson.dumps(body), headers=gemini_wire.headers_of(exchange))


def _checked(dimensions: int) -> int:
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise RefusalError(400, f"dimensions must be between 1 and {MAX_DIMENSIONS}", param="dimensions")
    return dimensions


def _packed(entry: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(entry)}f", *entry)).decode()
