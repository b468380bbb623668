"""Anthropic, the one provider whose `input_tokens` leave out what was read from or written to the cache."""

from everytoken.core.extract.reading import first, get, is_record, plain
from everytoken.core.extract.result import Context, Extraction, extraction, nothing, served_tier
from everytoken.core.usage import Draft


def messages(raw: object, context: Context) -> Extraction:
    """A message: cached tokens are added to the input, so that the total is of all that was sent."""
    usage = get(raw, "usage")
    if usage is None and first(raw, "input_tokens", "output_tokens") is not None:
        usage = raw
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", raw)
    d = Draft(raw=plain(usage), tier=served_tier(get(usage, "service_tier"), context))
    plain_input = d.count(get(usage, "input_tokens"))
    read, written = (d.count(get(usage, f"cache_{kind}_input_tokens")) for kind in ("read", "creation"))
    known = [count for count in (plain_input, read, written) if count is not None]
    d.input_tokens = sum(known) if known else None
    d.output_tokens = d.count(get(usage, "output_tokens"))
    d.inputs = {"cache_read": read, "cache_creation": written}
    d.meter("web_search", d.count(get(get(usage, "server_tool_use"), "web_search_requests")))
    return extraction(d, raw)
