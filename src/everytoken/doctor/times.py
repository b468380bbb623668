"""S6, S7 and the age of P4's price table: clocks that differ, charges that come late, prices nobody looked at."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from everytoken.catalog import library
from everytoken.doctor.api import Api, ApiError
from everytoken.doctor.finding import Finding, ok, skipped

SKEW_MAX_S = 5.0  # the header tells whole seconds; a run that seems to start in the future is sorted wrongly
LAG_MAX_MS = 10_000  # ended traces are settled within the flush interval, a quarter of a second
OVERRIDE_MAX_DAYS = 180  # providers changed the price of a listed model about twice a year
LIBRARY_MAX_DAYS = 120  # the list had a dated change in each of the four months before 2026-11

MAX_OVERRIDES = 1_000


def check_times(api: Api, counters: Mapping[str, int], clock: Callable[[], float] = time.time) -> list[Finding]:
    """S6 and S7."""
    return [_skew(api, clock), _lag(counters)]


def _skew(api: Api, clock: Callable[[], float]) -> Finding:
    what = "The clocks of server and sender agree"
    try:
        skew_s = api.clock_skew_s(clock)
    except ApiError as error:
        return Finding("S6", "unknown", what, str(error))
    if skew_s is None:
        return skipped("S6", what, "the answer tells no time; a proxy may have taken it out")
    evidence = f"the server is {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}"
    if abs(skew_s) <= SKEW_MAX_S:
        return ok("S6", what, evidence)
    cause = (
        "Runs carry the sender's time: they land in the wrong bucket, and live views show them late or in the future."
    )
    return Finding("S6", "problem", what, evidence, cause, "timedatectl set-ntp true   # on the machine that is wrong")


def _lag(counters: Mapping[str, int]) -> Finding:
    what = "What has arrived is settled soon"
    lag_ms = counters.get("settle_lag_ms")
    if lag_ms is None:
        return skipped("S7", what, "the server is older than this check")
    evidence = f"the oldest body waits for {lag_ms / 1000:.1f} s"
    if lag_ms <= LAG_MAX_MS:
        return ok("S7", what, evidence)
    failures = counters.get("ledger_failures", 0)
    cause = (
        f"The ledger refused {failures:,} flushes; what is acknowledged waits in the journal."
        if failures
        else "More comes in than is settled; budgets and alerts see it late."
    )
    return Finding("S7", "problem", what, evidence, cause, "EVERYTOKEN_LOG_LEVEL=info everytoken serve")


def check_price_age(api: Api, today: date | None = None) -> list[Finding]:
    """P4's second half: overrides that were not checked for long, and a price list without a change for long."""
    today = today or datetime.now(UTC).date()
    what = "The price table is young"
    try:
        rows = api.ask("/prices", limit=MAX_OVERRIDES)["prices"]
    except ApiError as error:
        return [Finding("P4", "unknown", what, str(error))]
    checked = [(date.fromisoformat(row["checked"]), row) for row in rows if row["checked"]]
    old = sorted((day, row["provider"], row["model"]) for day, row in checked if (today - day).days > OVERRIDE_MAX_DAYS)
    findings = []
    if old:
        day, provider, model = old[0]
        evidence = f"{len(old)} overrides, the oldest {provider}/{model} checked {day}"
        cause = f"Prices that were typed in are looked at again after {OVERRIDE_MAX_DAYS} days, or they are guesses."
        cure = "everytoken prices list   # look each up at its source, and write the new `checked` date"
        findings.append(Finding("P4", "problem", what, evidence, cause, cure))
    findings.append(_library_age(rows, today))
    return findings


def _library_age(rows: list[dict[str, str | None]], today: date) -> Finding:
    what = "The price list is young"
    sources = {row["source"] for row in rows if row["checked"] is None}
    if sources and library.SOURCE not in sources:
        return skipped(
            "P4", what, f"the server has {', '.join(sorted(filter(None, sources)))}, here is {library.SOURCE}"
        )
    newest = library.newest_change(today)
    if newest is None:
        return skipped("P4", what, f"{library.SOURCE} names no date")
    days = (today - newest).days
    evidence = f"{library.SOURCE}, the latest dated change {newest} ({days} days ago)"
    if days <= LIBRARY_MAX_DAYS:
        return ok("P4", what, evidence)
    cause = "Models and prices of the months since may be missing or wrong."
    return Finding("P4", "problem", what, evidence, cause, "pip install --upgrade genai-prices everytoken")
