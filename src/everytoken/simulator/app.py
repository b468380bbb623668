"""The ASGI application: every simulated API on one origin, under its own paths, and the simulator's own pages."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from everytoken.simulator import (
    embeddings,
    gallery,
    gemini,
    gemini_interactions,
    gemini_wire,
    kakao,
    langsmith,
    openai_audio,
    openai_batch,
    openai_chat,
    openai_images,
    openai_models,
    openai_responses,
    openai_stored,
    openai_wire,
    public_data,
)
from everytoken.simulator.bodies import read_object
from everytoken.simulator.exchange import RefusalError, WholeReply, World
from everytoken.simulator.faults import read_switch
from everytoken.simulator.pacing import Pace
from everytoken.simulator.scenario import Scenario

Answering = Callable[[Request, World], Awaitable[Any]]
Wording = Callable[[RefusalError], Response]
MAX_LEDGER_WAIT_S = 60.0


def create_app(scenario: Scenario, *, seed: int = 0, pace: Pace | None = None) -> Starlette:
    """The simulator as an ASGI application. Its state is `app.state.world`."""
    world = World(scenario, seed, pace or Pace())

    def route(path: str, answering: Answering, wording: Wording, *methods: str) -> Route:
        async def endpoint(request: Request) -> Any:
            try:
                return await answering(request, world)
            except RefusalError as refusal:
                return wording(refusal)
            except (TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
                # A field of a type no provider takes; they answer 400 as well.
                return wording(RefusalError(400, f"Invalid request: {error}"))

        return Route(path, endpoint, methods=list(methods or ("POST",)))

    routes = [
        route("/v1/chat/completions", _chat, openai_wire.refuse),
        route("/v1/responses", _responses, openai_wire.refuse),
        route("/v1/responses/input_tokens", openai_stored.count, openai_wire.refuse),
        route("/v1/responses/compact", openai_stored.compact, openai_wire.refuse),
        route("/v1/responses/{response_id}", openai_stored.retrieve, openai_wire.refuse, "GET"),
        route("/v1/responses/{response_id}", openai_stored.delete, openai_wire.refuse, "DELETE"),
        route("/v1/responses/{response_id}/cancel", openai_stored.cancel, openai_wire.refuse),
        route("/v1/responses/{response_id}/input_items", openai_stored.items, openai_wire.refuse, "GET"),
        route("/v1/embeddings", _embeddings, openai_wire.refuse),
        route("/v1/images/generations", _images, openai_wire.refuse),
        route("/v1/images/edits", _images, openai_wire.refuse),
        route("/v1/audio/transcriptions", _transcription, openai_wire.refuse),
        route("/v1/audio/translations", _transcription, openai_wire.refuse),
        route("/v1/audio/speech", _speech, openai_wire.refuse),
        route("/v1/moderations", openai_models.moderate, openai_wire.refuse),
        route("/v1/files", openai_batch.upload, openai_wire.refuse),
        route("/v1/files", openai_batch.files, openai_wire.refuse, "GET"),
        route("/v1/files/{file_id}", openai_batch.one_file, openai_wire.refuse, "GET", "DELETE"),
        route("/v1/files/{file_id}/content", openai_batch.file_content, openai_wire.refuse, "GET"),
        route("/v1/batches", openai_batch.create, openai_wire.refuse),
        route("/v1/batches", openai_batch.batches, openai_wire.refuse, "GET"),
        route("/v1/batches/{batch_id}", openai_batch.retrieve, openai_wire.refuse, "GET"),
        route("/v1/batches/{batch_id}/cancel", openai_batch.cancel, openai_wire.refuse),
        route("/v1/models", openai_models.models, openai_wire.refuse, "GET"),
        route("/v1beta/models", openai_models.models, gemini_wire.refuse, "GET"),
        route("/v1/models/{model}", openai_models.one_model, openai_wire.refuse, "GET"),
        route("/v1beta/models/{model}", openai_models.one_model, gemini_wire.refuse, "GET"),
        route("/v1beta/models/{model}:{verb}", _gemini, gemini_wire.refuse),
        route("/v1/models/{model}:{verb}", _gemini, gemini_wire.refuse),
        # Vertex AI, with a key (express mode) and with a project.
        route("/{version}/publishers/google/models/{model}:{verb}", _gemini, gemini_wire.refuse),
        route(
            "/{version}/projects/{project}/locations/{location}/publishers/google/models/{model}:{verb}",
            _gemini,
            gemini_wire.refuse,
        ),
        route("/{version}/interactions", gemini_interactions.create, gemini_wire.refuse),
        route("/{version}/interactions/{interaction_id}", gemini_interactions.one, gemini_wire.refuse, "GET", "DELETE"),
        route("/v2/local/search/keyword.json", kakao.search_keyword, kakao.refuse, "GET"),
        route("/v2/local/search/category.json", kakao.search_category, kakao.refuse, "GET"),
        route(
            "/1360000/VilageFcstInfoService_2.0/{operation}", public_data.answer_kma, public_data.refuse_gateway, "GET"
        ),
        route("/1741000/household_waste_info/info", public_data.answer_mois, public_data.refuse_gateway, "GET"),
        route("/api/15106385/v1/{table}", public_data.answer_keco, public_data.refuse_odcloud, "GET"),
        route("/images/{name}", gallery.answer_picture, gallery.refuse, "GET"),
        route("/info", langsmith.info, langsmith.refuse, "GET"),
        route("/runs/multipart", langsmith.multipart, langsmith.refuse),
        route("/runs/batch", langsmith.batch, langsmith.refuse),
        route("/runs", langsmith.create, langsmith.refuse),
        route("/runs/{run_id}", langsmith.update, langsmith.refuse, "PATCH"),
        route("/_runs", langsmith.read_runs, langsmith.refuse, "GET", "DELETE"),
        route("/_ledger", _ledger, openai_wire.refuse, "GET", "DELETE"),
        route("/_faults", _faults, openai_wire.refuse, "GET", "POST", "DELETE"),
    ]
    app = Starlette(routes=routes)
    app.state.world = world
    return app


async def _chat(request: Request, world: World) -> Any:
    clock = world.clock()
    openai_wire.check_key(request)
    ask = openai_chat.read_chat(await read_object(request))
    return openai_chat.write_chat(world.begin(ask, request, clock))


async def _responses(request: Request, world: World) -> Any:
    clock = world.clock()
    openai_wire.check_key(request)
    ask = openai_responses.read_responses(await read_object(request), world)
    return openai_responses.write_responses(world.begin(ask, request, clock), world)


async def _embeddings(request: Request, world: World) -> Any:
    clock = world.clock()
    openai_wire.check_key(request)
    ask = embeddings.read_openai(await read_object(request))
    return embeddings.write_openai(world.begin(ask, request, clock))


async def _images(request: Request, world: World) -> Any:
    clock = world.clock()
    openai_wire.check_key(request)
    ask = await openai_images.read_images(request, edit=request.url.path.endswith("/edits"))
    return openai_images.write_images(world.begin(ask, request, clock))


async def _transcription(request: Request, world: World) -> Any:
    clock = world.clock()
    openai_wire.check_key(request)
    ask = await openai_audio.read_transcription(request, translation=request.url.path.endswith("/translations"))
    return openai_audio.write_transcription(world.begin(ask, request, clock))


async def _speech(request: Request, world: World) -> Any:
    clock = world.clock()
    openai_wire.check_key(request)
    return openai_audio.write_speech(world.begin(await openai_audio.read_speech(request), request, clock))


async def _gemini(request: Request, world: World) -> Any:
    clock = world.clock()
    gemini_wire.check_key(request)
    model, verb = request.path_params["model"], request.path_params["verb"]
    body = gemini_wire.camel(await read_object(request))
    match verb:
        case "generateContent" | "streamGenerateContent":
            ask = gemini.read_generate(body, model, stream=verb == "streamGenerateContent")
            return gemini.write_generate(world.begin(ask, request, clock))
        case "embedContent" | "batchEmbedContents":
            ask = embeddings.read_gemini(body, model, batch=verb == "batchEmbedContents")
            return embeddings.write_gemini(world.begin(ask, request, clock))
        case "countTokens":
            return _json(gemini.count_tokens(body, model))
        case _:
            raise RefusalError(
                404, f"models/{model} is not found for API version v1beta, or is not supported for {verb}."
            )


async def _ledger(request: Request, world: World) -> Response | WholeReply:
    """`GET /_ledger?wait=5` waits up to five seconds until no response is open any more."""
    if request.method == "DELETE":
        world.ledger.clear()
        return Response(status_code=204)
    try:
        wait_s = min(float(request.query_params.get("wait", 0)), MAX_LEDGER_WAIT_S)
    except ValueError as error:
        raise RefusalError(400, "wait must be a number of seconds", param="wait") from error
    with anyio.move_on_after(wait_s):
        while not world.ledger.is_settled() and wait_s > 0:  # noqa: ASYNC110  # only tests wait, and for milliseconds
            await anyio.sleep(0.01)
    return _json(world.ledger.as_json())


async def _faults(request: Request, world: World) -> Response:
    if request.method == "DELETE":
        world.faults.switches.clear()
    elif request.method == "POST":
        try:
            world.faults.add(read_switch(await read_object(request)))
        except ValueError as error:
            raise RefusalError(400, str(error)) from error
    return _json({"faults": [switch.as_json() for switch in world.faults.switches]})


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
