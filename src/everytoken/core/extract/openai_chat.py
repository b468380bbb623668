"""OpenAI's chat shape and all that reports like it: `prompt_tokens` and `completion_tokens`, totals inclusive."""

from collections.abc import Iterable

from everytoken.core.extract.reading import first, get, is_record, items, plain, text
from everytoken.core.extract.result import Context, Extraction, extraction, nothing, served_tier
from everytoken.core.usage import MODALITIES, Draft

_COUNTS = ("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "total_tokens", "seconds")


def openai_draft(usage: object, tier: str | None = None) -> Draft:
    """The counts of an OpenAI usage object in any of its spellings: chat, Responses, images, audio, realtime."""
    d = Draft(raw=plain(usage), tier=tier)
    d.input_tokens = d.count(first(usage, "prompt_tokens", "input_tokens"))
    d.output_tokens = d.count(first(usage, "completion_tokens", "output_tokens"))
    d.total_tokens = d.count(get(usage, "total_tokens"))
    sent = first(usage, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    made = first(usage, "completion_tokens_details", "output_tokens_details", "output_token_details")
    if sent is not None:
        _read_input_details(d, sent)
    if made is not None:
        d.outputs = {
            "reasoning": d.count(get(made, "reasoning_tokens")),
            "audio": d.count(get(made, "audio_tokens")),
            "image": d.count(get(made, "image_tokens")),
            "prediction_accepted": d.count(get(made, "accepted_prediction_tokens")),
            "prediction_rejected": d.count(get(made, "rejected_prediction_tokens")),
        }
        d.add_missing_reasoning()
    return d


def _read_input_details(d: Draft, sent: object) -> None:
    ttl = get(sent, "cache_write_tokens_details")
    cached = get(sent, "cached_tokens_details")
    d.inputs = {
        "cache_read": d.count(get(sent, "cached_tokens")),
        "cache_creation": d.count(get(sent, "cache_write_tokens")),
        "audio": d.count(get(sent, "audio_tokens")),
        "image": d.count(get(sent, "image_tokens")),
    }
    if ttl is not None:
        d.inputs["cache_creation_30m"] = d.count(get(ttl, "ttl_30m_tokens"))
        d.inputs["cache_creation_12h"] = d.count(get(ttl, "ttl_12h_tokens"))
    if cached is not None:
        d.inputs["cache_read_audio"] = d.count(get(cached, "audio_tokens"))
        d.inputs["cache_read_image"] = d.count(get(cached, "image_tokens"))


def usage_object(response: object) -> object:
    """The usage inside `response`, or `response` itself if it is a bare usage object; `None` if there is neither."""
    usage = get(response, "usage")
    if usage is None and first(response, *_COUNTS) is not None:
        return response
    return usage


def chat(raw: object, context: Context) -> Extraction:
    """A chat completion; also legacy completions and assistants' runs, which report alike."""
    usage = usage_object(raw)
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", raw)
    d = openai_draft(usage, served_tier(get(raw, "service_tier"), context))
    # Search-preview chat models search on every request and bill it per call.
    model = text(get(raw, "model")) or text(context.get("model"))
    if model and "-search-preview" in model:
        d.meter("web_search_preview", 1)
    return extraction(d, raw)


def chat_stream(raw: object, context: Context) -> Extraction:
    """The chunks of a chat stream: the last usage that is not null, never a sum."""
    chunks = items(raw)
    last = next((chunk for chunk in reversed(chunks) if get(chunk, "usage") is not None), None)
    if last is None:
        return nothing("absent", chunks[0] if chunks else None)
    tier = next((t for c in reversed(chunks) if (t := get(c, "service_tier")) is not None), None)
    named = {"id": get(last, "id"), "model": get(last, "model"), "usage": get(last, "usage"), "service_tier": tier}
    usage = get(last, "usage")
    if not is_record(usage):
        return nothing("unreadable", last)
    d = openai_draft(usage, served_tier(tier, context))
    if items(get(last, "choices")) and not _finished(chunks):
        # A compatible server that repeats a running total on every chunk, and a stream that was cut.
        d.source = "partial"
        d.warnings.add("usage_stream_cut")
    return extraction(d, named)


def _finished(chunks: Iterable[object]) -> bool:
    seen, ended = set(), set()
    for chunk in chunks:
        for choice in items(get(chunk, "choices")):
            index = get(choice, "index") or 0
            if isinstance(index, int):
                seen.add(index)
                if get(choice, "finish_reason") is not None:
                    ended.add(index)
    return seen == ended


def embeddings(raw: object, context: Context) -> Extraction:
    """Embeddings bill input alone."""
    usage = usage_object(raw)
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", raw)
    d = openai_draft(usage, served_tier(get(raw, "service_tier"), context))
    d.one_sided = True
    input_modality(d, context)
    return extraction(d, raw)


def input_modality(d: Draft, context: Context) -> None:
    """All input is of the modality the request had, where the response does not split it."""
    modality = text(context.get("modality"))
    if modality in MODALITIES and not any(d.inputs.get(m) for m in MODALITIES):
        d.inputs[modality] = d.input_tokens
