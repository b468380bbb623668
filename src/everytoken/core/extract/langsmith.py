"""LangSmith's `usage_metadata`, and LangChain's, which has the same keys: as sent by SDKs, tracers and applications."""

from collections.abc import Mapping

from everytoken.core.extract.facts import GOOGLE, known_provider
from everytoken.core.extract.gemini import output_from_total
from everytoken.core.extract.reading import first, get, is_record, plain, text
from everytoken.core.extract.result import Context, Extraction, extraction, nothing, served_tier
from everytoken.core.usage import Draft

_TIER_KEYS = ("flex", "priority")


def usage_metadata(raw: object, context: Context) -> Extraction:
    """A `usage_metadata` mapping. A dictionary with costs alone has no usage."""
    if not is_record(raw):
        return nothing("absent" if raw is None else "unreadable")
    d = Draft(raw=plain(raw))
    d.input_tokens = d.count(get(raw, "input_tokens"))
    d.output_tokens = d.count(get(raw, "output_tokens"))
    d.total_tokens = d.count(get(raw, "total_tokens"))
    sent, made = _details(raw, "input_token_details"), _details(raw, "output_token_details")
    tier = _tier_of(sent) or _tier_of(made)
    d.tier = tier or served_tier(None, context)
    prefix = f"{tier}_" if tier else ""
    d.inputs = {key: d.count(sent.get(key)) for key in ("audio", "image", "video", "tool_use")}
    d.inputs["cache_read"] = d.count(sent.get(prefix + "cache_read", sent.get("cache_read")))
    d.inputs["cache_creation"] = _cache_creation(d, sent, prefix)
    d.outputs = {key: d.count(made.get(key)) for key in ("audio", "image", "video")}
    d.outputs["reasoning"] = d.count(made.get(prefix + "reasoning", made.get("reasoning")))
    if known_provider(text(context.get("provider")) or "") in GOOGLE:
        output_from_total(d)
    d.add_missing_reasoning()
    return nothing("absent") if d.is_empty and d.total_tokens is None else extraction(d)


def _details(raw: object, name: str) -> Mapping[str, object]:
    value = get(raw, name)
    return value if isinstance(value, Mapping) else {}


def _tier_of(details: Mapping[str, object]) -> str | None:
    """OpenAI's tiers are reported as renamed details: `flex`, `flex_cache_read`, `priority_reasoning`, ..."""
    return next((t for t in _TIER_KEYS if any(str(k) == t or str(k).startswith(t + "_") for k in details)), None)


def _cache_creation(d: Draft, sent: Mapping[str, object], prefix: str) -> int | None:
    names = (prefix + "cache_creation", "cache_creation", "cache_write")
    direct = d.count(first(sent, *names))
    timed = [d.count(sent.get(f"ephemeral_{ttl}_input_tokens")) for ttl in ("5m", "1h")]
    parts = [count for count in timed if count is not None]
    return sum(parts) if direct is None and parts else direct
