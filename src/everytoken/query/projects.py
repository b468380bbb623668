"""Projects and their totals over a window."""

from collections.abc import Mapping
from typing import Any

from everytoken.query.errors import NotFoundError
from everytoken.query.rows import ProjectRow, Projects, Summary
from everytoken.query.totals import quantiles_ms, sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.control import DEFAULT_PROJECT, Control, Project
from everytoken.store.ledger import Ledger
from everytoken.store.together import together


def known_project(control: Control, name: str, *, field: str = "path.project") -> Project:
    """The project of that name.

    Raises:
        NotFoundError: nothing was ever sent to it.
    """
    found = control.project(name)
    if found is None:
        raise NotFoundError(f"no project {name[:200]!r}", field=field, hint="a project appears with its first run")
    return found


def list_projects(ledger: Ledger, control: Control, window: Window) -> Projects:
    """Every project, the one that moved last first."""
    by_name = _figures(ledger, window, None)
    rows = [
        ProjectRow(
            project_id=project.project_id,
            created_us=project.created_us,
            last_run_us=by_name.get(project.name, {}).get("last_run_us"),
            **_summary_fields(project.name, window, by_name.get(project.name, {})),
        )
        for project in control.projects()
        # It exists from the start, and is nobody's until something is sent to it.
        if project.name != DEFAULT_PROJECT or project.name in by_name or ledger.has_runs(project.name)
    ]
    rows.sort(key=lambda row: (row.last_run_us or row.created_us, row.project), reverse=True)
    return Projects(projects=rows)


def summary(ledger: Ledger, control: Control, project: str, window: Window) -> Summary:
    """The totals of one project."""
    known_project(control, project)
    figures = _figures(ledger, window, project).get(project, {})
    return Summary(**_summary_fields(project, window, figures))


def _figures(ledger: Ledger, window: Window, project: str | None) -> dict[str, dict[str, Any]]:
    params = {"project": project, **window.params()}
    figures: dict[str, dict[str, Any]] = {}
    for rows in together(
        lambda: ledger.select("project_runs", **params),
        lambda: ledger.select("project_roots", **params),
        lambda: ledger.select("project_charges", **params),
    ):
        for row in rows:
            figures.setdefault(row["project"], {}).update(row)
    return figures


def _summary_fields(project: str, window: Window, figures: Mapping[str, Any]) -> dict[str, Any]:
    p50_ms, p95_ms = quantiles_ms(figures)
    return {
        "project": project,
        "traces": figures.get("traces", 0),
        "runs": figures.get("runs", 0),
        "errors": figures.get("errors", 0),
        "p50_ms": p50_ms,
        "p95_ms": p95_ms,
        "from_us": window.from_us,
        "to_us": window.to_us,
        **total_fields(sums_of_row(figures if "llm_calls" in figures else None)),
    }
