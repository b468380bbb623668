"""The live feed's picture of one trace: the fields of `query.trace_rows.TraceRow`, from what is in memory."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from everytoken.core.charge import Charge
from everytoken.core.lineage import THREAD_KEYS, USER_KEYS, first_text
from everytoken.core.run import Run
from everytoken.core.sums import sums_of
from everytoken.core.trace import first_seen_us
from everytoken.ingest.trace_fold import TraceFold
from everytoken.store.preview import preview

MAX_ERROR = 2_000
"""Characters of an error in the feed; the whole is on the run."""


def trace_row(trace: TraceFold) -> dict[str, Any] | None:
    """The trace with its totals so far; `None` until a run of it is known."""
    runs = [fold.run for fold in trace.runs.values() if fold.run is not None]
    if not runs:
        return None
    root = next((run for run in runs if run.run_id == trace.trace_id), None) or min(runs, key=_rank)
    charges = [priced for _, priced in trace.charges.values()]
    first_us = first_seen_us(runs, root)
    return {
        "trace_id": trace.trace_id,
        "project": root.project,
        "name": root.name,
        "status": root.status,
        "start_us": root.start_us,
        "duration_ms": None if root.duration_us is None else root.duration_us / 1000,
        "ttft_ms": None if first_us is None else (first_us - root.start_us) / 1000,
        "runs": len(runs),
        "models": sorted({charge.model for charge in charges if charge.model}),
        "thread_id": first_text(root.metadata, THREAD_KEYS),
        "user_id": first_text(root.metadata, USER_KEYS),
        "tags": sorted(root.tags),
        "input_preview": preview(root.inputs),
        "output_preview": preview(root.outputs),
        "error": None if root.error is None else root.error[:MAX_ERROR],
        "rootless": not root.is_root,
        **_totals(charges),
    }


def _rank(run: Run) -> tuple[bool, int, str]:
    """Roots first, then the earliest."""
    return not run.is_root, run.start_us, run.run_id


def _totals(charges: Iterable[Charge]) -> dict[str, Any]:
    sums = sums_of(charges)
    return {
        "llm_calls": sums.llm_calls,
        "input_tokens": sums.input_tokens,
        "output_tokens": sums.output_tokens,
        "total_tokens": sums.total_tokens,
        "cache_read_tokens": sums.cache_read_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "cost_usd": None if sums.cost_usd is None else _usd_text(sums.cost_usd),
        "cost_known_usd": _usd_text(sums.cost_known_usd),
        "unpriced_calls": sums.unpriced_calls,
        "quality": {
            "exact": sums.exact,
            "partial": sums.partial,
            "estimated": sums.estimated,
            "missing": sums.missing,
        },
    }


def _usd_text(usd: Decimal) -> str:
    text = format(usd, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
