"""Models over a window."""

from decimal import Decimal

from everytoken.query.projects import known_project
from everytoken.query.rows import ModelRow, Models
from everytoken.query.totals import finite, share, tally
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_MODELS = 1000


def list_models(ledger: Ledger, control: Control, project: str, window: Window) -> Models:
    """The dearest first."""
    known_project(control, project)
    found = ledger.select("model_charges", project=project, limit=MAX_MODELS, **window.params())
    whole = sum((row["known_usd"] for row in found), Decimal(0))
    rows = [
        ModelRow(
            provider=row["provider"],
            model=row["model"],
            errors=row["errors"],
            p50_ms=finite(row["durations_ms"][0]),
            p95_ms=finite(row["durations_ms"][1]),
            ttft_p50_ms=finite(row["ttfts_ms"][0]),
            share=share(row["known_usd"], whole),
            **tally(row).fields(),
        )
        for row in found
    ]
    return Models(project=project, models=rows)
