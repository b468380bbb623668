"""Span attributes: OpenTelemetry's GenAI conventions, OpenInference and OpenLLMetry. Keys are flat and dotted."""

import json
import re
from collections.abc import Mapping

from everytoken.core.extract.facts import GOOGLE, known_provider
from everytoken.core.extract.gemini import output_from_total
from everytoken.core.extract.langsmith import usage_metadata
from everytoken.core.extract.raw_outputs import from_outputs
from everytoken.core.extract.reading import is_record, plain, text
from everytoken.core.extract.result import Context, Extraction, nothing, served_tier
from everytoken.core.usage import Draft

MAX_JSON = 65_536
"""Characters of a usage that arrives as JSON text; more than that is not a usage."""

Attributes = Mapping[str, object]

_GENAI = {
    "input": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "output": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "total": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "ai.usage.totalTokens"),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cached_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_creation": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.details.thoughts_tokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
    "input_audio": ("gen_ai.usage.audio.input_tokens", "gen_ai.usage.details.input_audio_tokens"),
    "output_audio": ("gen_ai.usage.audio.output_tokens", "gen_ai.usage.details.output_audio_tokens"),
    "input_image": ("gen_ai.usage.image.input_tokens",),
    "output_image": ("gen_ai.usage.image.output_tokens",),
    "cache_read_audio": ("gen_ai.usage.audio.cache_read.input_tokens",),
    "cache_read_image": ("gen_ai.usage.image.cache_read.input_tokens",),
}
"""Names of OpenTelemetry's GenAI conventions, old and new, of OpenLLMetry, pydantic-ai and Vercel (2026-11)."""
_RAW = "gen_ai.usage.raw"
"""The provider's own usage object as JSON text, beside counts that leave classes out (logfire 5.2)."""
_TIERS = (
    "openai.response.service_tier",
    "gen_ai.openai.response.service_tier",
    "openai.request.service_tier",
    "gen_ai.openai.request.service_tier",
)
"""The tier that served before the one that was asked for; the shorter names are the newer ones."""
_SEARCHES = re.compile(r"google_?search|url_?context|code_?execution", re.IGNORECASE)
"""Tools that Gemini runs itself: what they fetch is billed as input, and is in no count of the prompt."""

_OPENINFERENCE = {
    "input": ("llm.token_count.prompt",),
    "output": ("llm.token_count.completion",),
    "total": ("llm.token_count.total",),
    "cache_read": ("llm.token_count.prompt_details.cache_read",),
    "cache_creation": ("llm.token_count.prompt_details.cache_write",),
    "reasoning": ("llm.token_count.completion_details.reasoning",),
    "input_audio": ("llm.token_count.prompt_details.audio",),
    "output_audio": ("llm.token_count.completion_details.audio",),
}
_RESPONSE_ID = re.compile(
    r'"id"\s*:\s*"((?:chatcmpl-|resp_)[\w-]{1,100})"|"(?:responseId|response_id)"\s*:\s*"([\w-]{1,100})"'
)
"""The ids of OpenAI's two APIs, which have marks of their own, and Gemini's, whose key has."""
_LANGSMITH = ("langsmith.usage_metadata", "langsmith.metadata.usage_metadata")


def genai(raw: object, context: Context) -> Extraction:
    """OpenTelemetry's `gen_ai.usage.*`, in which the input SHOULD include what was cached; OpenLLMetry's as well."""
    if isinstance(raw, Mapping) and (own := decoded(raw.get(_RAW))):
        found = from_outputs({"usage": own, "usage_metadata": own}, {**context, "service_tier": _tier(raw, context)})
        if found.usage:
            return Extraction(usage=found.usage, response_id=response_id_of(raw), response_model=_served(raw))
    return _extracted(raw, _GENAI, context)


def openinference(raw: object, context: Context) -> Extraction:
    """OpenInference's `llm.token_count.*`."""
    return _extracted(raw, _OPENINFERENCE, context)


def langsmith_attributes(raw: object, context: Context) -> Extraction:
    """The usage the langsmith SDK's OpenTelemetry mode writes as JSON text: exact, unlike its other attributes."""
    attributes: Attributes = raw if isinstance(raw, Mapping) else {}
    for key in _LANGSMITH:
        found = usage_metadata(decoded(attributes.get(key)), context)
        if found.usage:
            return found
    return nothing("absent")


def decoded(value: object) -> object:
    """A mapping, also where a tracer wrote it as JSON text; else `None`."""
    if isinstance(value, str) and len(value) <= MAX_JSON:
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if is_record(value) else None


def _extracted(raw: object, names: Mapping[str, tuple[str, ...]], context: Context) -> Extraction:
    if not isinstance(raw, Mapping):
        return nothing("absent" if raw is None else "unreadable")
    told = {role: value for role, keys in names.items() if (value := _first(raw, keys)) is not None}
    if "input" not in told and "output" not in told:
        return nothing("total_only" if "total" in told else "absent")
    d = Draft(raw=plain({key: raw[key] for keys in names.values() for key in keys if key in raw}))
    counts = {role: d.count(value) for role, value in told.items()}
    d.input_tokens, d.output_tokens, d.total_tokens = (counts.get(role) for role in ("input", "output", "total"))
    d.inputs = {"cache_read": counts.get("cache_read"), "cache_creation": counts.get("cache_creation")}
    d.inputs |= {name: counts.get(name) for name in ("cache_read_audio", "cache_read_image")}
    d.inputs |= {name: counts.get(f"input_{name}") for name in ("audio", "image")}
    d.outputs = {name: counts.get(f"output_{name}") for name in ("audio", "image")}
    d.outputs["reasoning"] = counts.get("reasoning")
    d.one_sided = str(raw.get("gen_ai.operation.name", "")).startswith("embedding") or _is_embedding(raw)
    d.tier = _tier(raw, context)
    _add_excluded_cache(d)
    if _provider(raw, context) in GOOGLE:
        _complete_gemini(d, raw)
    d.add_missing_reasoning()
    return _named(d, raw)


def _tier(raw: Attributes, context: Context) -> str | None:
    return served_tier(next((word for key in _TIERS if (word := text(raw.get(key)))), None), context)


def _served(raw: Attributes) -> str | None:
    return text(raw.get("gen_ai.response.model"))


def _complete_gemini(d: Draft, raw: Attributes) -> None:
    """What a total holds beyond input and output is thoughts, unless a tool of Gemini's own may have fetched some."""
    tools = _first(raw, ("gen_ai.tool.definitions", "ai.prompt.tools"))
    sides = (d.input_tokens or 0) + (d.output_tokens or 0)
    if tools is None or d.total_tokens == sides or not _SEARCHES.search(str(tools), 0, MAX_JSON):
        output_from_total(d)
    else:
        d.warnings.add("usage_tool_use_untold")
        d.source = "partial"


def _add_excluded_cache(d: Draft) -> None:
    """Some instrumentations of Anthropic leave cached tokens out of the input; more cached than sent tells."""
    cached = (d.inputs.get("cache_read") or 0) + (d.inputs.get("cache_creation") or 0)
    if d.input_tokens is None or not cached:
        return
    proven = d.total_tokens is not None and d.total_tokens == d.input_tokens + (d.output_tokens or 0) + cached
    if proven or cached > d.input_tokens:
        d.input_tokens += cached
        d.warnings.add("usage_cache_added")


def _named(d: Draft, raw: Attributes) -> Extraction:
    if d.is_empty:
        return nothing("unreadable")
    return Extraction(
        usage=d.finish(),
        response_id=response_id_of(raw),
        response_model=_served(raw),
    )


def response_id_of(attributes: Attributes) -> str | None:
    """`gen_ai.response.id`; OpenInference has no such attribute but writes the response itself as JSON text."""
    reported = text(attributes.get("gen_ai.response.id"))
    answer = attributes.get("output.value")
    if reported or not isinstance(answer, str):
        return reported
    written = _RESPONSE_ID.search(answer, 0, MAX_JSON)
    return next((found for found in written.groups() if found), None) if written else None


def _provider(raw: Attributes, context: Context) -> str | None:
    keys = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
    word = text(_first(raw, keys)) or text(context.get("provider"))
    return known_provider(word) if word else None


def _is_embedding(raw: Attributes) -> bool:
    return (
        raw.get("openinference.span.kind") == "EMBEDDING"
        or raw.get("llm.request.type") == "embedding"
        or "ai.usage.tokens" in raw
    )


def _first(raw: Attributes, keys: tuple[str, ...]) -> object:
    return next((value for key in keys if (value := raw.get(key)) is not None), None)
