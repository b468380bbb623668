"""What a run says about billed requests: one place per run, by precedence, never added up over places."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from everytoken.core.charge import Evidence, Layer
from everytoken.core.extract import facts
from everytoken.core.extract.langsmith import usage_metadata
from everytoken.core.extract.reading import get, is_record, text
from everytoken.core.extract.result import ChildUsage, Context
from everytoken.core.run import USAGE_RUN_TYPES, Run
from everytoken.core.usage import Usage

MAX_JSON = 65_536
"""Characters of a usage that arrives as JSON text; more than that is not a usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One request that a place tells of."""

    usage: Usage | None
    place: str
    response_id: str | None = None
    response_model: str | None = None
    cached_answer: bool = False
    layer: Layer | None = None
    children: tuple[ChildUsage, ...] = ()


def evidence_of(run: Run) -> tuple[Evidence, ...]:
    """Every billed request that `run` testifies to, the first place that knows a usage speaking for all.

    A model or embedding run without usage is evidence too, of a request whose usage is missing or still to come.
    """
    found = next((list_ for place in _PLACES if (list_ := place(run))), [])
    if not found:
        if run.run_type not in USAGE_RUN_TYPES:
            return ()
        found = [Found(usage=None, place="")]
    return tuple(_evidence(run, index, item) for index, item in enumerate(found))


def _evidence(run: Run, index: int, found: Found) -> Evidence:
    request_model = facts.request_model_of(run)
    response_model = found.response_model or text(get(run.outputs, "model"))
    provider = facts.provider_of(run, (request_model, response_model))
    return Evidence(
        run_id=run.run_id,
        index=index,
        usage=found.usage,
        provider=provider,
        request_model=request_model,
        response_model=response_model,
        response_id=found.response_id or text(get(run.outputs, "id")),
        call_path=facts.call_path_of(run, provider, searched=False),
        layer=found.layer or facts.layer_of(run),
        place=found.place,
        cached_answer=found.cached_answer,
    )


def _context(run: Run) -> Context:
    model = facts.request_model_of(run)
    provider = facts.provider_of(run, (model,))
    return {
        "provider": "google" if provider in facts.GOOGLE else provider,
        "service_tier": text(get(run.outputs, "service_tier")),
        "model": model,
    }


def _decoded(value: object) -> object:
    """A mapping, also where a tracer wrote it as JSON text."""
    if isinstance(value, str) and len(value) <= MAX_JSON:
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if is_record(value) else None


def _in_metadata(run: Run) -> list[Found]:
    usage = usage_metadata(_decoded(run.metadata.get("usage_metadata")), _context(run)).usage
    return [Found(usage=usage, place="metadata.usage_metadata")] if usage else []


def _in_outputs(run: Run) -> list[Found]:
    usage = usage_metadata(_decoded(get(run.outputs, "usage_metadata")), _context(run)).usage
    return [Found(usage=usage, place="outputs.usage_metadata")] if usage else []


def _in_metrics(run: Run) -> list[Found]:
    """`extra["metrics"]`, where the Eco² post writes counts and which no LangSmith code reads."""
    usage = usage_metadata(_decoded(run.extra.get("metrics")), {}).usage
    return [Found(usage=usage, place="extra.metrics", layer="manual")] if usage else []


_PLACES: tuple[Callable[[Run], list[Found]], ...] = (_in_metadata, _in_outputs, _in_metrics)
