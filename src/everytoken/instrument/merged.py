"""A stream's events as the one answer they amount to: what a reader wants to see, a fifth of the bytes to send."""

from collections.abc import Mapping, Sequence
from typing import Any

_NAMES = ("id", "model", "service_tier", "system_fingerprint", "created")
_HOSTED = ("id", "object", "model", "status", "tool_usage")


def merged(events: Sequence[Any]) -> Any:
    """The answer in the shape it has without streaming, as far as the events tell; else the last event."""
    for event in events:
        if isinstance(event, Mapping):
            kind = event.get("type")
            if "choices" in event:
                return _chat(events)
            if "candidates" in event or "usageMetadata" in event:
                return _gemini(events)
            if isinstance(kind, str) and kind.startswith("response."):
                return _response(events)
    return events[-1] if events else None


def hosted_facts(response: Any) -> dict[str, Any]:
    """What is billed inside a Responses answer at other models' rates, without anything that was said."""
    if not isinstance(response, Mapping) or response.get("object") != "response":
        return {}
    facts = {key: response[key] for key in _HOSTED if key in response}
    for key, kept in (("tools", ("type", "model")), ("output", ("type", "svg_usage"))):
        entries = [entry for entry in response.get(key) or () if isinstance(entry, Mapping)]
        facts[key] = [{name: entry[name] for name in kept if name in entry} for entry in entries]
    return facts


def _chat(events: Sequence[Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in (events[0], events[-1]):
        answer.update({key: event[key] for key in _NAMES if event.get(key) is not None})
    said: dict[int, list[str]] = {}
    for event in events:
        for part in event.get("choices") or ():
            index, delta = part.get("index") or 0, part.get("delta") or {}
            said.setdefault(index, []).append(delta.get("content") or part.get("text") or "")
            if len(delta) == 1 and "content" in delta and not part.get("finish_reason"):
                continue  # nearly every chunk of a long answer
            choice = choices.setdefault(index, {"index": index, "message": {"role": "assistant"}})
            if part.get("finish_reason"):
                choice["finish_reason"] = part["finish_reason"]
            _add_delta(choice["message"], delta)
    for index, pieces in said.items():
        choice = choices.setdefault(index, {"index": index, "message": {"role": "assistant"}})
        choice["message"]["content"] = "".join(pieces)
    return {**answer, "object": "chat.completion", "choices": list(choices.values())}


def _add_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            for call in value or ():
                _add_call(message.setdefault("tool_calls", []), call)
        elif key == "content":
            continue  # joined by the caller
        elif isinstance(value, str) and key != "role":
            message[key] = (message.get(key) or "") + value
        elif value is not None:
            message[key] = value


def _add_call(calls: list[dict[str, Any]], part: Mapping[str, Any]) -> None:
    """Name and id come with the first part of a call, its arguments in pieces."""
    index = part.get("index", len(calls))
    call = next((one for one in calls if one["index"] == index), None)
    if call is None:
        call = {"index": index, "function": {"name": "", "arguments": ""}}
        calls.append(call)
    call.update({key: part[key] for key in ("id", "type") if part.get(key)})
    for key, piece in (part.get("function") or {}).items():
        call["function"][key] = (call["function"].get(key) or "") + (piece or "")


def _gemini(events: Sequence[Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for event in events:
        answer.update({key: value for key, value in event.items() if key != "candidates"})
        for told in event.get("candidates") or ():
            candidate = candidates.setdefault(told.get("index") or 0, {"content": {"role": "model", "parts": []}})
            candidate.update({key: value for key, value in told.items() if key != "content"})
            for part in (told.get("content") or {}).get("parts") or ():
                _add_part(candidate["content"]["parts"], part)
    return {**answer, "candidates": list(candidates.values())}


def _add_part(parts: list[dict[str, Any]], part: Mapping[str, Any]) -> None:
    """Pieces of text join, answer to answer and thought to thought; anything else stands alone."""
    last = parts[-1] if parts else {}
    joins = {"text", "thought"} >= part.keys() and "text" in part and "text" in last
    if joins and last.get("thought") == part.get("thought"):
        last["text"] += part["text"]
    else:
        parts.append(dict(part))


def _response(events: Sequence[Any]) -> Any:
    """The terminal event holds all; a stream that was cut, what was said so far."""
    told = [event["response"] for event in events if isinstance(event.get("response"), Mapping)]
    if told and told[-1].get("status") in ("completed", "incomplete", "failed"):
        return told[-1]
    said = "".join(event.get("delta") or "" for event in events if event.get("type") == "response.output_text.delta")
    return {**(told[-1] if told else {}), "output_text": said}
