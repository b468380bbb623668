"""The models a simulated account sees, in both providers' spelling, and OpenAI's moderation, which is free."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import Ask
from everytoken.simulator.billing import Billed
from everytoken.simulator.bodies import digest_of, read_object
from everytoken.simulator.exchange import RefusalError, WholeReply, World
from everytoken.simulator.openai_wire import check_key, headers_of

Json = dict[str, Any]
OPENAI_MODELS = (
    "gpt-5.2", "gpt-5.2-mini", "gpt-5.2-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-image-1",
    "gpt-4o-transcribe", "gpt-4o-mini-tts", "whisper-1", "tts-1", "text-embedding-3-small", "text-embedding-3-large",
    "omni-moderation-latest",
)  # fmt: skip
GOOGLE_MODELS = (
    "gemini-3-pro-preview", "gemini-3-flash-preview", "gemini-3-pro-image-preview", "gemini-2.5-pro",
    "gemini-2.5-flash", "gemini-embedding-001",
)  # fmt: skip
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
CREATED = 1_767_225_600


async def models(request: Request, world: World) -> Response:
    """Google's list for those who come with Google's header, OpenAI's for the others."""
    if "x-goog-api-key" in request.headers or request.url.path.startswith("/v1beta"):
        return _json({"models": [_google(name) for name in GOOGLE_MODELS]})
    check_key(request)
    return _json({"object": "list", "data": [_openai(name) for name in OPENAI_MODELS]})


async def one_model(request: Request, world: World) -> Response:
    name = request.path_params["model"]
    if "x-goog-api-key" in request.headers or request.url.path.startswith("/v1beta"):
        return _json(_google(name))
    return _json(_openai(name))


async def moderate(request: Request, world: World) -> WholeReply:
    """Nothing is ever flagged."""
    clock = world.clock()
    check_key(request)
    body = await read_object(request)
    given = body.get("input")
    if not given:
        raise RefusalError(
            400, "Missing required parameter: 'input'.", param="input", code="missing_required_parameter"
        )
    inputs = given if isinstance(given, list) else [given]
    model = str(body.get("model") or "omni-moderation-latest")
    ask = Ask(provider="openai", api="moderations", model=model, digest=digest_of("moderations", body), usage=Billed())
    exchange = world.begin(ask, request, clock)
    result: Json = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.0001),
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
    response_id = f"modr-{exchange.chance.hex(32)}"
    told = {
        "id": response_id,
        "model": model,
        "results": [result] * (1 if isinstance(inputs[0], dict) else len(inputs)),
    }
    entry = exchange.open_entry(response_id, exchange.answer.usage)
    return WholeReply(exchange, entry, orjson.dumps(told), headers=headers_of(exchange), usage_sent=False)


def _openai(name: str) -> Json:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"}


def _google(name: str) -> Json:
    verbs = ["embedContent"] if "embedding" in name else ["generateContent", "countTokens"]
    limits = {"inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536, "supportedGenerationMethods": verbs}
    return {"name": f"models/{name}", "version": "001", "displayName": name, **limits}


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
