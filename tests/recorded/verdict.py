"""The ledger against the charges: every billed request once, every class to the token."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from everytoken.core.charge import Charge
from everytoken.core.usage import Usage

Entry = Mapping[str, Any]
"""One response of the simulator's billing ledger."""
SEARCHES = ("web_search", "web_search_preview", "grounding_query", "grounded_prompt")
QUALITIES = ("exact", "partial", "estimated", "missing")

CLASSES: Mapping[str, tuple[Callable[[Mapping[str, Any]], float], Callable[[Usage], float]]] = {
    "input": (lambda b: b["input"], lambda u: u.input_tokens),
    "cached": (lambda b: b["cached"], lambda u: u.input_token_details.get("cache_read", 0)),
    "cache write": (lambda b: b["cache_write"], lambda u: u.input_token_details.get("cache_creation", 0)),
    "tool use": (lambda b: b["tool_use"], lambda u: u.input_token_details.get("tool_use", 0)),
    "image in": (lambda b: b["input_image"] + b["input_document"], lambda u: u.input_token_details.get("image", 0)),
    "audio in": (lambda b: b["input_audio"], lambda u: u.input_token_details.get("audio", 0)),
    "video in": (lambda b: b["input_video"], lambda u: u.input_token_details.get("video", 0)),
    "output": (lambda b: b["output"], lambda u: u.output_tokens),
    "reasoning": (lambda b: b["reasoning"], lambda u: u.output_token_details.get("reasoning", 0)),
    "image out": (lambda b: b["output_image"], lambda u: u.output_token_details.get("image", 0)),
    "audio out": (lambda b: b["output_audio"], lambda u: u.output_token_details.get("audio", 0)),
    "accepted": (lambda b: b["accepted_prediction"], lambda u: u.output_token_details.get("prediction_accepted", 0)),
    "rejected": (lambda b: b["rejected_prediction"], lambda u: u.output_token_details.get("prediction_rejected", 0)),
    "searches": (lambda b: b["web_search"], lambda u: sum(float(u.meters.get(name, 0)) for name in SEARCHES)),
    "seconds": (lambda b: b["seconds"], lambda u: float(u.meters.get("audio_seconds", 0))),
}
"""Class → how the ledger and how a usage tell it. Characters and pictures are metered where tokens are not billed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the billed requests of one scenario."""

    qualities: Counter[str]
    """Charges by quality."""
    losses: tuple[str, ...]
    """What does not agree, in words; empty when every request is counted once and right."""


def judge(entries: Sequence[Entry], charges: Sequence[Charge], unknown: frozenset[str] = frozenset()) -> Verdict:
    """Match each ledger entry with one charge: by response id, else the likest that is left.

    `unknown` names classes that the answer cannot tell; a charge must then not invent them.
    """
    billed = [entry for entry in entries if any(entry["billed"].values())]
    free = [charge for charge in charges if _is_free(charge)]
    left = [charge for charge in charges if charge not in free]
    losses: list[str] = []
    pairs: list[tuple[Entry, Charge]] = []
    unmatched: list[Entry] = []
    for entry in billed:
        named = [charge for charge in left if charge.response_id == entry["response_id"]]
        if named:
            left.remove(named[0])
            pairs.append((entry, named[0]))
        else:
            unmatched.append(entry)
    for entry in unmatched:
        nearest = min(left, key=lambda charge: _distance(entry, charge), default=None)
        if nearest is None:
            losses.append(f"not recorded: {_told(entry)}")
            continue
        left.remove(nearest)
        pairs.append((entry, nearest))
    losses += [f"recorded, not billed: {c.call_path} {c.quality} {c.status} {c.usage}" for c in left]
    for entry, charge in pairs:
        losses += _differences(entry, charge, unknown)
    losses += _sums(pairs, unknown)
    return Verdict(Counter(charge.quality for _, charge in pairs), tuple(losses))


def _is_free(charge: Charge) -> bool:
    """Known to cost nothing, such as a moderation."""
    usage = charge.usage
    return charge.quality == "exact" and usage is not None and usage.total_tokens == 0 and not usage.meters


def _distance(entry: Entry, charge: Charge) -> tuple[bool, float]:
    if charge.usage is None:
        return (bool(entry["usage_sent"]), 0.0)
    usage, billed = charge.usage, entry["billed"]
    return (False, sum(abs(ledger(billed) - told(usage)) for ledger, told in CLASSES.values()))


def _differences(entry: Entry, charge: Charge, unknown: frozenset[str]) -> Iterable[str]:
    usage = charge.usage
    if charge.quality == "missing" or usage is None:
        return
    for name, (ledger, told) in CLASSES.items():
        was, said = ledger(entry["billed"]), told(usage)
        if name in unknown:
            if said:
                yield f"{charge.call_path}: {name} was made up: {said:g}"
        elif charge.quality == "exact" and was != said:
            yield f"{charge.call_path}: {name} is {said:g}, billed were {was:g}"
        elif charge.quality == "partial" and said > was:
            yield f"{charge.call_path}: {name} is {said:g} in part, billed were only {was:g}"


def _sums(pairs: Sequence[tuple[Entry, Charge]], unknown: frozenset[str]) -> Iterable[str]:
    """Class by class over all exact charges: what the sum of money rests on."""
    exact = [(entry["billed"], c.usage) for entry, c in pairs if c.quality == "exact" and c.usage is not None]
    for name, (ledger, told) in CLASSES.items():
        was, said = sum(ledger(billed) for billed, _ in exact), sum(told(usage) for _, usage in exact)
        if name not in unknown and was != said:
            yield f"sum of {name} is {said:g}, billed were {was:g}"


def _told(entry: Entry) -> str:
    counts = {name: count for name, count in entry["billed"].items() if count}
    return f"{entry['provider']} {entry['api']} {entry['response_id']} {counts}"
