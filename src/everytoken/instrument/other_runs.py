"""Runs that others send from this process, LangChain's tracer above all: the content rules hold for them as well.

Every run of a framework passes `Client.create_run` and `Client.update_run`, in the context of its call. What
langsmith's own threads lose is counted where they tell it.
"""

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from everytoken.instrument.content import MAX_DEPTH, ContentPolicy
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder

_BILLED = ("llm", "embedding", None)
"""Run types whose outputs tell usage; a patch may not say its type."""
_COUNTS = frozenset({"usage", "usage_metadata", "token_usage", "usageMetadata"})
_NAMES = frozenset({"id", "response_id", "model", "model_name", "service_tier", "system_fingerprint"})
"""Keys of answers that settlement and pricing need: none holds what was said."""


def patch(patches: Patches, recorder: Recorder) -> None:
    """Wrap what runs pass through in the installed `langsmith`, and what it calls when it has lost some."""
    from langsmith import client

    patches.replace(client.Client, "create_run", functools.partial(_wrap_create, recorder))
    patches.replace(client.Client, "update_run", functools.partial(_wrap_update, recorder))
    for owner, name in ((client.Client, "_invoke_tracing_error_callback"), (client, "_log_tracing_drop")):
        if hasattr(owner, name):
            patches.replace(owner, name, functools.partial(_wrap_lost, recorder))


def _wrap_create(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def create_run(client: Any, name: str, inputs: Any, run_type: Any, **facts: Any) -> Any:
        policy = _policy(recorder, client, facts.get("trace_id") or facts.get("id"))
        if policy is not None:
            facts["inputs"] = inputs
            cleaned = guarded(_cleaned)(policy, facts, run_type)
            # Content that could not be cleaned does not leave.
            facts = cleaned if cleaned is not None else {**facts, **_NOTHING}
            inputs = facts.pop("inputs")
        return original(client, name, inputs, run_type, **facts)

    return create_run


def _wrap_update(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_run(client: Any, run_id: Any, **facts: Any) -> Any:
        policy = _policy(recorder, client, facts.get("trace_id") or run_id)
        if policy is not None:
            cleaned = guarded(_cleaned)(policy, facts, facts.get("run_type"))
            facts = cleaned if cleaned is not None else {**facts, **_NOTHING}
        return original(client, run_id, **facts)

    return update_run


_NOTHING: Mapping[str, Any] = {"inputs": {}, "outputs": {}, "events": None, "error": None, "attachments": None}


def _wrap_lost(recorder: Recorder, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def lost(*args: Any, **kwargs: Any) -> Any:
        recorder.lost_by_others += 1
        return original(*args, **kwargs)

    return lost


def _policy(recorder: Recorder, client: Any, trace_id: Any) -> ContentPolicy | None:
    """The rules to apply; `None` where everything may leave as it is."""
    try:
        trace = uuid.UUID(str(trace_id)) if trace_id else None
    except ValueError:
        trace = None
    policy: ContentPolicy | None = guarded(recorder.content_of)(trace, client)
    if policy is None:  # it could not be told: the strictest holds
        return ContentPolicy("none")
    return None if policy.mode == "full" else policy


def _cleaned(policy: ContentPolicy, facts: Mapping[str, Any], run_type: str | None) -> dict[str, Any]:
    """The facts of a run as they may leave, with what is not content unchanged."""
    cleaned = dict(facts)
    if facts.get("inputs") is not None:
        cleaned["inputs"] = policy.clean(facts["inputs"])
    outputs = facts.get("outputs")
    if outputs is not None:
        is_none = policy.mode == "none"
        cleaned["outputs"] = (_told(outputs) if run_type in _BILLED else {}) if is_none else policy.clean(outputs)
    if facts.get("error") is not None:
        cleaned["error"] = policy.text(str(facts["error"]))
    if facts.get("events"):
        cleaned["events"] = [_without_text(event) for event in facts["events"]]
    if policy.mode == "none":
        cleaned.pop("attachments", None)
    return cleaned


def _told(value: Any, depth: int = MAX_DEPTH) -> dict[str, Any]:
    """The counts and names in an answer, in their places, without anything that was said."""
    if not isinstance(value, Mapping) or depth == 0:
        return {}
    told: dict[str, Any] = {}
    for key, one in value.items():
        if key in _COUNTS or (key in _NAMES and isinstance(one, str)):
            told[key] = one
        elif isinstance(one, Mapping):
            told[key] = _told(one, depth - 1)
        elif isinstance(one, Sequence) and not isinstance(one, str | bytes):
            told[key] = _told_each(one, depth - 1)
    return {key: one for key, one in told.items() if one}


def _told_each(values: Sequence[Any], depth: int) -> list[Any]:
    """Of a list, the counts in each of its objects and lists; nothing where there are none."""
    if depth <= 0:
        return []
    each: list[Any] = []
    for one in values:
        if isinstance(one, Mapping):
            each.append(_told(one, depth - 1))
        elif isinstance(one, list | tuple):
            each.append(_told_each(one, depth - 1))
    return each if any(each) else []


def _without_text(event: Any) -> Any:
    """When a token came is told, not which."""
    return {key: one for key, one in event.items() if key != "kwargs"} if isinstance(event, Mapping) else event
