"""What a run says about billed requests: one place per run, by precedence, never added up over places."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from everytoken.core.charge import Evidence, Layer
from everytoken.core.extract import everytoken, facts, langchain, otel
from everytoken.core.extract.langsmith import usage_metadata
from everytoken.core.extract.openai_responses import child_usages, read_tool_meters
from everytoken.core.extract.raw_outputs import from_outputs, raw_response
from everytoken.core.extract.reading import dig, get, is_record, text
from everytoken.core.extract.result import ChildUsage, Context, Extraction
from everytoken.core.run import USAGE_RUN_TYPES, Run
from everytoken.core.usage import Draft, Usage

_LAYERS: tuple[Layer, ...] = get_args(Layer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One request that a place tells of."""

    usage: Usage | None
    place: str
    response_id: str | None = None
    response_model: str | None = None
    cached_answer: bool = False
    children: tuple[ChildUsage, ...] = ()


@dataclass(slots=True)
class _Reading:
    """One run being read, with what several places need of it."""

    run: Run
    layer: Layer
    context: Context
    response: object
    """The provider's own response in the outputs, if they hold one."""
    generations: list[langchain.Generation] = field(default_factory=list)

    @property
    def is_request(self) -> bool:
        return self.run.run_type in USAGE_RUN_TYPES


def evidence_of(run: Run) -> tuple[Evidence, ...]:
    """Every billed request that `run` testifies to, the first place that knows a usage speaking for all.

    A model or embedding run without usage is evidence too, of a request whose usage is missing or still to come; one
    that our client marked as refused (`billed: false`) is none.
    Never raises on what a run holds.
    """
    try:
        return _evidence_of(run)
    except Exception:  # noqa: BLE001 whatever an application sent, its run stays a request with unknown usage
        return (_bare(run),) if run.run_type in USAGE_RUN_TYPES else ()


def _bare(run: Run) -> Evidence:
    return Evidence(
        run_id=run.run_id,
        usage=None,
        provider=None,
        request_model=None,
        response_model=None,
        response_id=None,
        call_path="unknown.unknown",
        layer="manual",
        place="",
    )


def _evidence_of(run: Run) -> tuple[Evidence, ...]:
    if run.run_type not in USAGE_RUN_TYPES and not _may_bear_usage(run):
        return ()
    if get(_own_entry(run), "billed") is False:
        return ()
    reading = _reading(run)
    found = next((told for place in _PLACES if (told := place(reading))), [])
    if not found and not reading.is_request:
        return ()
    base = _base(reading, found[0] if found else None)
    if not found:
        return (base,)
    evidence: list[Evidence] = []
    for one in found:
        usage = _with_tool_meters(reading, one.usage)
        parent = Evidence(  # every field by name: `replace` takes twice as long, and this is done for every call
            run_id=base.run_id,
            index=len(evidence),
            usage=usage,
            provider=base.provider,
            request_model=base.request_model,
            response_model=one.response_model or base.response_model,
            response_id=one.response_id or (base.response_id if len(found) == 1 else None),
            call_path=base.call_path,
            layer=base.layer,
            place=one.place,
            cached_answer=one.cached_answer,
            attempt=base.attempt,
        )
        evidence.append(parent)
        for child in one.children or (_children(reading) if len(found) == 1 else ()):
            evidence.append(_child(parent, child, len(evidence)))
    return tuple(evidence)


def _may_bear_usage(run: Run) -> bool:
    """A cheap look at a chain or tool run: nine of ten bear nothing, and need no closer one."""
    metadata, extra, outputs = run.metadata, run.extra, run.outputs
    return (
        "usage_metadata" in metadata
        or "everytoken" in metadata
        or "metrics" in extra
        or "otel" in extra
        or get(outputs, "usage_metadata") is not None
        or raw_response(outputs) is not None
    )


def _reading(run: Run) -> _Reading:
    model = facts.request_model_of(run)
    provider = facts.provider_of(run, (model,))
    response = raw_response(run.outputs)
    served = (get(response or run.outputs, "service_tier"), run.metadata.get("service_tier"))
    asked = (
        get(run.inputs, "service_tier"),
        dig(run.inputs, "config", "service_tier"),
        get(run.extra.get("invocation_params"), "service_tier"),
    )
    tier = first_text(*served, *asked)
    context: Context = {
        "provider": "google" if provider in facts.GOOGLE else provider,
        "service_tier": tier,
        "model": model,
    }
    reading = _Reading(run=run, layer=facts.layer_of(run), context=context, response=response)
    if get(run.outputs, "generations") is not None and reading.is_request:
        reading.generations = langchain.generations(run.outputs, context)
    return reading


def _base(reading: _Reading, found: Found | None) -> Evidence:
    """What the run says of its request, whatever the usage is."""
    run = reading.run
    own = _own_entry(run)
    response = _named_response(reading)
    request_model = first_text(get(own, "request_model")) or facts.request_model_of(run)
    attributes = facts.attributes_of(run)
    response_model = first_text(
        get(own, "response_model"),
        get(response, "model"),
        get(response, "model_version"),
        attributes.get("gen_ai.response.model"),
        found.response_model if found else None,
    )
    provider = first_text(get(own, "provider")) or facts.provider_of(run, (request_model, response_model))
    searched = bool(found and found.usage and {"grounding_query", "grounded_prompt"} & set(found.usage.meters))
    layer = next((known for known in _LAYERS if known == get(own, "layer")), None)
    if layer is None:
        layer = "manual" if found and found.place == "extra.metrics" else reading.layer
    response_id = first_text(
        get(own, "response_id"),
        get(response, "id"),
        get(response, "response_id"),
        otel.response_id_of(attributes),
    )
    path = first_text(get(own, "call_path"))
    return Evidence(
        run_id=run.run_id,
        usage=None,
        provider=provider,
        request_model=request_model,
        response_model=response_model,
        response_id=response_id,
        call_path=path or facts.call_path_of(run, provider, searched, response_id),
        layer=layer,
        place="",
        attempt=_attempt(get(own, "attempt")),
    )


def _attempt(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)


def first_text(*values: object) -> str | None:
    return next((found for value in values if (found := text(value))), None)


def _own_entry(run: Run) -> object:
    own = run.metadata.get("everytoken")
    return own if isinstance(own, Mapping) else None


def _named_response(reading: _Reading) -> object:
    """What names the response: the provider's response in the outputs, or the Agents tracer's copy in the metadata."""
    run = reading.run
    if reading.layer == "agents":
        return run.metadata if run.metadata.get("object") == "response" else None
    if reading.layer == "framework":
        return None
    if reading.layer == "sdk" and is_record(run.outputs):
        return run.outputs
    return reading.response


def _in_own_entry(reading: _Reading) -> list[Found]:
    found = everytoken.entry(_own_entry(reading.run), {})
    return _told(found, "metadata.everytoken")


def _in_attributes(reading: _Reading) -> list[Found]:
    attributes = facts.attributes_of(reading.run)
    if not attributes:
        return []
    for extractor, place in (
        (otel.langsmith_attributes, "otel.langsmith"),
        (otel.openinference, "otel.openinference"),
        (otel.genai, "otel.gen_ai"),
    ):
        found = extractor(attributes, reading.context)
        if found.usage:
            return [_with_response(reading, one) for one in _told(found, place)]
    return []


def _with_response(reading: _Reading, found: Found) -> Found:
    """The answer itself, which OpenInference keeps, may tell more classes of the same counts than the attributes do."""
    told = from_outputs(reading.run.outputs, reading.context)
    if told.usage is None and len(reading.generations) == 1:
        told = reading.generations[0].found
    alike = told.usage and found.usage and _sides(told.usage) == _sides(found.usage)
    usage = told.usage if alike else found.usage
    if usage and _may_hide_cache(reading.run, usage):
        usage = replace(usage, warnings=tuple(sorted({*usage.warnings, "usage_cache_untold"})))
    return replace(found, usage=usage, response_model=found.response_model or told.response_model)


def _may_hide_cache(run: Run, usage: Usage) -> bool:
    silent = run.metadata.get(facts.SCOPE) in facts.SILENT_ON_CACHE and run.run_type == "llm"
    return silent and usage.input_tokens >= facts.MIN_CACHED and "cache_read" not in usage.input_token_details


def _sides(usage: Usage) -> tuple[int, int]:
    return usage.input_tokens, usage.output_tokens


def _in_metadata(reading: _Reading) -> list[Found]:
    return _in_usage_metadata(reading, reading.run.metadata.get("usage_metadata"), "metadata.usage_metadata")


def _in_outputs(reading: _Reading) -> list[Found]:
    return _in_usage_metadata(reading, get(reading.run.outputs, "usage_metadata"), "outputs.usage_metadata")


def _in_usage_metadata(reading: _Reading, told: object, place: str) -> list[Found]:
    if any(one.copies > 1 for one in reading.generations) or len(reading.generations) > 1:
        return []  # langchain-core's tracer adds the copies up here; the generations tell them apart
    told = otel.decoded(told)
    usage = _read_already(reading, told) or usage_metadata(told, reading.context).usage
    if usage is None or (_is_reported_zero(usage) and reading.run.run_type == "llm"):
        return []
    found = Found(usage=usage, place=place, cached_answer=_is_cached(reading, told))
    return [_with_generation(found, reading.generations[0]) if reading.generations else found]


def _read_already(reading: _Reading, told: object) -> Usage | None:
    """The usage of the message when it stands beside it a second time, to the letter: reading it is half the work."""
    usage = reading.generations[0].found.usage if reading.generations else None
    return usage if usage is not None and usage.raw and usage.raw == told else None


def _is_reported_zero(usage: Usage) -> bool:
    """langsmith's `wrap_gemini` writes zeros where the response had no usage; a real request always sends tokens."""
    return usage.total_tokens == 0 and not usage.meters


def _is_cached(reading: _Reading, told: object) -> bool:
    return reading.layer == "framework" and get(told, "total_cost") == 0


def _with_generation(found: Found, generation: langchain.Generation) -> Found:
    """The message beside the metadata names the response, and may hold more details of the same counts."""
    told, named = found.usage, generation.found
    alike = told and named.usage and _sides(told) == _sides(named.usage)
    return Found(
        usage=named.usage if alike else told,
        place=found.place,
        response_id=named.response_id,
        response_model=named.response_model,
        cached_answer=found.cached_answer or generation.cached_answer,
        children=found.children,
    )


def _in_generations(reading: _Reading) -> list[Found]:
    return [
        replace(told, cached_answer=one.cached_answer)
        for one in reading.generations
        for told in _told(one.found, "outputs.generations")
        if told.usage and not _is_reported_zero(told.usage)
    ]


def _in_response(reading: _Reading) -> list[Found]:
    found = from_outputs(reading.run.outputs, reading.context)
    if found.usage is None and reading.is_request:
        message = langchain.message(get(reading.run.outputs, "output"), reading.context)
        found = message if message.usage else found
    # A chain that returns a response may return anyone's: only one that names itself can be told from its source.
    return _told(found, "outputs.usage") if reading.is_request or found.response_id else []


def _in_metrics(reading: _Reading) -> list[Found]:
    """`extra["metrics"]`, where the Eco² post writes counts and which no LangSmith code reads."""
    return _told(usage_metadata(otel.decoded(reading.run.extra.get("metrics")), {}), "extra.metrics")


def _told(found: Extraction, place: str) -> list[Found]:
    if found.usage is None and not found.children:
        return []
    return [
        Found(
            usage=found.usage,
            place=place,
            response_id=found.response_id,
            response_model=found.response_model,
            children=found.children,
        )
    ]


def _hosted(reading: _Reading) -> object:
    """A Responses API response without its usage, as far as this run keeps it."""
    run = reading.run
    if reading.layer == "agents":
        tools = get(run.extra.get("invocation_params"), "tools")
        return {"output": get(run.outputs, "output"), "tools": tools, "tool_usage": run.metadata.get("tool_usage")}
    return reading.response if get(reading.response, "object") == "response" else None


def _with_tool_meters(reading: _Reading, usage: Usage | None) -> Usage | None:
    hosted = _hosted(reading)
    if usage is None or usage.meters or hosted is None or not reading.is_request:
        return usage
    d = Draft()
    read_tool_meters(d, hosted)
    return replace(usage, meters=d.meters) if d.meters else usage


def _children(reading: _Reading) -> tuple[ChildUsage, ...]:
    return child_usages(_hosted(reading)) if reading.is_request else ()


def _child(parent: Evidence, child: ChildUsage, index: int) -> Evidence:
    """Usage at another model's rates is a charge of its own; its id lets every layer that saw it agree."""
    response_id = f"{parent.response_id}#{child.name}" if parent.response_id else None
    family = parent.call_path.split(".", 1)[0]
    return replace(
        parent,
        index=index,
        usage=child.usage,
        request_model=child.model,
        response_model=None,
        response_id=response_id,
        call_path=f"{family}.{child.name}",
    )


_PLACES: tuple[Callable[[_Reading], list[Found]], ...] = (
    _in_own_entry,
    _in_attributes,
    _in_metadata,
    _in_outputs,
    _in_generations,
    _in_response,
    _in_metrics,
)
