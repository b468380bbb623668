"""`/runs/stats`: one row of figures over all runs a question finds, or one for each group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from everytoken.query.filter.sql import Compiler
from everytoken.query.langsmith_feedback import feedback_stats
from everytoken.query.langsmith_rows import iso
from everytoken.query.langsmith_runs import RunQuestion, RunReader
from everytoken.query.langsmith_sums import NO_CHARGES, RunSums, read_sums, stats_sums
from everytoken.store.annotations import MAX_MATCHED_RUNS
from everytoken.store.reading import sql_text

MAX_GROUPS = 100
ATTRIBUTES = ("name", "run_type", "tag", "metadata")


class GroupError(ValueError):
    """`group_by` asks for something we do not group by."""


@dataclass(frozen=True, slots=True)
class GroupBy:
    attribute: str
    """One of `ATTRIBUTES`."""
    path: str | None = None
    """The key, for metadata."""
    max_groups: int = 5


def run_stats(reader: RunReader, question: RunQuestion) -> dict[str, Any]:
    """The figures of all runs found."""
    return _rows(reader, question, None).get("", _row(None, None, None))


def grouped_stats(reader: RunReader, question: RunQuestion, group: GroupBy) -> dict[str, dict[str, Any]]:
    """Group → figures, the largest groups first.

    Raises:
        GroupError: no such attribute.
    """
    return _rows(reader, question, group)


def stats_by_project(
    reader: RunReader, question: RunQuestion
) -> tuple[dict[str, Mapping[str, Any]], dict[str, RunSums]]:
    """Of the runs found, project → a row for `figures`, and project → what they were charged."""
    compiler, condition = reader.condition(question)
    if condition is None:
        return {}, {}
    fragments = {"where": condition, "key": "project", "rollup": sql_text("langsmith_rollup")}
    most = len(compiler.params["projects"])
    runs = reader.ledger.select("langsmith_stats_runs", fragments, max_groups=most, **compiler.params)
    charges = reader.ledger.select("langsmith_stats_charges", fragments, **compiler.params)
    return (
        {row["group_key"]: row for row in runs},
        {row["group_key"]: read_sums(row) for row in charges},
    )


def _rows(reader: RunReader, question: RunQuestion, group: GroupBy | None) -> dict[str, dict[str, Any]]:
    compiler, condition = reader.condition(question)
    if condition is None:
        return {}
    key = _key(group, compiler) if group else "''"
    fragments = {"where": condition, "key": key, "rollup": sql_text("langsmith_rollup")}
    max_groups = min(group.max_groups, MAX_GROUPS) if group else 1
    runs = reader.ledger.select("langsmith_stats_runs", fragments, max_groups=max_groups, **compiler.params)
    charges = _by_key(reader.ledger.select("langsmith_stats_charges", fragments, **compiler.params))
    spread = _by_key(reader.ledger.select("langsmith_stats_tokens", fragments, **compiler.params))
    rows = {row["group_key"]: _row(row, charges.get(row["group_key"]), spread.get(row["group_key"])) for row in runs}
    for group_key, told in _told(reader, fragments, compiler).items():
        if group_key in rows:
            rows[group_key]["feedback_stats"] = feedback_stats(told)
    return rows


def _told(reader: RunReader, fragments: Mapping[str, str], compiler: Compiler) -> dict[str, list[dict[str, Any]]]:
    """Group → the feedback on its runs."""
    by_run: dict[str, list[dict[str, Any]]] = {}
    for name in compiler.params["projects"]:
        project = reader.control.project(name)
        if project is not None:
            for body in reader.control.annotations.feedback_of_session(project.project_id, own=False):
                by_run.setdefault(body["run_id"], []).append(body)
    found: dict[str, list[dict[str, Any]]] = {}
    if by_run:
        told = list(by_run)[:MAX_MATCHED_RUNS]
        for row in reader.ledger.select("langsmith_stats_told", fragments, told=told, **compiler.params):
            found.setdefault(row["group_key"], []).extend(by_run[str(row["run_id"])])
    return found


def _by_key(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["group_key"]: row for row in rows}


def _key(group: GroupBy, compiler: Compiler) -> str:
    if group.attribute in ("name", "run_type"):
        return f"{group.attribute}.2"
    if group.attribute == "tag":
        return "arrayJoin(if(empty(tags.2), [''], tags.2))"
    if group.attribute == "metadata" and group.path:
        return f"JSONExtractString(metadata.2, {compiler.bind(group.path, 'String')})"
    raise GroupError(f"cannot group by {group.attribute!r}; known are {', '.join(ATTRIBUTES)}, metadata with a path")


def figures(runs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Count, latency and errors of a row over runs; unknown is null."""
    count = runs["runs"] if runs else 0
    latency = runs["latencies_s"] if runs and runs["ended"] else (None, None)
    first = runs["first_tokens_s"] if runs and runs["streamed"] else (None, None)
    return {
        "run_count": count,
        "latency_p50": latency[0],
        "latency_p99": latency[1],
        "first_token_p50": first[0],
        "first_token_p99": first[1],
        "last_run_start_time": iso(runs["last_run_us"]) if runs and count else None,
        "error_rate": runs["errors"] / count if runs and count else None,
        "streaming_rate": runs["streamed"] / count if runs and count else None,
        "run_facets": [],
    }


def _row(
    runs: Mapping[str, Any] | None, charges: Mapping[str, Any] | None, spread: Mapping[str, Any] | None
) -> dict[str, Any]:
    sums = read_sums(charges) if charges else NO_CHARGES
    prompt, completion = _spread(spread, "prompts", "prompt"), _spread(spread, "completions", "completion")
    total, cost = _spread(spread, "totals", "total"), _spread(spread, "priced", "cost")
    return {
        **figures(runs),
        **stats_sums(sums),
        "median_tokens": total[0],
        "prompt_tokens_p50": prompt[0],
        "completion_tokens_p50": completion[0],
        "tokens_p99": total[1],
        "prompt_tokens_p99": prompt[1],
        "completion_tokens_p99": completion[1],
        "cost_p50": cost[0],
        "cost_p99": cost[1],
        "feedback_stats": {},
    }


def _spread(spread: Mapping[str, Any] | None, known: str, name: str) -> tuple[float | None, float | None]:
    """Median and 99th percentile over the runs of which it is known."""
    return spread[name] if spread and spread[known] else (None, None)
