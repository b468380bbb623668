"""Requests and answers as the messages of OpenTelemetry's GenAI conventions: a role, and parts of a kind each.

https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json, read 2026-11.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_ASKED = ("messages", "input", "contents", "prompt")
_SYSTEM = ("instructions", "systemInstruction", "system_instruction")


def input_messages(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was asked; empty where the API has no messages."""
    asked = next((request[name] for name in _ASKED if request.get(name)), None)
    if isinstance(asked, str | Mapping):
        asked = [asked]
    return [_message(one, "user") for one in asked] if isinstance(asked, list) else []


def system_instructions(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What stands apart from the messages; a system message stays among them."""
    told = next((request[name] for name in _SYSTEM if request.get(name)), None)
    if told is None:
        return []
    return list(_parts(told)) if isinstance(told, Mapping) else [_text(told)]


def output_messages(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What came back, a message a choice; empty where the answer holds none."""
    found: list[dict[str, Any]] = []
    for choice in _mappings(answer.get("choices")):
        said = choice.get("message") or {"content": choice.get("text")}
        found.append({**_message(said, "assistant"), "finish_reason": choice.get("finish_reason") or ""})
    for candidate in _mappings(answer.get("candidates")):
        said = candidate.get("content") or {}
        reason = str(candidate.get("finishReason") or "").lower()
        found.append({"role": "assistant", "parts": list(_parts(said)), "finish_reason": reason})
    parts = [part for item in _mappings(answer.get("output")) for part in _item(item)]
    if not parts and isinstance(answer.get("output_text"), str):
        parts = [_text(answer["output_text"])]
    if parts:
        found.append({"role": "assistant", "parts": parts, "finish_reason": str(answer.get("status") or "")})
    return found


def _message(told: Any, role: str) -> dict[str, Any]:
    if not isinstance(told, Mapping):
        return {"role": role, "parts": [_text(told)]}
    if told.get("type") in ("function_call", "function_call_output"):
        return {"role": "assistant" if told["type"] == "function_call" else "tool", "parts": list(_item(told))}
    role = str(told.get("role") or role)
    if role == "tool":
        answered = {"type": "tool_call_response", "id": told.get("tool_call_id"), "response": told.get("content")}
        return {"role": role, "parts": [answered]}
    return {"role": "assistant" if role == "model" else role, "parts": list(_parts(told))}


def _parts(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a message of OpenAI's or of Gemini's."""
    for part in _mappings(told.get("parts")):
        yield _gemini_part(part)
    content = told.get("content")
    if isinstance(content, str) and content:
        yield _text(content)
    elif isinstance(content, list):
        for part in content:
            yield _text(part["text"]) if isinstance(part, Mapping) and "text" in part else _other(part)
    for call in _mappings(told.get("tool_calls")):
        function = call.get("function") or {}
        yield _call(call.get("id"), function.get("name"), function.get("arguments"))


def _gemini_part(part: Mapping[str, Any]) -> dict[str, Any]:
    if "text" in part:
        return {"type": "reasoning" if part.get("thought") else "text", "content": part["text"]}
    if isinstance(called := part.get("functionCall"), Mapping):
        return _call(called.get("id"), called.get("name"), called.get("args"))
    if isinstance(told := part.get("functionResponse"), Mapping):
        return {"type": "tool_call_response", "id": told.get("id"), "response": told.get("response")}
    return _other(part)


def _item(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of one item of a Responses answer."""
    if item.get("type") == "function_call":
        yield _call(item.get("call_id"), item.get("name"), item.get("arguments"))
    elif item.get("type") == "function_call_output":
        yield {"type": "tool_call_response", "id": item.get("call_id"), "response": item.get("output")}
    elif item.get("type") == "reasoning":
        yield from ({"type": "reasoning", "content": one.get("text")} for one in _mappings(item.get("summary")))
    elif "content" in item:
        yield from _parts(item)
    else:
        yield _other(item)


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}


def _text(content: Any) -> dict[str, Any]:
    return {"type": "text", "content": content}


def _other(part: Any) -> dict[str, Any]:
    """A part of a kind that the conventions leave open, under the provider's own name."""
    return {"type": "unknown", **part} if isinstance(part, Mapping) else _text(part)


def _mappings(value: Any) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
