"""Charges: the lines of the ledger as the API shows them."""

from everytoken.core.charge import Charge
from everytoken.query.cursors import read_cursor, write_cursor
from everytoken.query.ids import as_uuid
from everytoken.query.projects import known_project
from everytoken.query.totals import ms, usd_text
from everytoken.query.trace_rows import ChargeRow, Charges, CostLineRow
from everytoken.query.window import Window
from everytoken.store.columns import read_charge
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger


def list_charges(
    ledger: Ledger,
    control: Control,
    window: Window,
    *,
    project: str | None = None,
    trace_id: str | None = None,
    cursor: str | None = None,
    limit: int,
) -> Charges:
    """A page of charges, newest first, of a project, of a trace, or of both."""
    if project is not None:
        known_project(control, project, field="query.project")
    cursor_us, cursor_id, cursor_key = read_cursor(cursor)
    rows = ledger.select(
        "charge_page",
        project=project,
        trace_id=None if trace_id is None else as_uuid(trace_id, field="query.trace_id"),
        cursor_us=cursor_us,
        cursor_id=cursor_id,
        cursor_key=cursor_key,
        limit=limit + 1,
        **window.params(),
    )
    page = [read_charge(row) for row in rows[:limit]]
    more = len(rows) > limit
    last = page[-1] if more else None
    return Charges(
        charges=[charge_row(charge) for charge in page],
        next=write_cursor(last.started_us, last.trace_id, last.charge_key) if last else None,
    )


def charge_row(charge: Charge) -> ChargeRow:
    usage, cost = charge.usage, charge.cost
    return ChargeRow(
        charge_key=charge.charge_key,
        project=charge.project,
        trace_id=charge.trace_id,
        run_id=charge.run_id,
        run_ids=list(charge.run_ids),
        node=charge.node,
        thread_id=charge.thread_id,
        user_id=charge.user_id,
        release=charge.release,
        call_path=charge.call_path,
        provider=charge.provider,
        request_model=charge.request_model,
        response_model=charge.response_model,
        response_id=charge.response_id,
        tier=usage.tier if usage else None,
        quality=charge.quality,
        layer=charge.layer,
        layers_seen=list(charge.layers_seen),
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        total_tokens=usage.total_tokens if usage else None,
        input_token_details=dict(usage.input_token_details) if usage else {},
        output_token_details=dict(usage.output_token_details) if usage else {},
        meters={name: usd_text(amount) for name, amount in usage.meters.items()} if usage else {},
        cost_usd=None if cost.usd is None else usd_text(cost.usd),
        cost_status=cost.status,
        cost_reason=cost.reason,
        cost_lines=[
            CostLineRow(
                token_class=line.token_class,
                count=usd_text(line.count),
                rate_usd=usd_text(line.rate_usd),
                per=line.per,
                usd=usd_text(line.usd),
            )
            for line in cost.lines
        ],
        price_entry=cost.entry,
        price_source=cost.source,
        status=charge.status,
        started_at=charge.started_us,
        duration_ms=ms(charge.duration_us),
        ttft_ms=ms(charge.ttft_us),
        flags=list(charge.flags),
        raw_usage=dict(usage.raw) if usage else {},
    )
