"""What a run's charges add up to, as LangSmith's two APIs write it: decimal text in v1, numbers in v2."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from everytoken.core.pricing import MONEY
from everytoken.query.totals import usd_text

PROMPT_CLASSES = ("input", "cache_")
COMPLETION_CLASSES = ("output", "reasoning")
BASE_CLASSES = ("input", "output")
"""What is left of a total once its details are taken out; no detail itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSums:
    """Sums over the charges of a run, of its subtree, or of any set of runs, each charge counted once."""

    calls: int = 0
    prompt_tokens: int | None = 0
    """Of the calls that told them; `None` where there were calls and none did."""
    completion_tokens: int | None = 0
    prompt_details: Mapping[str, int] = field(default_factory=dict)
    completion_details: Mapping[str, int] = field(default_factory=dict)
    known_usd: Decimal = Decimal(0)
    unpriced: int = 0
    usd_by_class: Mapping[str, Decimal] = field(default_factory=dict)
    price_entry: str | None = None
    first_token_us: int | None = None

    @property
    def total_tokens(self) -> int | None:
        return _known_sum(self.prompt_tokens, self.completion_tokens)

    @property
    def total_usd(self) -> Decimal | None:
        """`None` where nothing was billed, and where a part of it is not known."""
        return None if self.unpriced or not self.calls else self.known_usd

    @property
    def prompt_usd(self) -> Decimal | None:
        return self._side(PROMPT_CLASSES)

    @property
    def completion_usd(self) -> Decimal | None:
        return self._side(COMPLETION_CLASSES)

    def usd_details(self, classes: tuple[str, ...]) -> dict[str, Decimal]:
        """Of one side, what the kinds of token with a name of their own cost."""
        if self.total_usd is None:
            return {}
        return {
            name: usd
            for name, usd in sorted(self.usd_by_class.items())
            if name.startswith(classes) and name not in BASE_CLASSES
        }

    def _side(self, classes: tuple[str, ...]) -> Decimal | None:
        if self.total_usd is None:
            return None
        return sum((usd for name, usd in self.usd_by_class.items() if name.startswith(classes)), Decimal(0))

    def __add__(self, other: "RunSums") -> "RunSums":
        if not self.calls or not other.calls:
            return self if self.calls else other
        firsts = [at for at in (self.first_token_us, other.first_token_us) if at is not None]
        return RunSums(
            calls=self.calls + other.calls,
            prompt_tokens=_known_sum(self.prompt_tokens, other.prompt_tokens),
            completion_tokens=_known_sum(self.completion_tokens, other.completion_tokens),
            prompt_details=_added(self.prompt_details, other.prompt_details),
            completion_details=_added(self.completion_details, other.completion_details),
            known_usd=MONEY.add(self.known_usd, other.known_usd),
            unpriced=self.unpriced + other.unpriced,
            usd_by_class=_added(self.usd_by_class, other.usd_by_class),
            price_entry=self.price_entry or other.price_entry,
            first_token_us=min(firsts, default=None),
        )


NO_CHARGES = RunSums()


def read_sums(row: Mapping[str, Any]) -> RunSums:
    """The sums of a row that selected `charge_sums.sql`."""
    return RunSums(
        calls=row["calls"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        prompt_details=row["prompt_details"],
        completion_details=row["completion_details"],
        known_usd=row["known_usd"] or Decimal(0),
        unpriced=row["unpriced"],
        usd_by_class=row["usd_by_class"],
        price_entry=row["price_entry"] or None,
        first_token_us=row["first_token_us"],
    )


def total_sums(parts: Iterable[RunSums]) -> RunSums:
    return sum(parts, NO_CHARGES)


def v1_sums(sums: RunSums) -> dict[str, Any]:
    """Token and cost fields of LangSmith's v1 rows."""
    return {
        "total_tokens": sums.total_tokens,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "prompt_token_details": dict(sums.prompt_details),
        "completion_token_details": dict(sums.completion_details),
        "total_cost": _text(sums.total_usd),
        "prompt_cost": _text(sums.prompt_usd),
        "completion_cost": _text(sums.completion_usd),
        "prompt_cost_details": _texts(sums.usd_details(PROMPT_CLASSES)),
        "completion_cost_details": _texts(sums.usd_details(COMPLETION_CLASSES)),
    }


def v2_sums(sums: RunSums) -> dict[str, Any]:
    """The same in v2: costs are numbers, details are wrapped."""
    return {
        "total_tokens": sums.total_tokens,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "prompt_token_details": {"raw": dict(sums.prompt_details)},
        "completion_token_details": {"raw": dict(sums.completion_details)},
        "total_cost": number(sums.total_usd),
        "prompt_cost": number(sums.prompt_usd),
        "completion_cost": number(sums.completion_usd),
        "prompt_cost_details": {"raw": _numbers(sums.usd_details(PROMPT_CLASSES))},
        "completion_cost_details": {"raw": _numbers(sums.usd_details(COMPLETION_CLASSES))},
    }


def stats_sums(sums: RunSums) -> dict[str, Any]:
    """The same in `/runs/stats`, where costs are numbers and details are not wrapped."""
    wrapped = v2_sums(sums)
    return {name: value["raw"] if name.endswith("_details") else value for name, value in wrapped.items()}


def number(usd: Decimal | None) -> float | None:
    return None if usd is None else float(usd)


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else usd_text(usd)


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: usd_text(usd) for name, usd in amounts.items()}


def _numbers(amounts: Mapping[str, Decimal]) -> dict[str, float]:
    return {name: float(usd) for name, usd in amounts.items()}


def _known_sum(left: int | None, right: int | None) -> int | None:
    return right if left is None else left + (right or 0)


def _added(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    return {**left, **{name: left[name] + amount if name in left else amount for name, amount in right.items()}}
