"""Projects as LangSmith's clients know them: sessions, with statistics on demand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from everytoken.query.filter.fields import PAIRS, Kind
from everytoken.query.filter.rows import Plain, Row
from everytoken.query.filter.tree import Compare, Expression, leaves
from everytoken.query.filter.values import name_of
from everytoken.query.langsmith_feedback import feedback_stats
from everytoken.query.langsmith_rows import iso
from everytoken.query.langsmith_runs import RunQuestion, RunReader
from everytoken.query.langsmith_stats import figures, stats_by_project
from everytoken.query.langsmith_sums import NO_CHARGES, RunSums, read_sums, v1_sums
from everytoken.query.window import MIN_US, parse_instant
from everytoken.store.control import Project

SORTS = {
    "name": "name", "start_time": "start_time", "last_run_start_time": "last_run_start_time",
    "latency_p50": "latency_p50", "latency_p99": "latency_p99", "error_rate": "error_rate",
    "runs_count": "run_count", "run_count": "run_count", "feedback": "feedback",
}  # fmt: skip
BY_STATS = frozenset(SORTS) - {"name", "start_time"}
MAX_FACETS = 20
"""Values of one facet."""
_FACETS = {
    "name": "eq(name, {})", "run_type": "eq(run_type, {})", "status": "eq(status, {})", "tag": "has(tags, {})",
    "metadata_key": "eq(metadata_key, {})",
}  # fmt: skip

_TOLD: dict[str, Kind] = {
    "id": "id", "name": "text", "description": "text", "type": "text", "trace_tier": "text",
    "start_time": "time", "end_time": "time", "reference_dataset_id": "id", "reference_dataset": "id",
}  # fmt: skip
_FIGURES: dict[str, Kind] = {
    "last_run_start_time": "time", "run_count": "number", "error_rate": "number", "streaming_rate": "number",
    "latency_p50": "seconds", "latency_p99": "seconds", "first_token_p50": "seconds", "first_token_p99": "seconds",
    "total_tokens": "number", "prompt_tokens": "number", "completion_tokens": "number",
    "total_cost": "number", "prompt_cost": "number", "completion_cost": "number",
}  # fmt: skip
PROJECT_FILTER = Plain({**_TOLD, **_FIGURES})
"""What a filter over projects may speak of, beside metadata and feedback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsQuestion:
    """What the statistics of projects are made of."""

    from_us: int | None = None
    filter: str | None = None
    """Of root runs: figures, tokens and costs of those it finds alone."""
    facets: bool = False


def session_rows(
    reader: RunReader, projects: Sequence[Project], *, stats: bool, asked: StatsQuestion | None = None
) -> list[dict[str, Any]]:
    """One row a project. Counts and latency are of root runs, tokens and cost of all charges.

    Raises:
        FilterError: the filter of the statistics is wrong.
    """
    rows = [_session(reader.control.tenant_id, project) for project in projects]
    if not stats or not projects:
        return rows
    asked = asked or StatsQuestion()
    runs, charges = _figures(reader, projects, asked)
    facets = _facets(reader, projects, asked.from_us) if asked.facets else {}
    told = reader.control.annotations
    for project, row in zip(projects, rows, strict=True):
        row.update(figures(runs.get(project.name)))
        row.update(v1_sums(charges.get(project.name, NO_CHARGES)))
        row["last_run_start_time_live"] = row["last_run_start_time"]
        row["run_facets"] = facets.get(project.name, [])
        row["feedback_stats"] = feedback_stats(told.feedback_of_session(project.project_id, own=False))
        row["session_feedback_stats"] = feedback_stats(told.feedback_of_session(project.project_id, own=True))
    return rows


def sorted_rows(
    rows: list[dict[str, Any]], by: str, *, descending: bool, feedback: tuple[str, str] = ("feedback_stats", "")
) -> list[dict[str, Any]]:
    """In the order of one field; what is not known comes last either way.

    `feedback` says, for the order by feedback, in which field of the row which key is looked up.
    """
    name = SORTS[by]

    def held(row: dict[str, Any]) -> Any:
        if name == "feedback":
            return row.get(feedback[0], {}).get(feedback[1], {}).get("avg")
        return row.get(name)

    known = sorted((row for row in rows if held(row) is not None), key=held, reverse=descending)
    return known + [row for row in rows if held(row) is None]


def needs_stats(expression: Expression) -> bool:
    """Whether a filter over projects asks for what only statistics know."""
    names = [name_of(leaf.name) for leaf in leaves(expression) if isinstance(leaf, Compare)]
    return any(name in _FIGURES or (name in PAIRS and PAIRS[name].family == "feedback") for name in names)


def filter_row(row: Mapping[str, Any]) -> Row:
    """A row of `session_rows` as a filter sees it."""
    values = {name: row.get(name) for name in (*_TOLD, *_FIGURES)}
    for name, kind in PROJECT_FILTER.fields.items():
        held = values[name]
        if held is not None and kind == "time":
            values[name] = _instant(held)
        elif held is not None and kind == "number":
            values[name] = float(held)
    values["type"] = kind_of(row)
    values["reference_dataset"] = row.get("reference_dataset_id")
    feedback = {**row.get("feedback_stats", {}), **row.get("session_feedback_stats", {})}
    return Row(values, (row.get("extra") or {}).get("metadata") or {}, feedback)


def _instant(held: object) -> int | None:
    try:
        return parse_instant(str(held))
    except ValueError:  # kept as a client wrote it
        return None


def kind_of(told: Mapping[str, Any]) -> str:
    """PROJECT, AGENT or EXPERIMENT: as it was said, else by whether it belongs to a dataset."""
    return str(told.get("type") or ("EXPERIMENT" if told.get("reference_dataset_id") else "PROJECT"))


def _figures(
    reader: RunReader, projects: Sequence[Project], asked: StatsQuestion
) -> tuple[Mapping[str, Mapping[str, Any]], Mapping[str, RunSums]]:
    names = tuple(project.name for project in projects)
    if asked.filter:
        question = RunQuestion(projects=names, is_root=True, from_us=asked.from_us, filter=asked.filter)
        return stats_by_project(reader, question)
    scope = {"projects": list(names), "from_us": MIN_US if asked.from_us is None else asked.from_us}
    runs = {row["project"]: row for row in reader.ledger.select("langsmith_project_runs", **scope)}
    charges = {row["project"]: read_sums(row) for row in reader.ledger.select("langsmith_project_charges", **scope)}
    return runs, charges


def _facets(reader: RunReader, projects: Sequence[Project], from_us: int | None) -> dict[str, list[dict[str, Any]]]:
    """Project → the values its root runs carry most, each with the filter that finds them."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = reader.ledger.select(
        "langsmith_project_facets",
        projects=[project.name for project in projects],
        from_us=MIN_US if from_us is None else from_us,
        k=MAX_FACETS,
    )
    for row in rows:
        query = _FACETS[row["key"]].format(json.dumps(row["value"], ensure_ascii=False))
        facet = {"key": row["key"], "value": row["value"], "n": row["n"], "query": query}
        found.setdefault(row["project"], []).append(facet)
    return found


def _session(tenant_id: str, project: Project) -> dict[str, Any]:
    told = project.details
    return {
        "id": project.project_id,
        "tenant_id": tenant_id,
        "name": project.name,
        "type": told.get("type"),
        "start_time": told.get("start_time") or iso(project.created_us),
        "end_time": told.get("end_time"),
        "description": told.get("description"),
        "extra": told.get("extra"),
        "default_dataset_id": told.get("default_dataset_id"),
        "reference_dataset_id": told.get("reference_dataset_id"),
        "trace_tier": told.get("trace_tier") or "longlived",
        "longlived_ttl_days": told.get("longlived_ttl_days"),
        "test_run_number": None,
    }
