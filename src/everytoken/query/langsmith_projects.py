"""Projects as LangSmith's clients know them: sessions, with statistics on demand."""

from collections.abc import Sequence
from typing import Any

from everytoken.query.langsmith_feedback import feedback_stats
from everytoken.query.langsmith_rows import iso
from everytoken.query.langsmith_stats import figures
from everytoken.query.langsmith_sums import NO_CHARGES, RunSums, read_sums, v1_sums
from everytoken.query.window import MIN_US
from everytoken.store.control import Control, Project
from everytoken.store.ledger import Ledger

SORTS = {
    "name": "name", "start_time": "start_time", "last_run_start_time": "last_run_start_time",
    "latency_p50": "latency_p50", "latency_p99": "latency_p99", "error_rate": "error_rate",
    "runs_count": "run_count", "run_count": "run_count",
}  # fmt: skip
BY_STATS = frozenset(SORTS) - {"name", "start_time"}


def session_rows(
    ledger: Ledger, control: Control, projects: Sequence[Project], *, stats: bool, from_us: int | None = None
) -> list[dict[str, Any]]:
    """One row a project. Counts and latency are of root runs, tokens and cost of all charges."""
    rows = [_session(control, project) for project in projects]
    if not stats or not projects:
        return rows
    scope = {"projects": [project.name for project in projects], "from_us": MIN_US if from_us is None else from_us}
    runs = {row["project"]: row for row in ledger.select("langsmith_project_runs", **scope)}
    charges: dict[str, RunSums] = {
        row["project"]: read_sums(row) for row in ledger.select("langsmith_project_charges", **scope)
    }
    for project, row in zip(projects, rows, strict=True):
        told = control.annotations
        row.update(figures(runs.get(project.name)))
        row.update(v1_sums(charges.get(project.name, NO_CHARGES)))
        row["last_run_start_time_live"] = row["last_run_start_time"]
        row["feedback_stats"] = feedback_stats(told.feedback_of_session(project.project_id, own=False))
        row["session_feedback_stats"] = feedback_stats(told.feedback_of_session(project.project_id, own=True))
    return rows


def sorted_rows(rows: list[dict[str, Any]], by: str, *, descending: bool) -> list[dict[str, Any]]:
    """In the order of one field; what is not known comes last either way."""
    name = SORTS[by]
    known = sorted((row for row in rows if row.get(name) is not None), key=lambda r: r[name], reverse=descending)
    return known + [row for row in rows if row.get(name) is None]


def _session(control: Control, project: Project) -> dict[str, Any]:
    told = project.details
    return {
        "id": project.project_id,
        "tenant_id": control.tenant_id,
        "name": project.name,
        "start_time": told.get("start_time") or iso(project.created_us),
        "end_time": told.get("end_time"),
        "description": told.get("description"),
        "extra": told.get("extra"),
        "default_dataset_id": told.get("default_dataset_id"),
        "reference_dataset_id": told.get("reference_dataset_id"),
        "trace_tier": told.get("trace_tier") or "longlived",
        "test_run_number": None,
    }
