"""Sums over charges as rows show them. `store/sql/totals.sql` is the SQL twin of `core.sums`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from everytoken.core.sums import NOTHING, Sums
from everytoken.query.rows import QualityCounts, Totals


def sums_of_row(row: Mapping[str, Any] | None) -> Sums:
    """The sums of a SQL row that selected `totals.sql`; no row is no charge."""
    if row is None:
        return NOTHING
    return Sums(
        llm_calls=row["llm_calls"],
        input_tokens=row["input_sum"],
        output_tokens=row["output_sum"],
        cache_read_tokens=row["cache_read_sum"],
        reasoning_tokens=row["reasoning_sum"],
        cost_known_usd=row["known_usd"] or Decimal(0),
        unpriced_calls=row["unpriced"],
        exact=row["exact"],
        partial=row["partial"],
        estimated=row["estimated"],
        missing=row["missing"],
    )


def total_fields(sums: Sums) -> dict[str, Any]:
    """Keyword arguments of `Totals` and of every row that extends it."""
    return {
        "llm_calls": sums.llm_calls,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "total_tokens": sums.total_tokens,
        "cache_read_tokens": sums.cache_read_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "cost_usd": None if sums.cost_usd is None else usd_text(sums.cost_usd),
        "cost_known_usd": usd_text(sums.cost_known_usd),
        "unpriced_calls": sums.unpriced_calls,
        "quality": QualityCounts(
            exact=sums.exact, partial=sums.partial, estimated=sums.estimated, missing=sums.missing
        ),
    }


def totals(sums: Sums | None) -> Totals:
    """The row of `sums`; most runs of a trace own nothing, and share one row that says so."""
    return NO_TOTALS if sums is None or sums is NOTHING else Totals(**total_fields(sums))


def usd_text(usd: Decimal) -> str:
    """Decimal text without exponent and without trailing zeros: `0.011284`, `12`, `0`."""
    text = format(usd, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole else None


def ms(duration_us: float | None) -> float | None:
    return None if duration_us is None else duration_us / 1000


def quantiles_ms(row: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    """Median and 95th percentile of a row's durations; unknown when none has ended, where SQL says 0."""
    if row is None or not row.get("ended"):
        return None, None
    p50_ms, p95_ms = row["durations_ms"]
    return p50_ms, p95_ms


NO_TOTALS = Totals(**total_fields(NOTHING))


def latencies(row: Mapping[str, Any]) -> dict[str, Any]:
    """The percentiles of a row that selected `latency.sql`: of durations, and of times to the first token."""
    p50_ms, p95_ms = quantiles_ms(row)
    ttft_p50_ms, ttft_p95_ms = row["ttfts_ms"] if row["begun"] else (None, None)
    return {"p50_ms": p50_ms, "p95_ms": p95_ms, "ttft_p50_ms": ttft_p50_ms, "ttft_p95_ms": ttft_p95_ms}
