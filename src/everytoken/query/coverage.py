"""Coverage: per call path, how well its calls are known, why not better, and the cure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from everytoken.core.sums import NOTHING
from everytoken.query.chart_rows import Coverage, CoverageCause, CoverageNote, CoverageRow
from everytoken.query.cures import CURES, Said, cause_of
from everytoken.query.projects import known_project
from everytoken.query.totals import sums_of_row, total_fields
from everytoken.query.window import Window
from everytoken.store.control import Control
from everytoken.store.ledger import Ledger
from everytoken.store.together import together

MAX_PATHS = 500  # a path is provider × API × mode: tens, unless a name is made of request data
MAX_KINDS = 5_000
MAX_EXAMPLES = 3
KINDS = ("usage", "price", "none")
"""Causes in the order in which they are worth curing."""


def read_coverage(ledger: Ledger, control: Control, project: str, window: Window) -> Coverage:
    """The call paths seen, those that need attention first, and what settlement noticed beside them."""
    known_project(control, project)
    params = {"project": project, **window.params()}
    found, kinds, notes, (lost,) = together(
        lambda: ledger.select("coverage_paths", limit=MAX_PATHS, **params),
        lambda: ledger.select("coverage_causes", limit=MAX_KINDS, **params),
        lambda: ledger.select("coverage_notes", **params),
        lambda: ledger.select("coverage_dropped", **params),
    )
    causes = _causes(kinds)
    paths = [_path(row, causes.get(row["call_path"], [])) for row in found]
    paths.sort(key=_urgency)
    return Coverage(
        project=project,
        paths=paths,
        reporting=sum(path.reports for path in paths),
        dropped_by_clients=lost["dropped"] + lost["by_langsmith"],
        dropped_by_langsmith=lost["by_langsmith"],
        notes=[_note(row) for row in notes],
        **total_fields(sum((sums_of_row(row) for row in found), NOTHING)),
    )


def _path(row: Mapping[str, Any], causes: Sequence[CoverageCause]) -> CoverageRow:
    return CoverageRow(
        call_path=row["call_path"],
        reports=all(cause.kind != "usage" for cause in causes),
        first_us=row["first_us"],
        last_us=row["last_us"],
        causes=sorted(causes, key=lambda cause: (KINDS.index(cause.kind), -cause.calls, cause.code)),
        **total_fields(sums_of_row(row)),
    )


def _urgency(path: CoverageRow) -> tuple[bool, bool, int, str]:
    priced = all(cause.kind != "price" for cause in path.causes)
    return path.reports, priced, -path.llm_calls, path.call_path


def _causes(kinds: Sequence[Mapping[str, Any]]) -> dict[str, list[CoverageCause]]:
    """By call path; kinds of one cause become one."""
    by_cause: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for kind in kinds:
        code = cause_of(
            Said(
                call_path=kind["call_path"],
                quality=kind["how_known"],
                unpriced_reason=kind["unpriced_reason"],
                layer=kind["reported_by"],
                status=kind["ended"],
                is_cut=bool(kind["is_cut"]),
                is_one_sided=bool(kind["is_one_sided"]),
            )
        )
        if code is not None:
            by_cause[kind["call_path"], code].append(kind)
    causes: dict[str, list[CoverageCause]] = defaultdict(list)
    for (path, code), members in by_cause.items():
        causes[path].append(_cause(code, members))
    return causes


def _cause(code: str, members: Sequence[Mapping[str, Any]]) -> CoverageCause:
    cure = CURES.get(code, CURES["not_priced"])
    examples = dict.fromkeys(str(trace_id) for member in members for trace_id in member["trace_ids"])
    return CoverageCause(
        code=code,
        kind=cure.kind,
        calls=sum(member["calls"] for member in members),
        first_us=min(member["first_us"] for member in members),
        last_us=max(member["last_us"] for member in members),
        release=min(members, key=lambda member: member["first_us"])["first_release"] or None,
        models=sorted({model for member in members for model in member["models"]}),
        trace_ids=list(examples)[:MAX_EXAMPLES],
        text=cure.text,
        snippet=cure.snippet,
    )


def _note(row: Mapping[str, Any]) -> CoverageNote:
    return CoverageNote(
        kind=row["kind"],
        calls=row["calls"],
        reports=row["reports"],
        first_us=row["first_us"],
        last_us=row["last_us"],
        trace_ids=[str(trace_id) for trace_id in row["trace_ids"]],
    )
