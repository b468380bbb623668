"""OpenAI's stored responses: retrieve, cancel, delete, list what went in; count and compact an input."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.bodies import read_object
from everytoken.simulator.exchange import RefusalError, StreamReply, WholeReply, World
from everytoken.simulator.openai_responses import Stored, frames_of, input_items, read_responses, usage_json
from everytoken.simulator.openai_wire import headers_of

Json = dict[str, Any]


async def retrieve(request: Request, world: World) -> Response | StreamReply:
    """The response as of now. With `stream=true` its events, from the one after `starting_after`."""
    stored = _stored(request, world)
    if request.query_params.get("stream") != "true":
        return _json(stored.now())
    after = request.query_params.get("starting_after", "-1")
    first = int(after) + 1 if after.lstrip("-").isdigit() else 0
    # A copy of the entry: what is read again is not billed again.
    frames = frames_of(stored.exchange, stored.body)[first:] or frames_of(stored.exchange, stored.body)[-1:]
    return StreamReply(stored.exchange, replace(stored.entry), frames, headers=headers_of(stored.exchange))


async def cancel(request: Request, world: World) -> Response:
    stored = _stored(request, world)
    if not stored.body["background"]:
        raise RefusalError(400, "Only responses created with background=true can be cancelled.")
    if asyncio.get_running_loop().time() < stored.ready and not stored.cancelled:
        stored.cancel()
    return _json(stored.now())


async def delete(request: Request, world: World) -> Response:
    stored = _stored(request, world)
    world.shelf.take(stored.body["id"])
    return _json({"id": stored.body["id"], "object": "response", "deleted": True})


async def items(request: Request, world: World) -> Response:
    found = [{"id": f"msg_{n}", **item} for n, item in enumerate(_stored(request, world).input)]
    edges = {"first_id": found[0]["id"], "last_id": found[-1]["id"]} if found else {"first_id": "", "last_id": ""}
    return _json({"object": "list", "data": found, "has_more": False, **edges})


async def count(request: Request, world: World) -> Response:
    """A count, not usage: never billed."""
    body = await read_object(request)
    ask = read_responses({"model": "gpt-5.2", **body}, world)
    return _json({"object": "response.input_tokens", "input_tokens": ask.input_tokens})


async def compact(request: Request, world: World) -> WholeReply:
    """A shorter input, made by a billed call of its own."""
    clock = world.clock()
    body = await read_object(request)
    ask = replace(
        read_responses({**body, "stream": False}, world), api="responses.compact", functions=(), searches=False
    )
    exchange = world.begin(ask, request, clock)
    response_id = f"resp_{exchange.chance.hex(50)}"
    entry = exchange.open_entry(response_id, exchange.answer.usage)
    kept = [item for item in input_items(body.get("input")) if item.get("role") == "user"]
    output = [{"id": f"msg_{n}", "status": "completed", **item} for n, item in enumerate(kept)]
    sealed = {
        "id": f"cmp_{exchange.chance.hex(48)}",
        "type": "compaction",
        "encrypted_content": exchange.chance.token(64),
    }
    told: Json = {
        "id": response_id,
        "object": "response.compaction",
        "created_at": int(time.time()),
        "output": [*output, sealed],
        "usage": usage_json(exchange.answer.usage),
    }
    return WholeReply(exchange, entry, orjson.dumps(told), headers=headers_of(exchange))


def _stored(request: Request, world: World) -> Stored:
    response_id = request.path_params["response_id"]
    stored = world.shelf.get(response_id)
    if not isinstance(stored, Stored):
        raise RefusalError(404, f"Response with id '{response_id}' not found.", code="not_found")
    return stored


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
