"""What all Gemini endpoints share: keys, errors, usage, the reading of contents."""

import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import GEMINI_IMAGE_TOKENS, tokens_of
from everytoken.simulator.billing import Billed
from everytoken.simulator.exchange import Exchange, RefusalError

Json = dict[str, Any]
AUDIO_TOKENS = 320
"""Ten seconds at 32 tokens a second. https://ai.google.dev/gemini-api/docs/tokens, read 2026-11-22."""
VIDEO_TOKENS = 2_630
"""Ten seconds at 263 tokens a second."""
OPAQUE = frozenset(
    {"parameters", "parametersJsonSchema", "responseJsonSchema", "responseSchema", "args", "response", "labels"}
)
"""Fields whose content is the caller's own: its names are left as they are."""
STATUSES = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "The requested entity was not found."),
    429: ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    529: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
}


def refuse(refusal: RefusalError) -> Response:
    """An error as Google words it."""
    status, text = STATUSES.get(refusal.status, STATUSES[400])
    error: Json = {"code": refusal.status, "message": refusal.message or text, "status": status}
    headers = {}
    if refusal.retry_after_s is not None:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{refusal.retry_after_s:g}s"}
        error["details"] = [retry]
        headers["retry-after"] = f"{refusal.retry_after_s:g}"
    body = orjson.dumps({"error": error})
    return Response(body, status_code=refusal.status, headers=headers, media_type="application/json; charset=UTF-8")


def check_key(request: Request) -> None:
    """Raises RefusalError: no API key. Any key is accepted."""
    if not (
        request.headers.get("x-goog-api-key") or request.query_params.get("key") or request.headers.get("authorization")
    ):
        raise RefusalError(403, "Method doesn't allow unregistered callers (callers without established identity).")


def headers_of(exchange: Exchange) -> dict[str, str]:
    return {
        "server-timing": f"gfet4t7; dur={exchange.answer.duration_ms:.0f}",
        "x-simulator-request-id": exchange.request_id,
    }


def camel(value: Any) -> Any:
    """The request with its field names in lower camel case. Google accepts snake case too, and its SDK mixes them."""
    if isinstance(value, list):
        return [camel(member) for member in value]
    if not isinstance(value, dict):
        return value
    named = {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): inner for key, inner in value.items()}
    return {key: inner if key in OPAQUE else camel(inner) for key, inner in named.items()}


def parts_of(content: Any) -> list[Json]:
    parts = content.get("parts") if isinstance(content, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def text_of(content: Any) -> str:
    return "\n".join(part["text"] for part in parts_of(content) if isinstance(part.get("text"), str))


def count_parts(parts: list[Json]) -> dict[str, int]:
    """Tokens by modality: TEXT, IMAGE, AUDIO, VIDEO, DOCUMENT."""
    counts = dict.fromkeys(("TEXT", "IMAGE", "AUDIO", "VIDEO", "DOCUMENT"), 0)
    for part in parts:
        kind = str((part.get("inlineData") or part.get("fileData") or {}).get("mimeType", "")).split("/")[0]
        if kind in ("image", "audio", "video"):
            counts[kind.upper()] += {"image": GEMINI_IMAGE_TOKENS, "audio": AUDIO_TOKENS, "video": VIDEO_TOKENS}[kind]
        elif kind:
            counts["DOCUMENT"] += GEMINI_IMAGE_TOKENS
        elif told := part.get("text") or part.get("functionResponse") or part.get("functionCall"):
            counts["TEXT"] += tokens_of(told if isinstance(told, str) else orjson.dumps(told).decode())
    return counts


def usage_json(billed: Billed) -> Json:
    """`usageMetadata` of generateContent: thoughts and tool use stand beside their totals, and zero is absent."""
    prompt = billed.input - billed.tool_use
    pictures = [("IMAGE", billed.input_image), ("AUDIO", billed.input_audio), ("VIDEO", billed.input_video)]
    others = [*pictures, ("DOCUMENT", billed.input_document)]
    made = [("IMAGE", billed.output_image), ("AUDIO", billed.output_audio)]
    counted = {
        "promptTokenCount": prompt,
        "candidatesTokenCount": billed.output - billed.reasoning,
        "totalTokenCount": billed.total,
        "cachedContentTokenCount": billed.cached,
        "promptTokensDetails": _details([("TEXT", prompt - sum(count for _, count in others)), *others]),
        "cacheTokensDetails": _details([("TEXT", billed.cached)]),
        "candidatesTokensDetails": _details(made),
        "toolUsePromptTokenCount": billed.tool_use,
        "toolUsePromptTokensDetails": _details([("TEXT", billed.tool_use)]),
        "thoughtsTokenCount": billed.reasoning,
    }
    return {key: value for key, value in counted.items() if value}


def null_usage() -> Json:
    names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount")
    return dict.fromkeys(names)


def _details(counts: list[tuple[str, int]]) -> list[Json]:
    return [{"modality": modality, "tokenCount": count} for modality, count in counts if count]
