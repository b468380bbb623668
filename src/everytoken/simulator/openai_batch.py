"""OpenAI files and batches: lines go in, answers come out half-priced, usage stands on the lines and on the batch."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator import embeddings, openai_chat, openai_responses
from everytoken.simulator.ask import Ask
from everytoken.simulator.billing import Billed, Entry
from everytoken.simulator.bodies import read_object
from everytoken.simulator.chance import Chance
from everytoken.simulator.exchange import Exchange, RefusalError, World
from everytoken.simulator.forms import read_form
from everytoken.simulator.openai_wire import text_field

Json = dict[str, Any]
BATCH_MS = 1_000.0
"""How long a batch takes; the real one takes up to a day."""
MAX_LINES = 50_000
ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings")


@dataclass(slots=True)
class Batch:
    told: Json
    ready: float
    """Event loop time at which it is done."""
    usage: Billed
    entries: list[Entry] = field(default_factory=list)

    def now(self) -> Json:
        """The batch as of now; its usage is told once it is completed."""
        if self.told["status"] == "cancelled":
            return self.told
        if asyncio.get_running_loop().time() < self.ready:
            hidden = {"status": "in_progress", "output_file_id": None, "completed_at": None, "usage": None}
            return self.told | hidden
        for entry in self.entries:
            entry.usage_sent = True
        return self.told


async def upload(request: Request, world: World) -> Response:
    form = await read_form(request)
    name, content = form.one_file()
    return _json(_keep(world, name, content, form.texts.get("purpose", "user_data"))["file"])


async def files(request: Request, world: World) -> Response:
    return _json({"object": "list", "data": [kept["file"] for kept in world.shelf.all("file-")], "has_more": False})


async def one_file(request: Request, world: World) -> Response:
    file_id = request.path_params["file_id"]
    if request.method == "DELETE":
        _found(world.shelf.take(file_id), file_id)
        return _json({"id": file_id, "object": "file", "deleted": True})
    return _json(_found(world.shelf.get(file_id), file_id)["file"])


async def file_content(request: Request, world: World) -> Response:
    file_id = request.path_params["file_id"]
    return Response(_found(world.shelf.get(file_id), file_id)["content"], media_type="application/octet-stream")


async def create(request: Request, world: World) -> Response:
    """Answers every line at once, and shows the answers when the batch is due."""
    body = await read_object(request)
    endpoint, file_id = text_field(body, "endpoint"), text_field(body, "input_file_id")
    if endpoint not in ENDPOINTS:
        raise RefusalError(400, f"Invalid value: '{endpoint}'.", param="endpoint", code="invalid_value")
    lines = _found(world.shelf.get(file_id), file_id)["content"].splitlines()[:MAX_LINES]
    clock = world.clock()
    batch = Batch(told={}, ready=clock.started + clock.pace.seconds(BATCH_MS), usage=Billed())
    answered = [_answer(line, endpoint, world, batch) for line in lines if line.strip()]
    good = [line for line in answered if line["error"] is None]
    output = _keep(world, "output.jsonl", b"\n".join(map(orjson.dumps, good)), "batch_output")["file"]["id"]
    batch.told = {
        "id": f"batch_{Chance(world.seed, 'batch', world.number('batch')).hex(32)}",
        "object": "batch",
        "endpoint": endpoint,
        "input_file_id": file_id,
        "completion_window": body.get("completion_window", "24h"),
        "status": "completed",
        "created_at": int(time.time()),
        "completed_at": int(time.time()),
        "output_file_id": output,
        "error_file_id": None,
        "errors": None,
        "metadata": body.get("metadata"),
        "request_counts": {"total": len(answered), "completed": len(good), "failed": len(answered) - len(good)},
        "usage": openai_responses.usage_json(batch.usage),
    }
    world.shelf.put(batch.told["id"], batch)
    return _json(batch.told | {"status": "validating", "output_file_id": None, "completed_at": None, "usage": None})


async def retrieve(request: Request, world: World) -> Response:
    return _json(_batch(request, world).now())


async def cancel(request: Request, world: World) -> Response:
    batch = _batch(request, world)
    if asyncio.get_running_loop().time() >= batch.ready:
        raise RefusalError(409, "Cannot cancel a batch with status 'completed'.")
    batch.told |= {"status": "cancelled", "cancelled_at": int(time.time()), "output_file_id": None, "usage": None}
    for entry in batch.entries:
        entry.billed, entry.aborted = Billed(), True
    return _json(batch.told)


async def batches(request: Request, world: World) -> Response:
    found = [batch.now() for batch in world.shelf.all("batch_")]
    return _json({"object": "list", "data": found, "has_more": False})


def _answer(raw: bytes, endpoint: str, world: World, batch: Batch) -> Json:
    """One line of the output file."""
    line = orjson.loads(raw) if raw.lstrip().startswith(b"{") else {}
    told: Json = {
        "id": f"batch_req_{Chance(raw).hex(24)}",
        "custom_id": line.get("custom_id"),
        "response": None,
        "error": None,
    }
    try:
        ask = _read(endpoint, line.get("body") or {}, world)
        exchange = world.begin_offline(ask, world.clock())
        response_id, body = _write(endpoint, exchange)
    except RefusalError as refusal:
        return told | {"error": {"code": str(refusal.status), "message": refusal.message}}
    entry = exchange.open_entry(response_id, exchange.answer.usage)
    entry.tier, entry.open = "batch", False
    batch.entries.append(entry)
    batch.usage = batch.usage.plus(exchange.answer.usage)
    return told | {"response": {"status_code": 200, "request_id": exchange.request_id, "body": body}}


def _read(endpoint: str, body: Json, world: World) -> Ask:
    if endpoint == "/v1/chat/completions":
        return openai_chat.read_chat({**body, "stream": False})
    if endpoint == "/v1/responses":
        return openai_responses.read_responses({**body, "stream": False}, world)
    return embeddings.read_openai(body)


def _write(endpoint: str, exchange: Exchange) -> tuple[str, Json]:
    """Id and body of the answer."""
    if endpoint == "/v1/chat/completions":
        response_id = f"chatcmpl-{exchange.chance.token(29)}"
        return response_id, openai_chat.chat_body(exchange, response_id)
    if endpoint == "/v1/responses":
        response_id = f"resp_{exchange.chance.hex(50)}"
        return response_id, openai_responses.response_body(exchange, response_id)
    return f"embd_{exchange.chance.token(24)}", embeddings.openai_body(exchange)


def _keep(world: World, name: str, content: bytes, purpose: str) -> Json:
    file_id = f"file-{Chance(world.seed, 'file', world.number('file')).token(22)}"
    told = {
        "id": file_id,
        "object": "file",
        "bytes": len(content),
        "created_at": int(time.time()),
        "filename": name,
        "purpose": purpose,
        "status": "processed",
    }
    kept = {"file": told, "content": content}
    world.shelf.put(file_id, kept, len(content))
    return kept


def _batch(request: Request, world: World) -> Batch:
    batch_id = request.path_params["batch_id"]
    batch: Batch = _found(world.shelf.get(batch_id), batch_id)
    return batch


def _found(item: Any, item_id: str) -> Any:
    """Raises RefusalError: there is nothing under this id."""
    if item is None:
        raise RefusalError(404, f"No such object: {item_id}", code="not_found")
    return item


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
