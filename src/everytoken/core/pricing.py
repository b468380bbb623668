"""Pricing, the pure half: inclusive counts become disjoint slices, slices and rates become lines of arithmetic.

Which rate belongs to which slice is the catalog's knowledge; it comes in through `Pricer`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Protocol

from everytoken.core.charge import Charge, Cost, CostLine
from everytoken.core.usage import MODALITIES, Usage

MONEY = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])
"""The context of every sum of money: the host's own decimal context must not round an invoice."""
FINEST_USD = Decimal("1E-18")
"""Where a rate that does not divide (per hour, by the second) is cut: a million times below a pico-dollar."""


class Pricer(Protocol):
    def price(
        self, usage: Usage | None, *, provider: str | None, model: str | None, at_us: int, call_path: str = ""
    ) -> Cost:
        """What `usage` costs for a request that started at `at_us` (UTC microseconds)."""
        ...


def split_usage(usage: Usage) -> dict[str, int]:
    """Make inclusive counts disjoint, so that each token is paid for once; slices of zero are left out.

    1,000 input of which 400 cache_read, and 50 output, gives {input: 600, cache_read: 400, output: 50}.
    The slices are never negative and sum to `usage.total_tokens`, whatever the details claim. Where the provider
    did not say which modality was cached, text is taken first, then audio, image and video.
    """
    slices = _split_input(usage) | _split_output(usage)
    return {name: count for name, count in slices.items() if count > 0}


def _split_input(usage: Usage) -> dict[str, int]:
    total = max(usage.input_tokens, 0)
    details = usage.input_token_details
    plain = _by_modality(total, details)
    cached = min(max(details.get("cache_read", 0), 0), total)
    written = min(max(details.get("cache_creation", 0), 0), total - cached)
    read = dict.fromkeys(plain, 0)

    def move(modality: str, wanted: int) -> int:
        moved = max(min(wanted, plain[modality]), 0)
        plain[modality] -= moved
        return moved

    for modality in MODALITIES:
        read[modality] = move(modality, min(details.get(f"cache_read_{modality}", 0), cached))
        cached -= read[modality]
    for modality in plain:
        moved = move(modality, cached)
        read[modality] += moved
        cached -= moved
    left = written
    for modality in plain:
        left -= move(modality, left)
    long_lived = max(min(details.get("cache_creation_12h", 0), written), 0)
    return {
        "input": plain["text"],
        "cache_read": read["text"],
        "cache_creation": written - long_lived,
        "cache_creation_12h": long_lived,
        **{f"input_{modality}": plain[modality] for modality in MODALITIES},
        **{f"cache_read_{modality}": read[modality] for modality in MODALITIES},
    }


def _split_output(usage: Usage) -> dict[str, int]:
    parts = _by_modality(max(usage.output_tokens, 0), usage.output_token_details)
    reasoning = max(min(usage.output_token_details.get("reasoning", 0), parts["text"]), 0)
    return {
        "output": parts["text"] - reasoning,
        "reasoning": reasoning,
        **{f"output_{modality}": parts[modality] for modality in MODALITIES},
    }


def _by_modality(total: int, details: Mapping[str, int]) -> dict[str, int]:
    """Text first; it is what the other modalities leave of the total."""
    sizes: dict[str, int] = {}
    left = total
    for modality in MODALITIES:
        sizes[modality] = max(min(details.get(modality, 0), left), 0)
        left -= sizes[modality]
    return {"text": left, **sizes}


def total_usd(lines: Iterable[CostLine]) -> Decimal:
    """The exact sum of the lines; 0 for none."""
    total = Decimal(0)
    for line in lines:
        total = MONEY.add(total, line.usd)
    return total


def price_charge(charge: Charge, pricer: Pricer) -> Charge:
    """The same charge with the cost `pricer` gives it, at the price of the day the request started."""
    cost = pricer.price(
        charge.usage,
        provider=charge.provider,
        model=charge.model,
        at_us=charge.started_us,
        call_path=charge.call_path,
    )
    return replace(charge, cost=cost)
