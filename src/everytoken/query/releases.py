"""Releases of the application over a window: since when each makes calls, and what it spent. Charges decide all."""

from everytoken.query.chart_rows import ReleaseRow, Releases
from everytoken.query.projects import known_project
from everytoken.query.totals import sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger

MAX_RELEASES = 1_000
"""Of a window; more are commits of many machines, and no marks on a chart."""


def list_releases(ledger: Ledger, control: Control, project: str, window: Window, *, limit: int) -> Releases:
    """The newest first. A release begins with its first call ever, which may be long before the window."""
    known_project(control, project)
    found = ledger.select("releases", project=project, limit=MAX_RELEASES + 1, **window.params())
    earlier = _earlier(ledger, project, window, [row["named"] for row in found])
    rows = [
        ReleaseRow(
            release=row["named"],
            first_us=earlier.get(row["named"], row["first_us"]),
            last_us=row["last_us"],
            **total_fields(sums_of_row(row)),
        )
        for row in found
    ]
    rows.sort(key=lambda row: (-row.first_us, row.release))
    return Releases(project=project, releases=rows[:limit], truncated=len(rows) > limit)


def _earlier(ledger: Ledger, project: str, window: Window, releases: list[str]) -> dict[str, int]:
    if window.from_us is None or not releases:
        return {}
    rows = ledger.select("releases_before", project=project, from_us=window.from_us, releases=releases)
    return {row["named"]: row["first_us"] for row in rows}
