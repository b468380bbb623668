"""One trace in memory to what the ledger has to be told: runs, charges, and charges that are no more."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from everytoken.core.charge import Charge, Evidence
from everytoken.core.extract import evidence_of
from everytoken.core.pricing import Pricer, price_charge
from everytoken.core.run import Run
from everytoken.core.settle import Settlement, settle
from everytoken.ingest.counters import Counters
from everytoken.ingest.estimating import Estimator
from everytoken.ingest.masking import Mask
from everytoken.ingest.nodes import with_nodes
from everytoken.ingest.trace_fold import TraceFold
from everytoken.store.retention import CONTENT_DROPPED
from everytoken.store.rows import ChargeRef, SettledRun

Settle = Callable[[Iterable[Run], Callable[[Run], tuple[Evidence, ...]]], Settlement]

log = logging.getLogger("everytoken.ingest")


@dataclass(slots=True)
class Changes:
    """What one trace's settlement changed."""

    trace: TraceFold
    runs: list[SettledRun] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    gone: list[ChargeRef] = field(default_factory=list)
    kept: dict[str, tuple[Charge, Charge]] = field(default_factory=dict)
    refs: set[ChargeRef] = field(default_factory=set)

    def confirm(self) -> None:
        """The ledger has it."""
        self.trace.charges = self.kept
        self.trace.refs = self.refs
        for settled in self.runs:
            self.trace.runs[settled.run.run_id].written = settled


def settle_trace(
    trace: TraceFold,
    pricer: Pricer,
    counters: Counters,
    settle: Settle = settle,
    mask: Mask | None = None,
    estimator: Estimator | None = None,
) -> Changes:
    """Build, mask, settle and price one trace. A trace that cannot be settled keeps its runs and the charges it had."""
    trace.build()
    if mask is not None:
        _mask(trace, mask)
    runs = [fold.run for fold in trace.runs.values() if fold.run is not None]
    changes = Changes(trace, runs=_changed_runs(trace, runs))
    try:
        settlement = settle(runs, lambda run: _evidence(trace, run))
    except Exception:  # one trace's content must not stop the others; counted and logged
        counters.settle_failures += 1
        log.exception("trace %s could not be settled; its runs are stored, its charges are as before", trace.trace_id)
        changes.kept, changes.refs = trace.charges, trace.refs
        return changes
    dropped = {fold.run_id for fold in trace.runs.values() if fold.run and CONTENT_DROPPED in fold.run.flags}
    for charge in settlement.charges:
        if not dropped.isdisjoint(charge.run_ids):
            continue  # what it was charged left with its content; the ledger still has the charge
        known = trace.charges.get(charge.charge_key)
        if known is None or known[0] != charge:
            told = charge if estimator is None else _estimated(trace, charge, estimator, known)
            known = (charge, _priced(told, pricer, counters))
            changes.charges.append(known[1])
        changes.kept[charge.charge_key] = known
        changes.refs.add(ChargeRef(charge.project, trace.trace_id, charge.charge_key, charge.started_us))
    if dropped:
        changes.refs |= trace.refs
    changes.gone = sorted(trace.refs - changes.refs, key=lambda ref: ref.charge_key)
    # A write that fails may still have stored some of them: from here on they count as known to the ledger.
    trace.refs = trace.refs | changes.refs
    return changes


def _estimated(trace: TraceFold, charge: Charge, estimator: Estimator, known: tuple[Charge, Charge] | None) -> Charge:
    fold = trace.runs.get(charge.run_id)
    run = fold.run if fold is not None and not fold.hollow else None
    return estimator.estimate(charge, run, None if known is None else known[1])


def _mask(trace: TraceFold, mask: Mask) -> None:
    """Mask the runs that were built just now, once what they were charged has been read from them."""
    for fold in trace.runs.values():
        if fold.run is not None and fold.evidence is None and fold.written is None:
            masked = mask(fold.run)
            if masked is not fold.run:
                _evidence(trace, fold.run)
                fold.run = masked


def _changed_runs(trace: TraceFold, runs: list[Run]) -> list[SettledRun]:
    """Runs that the ledger does not have as they are now; a node may change when a parent comes late."""
    changed = []
    for settled in with_nodes(runs):
        written = trace.runs[settled.run.run_id].written
        if written is None or (written.node, written.is_node) != (settled.node, settled.is_node):
            changed.append(settled)
    return changed


def _evidence(trace: TraceFold, run: Run) -> tuple[Evidence, ...]:
    """Read once for each version of a run: a moving trace is settled many times."""
    fold = trace.runs[run.run_id]
    if fold.evidence is None:
        fold.evidence = evidence_of(run)
    return fold.evidence


def _priced(charge: Charge, pricer: Pricer, counters: Counters) -> Charge:
    try:
        return price_charge(charge, pricer)
    except Exception:  # the charge and its tokens count without a price; counted and logged
        counters.price_failures += 1
        log.exception("charge %s of trace %s could not be priced", charge.charge_key, charge.trace_id)
        return charge
