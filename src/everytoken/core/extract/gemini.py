"""Gemini: thoughts lie beside the candidates and the tool-use prompt beside the prompt, so both are added in."""

from collections.abc import Iterable, Sequence

from everytoken.core.extract.openai_chat import input_modality
from everytoken.core.extract.reading import dig, fields, first, get, is_record, items, plain, text
from everytoken.core.extract.result import Context, Extraction, batched, combined, extraction, nothing, served_tier
from everytoken.core.usage import MODALITIES, Draft

_FIELDS = (
    "prompt_token_count", "candidates_token_count", "response_token_count", "thoughts_token_count",
    "tool_use_prompt_token_count", "cached_content_token_count", "total_token_count",
    "prompt_tokens_details", "candidates_tokens_details", "response_tokens_details",
    "cache_tokens_details", "tool_use_prompt_tokens_details", "traffic_type", "service_tier",
)  # fmt: skip
_MODALITY = {"audio": "audio", "image": "image", "video": "video", "document": "image"}
"""Documents are billed as the images of their pages; text, and what is unspecified, is the rest."""


def generate_content(raw: object, context: Context) -> Extraction:
    """One response of `generate_content`, over REST or an SDK."""
    usage = _usage_of(raw)
    if not is_record(usage):
        is_count = usage is None and get(raw, "total_tokens") is not None
        return nothing("not_usage" if is_count else "absent" if usage is None else "unreadable", raw)
    return _generated(usage, raw, [raw], context)


def stream(raw: object, context: Context) -> Extraction:
    """The chunks of one stream. Each carries a running total that may lack fields: the last non-null wins.

    `one_request` in the context says that they are of one HTTP request, and not of a stream that the SDK continues.
    """
    chunks = items(raw)
    merged: dict[str, object] = {}
    for chunk in chunks:
        merged |= fields(get(chunk, "usage_metadata"), _FIELDS)
    named = {
        "response_id": _last(chunks, "response_id"),
        "model_version": _last(chunks, "model_version"),
    }
    if not merged:
        return nothing("absent", named)
    found = _generated(merged, named, chunks, context)
    if len({text(get(chunk, "response_id")) for chunk in chunks} - {None}) > 1:
        found = found.with_usage(warning="usage_merged_hops")
    ended = _ended(chunks, one_request=context.get("one_request") is True)
    return found if ended else found.with_usage(source="partial", warning="usage_stream_cut")


def requests(raw: object, context: Context) -> Extraction:
    """The responses, or lists of chunks, of one SDK call that made several requests, such as function calling."""
    return combined(
        [
            stream(one, context) if isinstance(one, list | tuple) else generate_content(one, context)
            for one in items(raw)
        ]
    )


def batch_line(raw: object, context: Context) -> Extraction:
    """A line of a batch's output file, or an inlined response: billed at batch rates."""
    response = get(raw, "response")
    return batched(generate_content(raw if response is None else response, context))


def embed_content(raw: object, context: Context) -> Extraction:
    """Embeddings: input only. Older Vertex models count on each embedding, or in characters."""
    usage = _usage_of(raw)
    d = _draft(usage, context) if is_record(usage) else Draft(one_sided=True)
    if d.input_tokens is None:
        counts = [get(get(e, "statistics"), "token_count") for e in items(get(raw, "embeddings"))]
        # The SDK types this count as a float; a whole one is a count.
        whole = [d.count(int(c) if isinstance(c, float) and c.is_integer() else c) for c in counts]
        known = [count for count in whole if count is not None]
        d.input_tokens = sum(known) if known else None
    if d.input_tokens is None:
        d.meter("characters", dig(raw, "metadata", "billable_character_count"))
    if d.is_empty:
        return nothing("absent", raw)
    d.output_tokens = None
    input_modality(d, context)
    return extraction(d, raw)


def imagen(raw: object, context: Context) -> Extraction:
    """Imagen reports no usage and bills each image."""
    images = items(first(raw, "generated_images", "predictions"))
    if not images:
        return nothing("absent", raw)
    d = Draft(tier=served_tier(None, context), one_sided=True)
    d.meter("images", len(images))
    return extraction(d, raw)


def live(raw: object, context: Context) -> Extraction:
    """Live API messages: the last usage of each turn, added over the turns."""
    turns: list[Extraction] = []
    last: object = None
    for message in items(raw) or [raw]:
        usage = _usage_of(message)
        last = usage if usage is not None else last
        if get(get(message, "server_content"), "turn_complete") and last is not None:
            turns.append(_generated(last, None, [], context))
            last = None
    if last is not None:
        turns.append(_generated(last, None, [], context))
    return combined(turns)


def interactions(raw: object, context: Context) -> Extraction:
    """An interaction, or its events, of which the closing one alone is complete."""
    if isinstance(raw, list | tuple):
        closing = [e for e in raw if get(get(e, "interaction"), "usage") is not None]
        raw = closing[-1] if closing else None
    interaction = get(raw, "interaction") if is_record(get(raw, "interaction")) else raw
    usage = get(interaction, "usage")
    if usage is None and first(interaction, "total_input_tokens", "total_output_tokens") is not None:
        usage = interaction
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", interaction)
    d = _interaction_draft(usage)
    d.tier = served_tier(get(interaction, "service_tier"), context)
    meters = {"google_search": "grounding_query", "google_maps": "maps_query", "retrieval": "retrieval_query"}
    for entry in items(get(usage, "grounding_tool_count")):
        kind = text(get(entry, "type")) or ""
        d.meter(meters.get(kind, kind or "grounding_query"), get(entry, "count"))
    return extraction(d, interaction)


def output_from_total(d: Draft) -> None:
    """Repair a report on Gemini whose total holds more than its input and output.

    Several tracers leave thoughts out of the output but not out of the total (langsmith 0.15.0's `wrap_gemini` does).
    Where thoughts are told and still something is missing, it is the tool-use prompt, which they drop as well.
    """
    if d.input_tokens is None or d.total_tokens is None:
        return
    missing = d.total_tokens - d.input_tokens - (d.output_tokens or 0)
    if missing <= 0:
        return
    reasoning = d.outputs.get("reasoning") or 0
    thoughts = reasoning if 0 < reasoning < missing else missing
    d.output_tokens = (d.output_tokens or 0) + thoughts
    if missing > thoughts:
        d.inputs["tool_use"] = missing - thoughts
        d.input_tokens += missing - thoughts
    d.warnings.add("usage_output_from_total")


def _usage_of(raw: object) -> object:
    usage = get(raw, "usage_metadata")
    return raw if usage is None and first(raw, *_FIELDS[:7]) is not None else usage


def _generated(usage: object, named: object, responses: Sequence[object], context: Context) -> Extraction:
    d = _draft(usage, context)
    if not d.is_empty:  # fees alone would turn a usage of nulls into 0 tokens
        read_grounding(d, responses, text(get(named, "model_version")) or text(context.get("model")))
    found = extraction(d, named)
    hops = get(usage, "initial_prompt_token_count")
    if found.usage and isinstance(hops, int) and hops != get(usage, "prompt_token_count"):
        found = found.with_usage(warning="usage_merged_hops")
    if found.usage and any(items(get(r, "automatic_function_calling_history")) for r in responses):
        found = found.with_usage(source="partial", warning="usage_hidden_requests")
    return found


def _draft(usage: object, context: Context) -> Draft:
    d = Draft(raw=plain(usage), one_sided=True)
    prompt = d.count(get(usage, "prompt_token_count"))
    tool_use = d.count(get(usage, "tool_use_prompt_token_count"))
    answer = d.count(first(usage, "candidates_token_count", "response_token_count"))
    thoughts = d.count(get(usage, "thoughts_token_count"))
    d.input_tokens, d.output_tokens = _sum(prompt, tool_use), _sum(answer, thoughts)
    d.total_tokens = d.count(get(usage, "total_token_count"))
    d.tier = served_tier(first(usage, "traffic_type", "service_tier"), context)
    d.inputs = {"cache_read": d.count(get(usage, "cached_content_token_count")), "tool_use": tool_use}
    d.outputs = {"reasoning": thoughts}
    sent = (get(usage, "prompt_tokens_details"), get(usage, "tool_use_prompt_tokens_details"))
    _read_modalities(d, sent, get(usage, "cache_tokens_details"), "token_count")
    d.outputs |= _by_modality(d, first(usage, "candidates_tokens_details", "response_tokens_details"), "token_count")
    return d


def _interaction_draft(usage: object) -> Draft:
    d = Draft(raw=plain(usage), one_sided=True)
    prompt, tool_use, answer, thoughts = (
        d.count(get(usage, f"total_{kind}_tokens")) for kind in ("input", "tool_use", "output", "thought")
    )
    d.total_tokens = d.count(get(usage, "total_tokens"))
    d.input_tokens, d.output_tokens = _sum(prompt, tool_use), _sum(answer, thoughts)
    # Not documented whether the output contains the thoughts: where the total says so, it does.
    if thoughts and d.total_tokens is not None and d.total_tokens == (d.input_tokens or 0) + (answer or 0):
        d.output_tokens = answer
    d.inputs = {"cache_read": d.count(get(usage, "total_cached_tokens")), "tool_use": tool_use}
    d.outputs = {"reasoning": thoughts}
    sent = (get(usage, "input_tokens_by_modality"), get(usage, "tool_use_tokens_by_modality"))
    _read_modalities(d, sent, get(usage, "cached_tokens_by_modality"), "tokens")
    d.outputs |= _by_modality(d, get(usage, "output_tokens_by_modality"), "tokens")
    return d


def _read_modalities(d: Draft, sent: Iterable[object], cached: object, count: str) -> None:
    for details in sent:
        for modality, tokens in _by_modality(d, details, count).items():
            d.inputs[modality] = (d.inputs.get(modality) or 0) + tokens
    if items(cached):
        # The list leaves out modalities with nothing cached: that is a known zero.
        known = _by_modality(d, cached, count)
        for modality in MODALITIES:
            if d.inputs.get(modality):
                d.inputs[f"cache_read_{modality}"] = known.get(modality, 0)


def _by_modality(d: Draft, details: object, count: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in items(details):
        modality = _MODALITY.get((text(get(entry, "modality")) or "").lower())
        tokens = d.count(get(entry, count))
        if modality and tokens is not None:
            found[modality] = found.get(modality, 0) + tokens
    return found


def read_grounding(d: Draft, responses: Iterable[object], model: str | None) -> None:
    """Search is billed per unique query on Gemini 3 and later, per grounded prompt on Gemini 2; Maps per prompt."""
    queries: set[str] = set()
    maps = False
    for response in responses:
        for candidate in items(get(response, "candidates")):
            grounding = get(candidate, "grounding_metadata")
            queries |= {
                q.strip() for q in items(get(grounding, "web_search_queries")) if isinstance(q, str) and q.strip()
            }
            maps = maps or any(get(chunk, "maps") is not None for chunk in items(get(grounding, "grounding_chunks")))
    older = model is not None and any(part in model for part in ("gemini-1", "gemini-2"))
    if queries:
        d.meter("grounded_prompt" if older else "grounding_query", 1 if older else len(queries))
    if maps:
        d.meter("maps_query", 1)


def _ended(chunks: Sequence[object], *, one_request: bool) -> bool:
    """True once a candidate finished, or the prompt was blocked. To be continued ends a request, but not a stream."""
    if not any(items(get(chunk, "candidates")) for chunk in chunks):
        return True  # counts alone tell nothing of the end
    for chunk in reversed(chunks):
        if get(get(chunk, "prompt_feedback"), "block_reason") is not None:
            return True
        reasons = [text(get(c, "finish_reason")) for c in items(get(chunk, "candidates"))]
        told = [r for r in reasons if r and r != "FINISH_REASON_UNSPECIFIED"]
        if told:
            return one_request or "CONTINUATION" not in told
    return False


def _last(chunks: Sequence[object], name: str) -> object:
    return next((value for chunk in reversed(chunks) if (value := get(chunk, name)) is not None), None)


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
