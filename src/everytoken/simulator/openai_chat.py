"""OpenAI chat completions: whole and streamed, functions, structured output, several choices, pictures."""

import time
from typing import Any

import orjson

from everytoken.simulator.answer import pieces
from everytoken.simulator.ask import MESSAGE_TOKENS, OPENAI_IMAGE_TOKENS, Ask, Function, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.bodies import digest_of, event
from everytoken.simulator.exchange import Exchange, Frame, RefusalError, StreamReply, WholeReply
from everytoken.simulator.openai_wire import (
    check_schema,
    function_of,
    headers_of,
    text_field,
    tier_of,
)

Json = dict[str, Any]
AUDIO_TOKENS = 100
"""Ten seconds of sound in a message."""
SEARCH_MODELS = ("gpt-4o-search-preview", "gpt-4o-mini-search-preview", "gpt-5-search-api")


def read_chat(body: Json) -> Ask:
    """Raises RefusalError: what OpenAI would refuse."""
    model = text_field(body, "model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise RefusalError(
            400, "Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter"
        )
    if body.get("max_tokens") is not None and model.startswith(("gpt-5", "gpt-6", "o1", "o3", "o4")):
        message = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        raise RefusalError(400, message, param="max_tokens", code="unsupported_parameter")
    functions = tuple(
        function_of(tool) for tool in body.get("tools") or [] if tool.get("type", "function") == "function"
    )
    schema_name, schema, json_mode = _format(body.get("response_format") or {})
    parts = [part for message in messages for part in _parts(message)]
    pictures = sum(part.get("type") == "image_url" for part in parts)
    sounds = sum(part.get("type") == "input_audio" for part in parts)
    written = sum(tokens_of(part["text"]) for part in parts if isinstance(part.get("text"), str))
    return Ask(
        provider="openai",
        api="chat",
        model=model,
        digest=digest_of("chat", body),
        stream=body.get("stream") is True,
        system="\n".join(_said(m) for m in messages if m.get("role") in ("system", "developer")),
        user=next((_said(m) for m in reversed(messages) if m.get("role") == "user"), ""),
        input_tokens=written
        + MESSAGE_TOKENS * len(messages)
        + sum(tokens_of(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])
        + pictures * OPENAI_IMAGE_TOKENS
        + sounds * AUDIO_TOKENS,
        image_tokens=pictures * OPENAI_IMAGE_TOKENS,
        audio_tokens=sounds * AUDIO_TOKENS,
        pictures=pictures,
        functions=() if body.get("tool_choice") == "none" else functions,
        forced=_forced(body.get("tool_choice"), functions),
        has_tool_result=messages[-1].get("role") == "tool",
        schema_name=schema_name,
        schema=schema,
        json_mode=json_mode,
        searches="web_search_options" in body or model.startswith(SEARCH_MODELS),
        choices=_count(body.get("n")),
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        tier=tier_of(body),
        extra={
            "include_usage": bool((body.get("stream_options") or {}).get("include_usage")),
            "prediction": body.get("prediction") is not None,
        },
    )


def write_chat(exchange: Exchange) -> WholeReply | StreamReply:
    response_id = f"chatcmpl-{exchange.chance.token(29)}"
    entry = exchange.open_entry(response_id, exchange.answer.usage)
    if exchange.ask.stream:
        return StreamReply(exchange, entry, _frames(exchange, response_id), headers=headers_of(exchange))
    return WholeReply(exchange, entry, orjson.dumps(chat_body(exchange, response_id)), headers=headers_of(exchange))


def chat_body(exchange: Exchange, response_id: str) -> Json:
    body = _envelope(exchange, response_id, "chat.completion")
    body["choices"] = [
        {"index": n, "message": _message(exchange, n), "logprobs": None, "finish_reason": _finish(exchange)}
        for n in range(exchange.ask.choices)
    ]
    if not exchange.has_fault("no_usage"):
        body["usage"] = _null_usage() if exchange.has_fault("null_usage") else usage_json(exchange.answer.usage)
    return body


def usage_json(billed: Billed) -> Json:
    """`CompletionUsage` as current models send it."""
    prompt = {"cached_tokens": billed.cached, "audio_tokens": billed.input_audio}
    if billed.cache_write:
        prompt["cache_write_tokens"] = billed.cache_write
    if billed.input_image:
        prompt["image_tokens"] = billed.input_image
        prompt["text_tokens"] = billed.input - billed.input_image - billed.input_audio
    return {
        "prompt_tokens": billed.input,
        "completion_tokens": billed.output,
        "total_tokens": billed.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": billed.reasoning,
            "audio_tokens": billed.output_audio,
            "accepted_prediction_tokens": billed.accepted_prediction,
            "rejected_prediction_tokens": billed.rejected_prediction,
        },
    }


def _null_usage() -> Json:
    names = ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details")
    return dict.fromkeys(names)


def _frames(exchange: Exchange, response_id: str) -> list[Frame]:
    """Role, content, finish, usage if asked for, end: in the order and the shapes of the real stream."""
    ask, answer = exchange.ask, exchange.answer
    deltas: list[tuple[int, Json, bool]] = [(n, _opening(exchange), False) for n in range(ask.choices)]
    for n in range(ask.choices):
        deltas += [(n, delta, True) for delta in _content(exchange, n)]
    content_count = max(1, sum(is_content for _, _, is_content in deltas))
    frames: list[Frame] = []
    seen = 0
    for n, delta, is_content in deltas:
        seen += is_content
        share = seen / content_count
        choice = {"index": n, "delta": delta, "logprobs": None, "finish_reason": None}
        frames.append(_frame(exchange, response_id, [choice], share, is_content))
    for n in range(ask.choices):
        choice = {"index": n, "delta": {}, "logprobs": None, "finish_reason": _finish(exchange)}
        frames.append(_frame(exchange, response_id, [choice], 1.0, False))
    if ask.extra["include_usage"] and not exchange.has_fault("no_usage"):
        chunk = _envelope(exchange, response_id, "chat.completion.chunk") | {"choices": []}
        chunk["usage"] = _null_usage() if exchange.has_fault("null_usage") else usage_json(answer.usage)
        frames.append(
            Frame(body=event(chunk), due_ms=answer.duration_ms, share=1.0, usage_sent=not exchange.usage_is_hidden)
        )
    frames.append(Frame(body=b"data: [DONE]\n\n", due_ms=answer.duration_ms, share=1.0))
    return frames


def _frame(exchange: Exchange, response_id: str, choices: list[Json], share: float, is_content: bool) -> Frame:
    answer = exchange.answer
    chunk = _envelope(exchange, response_id, "chat.completion.chunk") | {"choices": choices}
    every = exchange.has_fault("usage_every_chunk")
    if every:
        chunk["usage"] = usage_json(answer.usage.generated(share))
    elif exchange.ask.extra["include_usage"]:
        chunk["usage"] = None
    due_ms = answer.first_token_ms + (answer.duration_ms - answer.first_token_ms) * share
    return Frame(body=event(chunk), due_ms=due_ms, share=share, content=is_content, usage_sent=every)


def _opening(exchange: Exchange) -> Json:
    content = None if exchange.answer.calls else ""
    return {"role": "assistant", "content": content, "refusal": None}


def _content(exchange: Exchange, n: int) -> list[Json]:
    answer, chance = exchange.answer, exchange.chance
    if not answer.calls:
        key = "refusal" if answer.finish == "refusal" else "content"
        return [{key: piece} for piece in pieces(answer.texts[n], answer.chunks, chance)]
    deltas: list[Json] = []
    for index, call in enumerate(answer.calls):
        function = {"name": call.name, "arguments": ""}
        opening = {"index": index, "id": f"call_{chance.token(24)}", "type": "function", "function": function}
        deltas.append({"tool_calls": [opening]})
        for piece in pieces(call.arguments, answer.chunks, chance):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return deltas


def _message(exchange: Exchange, n: int) -> Json:
    answer, chance = exchange.answer, exchange.chance
    refused = answer.finish == "refusal"
    text = None if answer.calls else answer.texts[n]
    message: Json = {
        "role": "assistant",
        "content": None if refused else text,
        "refusal": text if refused else None,
        "annotations": [
            {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": len(answer.texts[n]), **source}}
            for source in answer.sources
        ],
    }
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{chance.token(24)}",
                "type": "function",
                "function": {"name": c.name, "arguments": c.arguments},
            }
            for c in answer.calls
        ]
    return message


def _finish(exchange: Exchange) -> str:
    finish = exchange.answer.finish
    forced = exchange.ask.forced not in (None, "*")
    if exchange.answer.calls and finish == "stop" and not forced:
        return "tool_calls"  # a function demanded by name ends with "stop", as the real API has it
    return finish if finish in ("length", "content_filter") else "stop"


def _envelope(exchange: Exchange, response_id: str, kind: str) -> Json:
    return {
        "id": response_id,
        "object": kind,
        "created": int(time.time()),
        "model": exchange.answer.model,
        "service_tier": exchange.ask.tier,
        "system_fingerprint": None,
    }


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    if isinstance(content, list):
        return [part for part in content if isinstance(part, dict)]
    return [{"type": "text", "text": content}] if isinstance(content, str) else []


def _said(message: Json) -> str:
    return "\n".join(part["text"] for part in _parts(message) if isinstance(part.get("text"), str))


def _format(wanted: Json) -> tuple[str | None, Json | None, bool]:
    """Name and schema of structured output, and whether any JSON will do."""
    if wanted.get("type") != "json_schema":
        return None, None, wanted.get("type") == "json_object"
    inner = wanted.get("json_schema") or {}
    name, schema = inner.get("name"), inner.get("schema") or {}
    if not isinstance(name, str):
        raise RefusalError(
            400, "Missing required parameter: 'response_format.json_schema.name'.", param="response_format"
        )
    if inner.get("strict"):
        check_schema(schema, "response_format", name)
    return name, schema, False


def _forced(choice: Any, functions: tuple[Function, ...]) -> str | None:
    """The function demanded by `tool_choice`. Raises RefusalError: it isn't offered."""
    if choice == "required":
        return "*"
    if not isinstance(choice, dict):
        return None
    name = (choice.get("function") or choice).get("name")
    if name not in {function.name for function in functions}:
        raise RefusalError(
            400,
            f"Invalid value for 'tool_choice': no function named {name!r} was specified in 'tools'.",
            param="tool_choice",
        )
    return str(name)


def _count(n: Any) -> int:
    if n is None:
        return 1
    if not isinstance(n, int) or not 1 <= n <= 128:
        raise RefusalError(
            400, "Invalid 'n': expected an integer from 1 to 128.", param="n", code="integer_above_max_value"
        )
    return n
