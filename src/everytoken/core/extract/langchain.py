"""LangChain: messages and results, where one request's usage may stand on several messages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from everytoken.core.extract.gemini import read_grounding
from everytoken.core.extract.langsmith import usage_metadata
from everytoken.core.extract.openai_chat import openai_draft
from everytoken.core.extract.openai_responses import read_tool_meters
from everytoken.core.extract.reading import first, get, is_record, items, text
from everytoken.core.extract.result import Context, Extraction, combined, nothing, served_tier
from everytoken.core.usage import Draft, Usage

MAX_GENERATIONS = 10_000
"""Messages read of one result; a larger batch is split by every client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One request of a result: its usage, and whether LangChain answered it from its own cache."""

    found: Extraction
    cached_answer: bool = False
    copies: int = 1
    """Messages that carry this same usage."""


def message(raw: object, context: Context) -> Extraction:
    """An `AIMessage`, its dump, or its serialised form."""
    return _of_message(raw, context).found


def result(raw: object, context: Context) -> Extraction:
    """An `LLMResult`: every request once, however many messages repeat its usage."""
    return combined([one.found for one in generations(raw, context)])


def generations(raw: object, context: Context) -> list[Generation]:
    """The requests behind a result. Choices of one request (n > 1) copy its usage: the id tells, else equality."""
    found: dict[object, Generation] = {}
    for batch_index, generation in _flat(raw):
        one = _of_message(get(generation, "message"), context)
        usage = one.found.usage
        if usage is not None:
            same = (batch_index, usage.input_tokens, usage.output_tokens, str(usage.raw))
            key = one.found.response_id or same
            found[key] = replace(found[key], copies=found[key].copies + 1) if key in found else one
    if found:
        return list(found.values())
    output = get(raw, "llm_output")
    counts = first(output, "token_usage", "usage", "usage_metadata")
    if not is_record(counts):
        return []
    d = _provider_draft(counts, output, context)
    if d.is_empty:
        return []
    named = Extraction(
        usage=d.finish(), response_id=text(get(output, "id")), response_model=text(get(output, "model_name"))
    )
    return [Generation(found=named)]


def _flat(raw: object) -> Iterator[tuple[int, object]]:
    left = MAX_GENERATIONS
    for index, batch in enumerate(items(get(raw, "generations"))):
        for generation in items(batch) or [batch]:
            if left <= 0:
                return
            left -= 1
            yield index, generation


def _of_message(raw: object, context: Context) -> Generation:
    fields = get(raw, "kwargs") if isinstance(raw, Mapping) and is_record(raw.get("kwargs")) else raw
    told = get(fields, "usage_metadata")
    metadata = get(fields, "response_metadata")
    response_id = first(metadata, "id", "response_id") or _own_id(get(fields, "id"))
    model = text(first(metadata, "model_name", "model", "model_version"))
    tier = text(get(metadata, "service_tier"))
    context = {**context, "service_tier": tier} if tier else context
    usage = usage_metadata(told, context).usage if is_record(told) else None
    own = first(metadata, "token_usage", "usage", "usage_metadata")
    if is_record(own):
        usage = _closer(usage, _provider_draft(own, metadata, context))
    if usage is None:
        named = Extraction(usage=None, reason="absent", response_id=text(response_id), response_model=model)
        return Generation(found=nothing("absent") if not is_record(raw) else named)
    usage = _with_meters(usage, fields, model)
    # LangChain marks an answer from its own cache by a cost of 0 and repeats the old usage (langchain-core 1.7).
    found = Extraction(usage=usage, response_id=text(response_id), response_model=model)
    return Generation(found=found, cached_answer=get(told, "total_cost") == 0)


def _closer(usage: Usage | None, own: Draft) -> Usage | None:
    """The provider's own object, which LangChain keeps beside its normal form, has details LangChain drops."""
    if own.is_empty:
        return usage
    finished = own.finish()
    if usage is None or (finished.input_tokens, finished.output_tokens) == (usage.input_tokens, usage.output_tokens):
        return (
            finished
            if usage is None
            else replace(finished, tier=finished.tier or usage.tier, raw=usage.raw or finished.raw)
        )
    return usage


def _provider_draft(counts: object, metadata: object, context: Context) -> Draft:
    return openai_draft(counts, served_tier(get(metadata, "service_tier"), context))


def _with_meters(usage: Usage, fields: object, model: str | None) -> Usage:
    """Searches and other hosted tools: Gemini's stand in the metadata, OpenAI's among the content."""
    d = Draft()
    metadata = get(fields, "response_metadata")
    grounding = get(metadata, "grounding_metadata")
    if grounding is not None:
        read_grounding(d, [{"candidates": [{"grounding_metadata": grounding}]}], model)
    calls = [*items(get(fields, "content")), *items(get(get(fields, "additional_kwargs"), "tool_outputs"))]
    read_tool_meters(d, {"output": calls, "tool_usage": get(metadata, "tool_usage")})
    return replace(usage, meters=d.meters) if d.meters and not usage.meters else usage


def _own_id(value: object) -> str | None:
    """A message's id, unless LangChain made it up."""
    given = text(value)
    return None if given is None or given.startswith(("lc_", "run-", "run--")) else given
