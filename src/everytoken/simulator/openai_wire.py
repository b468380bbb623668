"""What all OpenAI endpoints share: reading bodies, headers, errors, server-sent events."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import Function
from everytoken.simulator.exchange import Exchange, RefusalError

REQUIRED_TEXT = "'required' is required to be supplied and to be an array including every key in properties."
TIERS = {"flex": "flex", "priority": "priority", "fast": "priority", "scale": "scale"}
ERROR_TYPES = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", None),
    429: ("tokens", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", None),
    529: ("server_error", None),
}
ERROR_TEXTS = {
    400: "Invalid request.",
    401: "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
    403: "Country, region, or territory not supported",
    404: "The model does not exist or you do not have access to it.",
    429: "Rate limit reached on tokens per min (TPM). Please try again in 1s.",
    500: "The server had an error while processing your request. Sorry about that!",
    503: "The server is currently overloaded with other requests. Sorry about that! Please retry later.",
    529: "The server is overloaded.",
}


def refuse(refusal: RefusalError) -> Response:
    """An error as OpenAI words it."""
    kind, code = ERROR_TYPES.get(refusal.status, ("invalid_request_error", None))
    body = {
        "error": {
            "message": refusal.message or ERROR_TEXTS.get(refusal.status, "Error"),
            "type": kind,
            "param": refusal.param,
            "code": refusal.code or code,
        }
    }
    headers = {}
    if refusal.retry_after_s is not None:
        headers = {"retry-after": f"{refusal.retry_after_s:g}", "retry-after-ms": f"{refusal.retry_after_s * 1000:g}"}
    return Response(orjson.dumps(body), status_code=refusal.status, headers=headers, media_type="application/json")


def headers_of(exchange: Exchange) -> dict[str, str]:
    return {
        "x-request-id": exchange.request_id,
        "openai-version": "2020-10-01",
        "openai-processing-ms": f"{exchange.answer.duration_ms:.0f}",
        "x-simulator-request-id": exchange.request_id,
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": "9999",
    }


def check_key(request: Request) -> None:
    """Raises RefusalError: no bearer token. Any token is accepted."""
    if not request.headers.get("authorization", "").startswith("Bearer "):
        raise RefusalError(401, "Missing bearer or basic authentication in header", code="missing_required_parameter")


def text_field(body: dict[str, Any], name: str) -> str:
    """A required text. Raises RefusalError: it is missing or no text."""
    value = body.get(name)
    if value is None:
        raise RefusalError(400, f"you must provide a {name} parameter", param=name, code="missing_required_parameter")
    if not isinstance(value, str) or not value:
        raise RefusalError(400, f"Invalid type for '{name}': expected a string.", param=name, code="invalid_type")
    return value


def function_of(tool: dict[str, Any]) -> Function:
    """One function tool, chat's (nested) or Responses' (flat). Raises RefusalError: it has no name."""
    inner = tool.get("function", tool)
    name = inner.get("name") if isinstance(inner, dict) else None
    if not isinstance(name, str) or not name:
        raise RefusalError(
            400,
            "Missing required parameter: 'tools[0].function.name'.",
            param="tools",
            code="missing_required_parameter",
        )
    return Function(name, inner.get("parameters") or {})


def check_schema(schema: dict[str, Any], place: str, name: str) -> None:
    """Strict mode's demands. Raises RefusalError: an object of the schema is open, or leaves a property optional."""
    stack: list[tuple[Any, str]] = [(schema, "()")]
    while stack:
        part, where = stack.pop()
        if not isinstance(part, dict):
            continue
        properties = part.get("properties")
        if part.get("type") == "object" and isinstance(properties, dict):
            if part.get("additionalProperties") is not False:
                raise _bad_schema(
                    place, name, where, "'additionalProperties' is required to be supplied and to be false."
                )
            missing = [key for key in properties if key not in part.get("required", [])]
            if missing:
                raise _bad_schema(place, name, where, f"{REQUIRED_TEXT} Missing '{missing[0]}'.")
        for key, inner in part.items():
            stack.extend((member, f"({key!r})") for member in (inner.values() if isinstance(inner, dict) else []))
            stack.append((inner, f"({key!r})"))
            stack.extend((member, f"({key!r})") for member in (inner if isinstance(inner, list) else []))


def _bad_schema(place: str, name: str, where: str, problem: str) -> RefusalError:
    message = f"Invalid schema for {place} '{name}': In context={where}, {problem}"
    return RefusalError(
        400, message, param=place, code="invalid_json_schema" if place != "function" else "invalid_function_parameters"
    )


def tier_of(body: dict[str, Any]) -> str:
    """The tier a request is served in: `fast` comes back as `priority`, `auto` as `default`."""
    return TIERS.get(str(body.get("service_tier")), "default")
