"""Faults of providers and networks: named by a rule or the `x-simulator-fault` header, or switched on for a rate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from everytoken.simulator.ask import Ask
from everytoken.simulator.chance import Chance

HEADER = "x-simulator-fault"
MAX_SWITCHES = 100

ERROR_STATUSES = {"400": 400, "401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "503": 503, "529": 529}
KINDS = frozenset(ERROR_STATUSES) | {
    "timeout",  # generates and bills, and never answers
    "malformed",  # generates and bills, and the body breaks off in the middle of the JSON
    "no_usage",  # answers without the usage
    "null_usage",  # answers with a usage whose counts are null
    "usage_every_chunk",  # a stream whose every chunk carries the usage so far
    "cut",  # a stream that breaks off after `value` chunks of content
    "drop",  # generates and bills, and drops the connection instead of the answer
    "slow",  # the first byte comes `value` milliseconds late
}
DEFAULT_VALUES = {"429": 1.0, "503": 1.0, "cut": 3.0, "slow": 1_000.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `value` is seconds of Retry-After (429, 503), chunks (cut) or milliseconds (slow)."""

    kind: str
    value: float = 0.0

    @property
    def status(self) -> int | None:
        """HTTP status of a fault that refuses the request before anything is generated, else None."""
        return ERROR_STATUSES.get(self.kind)


def read_fault(text: object) -> Fault:
    """Read `cut:3`, `429`, `429:0.5`, `slow:2000`, ... Raises ValueError: no such fault."""
    kind, _, value = str(text).strip().lower().replace("-", "_").partition(":")
    if kind not in KINDS:
        raise ValueError(f"unknown fault {kind!r}; known are {', '.join(sorted(KINDS))}")
    number = float(value) if value else DEFAULT_VALUES.get(kind, 0.0)
    if not 0 <= number < 1e9:
        raise ValueError(f"fault {text!r}: the value must be at least 0")
    return Fault(kind, number)


@dataclass(slots=True)
class Switch:
    """A fault that is on for a share of the requests that fit."""

    fault: Fault
    rate: float = 1.0
    times: int | None = None
    """How often it may still happen; None is without end."""
    provider: str = "*"
    api: str = "*"
    model: str = "*"
    seen: int = 0
    """Requests that fitted so far."""

    def strikes(self, ask: Ask, seed: int, number: int) -> bool:
        patterns = ((ask.provider, self.provider), (ask.api, self.api), (ask.model, self.model))
        if self.times == 0 or not all(fnmatchcase(value, pattern) for value, pattern in patterns):
            return False
        self.seen += 1
        if Chance(seed, "fault", number, self.fault.kind, self.seen).share() >= self.rate:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def as_json(self) -> dict[str, Any]:
        text = f"{self.fault.kind}:{self.fault.value:g}" if self.fault.value else self.fault.kind
        return {
            "fault": text, "rate": self.rate, "times": self.times, "seen": self.seen,
            "provider": self.provider, "api": self.api, "model": self.model,
        }  # fmt: skip


def read_switch(table: Mapping[str, Any]) -> Switch:
    """Read one entry of `POST /_faults`. Raises ValueError: a key or a value that can't be."""
    unknown = sorted(set(table) - {"fault", "rate", "times", "provider", "api", "model"})
    if unknown or "fault" not in table:
        raise ValueError(
            f"a switch has fault, rate, times, provider, api, model; not {', '.join(unknown) or 'nothing'}"
        )
    rate, times = table.get("rate", 1.0), table.get("times")
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ValueError("rate must be a number from 0 to 1")
    if times is not None and (not isinstance(times, int) or times < 0):
        raise ValueError("times must be a whole number of at least 0")
    provider, api, model = (str(table.get(key, "*")) for key in ("provider", "api", "model"))
    return Switch(read_fault(table["fault"]), rate=float(rate), times=times, provider=provider, api=api, model=model)


@dataclass(slots=True)
class Faults:
    """All switches. The first that strikes wins; the header of a request wins over them, a rule over nothing."""

    seed: int
    switches: list[Switch] = field(default_factory=list)

    def strike(self, ask: Ask) -> Fault | None:
        for number, switch in enumerate(self.switches):
            if switch.strikes(ask, self.seed, number):
                return switch.fault
        return None

    def add(self, switch: Switch) -> None:
        """Raises ValueError: there are too many."""
        if len(self.switches) >= MAX_SWITCHES:
            raise ValueError(f"more than {MAX_SWITCHES} fault switches")
        self.switches.append(switch)
