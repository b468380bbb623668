"""OpenAI Responses: whole, streamed, in the background; web search, functions, structured output, threads."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import orjson

from everytoken.simulator.answer import pieces
from everytoken.simulator.ask import MESSAGE_TOKENS, OPENAI_IMAGE_TOKENS, Ask, tokens_of
from everytoken.simulator.billing import Billed, Entry
from everytoken.simulator.bodies import digest_of, event
from everytoken.simulator.chance import Chance
from everytoken.simulator.exchange import Exchange, Frame, RefusalError, StreamReply, WholeReply, World
from everytoken.simulator.openai_wire import (
    check_schema,
    function_of,
    headers_of,
    text_field,
    tier_of,
)

Json = dict[str, Any]
SEARCH_TOOLS = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")
ECHOED: Json = {
    "background": False, "instructions": None, "max_output_tokens": None, "max_tool_calls": None, "metadata": {},
    "parallel_tool_calls": True, "previous_response_id": None, "reasoning": {"effort": None, "summary": None},
    "store": True, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
    "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled", "user": None,
}  # fmt: skip
"""Request fields a response repeats, with what it says when they were left out."""


@dataclass(slots=True)
class Stored:
    """A response kept for `retrieve` and `previous_response_id`."""

    body: Json
    """The finished response, usage included."""
    ready: float
    """Event loop time at which it is finished."""
    entry: Entry
    input: list[Json]
    context_tokens: int
    """What a following response reads of it."""
    exchange: Exchange
    cancelled: bool = False

    def cancel(self) -> None:
        """Stop generating: what was generated until now is billed."""
        begun = self.exchange.clock.started
        share = (asyncio.get_running_loop().time() - begun) / max(1e-9, self.ready - begun)
        self.entry.billed = self.exchange.answer.usage.generated(min(1.0, share))
        self.entry.aborted = self.cancelled = True

    def now(self) -> Json:
        """The response as of now: queued, in progress or finished."""
        if self.cancelled:
            return self.body | {"status": "cancelled", "output": [], "usage": None, "completed_at": None}
        if asyncio.get_running_loop().time() < self.ready:
            return self.body | {"status": "in_progress", "output": [], "usage": None, "completed_at": None}
        self.entry.usage_sent = self.entry.usage_sent or not self.exchange.usage_is_hidden
        self.entry.open = False
        return self.body


def read_responses(body: Json, world: World) -> Ask:
    """Raises RefusalError: what OpenAI would refuse."""
    model = text_field(body, "model")
    items = input_items(body.get("input"))
    previous = body.get("previous_response_id")
    earlier = world.shelf.get(previous) if previous else None
    if previous and not isinstance(earlier, Stored):
        message = f"Previous response with id '{previous}' not found."
        raise RefusalError(400, message, param="previous_response_id", code="previous_response_not_found")
    tools = [tool for tool in body.get("tools") or [] if isinstance(tool, dict)]
    functions = tuple(function_of(tool) for tool in tools if tool.get("type") == "function")
    parts = [part for item in items for part in _parts(item)]
    pictures = sum(part.get("type") == "input_image" for part in parts)
    written = sum(tokens_of(part["text"]) for part in parts if isinstance(part.get("text"), str))
    told = sum(tokens_of(str(item.get("output") or item.get("arguments") or "")) for item in items if "call_id" in item)
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema" and wanted.get("strict"):
        check_schema(wanted.get("schema") or {}, "text.format.schema", str(wanted.get("name")))
    instructions = body.get("instructions") or ""
    choice = body.get("tool_choice")
    return Ask(
        provider="openai",
        api="responses",
        model=model,
        digest=digest_of("responses", body),
        stream=body.get("stream") is True,
        system="\n".join(
            [instructions, *(_said(i) for i in items if i.get("role") in ("system", "developer"))]
        ).strip(),
        user=next((_said(item) for item in reversed(items) if item.get("role") == "user"), ""),
        input_tokens=written
        + told
        + (tokens_of(instructions) if instructions else 0)
        + MESSAGE_TOKENS * len(items)
        + sum(tokens_of(orjson.dumps(tool).decode()) for tool in tools)
        + pictures * OPENAI_IMAGE_TOKENS
        + (earlier.context_tokens if earlier else 0),
        image_tokens=pictures * OPENAI_IMAGE_TOKENS,
        pictures=pictures,
        functions=() if choice == "none" else functions,
        forced="*" if choice == "required" else choice.get("name") if isinstance(choice, dict) else None,
        has_tool_result=bool(items) and items[-1].get("type") == "function_call_output",
        schema_name=wanted.get("name") if wanted.get("type") == "json_schema" else None,
        schema=wanted.get("schema") if wanted.get("type") == "json_schema" else None,
        json_mode=wanted.get("type") == "json_object",
        searches=choice != "none" and any(tool.get("type") in SEARCH_TOOLS for tool in tools),
        limit=body.get("max_output_tokens"),
        tier=tier_of(body),
        extra={"body": body, "input": items},
    )


def input_items(value: Any) -> list[Json]:
    """The input as a list of items. Raises RefusalError: there is none."""
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": value}]}]
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return value
    raise RefusalError(400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter")


def write_responses(exchange: Exchange, world: World) -> WholeReply | StreamReply:
    request = exchange.ask.extra["body"]
    response_id = f"resp_{exchange.chance.hex(50)}"
    entry = exchange.open_entry(response_id, exchange.answer.usage)
    body = response_body(exchange, response_id)
    ready = exchange.clock.started + exchange.clock.pace.seconds(exchange.answer.duration_ms)
    stored = Stored(
        body=body,
        ready=ready,
        entry=entry,
        input=exchange.ask.extra["input"],
        context_tokens=exchange.answer.usage.input + exchange.answer.usage.output - exchange.answer.usage.reasoning,
        exchange=exchange,
    )
    if request.get("store") is not False:
        world.shelf.put(response_id, stored)
    if exchange.ask.stream:
        return StreamReply(exchange, entry, frames_of(exchange, body), headers=headers_of(exchange))
    if request.get("background"):
        queued = body | {"status": "queued", "output": [], "usage": None, "completed_at": None}
        return _at_once(exchange, entry, orjson.dumps(queued))
    return WholeReply(exchange, entry, orjson.dumps(body), headers=headers_of(exchange))


def _at_once(exchange: Exchange, entry: Entry, body: bytes) -> WholeReply:
    """A background response is accepted at once; its entry stays open until it is retrieved or due."""
    return WholeReply(exchange, entry, body, headers=headers_of(exchange), usage_sent=False, at_once=True)


def response_body(exchange: Exchange, response_id: str) -> Json:
    """The finished response."""
    request, answer = exchange.ask.extra["body"], exchange.answer
    echoed = {key: default if request.get(key) is None else request[key] for key, default in ECHOED.items()}
    status = {"failed": "failed", "length": "incomplete", "content_filter": "incomplete"}.get(
        answer.finish, "completed"
    )
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(answer.finish)
    body: Json = {
        "id": response_id,
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "completed_at": int(time.time()) if status == "completed" else None,
        "error": {"code": "server_error", "message": "The model failed to generate a response."}
        if status == "failed"
        else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": answer.model,
        "output": _output(exchange, "incomplete" if reason else "completed"),
        "service_tier": exchange.ask.tier,
        "tool_usage": _tool_usage(answer.usage),
        **echoed,
    }
    if not exchange.has_fault("no_usage"):
        body["usage"] = _null_usage() if exchange.has_fault("null_usage") else usage_json(answer.usage)
    return body


def usage_json(billed: Billed) -> Json:
    """`ResponseUsage`."""
    return {
        "input_tokens": billed.input,
        "input_tokens_details": {"cached_tokens": billed.cached, "cache_write_tokens": billed.cache_write},
        "output_tokens": billed.output,
        "output_tokens_details": {"reasoning_tokens": billed.reasoning},
        "total_tokens": billed.total,
    }


def _null_usage() -> Json:
    names = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details", "total_tokens")
    return dict.fromkeys(names)


def _tool_usage(billed: Billed) -> Json:
    details = {"image_tokens": 0, "text_tokens": 0}
    drawn = {"input_tokens": 0, "input_tokens_details": details, "output_tokens": 0, "output_tokens_details": details}
    return {"image_gen": {**drawn, "total_tokens": 0}, "web_search": {"num_requests": billed.web_search}}


def _output(exchange: Exchange, status: str) -> list[Json]:
    answer, chance = exchange.answer, exchange.chance
    output: list[Json] = []
    if answer.usage.reasoning:
        wants_summary = (exchange.ask.extra["body"].get("reasoning") or {}).get("summary")
        summary = [{"type": "summary_text", "text": answer.thoughts}] if wants_summary else []
        output.append({"id": f"rs_{chance.hex(48)}", "type": "reasoning", "summary": summary})
    for query in answer.queries:
        action = {"type": "search", "query": query, "queries": [query]}
        output.append(
            {"id": f"ws_{chance.hex(48)}", "type": "web_search_call", "status": "completed", "action": action}
        )
    for call in answer.calls:
        output.append({
            "id": f"fc_{chance.hex(48)}", "type": "function_call", "status": "completed",
            "call_id": f"call_{chance.token(24)}", "name": call.name, "arguments": call.arguments,
        })  # fmt: skip
    if not answer.calls and answer.finish != "failed":
        output.append(_message(exchange, f"msg_{chance.hex(48)}", status))
    return output


def _message(exchange: Exchange, item_id: str, status: str) -> Json:
    text = exchange.answer.text
    if exchange.answer.finish == "refusal":
        content: Json = {"type": "refusal", "refusal": text}
    else:
        annotations = [
            {"type": "url_citation", "start_index": max(0, len(text) - 1), "end_index": len(text), **source}
            for source in exchange.answer.sources
        ]
        content = {"type": "output_text", "annotations": annotations, "logprobs": [], "text": text}
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": [content]}


def frames_of(exchange: Exchange, body: Json) -> list[Frame]:
    """The events of the real stream, numbered, each item added, filled and done."""
    events = list(_events(body, exchange.answer.chunks, exchange.chance))
    answer = exchange.answer
    content_count = max(1, sum(is_content for _, is_content in events))
    frames: list[Frame] = []
    seen = 0
    for number, (told, is_content) in enumerate(events):
        seen += is_content
        share = seen / content_count
        last = number == len(events) - 1
        # Searching happens before the first word, so its events spread over the time until then.
        before = answer.first_token_ms * number / max(1, next(i for i, e in enumerate([*events, ({}, True)]) if e[1]))
        due_ms = before if seen == 0 else answer.first_token_ms + (answer.duration_ms - answer.first_token_ms) * share
        told["sequence_number"] = number
        if exchange.has_fault("usage_every_chunk") and is_content:
            told["usage"] = usage_json(answer.usage.generated(share))
        frames.append(
            Frame(
                body=event(told, told["type"]),
                due_ms=answer.duration_ms if last else due_ms,
                share=share,
                content=is_content,
                usage_sent=last and not exchange.usage_is_hidden,
            )
        )
    return frames


def _events(body: Json, chunks: int, chance: Chance) -> Any:
    """Pairs of an event and whether it carries content."""
    begun = body | {"status": "in_progress", "output": [], "usage": None, "error": None}
    begun |= {"incomplete_details": None, "completed_at": None}
    yield {"type": "response.created", "response": begun}, False
    yield {"type": "response.in_progress", "response": begun}, False
    for index, item in enumerate(body["output"]):
        yield from _item_events(item, index, chunks, chance)
    yield {"type": f"response.{body['status']}", "response": body}, False


def _item_events(item: Json, index: int, chunks: int, chance: Chance) -> Any:
    place = {"output_index": index, "item_id": item["id"]}
    begun = item | ({"status": "in_progress"} if "status" in item else {})
    match item["type"]:
        case "web_search_call":
            yield _item("added", begun | {"action": {"type": "search"}}, index), False
            for step in ("in_progress", "searching", "completed"):
                yield {"type": f"response.web_search_call.{step}", **place}, False
        case "function_call":
            yield _item("added", begun | {"arguments": ""}, index), False
            for piece in pieces(item["arguments"], chunks, chance):
                yield {"type": "response.function_call_arguments.delta", "delta": piece, **place}, True
            done = {"arguments": item["arguments"], "name": item["name"]}
            yield {"type": "response.function_call_arguments.done", **done, **place}, False
        case "reasoning":
            yield _item("added", begun | {"summary": []}, index), False
            for number, part in enumerate(item["summary"]):
                where = place | {"summary_index": number}
                yield {"type": "response.reasoning_summary_part.added", "part": part | {"text": ""}, **where}, False
                yield {"type": "response.reasoning_summary_text.delta", "delta": part["text"], **where}, False
                yield {"type": "response.reasoning_summary_text.done", "text": part["text"], **where}, False
                yield {"type": "response.reasoning_summary_part.done", "part": part, **where}, False
        case _:
            yield _item("added", begun | {"content": []}, index), False
            yield from _text_events(item["content"][0], place | {"content_index": 0}, chunks, chance)
    yield _item("done", item, index), False


def _text_events(part: Json, place: Json, chunks: int, chance: Chance) -> Any:
    kind = part["type"]
    key = "text" if kind == "output_text" else "refusal"
    extra: Json = {"logprobs": []} if key == "text" else {}
    empty = part | ({"text": "", "annotations": []} if key == "text" else {"refusal": ""})
    yield {"type": "response.content_part.added", "part": empty, **place}, False
    for piece in pieces(part[key], chunks, chance):
        yield {"type": f"response.{kind}.delta", "delta": piece, **extra, **place}, True
    for number, annotation in enumerate(part.get("annotations", [])):
        added = {"annotation": annotation, "annotation_index": number}
        yield {"type": "response.output_text.annotation.added", **added, **place}, False
    yield {"type": f"response.{kind}.done", key: part[key], **extra, **place}, False
    yield {"type": "response.content_part.done", "part": part, **place}, False


def _item(step: str, item: Json, index: int) -> Json:
    return {"type": f"response.output_item.{step}", "output_index": index, "item": item}


def _parts(item: Json) -> list[Json]:
    content = item.get("content")
    if isinstance(content, list):
        return [part for part in content if isinstance(part, dict)]
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else []


def _said(item: Json) -> str:
    return "\n".join(part["text"] for part in _parts(item) if isinstance(part.get("text"), str))
