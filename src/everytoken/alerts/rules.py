"""A rule: which number of which charges over which window, the limit it is held against, and who is told."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from everytoken.query.measures import SCOPES, Scope

Kind = Literal[
    "cost",
    "tokens",
    "error_rate",
    "latency_p50",
    "latency_p95",
    "ttft_p50",
    "ttft_p95",
    "coverage",
    "coverage_fall",
    "unpriced",
    "anomaly",
    "projection",
    "budget",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
WindowName = Literal["5m", "15m", "1h", "6h", "24h", "day", "week", "month"]
WINDOWS: tuple[WindowName, ...] = get_args(WindowName)
CALENDAR: tuple[WindowName, ...] = ("day", "week", "month")
"""Begin at midnight, on Monday, on the first, in the project's time zone; the others reach back from the instant."""
ROLLING: tuple[WindowName, ...] = ("5m", "15m", "1h", "6h", "24h")
ALLOWED: dict[Kind, tuple[WindowName, ...]] = {
    "cost": WINDOWS,
    "tokens": WINDOWS,
    "anomaly": ("1h",),
    "projection": ("month",),
    "budget": CALENDAR,
}
"""Windows that a kind may have; kinds that are not here take the rolling ones."""
UNITS: dict[Kind, str] = {
    "cost": "usd",
    "tokens": "tokens",
    "error_rate": "percent",
    "latency_p50": "ms",
    "latency_p95": "ms",
    "ttft_p50": "ms",
    "ttft_p95": "ms",
    "coverage": "percent",
    "coverage_fall": "points",
    "unpriced": "calls",
    "anomaly": "usd",
    "projection": "usd",
    "budget": "usd",
}
TargetKind = Literal["webhook", "slack", "email"]
TARGETS: tuple[TargetKind, ...] = get_args(TargetKind)

MAX_RULES = 500
"""Of the installation; each is judged by one or two queries, most of them once a minute."""
MAX_TARGETS = 10
MAX_NAME_CHARS = 200
MAX_KEY_CHARS = 500
MAX_ADDRESS_CHARS = 2_000
MAX_LEVELS = 10
MAX_LIMIT = Decimal(10) ** 15
DEFAULT_LEVELS = (50, 80, 100)
DEFAULT_MIN_CALLS = 10


EVERYTHING = Scope()


class RuleError(ValueError):
    """A rule that cannot be; `field` names what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is told."""

    target_id: str
    kind: TargetKind
    address: str
    """A URL, or an e-mail address."""
    secret: str = ""
    """Signs what a webhook is sent. Shown when it is made, and never again."""

    @property
    def shown(self) -> str:
        """The address without what may be secret in it: a chat's webhook carries its password in its path."""
        if self.kind == "email":
            return self.address
        parts = urlsplit(self.address)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}/…" if parts.path.strip("/") or parts.query else f"{parts.scheme}://{host}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    rule_id: str
    project: str
    name: str
    kind: Kind
    window: WindowName
    limit: Decimal
    """In the unit of the kind. `coverage` fires below it, all others above; of a budget it is the whole amount; of an
    anomaly, by how much an hour has to be dearer than usual before anybody is told."""
    scope: Scope = EVERYTHING
    min_calls: int = DEFAULT_MIN_CALLS
    """Below so many calls a rate, a share or a percentile says nothing."""
    levels: tuple[int, ...] = ()
    """Of a budget: percent of the amount at which it tells."""
    targets: tuple[Target, ...] = ()
    enabled: bool = True
    revision: int = 1
    """Grows when what is judged changes; what is known of the state then starts over."""
    created_us: int = 0
    created_by: str = ""

    @property
    def unit(self) -> str:
        return UNITS[self.kind]

    @property
    def is_to_date(self) -> bool:
        """Whether the number grows from the start of a period to its end."""
        return self.kind in ("cost", "tokens", "budget") and self.window in CALENDAR

    def judges_like(self, other: "Rule") -> bool:
        """Whether both come to the same verdicts."""
        names = ("project", "kind", "window", "limit", "scope", "min_calls", "levels", "enabled")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def told(self) -> dict[str, Any]:
        """For the audit log: everything but secrets."""
        return {
            "project": self.project,
            "name": self.name,
            "kind": self.kind,
            "window": self.window,
            "limit": format(self.limit, "f"),
            "scope": {"by": self.scope.by, "key": self.scope.key},
            "min_calls": self.min_calls,
            "levels": list(self.levels),
            "enabled": self.enabled,
            "targets": [{"kind": target.kind, "address": target.shown} for target in self.targets],
        }


def checked(rule: Rule) -> Rule:
    """Itself, when it can be.

    Raises:
        RuleError: a value is out of its bounds, or they do not go together.
    """
    if not 1 <= len(rule.name.strip()) <= MAX_NAME_CHARS:
        raise RuleError("name", f"write 1 to {MAX_NAME_CHARS} characters")
    allowed = ALLOWED.get(rule.kind, ROLLING)
    if rule.window not in allowed:
        raise RuleError("window", f"a rule on {rule.kind} takes {', '.join(allowed)}")
    _check_limit(rule)
    if rule.scope.by not in SCOPES or (rule.scope.by == "none") != (rule.scope.key == ""):
        raise RuleError("scope", f"name one of {', '.join(SCOPES)}, and whose charges they are")
    if len(rule.scope.key) > MAX_KEY_CHARS:
        raise RuleError("scope", f"write at most {MAX_KEY_CHARS} characters")
    if not 1 <= rule.min_calls <= 10**9:
        raise RuleError("min_calls", "write 1 or more")
    if rule.kind == "budget":
        whole = all(1 <= level <= 1_000 for level in rule.levels)
        if not whole or not 1 <= len(rule.levels) <= MAX_LEVELS or list(rule.levels) != sorted(set(rule.levels)):
            raise RuleError("levels", f"write 1 to {MAX_LEVELS} percentages from 1 to 1000, ascending")
    elif rule.levels:
        raise RuleError("levels", "only a budget has levels")
    if len(rule.targets) > MAX_TARGETS:
        raise RuleError("targets", f"name at most {MAX_TARGETS}")
    for target in rule.targets:
        check_address(target.kind, target.address)
    return rule


def _check_limit(rule: Rule) -> None:
    if not rule.limit.is_finite() or not 0 <= rule.limit <= MAX_LIMIT:
        raise RuleError("limit", "write a number from 0 to 10^15")
    if rule.unit in ("percent", "points") and rule.limit > 100:
        raise RuleError("limit", "write 0 to 100 percent")
    if rule.limit == 0 and rule.kind in ("budget", "coverage"):
        raise RuleError("limit", "write more than 0: it could never fire, or would always")


def check_address(kind: TargetKind, address: str) -> None:
    """
    Raises:
        RuleError: nothing can be sent to it. Whether its host may be called is asked when it is.
    """
    if len(address) > MAX_ADDRESS_CHARS or not address.isprintable():
        raise RuleError("targets", f"write at most {MAX_ADDRESS_CHARS} characters that can be printed")
    if kind == "email":
        if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", address):
            raise RuleError("targets", f"{address[:100]!r} is not one e-mail address")
        return
    try:
        parts = urlsplit(address)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise RuleError("targets", f"write a URL of http or https for a {kind}")
