"""Our own form: what an everytoken client writes to `metadata["everytoken"]`, see `core.projections.to_everytoken`."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from everytoken.core.extract.reading import get, is_record, items, plain, text
from everytoken.core.extract.result import Context, Extraction, extraction, nothing, served_tier
from everytoken.core.usage import INPUT_DETAILS, OUTPUT_DETAILS, WARNINGS, Draft, UsageSource

MAX_METERS = 100
"""Meters read of one usage; there are about twenty."""
MAX_SUM = 2**53 - 1
"""The largest count read back: an entry may hold a sum over requests, and JSON readers are exact up to here."""
_MAX_NUMBER = 64
_SOURCES: tuple[UsageSource, ...] = ("provider", "partial", "estimated")


def entry(raw: object, context: Context) -> Extraction:
    """The metadata entry: all that `Usage` holds, so nothing is lost on the way."""
    usage = get(raw, "usage")
    named = {"id": get(raw, "response_id"), "model": get(raw, "response_model")}
    if not is_record(usage):
        return nothing("absent" if usage is None else "unreadable", named)
    d = Draft(largest=MAX_SUM, raw=plain(get(raw, "raw_usage")) if is_record(get(raw, "raw_usage")) else {})
    d.warnings |= {code for code in items(get(usage, "warnings")) if isinstance(code, str) and code in WARNINGS}
    d.input_tokens, d.output_tokens = d.count(get(usage, "input_tokens")), d.count(get(usage, "output_tokens"))
    sent, made = get(usage, "input_token_details"), get(usage, "output_token_details")
    d.inputs = {key: d.count(get(sent, key)) for key in INPUT_DETAILS}
    d.outputs = {key: d.count(get(made, key)) for key in OUTPUT_DETAILS}
    _read_meters(d, get(usage, "meters"))
    requests, source = d.count(get(usage, "requests")), text(get(usage, "source"))
    d.requests = 1 if requests is None else requests
    d.source = next((known for known in _SOURCES if known == source), "provider")
    d.tier = served_tier(get(usage, "tier"), context)
    return extraction(d, named)


def _read_meters(d: Draft, meters: object) -> None:
    if not isinstance(meters, Mapping):
        return
    for name in list(meters)[:MAX_METERS]:
        amount = meters[name]
        if isinstance(amount, str) and len(amount) <= _MAX_NUMBER:
            try:
                amount = Decimal(amount)
            except InvalidOperation:
                d.warnings.add("usage_bad_field")
                continue
        if isinstance(name, str):
            d.meter(name, amount)
