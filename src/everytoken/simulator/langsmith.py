"""LangSmith's ingest, so that a test can see what an application's tracing sends: `GET /info`, runs in, `GET /_runs`.

Bodies as the SDKs send them when no compression is offered: https://docs.langchain.com/langsmith/trace-with-api,
read 2026-11-23. Nothing is counted or priced here; that is the server's work.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import Ask
from everytoken.simulator.bodies import read_object
from everytoken.simulator.exchange import RefusalError, World
from everytoken.simulator.forms import read_form

MAX_FIELDS = 20_000
"""Parts of one body: a batch has up to 100 runs of up to eight parts."""
MAX_PART_BYTES = 20 * 1024**2
INFO = {
    "version": "0.15.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
        "scale_up_nthreads_limit": 1,
        "scale_up_qsize_trigger": 1_000,
    },
    "instance_flags": {},
}


async def info(_request: Request, _world: World) -> Response:
    """What the SDK asks first: it sends multipart bodies, uncompressed."""
    return _json(INFO)


async def multipart(request: Request, world: World) -> Response:
    """`post.<id>` and `patch.<id>` hold a run; `post.<id>.inputs` and the like one field of it."""
    _strike(world, "multipart")
    form = await read_form(request, max_fields=MAX_FIELDS, max_text_bytes=MAX_PART_BYTES)
    for run_id, fields in _told(form.texts):
        world.runs.merge(run_id, fields)
    return _json({}, 202)


async def batch(request: Request, world: World) -> Response:
    _strike(world, "batch")
    body = await read_object(request)
    for run in (*body.get("post", ()), *body.get("patch", ())):
        world.runs.merge(_id(run.get("id")), run)
    return _json({}, 202)


async def create(request: Request, world: World) -> Response:
    _strike(world, "create")
    run = await read_object(request)
    world.runs.merge(_id(run.get("id")), run)
    return _json({}, 202)


async def update(request: Request, world: World) -> Response:
    _strike(world, "update")
    world.runs.merge(_id(request.path_params["run_id"]), await read_object(request))
    return _json({}, 202)


async def read_runs(request: Request, world: World) -> Response:
    """What arrived: `GET /_runs?project=…`; `DELETE /_runs` forgets it."""
    if request.method == "DELETE":
        world.runs.clear()
        return Response(status_code=204)
    found = world.runs.of(request.query_params.get("project"))
    return _json({"runs": found, "total": len(found), "forgotten": world.runs.forgotten})


def refuse(refusal: RefusalError) -> Response:
    """An error as LangSmith words it."""
    headers = {} if refusal.retry_after_s is None else {"retry-after": f"{refusal.retry_after_s:g}"}
    detail = refusal.message or {401: "Invalid token", 429: "Too many requests"}.get(refusal.status, "error")
    return _json({"detail": detail}, refusal.status, headers)


def _strike(world: World, api: str) -> None:
    """Raises RefusalError: an error status is switched on for `langsmith`. Other faults are a model's alone."""
    fault = world.faults.strike(Ask(provider="langsmith", api=api, model="", digest=""))
    if fault is not None and fault.status is not None:
        raise RefusalError(fault.status, "", retry_after_s=fault.value if fault.status in (429, 503) else None)


def _told(parts: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run and fields of every part. Raises RefusalError: a part is not JSON, or nobody knows what it is."""
    for name, text in parts.items():
        step, _, rest = name.partition(".")
        run_id, _, field = rest.partition(".")
        if step not in ("post", "patch", "feedback") or not run_id:
            raise RefusalError(422, f"unknown part {name[:100]!r}")
        if step == "feedback":
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise RefusalError(422, f"part {name[:100]!r}: {error}") from error
        if field:
            yield run_id, {field: value}
        elif isinstance(value, dict):
            yield run_id, value
        else:
            raise RefusalError(422, f"part {name[:100]!r} must be an object")


def _id(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise RefusalError(422, "a run needs an id", param="id")
    return value


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")
