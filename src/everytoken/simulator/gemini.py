"""Gemini generateContent, whole and streamed: thoughts, functions, JSON, search, pictures in and out, continuation."""

import base64
from typing import Any

import orjson

from everytoken.simulator.answer import Answer, pieces
from everytoken.simulator.ask import Ask, Function, tokens_of
from everytoken.simulator.bodies import digest_of, event
from everytoken.simulator.exchange import Exchange, Frame, RefusalError, StreamReply, WholeReply
from everytoken.simulator.gemini_wire import count_parts, headers_of, null_usage, parts_of, text_of, usage_json
from everytoken.simulator.picture import SIDES, draw

Json = dict[str, Any]
FINISHES = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "refusal": "PROHIBITED_CONTENT"}
HOP_PREFIX = "simulator-hop-"
MAX_HOPS = 50


def read_generate(body: Json, model: str, *, stream: bool) -> Ask:
    """Raises RefusalError: what Google would refuse."""
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents or not any(parts_of(content) for content in contents):
        raise RefusalError(400, "* GenerateContentRequest.contents: contents is not specified\n")
    config = body.get("generationConfig") or {}
    tools = [tool for tool in body.get("tools") or [] if isinstance(tool, dict)]
    functions = tuple(_function(f) for tool in tools for f in tool.get("functionDeclarations") or [])
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames") or []
    if allowed:
        functions = tuple(function for function in functions if function.name in allowed)
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    parts = [part for content in contents for part in parts_of(content)]
    counts = count_parts([*parts, *parts_of(body.get("systemInstruction"))])
    told = tokens_of(orjson.dumps(tools).decode()) if tools else 0
    return Ask(
        provider="google",
        api="generate",
        model=model,
        digest=digest_of(f"generate {model}", body),
        stream=stream,
        system=text_of(body.get("systemInstruction")),
        user=next((text_of(c) for c in reversed(contents) if c.get("role", "user") == "user" and text_of(c)), ""),
        input_tokens=sum(counts.values()) + told,
        image_tokens=counts["IMAGE"],
        audio_tokens=counts["AUDIO"],
        video_tokens=counts["VIDEO"],
        document_tokens=counts["DOCUMENT"],
        pictures=sum("image" in str((p.get("inlineData") or p.get("fileData") or {}).get("mimeType")) for p in parts),
        functions=() if mode == "NONE" else functions,
        forced=(functions[0].name if len(allowed) == 1 and functions else "*") if mode == "ANY" else None,
        has_tool_result=any("functionResponse" in part for part in parts_of(contents[-1])),
        schema_name=str(schema.get("title", "")) if schema else None,
        schema=schema,
        json_mode=config.get("responseMimeType") == "application/json",
        searches=any("googleSearch" in tool or "googleSearchRetrieval" in tool for tool in tools),
        wants_picture="IMAGE" in [str(m).upper() for m in config.get("responseModalities") or []],
        choices=min(int(config.get("candidateCount") or 1), 8),
        limit=config.get("maxOutputTokens"),
        tier=str(body.get("serviceTier") or "standard"),
        extra={
            "hop": _hop(body.get("continuationToken")),
            "thoughts": bool((config.get("thinkingConfig") or {}).get("includeThoughts")),
            "ratio": (config.get("imageConfig") or {}).get("aspectRatio", "1:1"),
        },
    )


def count_tokens(body: Json, model: str) -> Json:
    """A count, not usage: never billed."""
    ask = read_generate(body.get("generateContentRequest") or body, model, stream=False)
    return {
        "totalTokens": ask.input_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": ask.input_tokens}],
    }


def write_generate(exchange: Exchange) -> WholeReply | StreamReply:
    response_id = exchange.chance.token(22)
    if exchange.answer.finish == "failed":
        raise RefusalError(500, "")
    entry = exchange.open_entry(response_id, exchange.answer.usage)
    headers = headers_of(exchange)
    if exchange.ask.stream:
        return StreamReply(exchange, entry, _frames(exchange, response_id), headers=headers)
    body = _envelope(exchange, response_id) | {
        "candidates": [_candidate(exchange, n, _parts(exchange, n), last=True) for n in range(exchange.ask.choices)]
    }
    _add_usage(exchange, body, 1.0)
    media_type = "application/json; charset=UTF-8"
    return WholeReply(exchange, entry, orjson.dumps(body), headers=headers, media_type=media_type)


def _frames(exchange: Exchange, response_id: str) -> list[Frame]:
    """One frame a piece, the last with the finish reason; each carries the usage so far, as the real stream does."""
    answer, sent = exchange.answer, not exchange.usage_is_hidden
    told = [
        (n, [part])
        for n in range(exchange.ask.choices)
        for whole in _parts(exchange, n)
        for part in _split(whole, max(1, answer.chunks), exchange)
    ]
    frames: list[Frame] = []
    for number, (n, parts) in enumerate(told):
        last = all(other != n for other, _ in told[number + 1 :])
        share = (number + 1) / len(told)
        body = _envelope(exchange, response_id) | {"candidates": [_candidate(exchange, n, parts, last=last)]}
        _add_usage(exchange, body, share)
        due_ms = answer.first_token_ms + (answer.duration_ms - answer.first_token_ms) * (number + 1) / len(told)
        frames.append(Frame(body=_crlf(event(body)), due_ms=due_ms, share=share, content=True, usage_sent=sent))
    return frames


def _crlf(told: bytes) -> bytes:
    """Google ends its lines with CR LF."""
    return told.replace(b"\n", b"\r\n")


def _split(part: Json, count: int, exchange: Exchange) -> list[Json]:
    if "text" not in part or part.get("thought"):
        return [part]
    return [{"text": piece} for piece in pieces(part["text"], count, exchange.chance)]


def _parts(exchange: Exchange, n: int) -> list[Json]:
    """The parts of one candidate: thoughts, words or function calls, pictures."""
    ask, answer = exchange.ask, exchange.answer
    parts: list[Json] = []
    if ask.extra["thoughts"] and answer.usage.reasoning and ask.extra["hop"] == 1:
        parts.append({"text": answer.thoughts, "thought": True})
    for call in answer.calls:
        signature = base64.b64encode(f"signature {call.name}".encode()).decode()
        told = {"id": exchange.chance.token(8).lower(), "name": call.name, "args": orjson.loads(call.arguments)}
        parts.append({"functionCall": told, "thoughtSignature": signature})
    if not answer.calls and answer.finish != "content_filter":
        parts.append({"text": _hop_text(answer, n, ask.extra["hop"])})
    if answer.pictures and answer.finish == "stop":
        width, height = SIDES.get(ask.extra["ratio"], SIDES["1:1"])
        data = base64.b64encode(draw(ask.digest, width, height)).decode()
        parts.append({"inlineData": {"mimeType": "image/png", "data": data}})
    return parts or [{"text": ""}]


def _hop_text(answer: Answer, n: int, hop: int) -> str:
    """The share of the text that belongs to this request, of the requests the answer is spread over."""
    text, hops = answer.texts[n], max(1, answer.hops)
    return text[len(text) * (hop - 1) // hops : len(text) * min(hop, hops) // hops]


def _candidate(exchange: Exchange, n: int, parts: list[Json], *, last: bool) -> Json:
    answer, hop = exchange.answer, exchange.ask.extra["hop"]
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": n}
    if not last:
        return candidate
    if hop < answer.hops:
        token = base64.b64encode(f"{HOP_PREFIX}{hop}".encode()).decode()
        return candidate | {"finishReason": "CONTINUATION", "continuationToken": token}
    candidate["finishReason"] = FINISHES.get(answer.finish, "STOP")
    if answer.sources:
        candidate["groundingMetadata"] = _grounding(answer)
    return candidate


def _grounding(answer: Answer) -> Json:
    """The searches that are billed are the ones that are listed."""
    found: Json = {
        "searchEntryPoint": {"renderedContent": '<div class="container"></div>'},
        "groundingChunks": [{"web": {"uri": source["url"], "title": source["title"]}} for source in answer.sources],
        "groundingSupports": [
            {
                "segment": {"startIndex": 0, "endIndex": len(answer.text.encode()), "text": answer.text},
                "groundingChunkIndices": list(range(len(answer.sources))),
            }
        ],
    }
    if answer.usage.web_search:
        found["webSearchQueries"] = list(answer.queries)
    return found


def _envelope(exchange: Exchange, response_id: str) -> Json:
    return {"modelVersion": exchange.answer.model, "responseId": response_id}


def _add_usage(exchange: Exchange, body: Json, share: float) -> None:
    if not exchange.has_fault("no_usage"):
        hidden = exchange.has_fault("null_usage")
        body["usageMetadata"] = null_usage() if hidden else usage_json(exchange.answer.usage.generated(share))


def _function(declared: Json) -> Function:
    name = declared.get("name")
    if not isinstance(name, str) or not name:
        raise RefusalError(
            400, "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.\n"
        )
    return Function(name, declared.get("parametersJsonSchema") or declared.get("parameters") or {})


def _hop(token: Any) -> int:
    """Number of this request among those an answer is spread over, from the token of the one before."""
    if token is None:
        return 1
    try:
        told = base64.b64decode(str(token), altchars=b"-_").decode()
        hop = int(told.removeprefix(HOP_PREFIX)) + 1
    except ValueError as error:
        raise RefusalError(400, "Invalid continuation token.") from error
    if not told.startswith(HOP_PREFIX) or not 1 < hop <= MAX_HOPS:
        raise RefusalError(400, "Invalid continuation token.")
    return hop
