"""Models over a window."""

from decimal import Decimal

from everytoken.query.projects import known_project
from everytoken.query.rows import ModelRow, Models
from everytoken.query.totals import quantiles_ms, share, sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_MODELS = 1000


def list_models(ledger: Ledger, control: Control, project: str, window: Window) -> Models:
    """The dearest first."""
    known_project(control, project)
    found = ledger.select("model_charges", project=project, limit=MAX_MODELS + 1, **window.params())
    sums = [sums_of_row(row) for row in found]
    whole = sum((held.cost_known_usd for held in sums), Decimal(0))
    rows = [
        ModelRow(
            provider=row["provider"] or None,
            model=row["model"] or None,
            errors=row["errors"],
            p50_ms=quantiles_ms(row)[0],
            p95_ms=quantiles_ms(row)[1],
            ttft_p50_ms=row["ttfts_ms"][0] if row["begun"] else None,
            share=share(held.cost_known_usd, whole),
            **total_fields(held),
        )
        for row, held in zip(found, sums, strict=True)
    ]
    return Models(project=project, models=rows[:MAX_MODELS], truncated=len(rows) > MAX_MODELS)
