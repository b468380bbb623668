"""What extraction answers: a usage, or the reason why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from everytoken.core.extract.reading import get, text
from everytoken.core.usage import Draft, Usage, UsageSource, total_usage

Context = Mapping[str, object]
"""Facts of the request that the response lacks: `model`, `service_tier`, `modality`, `input`, `n`, ..."""

REASONS: dict[str, str] = {
    "absent": "The response carries no usage.",
    "not_usage": "The response is a count or a preview, not something that is billed.",
    "unreadable": "There is a usage object, but no count in it can be read.",
    "total_only": "Only a total was reported; input and output have different prices.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildUsage:
    """Usage inside a response that is billed at another model's rates."""

    name: str
    """`image_generation`, `svg` or `input_transcription`."""
    model: str | None
    """`None` when the response does not say which model worked: its price is then unknown."""
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The usage of one response, with what identifies the response."""

    usage: Usage | None
    reason: str | None = None
    """Why there is no usage: a key of `REASONS`."""
    response_id: str | None = None
    response_model: str | None = None
    children: tuple[ChildUsage, ...] = ()
    parts: tuple[Usage, ...] = ()
    """The usage of each request where `usage` is a sum over several: price each of these, then add."""

    def with_usage(self, *, source: UsageSource | None = None, warning: str) -> "Extraction":
        """The same with a warning, and the source it implies, on its usage."""
        if self.usage is None:
            return self
        warnings = tuple(sorted({*self.usage.warnings, warning}))
        return replace(self, usage=replace(self.usage, source=source or self.usage.source, warnings=warnings))


def batched(found: Extraction) -> Extraction:
    """The same at batch rates, whatever tier the response names: a batch has one of its own."""
    children = tuple(replace(child, usage=replace(child.usage, tier="batch")) for child in found.children)
    usage = None if found.usage is None else replace(found.usage, tier="batch")
    return replace(found, usage=usage, children=children)


def combined(found: Sequence[Extraction]) -> Extraction:
    """Several requests of one call as one extraction: the sum, with each request beside it."""
    if len(found) == 1:
        return found[0]
    known = tuple(one.usage for one in found if one.usage is not None)
    if not known:
        return found[-1] if found else nothing("absent")
    total = replace(total_usage(known), raw={"requests": [usage.raw for usage in known]})
    result = Extraction(
        usage=total,
        response_id=found[-1].response_id,
        response_model=next((one.response_model for one in reversed(found) if one.response_model), None),
        children=tuple(child for one in found for child in one.children),
        parts=known,
    )
    return result if len(known) == len(found) else result.with_usage(source="partial", warning="usage_hidden_requests")


def nothing(reason: str, response: object = None) -> Extraction:
    return Extraction(
        usage=None, reason=reason, response_id=response_id(response), response_model=response_model(response)
    )


def extraction(draft: Draft, response: object = None, children: tuple[ChildUsage, ...] = ()) -> Extraction:
    """The finished usage of `draft`, identified by `response`."""
    if draft.is_empty:
        reason = "unreadable" if draft.total_tokens is None else "total_only"
        return Extraction(
            usage=None,
            reason=reason,
            response_id=response_id(response),
            response_model=response_model(response),
            children=children,
        )
    return Extraction(
        usage=draft.finish(),
        response_id=response_id(response),
        response_model=response_model(response),
        children=children,
    )


def response_id(response: object) -> str | None:
    return text(get(response, "id")) or text(get(response, "response_id"))


def response_model(response: object) -> str | None:
    return text(get(response, "model")) or text(get(response, "model_version"))


_TIERS = {
    "default": "standard",
    "fast": "priority",
    "on_demand": "standard",
    "on_demand_priority": "priority",
    "on_demand_flex": "flex",
    "on_demand_offpeak": "offpeak",
    "provisioned_throughput": "provisioned",
    "auto": None,
    "unspecified": None,
    "traffic_type_unspecified": None,
    "service_tier_unspecified": None,
}  # OpenAI's `service_tier` and Vertex AI's `traffic_type`, as the SDKs of 2026-11 document them


def served_tier(reported: object, context: Context) -> str | None:
    """The normalised tier: what the response reports, else what the request asked for."""
    for word in (text(reported), text(context.get("service_tier")), text(context.get("tier"))):
        tier = _TIERS.get(word.lower(), word.lower()) if word else None
        if tier:
            return tier
    return None
