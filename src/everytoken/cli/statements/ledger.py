"""The ledger's side of a bill: charges added up by half hour and model, so that any time zone can be tried on them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from everytoken.cli.statements.lines import Provider, family

HALF_HOUR_US = 1_800_000_000
"""Every offset of a time zone today is a multiple of 15 minutes; bills are by the hour at the finest."""
PROVIDERS: Mapping[Provider, frozenset[str]] = {
    "openai": frozenset({"openai"}),
    "google": frozenset({"google", "google-gemini", "google-vertex", "gemini", "google_genai", "google_vertexai"}),
}


@dataclass(slots=True)
class Ours:
    """Charges of one model over some time."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    """Known cost."""
    unpriced: int = 0
    """Calls with usage and without a price."""
    missing: int = 0
    """Calls without usage."""
    partial: int = 0
    refused: int = 0
    """Calls that ended in error."""
    discounted: int = 0
    """Calls of a tier with prices of its own."""
    reasons: set[str] = field(default_factory=set)

    def add(self, charge: Mapping[str, Any]) -> None:
        self.calls += 1
        self.refused += charge["status"] == "error"
        if charge["quality"] == "estimated" or charge["input_tokens"] is None:
            self.missing += 1
            return
        self.partial += charge["quality"] == "partial"
        self.input_tokens += charge["input_tokens"]
        self.output_tokens += charge["output_tokens"]
        self.cached_tokens += charge["input_token_details"].get("cache_read", 0)
        self.discounted += charge["tier"] in ("batch", "flex", "priority")
        if charge["cost_usd"] is None:
            self.unpriced += 1
            self.reasons.add(charge["cost_reason"] or "unknown")
        else:
            self.cost_usd += Decimal(charge["cost_usd"])

    def merge(self, other: "Ours") -> None:
        for name in (
            "calls", "input_tokens", "cached_tokens", "output_tokens", "cost_usd", "unpriced", "missing", "partial",
            "refused", "discounted",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons |= other.reasons


Days = dict[tuple[str, str | None], Ours]
"""(day, model family) → charges."""


class Ledger:
    """Charges of one provider, as they come from the server."""

    def __init__(self, provider: Provider) -> None:
        self._providers = PROVIDERS[provider]
        self._held: dict[tuple[int, str | None], Ours] = {}

    def add(self, charges: Iterable[Mapping[str, Any]]) -> None:
        for charge in charges:
            if charge["provider"] in self._providers:
                key = charge["started_at"] // HALF_HOUR_US, family(charge["response_model"] or charge["request_model"])
                self._held.setdefault(key, Ours()).add(charge)

    def days(self, zone: str) -> Days:
        """The charges by the days of a time zone."""
        where = ZoneInfo(zone)
        found: Days = {}
        for (slot, model), ours in self._held.items():
            found.setdefault((day_of(slot * HALF_HOUR_US, where), model), Ours()).merge(ours)
        return found


def day_of(at_us: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).astimezone(zone).date().isoformat()
