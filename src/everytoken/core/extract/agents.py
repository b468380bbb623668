"""The OpenAI Agents SDK: model responses, the usage of a whole run, and the spans of its tracer."""

from everytoken.core.extract.openai_chat import openai_draft
from everytoken.core.extract.openai_responses import read_tool_meters
from everytoken.core.extract.reading import first, get, is_record, items, text
from everytoken.core.extract.result import Context, Extraction, combined, extraction, nothing, served_tier
from everytoken.core.usage import Draft


def response(raw: object, context: Context) -> Extraction:
    """A `ModelResponse`: the provider's own object where the SDK kept it, else the SDK's, in which 0 means not told."""
    own = get(raw, "raw_usage")
    usage = own if is_record(own) else get(raw, "usage")
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", raw)
    d = _draft(usage, context)
    if usage is not own and not d.input_tokens and not d.output_tokens:
        return nothing("absent", raw)
    read_tool_meters(d, raw)
    return extraction(d, raw)


def usage(raw: object, context: Context) -> Extraction:
    """`context_wrapper.usage` of a run, by its request entries; entries of zero are failed tries, usage unknown."""
    entries = items(get(raw, "request_usage_entries"))
    if entries:
        return combined([response({"usage": entry}, context) for entry in entries])
    if first(raw, "input_tokens", "output_tokens") is None:
        return nothing("absent")
    d = _draft(raw, context)
    count = d.count(get(raw, "requests"))
    if not d.input_tokens and not d.output_tokens:
        return nothing("absent")
    d.requests = 1 if count is None else max(count, 1)
    return extraction(d) if d.requests == 1 else extraction(d).with_usage(warning="usage_merged_hops")


def span(raw: object, context: Context) -> Extraction:
    """A tracer's span data. Only generation and response spans stand for a request; task and turn repeat their sums."""
    data = get(raw, "span_data") if is_record(get(raw, "span_data")) else raw
    if text(get(data, "type")) not in ("generation", "response", "transcription", "speech"):
        return nothing("not_usage")
    found = get(data, "response")
    if is_record(get(found, "usage")):
        return response(found, context)
    return response(data, context)


def realtime(raw: object, context: Context) -> Extraction:
    """`RealtimeModelUsageEvent`, which keeps the split by modality beside the totals."""
    counts = get(raw, "usage")
    if not is_record(counts):
        return nothing("absent" if counts is None else "unreadable")
    totals = {name: get(counts, name) for name in ("input_tokens", "output_tokens", "total_tokens")}
    split = {name: get(raw, name) or get(counts, name) for name in ("input_tokens_details", "output_tokens_details")}
    return extraction(openai_draft({**totals, **split}, served_tier(None, context)))


def _draft(counts: object, context: Context) -> Draft:
    details = get(counts, "input_tokens_details")
    if isinstance(details, list | tuple) and details:  # as older snapshots of the SDK wrote them
        names = ("input_tokens", "output_tokens", "total_tokens", "output_tokens_details")
        counts = {**{name: get(counts, name) for name in names}, "input_tokens_details": details[0]}
    return openai_draft(counts, served_tier(None, context))
