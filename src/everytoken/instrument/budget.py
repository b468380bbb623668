"""`everytoken.budget()`: a limit in dollars that is checked before a call, in process, without a proxy.

Calls in flight count with an estimate: prompt bytes and the answer's limit at the model's price. It is replaced by the
priced usage when the call ends. A model without a price counts as nothing, and the budget says how often that was.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import orjson

from everytoken.core.extract import Extraction
from everytoken.core.usage import Usage
from everytoken.instrument.attempt import Attempt
from everytoken.instrument.guard import BudgetExceeded, failed, logger

if TYPE_CHECKING:
    from everytoken.catalog.book import PriceBook

Period = Literal["hour", "day", "month", "run"]
_PERIODS = {"hour": "%Y-%m-%d %H", "day": "%Y-%m-%d", "month": "%Y-%m"}
KEYS_MAX = 10_000
"""Periods or runs remembered by one budget; the oldest are forgotten."""
BUDGETS_MAX = 1_000
BYTES_PER_TOKEN = 4
ANSWER_TOKENS = 1_000
"""Tokens an answer is taken for while it is under way, where the call sets no limit."""
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


class Budget:
    """One limit, and what has been spent of it."""

    def __init__(
        self,
        usd: Decimal,
        per: Period,
        tz: ZoneInfo,
        on_exceed: "Literal['raise', 'warn'] | Callable[[Budget, Decimal], None]",
        filters: Mapping[str, str],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.usd, self.per, self._tz, self._on_exceed, self._filters = usd, per, tz, on_exceed, filters
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: OrderedDict[str, Decimal] = OrderedDict()
        self._in_flight: dict[str, Decimal] = {}
        self.unpriced_calls = 0
        """Calls of which nobody knows the price: they count as nothing."""

    @property
    def spent_usd(self) -> Decimal:
        """Dollars of the period that runs now, calls in flight left out; of all runs where it is kept by run."""
        with self._lock:
            if self.per == "run":
                return sum(self._spent.values(), Decimal(0))
            return self._spent.get(self._period(), Decimal(0))

    def applies_to(self, attempt: Attempt) -> bool:
        """Whether the call is of the project, user, node and tag that the budget is for."""
        parent = attempt.parentage
        facts = {
            "project": parent.project or _default_project(),
            "user": parent.metadata.get("user_id"),
            "node": parent.metadata.get("langgraph_node"),
        }
        tag = self._filters.get("tag")
        return (tag is None or tag in parent.tags) and all(
            facts[name] == wanted for name, wanted in self._filters.items() if name != "tag"
        )

    def reserve(self, attempt: Attempt, estimate: Decimal) -> str:
        """Set `estimate` aside; the key under which it stands.

        Raises:
            BudgetExceeded: the limit would be passed, and the budget was told to raise.
        """
        key = str(attempt.parentage.trace_id or attempt.run_id) if self.per == "run" else self._period()
        with self._lock:
            after = self._spent.get(key, Decimal(0)) + self._in_flight.get(key, Decimal(0)) + estimate
            exceeded = after > self.usd
            if not (exceeded and self._on_exceed == "raise"):
                self._in_flight[key] = self._in_flight.get(key, Decimal(0)) + estimate
        if exceeded:
            try:
                self._exceeded(after)
            except BudgetExceeded:
                if self._on_exceed != "raise":
                    self.settle(key, estimate, Decimal(0))
                raise
        return key

    def settle(self, key: str, estimate: Decimal, cost: Decimal) -> None:
        """Replace what was set aside by what it came to."""
        with self._lock:
            left = self._in_flight.get(key, Decimal(0)) - estimate
            if left > 0:
                self._in_flight[key] = left
            else:
                self._in_flight.pop(key, None)
            self._spent[key] = self._spent.get(key, Decimal(0)) + cost
            if len(self._spent) > KEYS_MAX:
                self._spent.popitem(last=False)

    def remove(self) -> None:
        """Stop checking."""
        BUDGETS.remove(self)

    def _exceeded(self, after: Decimal) -> None:
        text = f"a budget of ${self.usd} per {self.per} would come to ${after:.6f}"
        if self._on_exceed == "raise":
            raise BudgetExceeded(text)
        if self._on_exceed == "warn":
            logger.warning("everytoken: %s", text)
            return
        try:
            self._on_exceed(self, after)
        except BudgetExceeded:
            raise
        except Exception as error:  # noqa: BLE001 a fault in the application's function must not leave a call uncounted
            failed("budget.on_exceed", error)

    def _period(self) -> str:
        return self._clock().astimezone(self._tz).strftime(_PERIODS[self.per])


class _Budgets:
    """All budgets of the process, with the prices they share."""

    def __init__(self) -> None:
        self._all: tuple[Budget, ...] = ()
        self._book: PriceBook | None = None
        self._rates: dict[tuple[str, str | None], tuple[Decimal, Decimal] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._all)

    def __iter__(self) -> Iterator[Budget]:
        return iter(self._all)

    def add(self, budget: Budget) -> None:
        """Raises ValueError: there are too many."""
        if len(self._all) >= BUDGETS_MAX:
            raise ValueError(f"more than {BUDGETS_MAX} budgets")
        if self._book is None:
            from everytoken.catalog.book import PriceBook

            self._book = PriceBook()
            self._book.load()  # 0.3 s, here and not in the first call
        self._all = (*self._all, budget)

    def remove(self, budget: Budget) -> None:
        self._all = tuple(one for one in self._all if one is not budget)

    def admit(self, attempt: Attempt) -> None:
        """Set the estimate of a call aside in every budget that applies.

        Raises:
            BudgetExceeded: one of them would be exceeded; the others get theirs back.
        """
        applying = [budget for budget in self._all if budget.applies_to(attempt)]
        if not applying:
            return
        estimate = self._estimate(attempt)
        held: list[tuple[Budget, str]] = []
        try:
            for budget in applying:
                held.append((budget, budget.reserve(attempt, estimate)))
        except Exception:
            for budget, key in held:
                budget.settle(key, estimate, Decimal(0))
            raise
        attempt.spent = (estimate, held)

    def settle(self, attempt: Attempt, found: Extraction) -> None:
        """Put the cost in place of the estimate, which stays where a billed call's usage is missing."""
        if attempt.spent is None:
            return
        (estimate, held), attempt.spent = attempt.spent, None
        cost: Decimal | None = estimate
        if attempt.refused:
            cost = Decimal(0)
        elif found.usage is not None:
            cost = self._price(found.usage, attempt.provider, found.response_model or attempt.model, attempt)
        for budget, key in held:
            if cost is None:
                budget.unpriced_calls += 1
            budget.settle(key, estimate, cost or Decimal(0))

    def _price(self, usage: Usage, provider: str, model: str | None, attempt: Attempt) -> Decimal | None:
        if self._book is None:
            return None
        return self._book.price(usage, provider=provider, model=model, at_us=_us(attempt.started)).usd

    def _estimate(self, attempt: Attempt) -> Decimal:
        rates = self._rate(attempt)
        if rates is None:
            return Decimal(0)
        request = attempt.request or {}
        sent = len(orjson.dumps(request, default=repr)) // BYTES_PER_TOKEN
        limit = next((request[name] for name in _LIMITS if isinstance(request.get(name), int)), ANSWER_TOKENS)
        return sent * rates[0] + min(limit, ANSWER_TOKENS) * rates[1]

    def _rate(self, attempt: Attempt) -> tuple[Decimal, Decimal] | None:
        """Dollars per token in and out, remembered by model."""
        key = (attempt.provider, attempt.model)
        if key not in self._rates:
            if len(self._rates) >= KEYS_MAX:
                self._rates.clear()
            costs = [
                self._price(usage, attempt.provider, attempt.model, attempt)
                for usage in (Usage(input_tokens=1_000), Usage(output_tokens=1_000))
            ]
            sent, made = costs
            self._rates[key] = None if sent is None else (sent / 1_000, (made or Decimal(0)) / 1_000)
        return self._rates[key]


BUDGETS = _Budgets()


def budget(
    usd: float | str | Decimal,
    *,
    per: Period = "day",
    tz: str = "Asia/Seoul",
    on_exceed: "Literal['raise', 'warn'] | Callable[[Budget, Decimal], None]" = "raise",
    project: str | None = None,
    user: str | None = None,
    node: str | None = None,
    tag: str | None = None,
) -> Budget:
    """Hold the calls of this process to `usd` dollars per hour, day or month of `tz`, or per trace (`per="run"`).

    With a project, user, node or tag it is for those calls alone. `on_exceed` raises `BudgetExceeded` before the call
    is made, logs a warning, or calls a function with the budget and the sum it would come to; if that raises
    `BudgetExceeded`, it reaches the application too.

    Raises:
        ValueError: the amount, the period or the time zone is none, or there are too many budgets.
    """
    amount = Decimal(str(usd))
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"a budget is an amount of dollars, not {usd!r}")
    if per != "run" and per not in _PERIODS:
        raise ValueError(f"per must be hour, day, month or run, not {per!r}")
    if on_exceed not in ("raise", "warn") and not callable(on_exceed):
        raise ValueError("on_exceed must be 'raise', 'warn' or a function")
    try:
        zone = ZoneInfo(tz)
    except (KeyError, ValueError) as error:
        raise ValueError(f"no time zone {tz!r}") from error
    named = {"project": project, "user": user, "node": node, "tag": tag}
    made = Budget(amount, per, zone, on_exceed, {key: value for key, value in named.items() if value is not None})
    BUDGETS.add(made)
    return made


def _default_project() -> str | None:
    try:
        from langsmith.utils import get_tracer_project

        return str(get_tracer_project())
    except Exception as error:  # noqa: BLE001 a wrong setting of langsmith's is not ours to raise
        failed("budget.project", error)
        return None


def _us(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000)
