"""Gemini's Interactions: steps instead of candidates, whole and streamed, stored and built upon."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.answer import pieces
from everytoken.simulator.ask import Ask, Function, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.bodies import digest_of, event, read_object
from everytoken.simulator.exchange import Exchange, Frame, RefusalError, StreamReply, WholeReply, World
from everytoken.simulator.gemini_wire import check_key, headers_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An interaction kept for `get` and `previous_interaction_id`."""

    told: Json
    context_tokens: int


async def create(request: Request, world: World) -> WholeReply | StreamReply:
    clock = world.clock()
    check_key(request)
    exchange = world.begin(read_interaction(await read_object(request), world), request, clock)
    interaction_id = f"v1_{exchange.chance.token(40)}"
    entry = exchange.open_entry(interaction_id, exchange.answer.usage)
    told = _interaction(exchange, interaction_id)
    if exchange.ask.extra["store"]:
        billed = exchange.answer.usage
        world.shelf.put(interaction_id, Stored(told, billed.input + billed.output - billed.reasoning))
    if exchange.ask.stream:
        return StreamReply(exchange, entry, _frames(exchange, told), headers=headers_of(exchange))
    return WholeReply(exchange, entry, orjson.dumps(told), headers=headers_of(exchange))


async def one(request: Request, world: World) -> Response:
    """Reads or deletes a stored interaction: what is read again is not billed again."""
    check_key(request)
    interaction_id = request.path_params["interaction_id"]
    stored = world.shelf.get(interaction_id)
    if not isinstance(stored, Stored):
        raise RefusalError(404, "")
    if request.method == "DELETE":
        world.shelf.take(interaction_id)
        return Response(b"{}", media_type="application/json")
    return Response(orjson.dumps(stored.told), media_type="application/json")


def read_interaction(body: Json, world: World) -> Ask:
    """Raises RefusalError: what Google would refuse."""
    model = body.get("model")
    if not isinstance(model, str) or not model or not body.get("input"):
        raise RefusalError(400, "model and input are required.")
    previous = body.get("previous_interaction_id")
    earlier = world.shelf.get(previous) if previous else None
    if previous and not isinstance(earlier, Stored):
        raise RefusalError(404, f"Interaction {previous} not found.")
    tools = [tool for tool in body.get("tools") or [] if isinstance(tool, dict)]
    named = [tool for tool in tools if tool.get("type") == "function" and tool.get("name")]
    said = _texts(body["input"])
    system = str(body.get("system_instruction") or "")
    schema = _schema(body.get("response_format"))
    told = sum(map(tokens_of, [*said, *([system] if system else [])]))
    told += sum(tokens_of(orjson.dumps(tool).decode()) for tool in tools)
    return Ask(
        provider="google",
        api="interactions",
        model=model.removeprefix("models/"),
        digest=digest_of("interactions", body),
        stream=body.get("stream") is True,
        system=system,
        user=said[-1] if said else "",
        input_tokens=told + (earlier.context_tokens if earlier else 0),
        functions=tuple(Function(tool["name"], tool.get("parameters") or {}) for tool in named),
        has_tool_result="function_result" in orjson.dumps(body["input"]).decode(),
        schema_name=str(schema.get("title", "")) if schema else None,
        schema=schema,
        searches=any(tool.get("type") == "google_search" for tool in tools),
        limit=(body.get("generation_config") or {}).get("max_output_tokens"),
        tier=str(body.get("service_tier") or "standard"),
        extra={"store": body.get("store") is not False, "previous": previous},
    )


def usage_json(billed: Billed) -> Json:
    """`usage` of an interaction: thoughts and tool use stand beside input and output, as in generateContent."""
    usage: Json = {
        "total_tokens": billed.total,
        "total_input_tokens": billed.input - billed.tool_use,
        "input_tokens_by_modality": [{"modality": "text", "tokens": billed.input - billed.tool_use}],
        "total_cached_tokens": billed.cached,
        "total_output_tokens": billed.output - billed.reasoning,
        "total_tool_use_tokens": billed.tool_use,
        "total_thought_tokens": billed.reasoning,
    }
    if billed.web_search:
        usage["grounding_tool_count"] = [{"type": "google_search", "count": billed.web_search}]
    return usage


def _interaction(exchange: Exchange, interaction_id: str) -> Json:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    ends = {"failed": "failed", "length": "incomplete"}
    status = "requires_action" if exchange.answer.calls else ends.get(exchange.answer.finish, "completed")
    told: Json = {
        "id": interaction_id,
        "object": "interaction",
        "status": status,
        "model": exchange.answer.model,
        "created": now,
        "updated": now,
        "steps": _steps(exchange),
    }
    if exchange.ask.extra["previous"]:
        told["previous_interaction_id"] = exchange.ask.extra["previous"]
    if not exchange.has_fault("no_usage"):
        usage = usage_json(exchange.answer.usage)
        told["usage"] = dict.fromkeys(usage) if exchange.has_fault("null_usage") else usage
    return told


def _steps(exchange: Exchange) -> list[Json]:
    answer, chance = exchange.answer, exchange.chance
    steps: list[Json] = []
    if answer.usage.reasoning:
        steps.append(
            {"type": "thought", "signature": "c2lnbmF0dXJl", "summary": [{"type": "text", "text": answer.thoughts}]}
        )
    for query in answer.queries:
        call_id = chance.token(8).lower()
        steps.append({"type": "google_search_call", "id": call_id, "arguments": {"queries": [query]}})
        result = [{"search_suggestions": "<div></div>"}]
        steps.append({"type": "google_search_result", "call_id": call_id, "result": result})
    for call in answer.calls:
        arguments = orjson.loads(call.arguments)
        steps.append(
            {"type": "function_call", "id": chance.token(8).lower(), "name": call.name, "arguments": arguments}
        )
    if not answer.calls:
        steps.append({"type": "model_output", "content": [{"type": "text", "text": answer.text}]})
    return steps


def _frames(exchange: Exchange, told: Json) -> list[Frame]:
    """Each step started, filled and stopped; the closing event carries the usage."""
    answer = exchange.answer
    head = {key: value for key, value in told.items() if key not in ("usage", "steps")} | {"status": "in_progress"}
    events: list[tuple[Json, bool]] = [({"event_type": "interaction.created", "interaction": head}, False)]
    for index, step in enumerate(told["steps"]):
        events.extend(_step_events(step, index, exchange))
    # The closing event repeats no steps: they have been streamed.
    events.append(
        ({"event_type": "interaction.completed", "interaction": {k: v for k, v in told.items() if k != "steps"}}, False)
    )
    content_count = max(1, sum(is_content for _, is_content in events))
    frames: list[Frame] = []
    seen = 0
    for number, (body, is_content) in enumerate(events, 1):
        seen += is_content
        share = seen / content_count
        last = number == len(events)
        due_ms = answer.first_token_ms + (answer.duration_ms - answer.first_token_ms) * (1.0 if last else share)
        body["event_id"] = str(number)
        frames.append(
            Frame(
                body=event(body, body["event_type"]),
                due_ms=due_ms if seen or last else 0.0,
                share=share,
                content=is_content,
                usage_sent=last and not exchange.usage_is_hidden,
            )
        )
    return [*frames, Frame(body=b"event: done\ndata: [DONE]\n\n", due_ms=answer.duration_ms, share=1.0)]


def _step_events(step: Json, index: int, exchange: Exchange) -> Iterator[tuple[Json, bool]]:
    """Pairs of an event and whether it carries content."""
    place: Json = {"index": index}
    match step["type"]:
        case "model_output":
            yield {"event_type": "step.start", "step": {"type": "model_output"}, **place}, False
            for piece in pieces(step["content"][0]["text"], exchange.answer.chunks, exchange.chance):
                yield {"event_type": "step.delta", "delta": {"type": "text", "text": piece}, **place}, True
        case "thought":
            yield {"event_type": "step.start", "step": {"type": "thought"}, **place}, False
            summary = {"type": "thought_summary", "content": step["summary"][0]}
            yield {"event_type": "step.delta", "delta": summary, **place}, False
        case kind:
            yield {"event_type": "step.start", "step": step, **place}, kind == "function_call"
    yield {"event_type": "step.stop", **place}, False


def _texts(given: Any) -> list[str]:
    """Every text of an input: a string, contents, or steps with contents."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, list):
        return [text for member in given for text in _texts(member)]
    if isinstance(given, dict):
        return _texts(given.get("text") or given.get("content") or given.get("result") or [])
    return []


def _schema(wanted: Any) -> Json | None:
    """The JSON schema of the response format, in any of its spellings."""
    entries = wanted if isinstance(wanted, list) else [wanted]
    for entry in entries:
        if isinstance(entry, dict):
            schema = entry.get("schema") or (entry if "properties" in entry else None)
            if isinstance(schema, dict):
                return schema
    return None
