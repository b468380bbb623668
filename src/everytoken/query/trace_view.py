"""One trace as the page draws it."""

from everytoken.core.charge import Charge
from everytoken.core.lineage import NO_PARENT, THREAD_KEYS, USER_KEYS, Lineage, first_text, trace_lineage
from everytoken.query.charges import charge_row
from everytoken.query.errors import NotFoundError
from everytoken.query.ids import as_uuid
from everytoken.query.rows import Graph, RunRow, TraceRow, TraceView
from everytoken.query.totals import Tally, ms
from everytoken.store.ledger import Ledger


def read_trace(ledger: Ledger, trace_id: str, project: str | None = None) -> TraceView:
    """Runs in tree order with own and subtree numbers, and the charges behind them.

    Raises:
        NotFoundError: no run of that trace is stored.
    """
    wanted = as_uuid(trace_id, field="path.trace_id")
    runs = ledger.read_tree(wanted, project)
    if not runs:
        raise NotFoundError(f"no trace {trace_id}", field="path.trace_id")
    charges = ledger.read_charges(wanted, project)
    lineage = trace_lineage(runs)
    rows = _rows(lineage, charges)
    return TraceView(
        trace=_trace(lineage, charges),
        runs=rows,
        charges=[charge_row(charge) for charge in charges],
        graph=Graph(),
        critical_path=[],
        saved_ms=None,
    )


def _trace(lineage: Lineage, charges: list[Charge]) -> TraceRow:
    root_at = lineage.root()
    root = lineage.runs[root_at if root_at is not None else 0]
    whole = Tally()
    for charge in charges:
        whole.add_charge(charge)
    first_us = root.first_token_us or min(
        (charge.started_us + charge.ttft_us for charge in charges if charge.ttft_us is not None), default=None
    )
    return TraceRow(
        trace_id=root.trace_id,
        project=root.project,
        name=root.name,
        status=root.status,
        start_us=root.start_us,
        duration_ms=ms(root.duration_us),
        ttft_ms=None if first_us is None else ms(first_us - root.start_us),
        runs=len(lineage.runs),
        models=sorted({charge.model for charge in charges if charge.model}),
        thread_id=first_text(root.metadata, THREAD_KEYS),
        user_id=first_text(root.metadata, USER_KEYS),
        tags=sorted(root.tags),
        error=root.error,
        **whole.fields(),
    )


def _rows(lineage: Lineage, charges: list[Charge]) -> list[RunRow]:
    owned: dict[str, list[Charge]] = {}
    for charge in charges:
        owned.setdefault(charge.run_id, []).append(charge)
    own = [Tally() for _run in lineage.runs]
    subtree = [Tally() for _run in lineage.runs]
    for at, run in enumerate(lineage.runs):
        for charge in owned.get(run.run_id, ()):
            own[at].add_charge(charge)
            subtree[at].add_charge(charge)
    for at in reversed(lineage.order):
        if lineage.parents[at] != NO_PARENT:
            subtree[lineage.parents[at]].add(subtree[at])
    began_us = min(run.start_us for run in lineage.runs)
    depths: dict[int, int] = {}
    rows: list[RunRow] = []
    for at in lineage.order:
        run = lineage.runs[at]
        above = lineage.parents[at]
        depths[at] = 0 if above == NO_PARENT else depths[above] + 1
        rows.append(
            RunRow(
                run_id=run.run_id,
                parent_run_id=run.parent_run_id,
                depth=depths[at],
                name=run.name,
                run_type=run.run_type,
                status=run.status,
                node=None,
                is_node=False,
                start_us=run.start_us,
                offset_ms=(run.start_us - began_us) / 1000,
                duration_ms=ms(run.duration_us),
                ttft_ms=None if run.first_token_us is None else ms(run.first_token_us - run.start_us),
                parallel=False,
                critical=False,
                own=own[at].totals(),
                subtree=subtree[at].totals(),
                models=sorted({charge.model for charge in owned.get(run.run_id, ()) if charge.model}),
                charge_keys=[charge.charge_key for charge in owned.get(run.run_id, ())],
                tags=list(run.tags),
                error=run.error,
                flags=list(run.flags),
            )
        )
    return rows
