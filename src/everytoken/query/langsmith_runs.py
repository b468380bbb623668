"""Pages of runs for LangSmith's read API: one engine under v1 and v2."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from everytoken.core.run import Run
from everytoken.query.cursors import read_cursor, write_cursor
from everytoken.query.errors import CursorError, NotFoundError
from everytoken.query.filter.feedback import FeedbackRuns
from everytoken.query.filter.fields import FIELDS, PAIRS, THREAD_SQL, Field
from everytoken.query.filter.parse import parse
from everytoken.query.filter.sql import Compiler
from everytoken.query.filter.tree import Compare, leaves
from everytoken.query.filter.values import name_of
from everytoken.query.ids import as_uuid
from everytoken.query.langsmith_sums import NO_CHARGES, RunSums, read_sums
from everytoken.query.window import MAX_US, MIN_US
from everytoken.store.columns import known, read_run
from everytoken.store.control import Control, Project
from everytoken.store.ledger import Ledger
from everytoken.store.reading import sql_text

MAX_IDS = 1_000
CLOCKS_DIFFER_US = 3_600_000_000
"""How much earlier than its root a charge may claim to start: clocks of two machines in one trace may differ."""
PAYLOAD_COLUMNS = ("inputs", "outputs", "events", "extra")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuestion:
    """Which runs. Everything given must hold; `None` and empty ask for nothing."""

    projects: tuple[str, ...] | None = None
    """Names; `None` for all."""
    run_ids: tuple[str, ...] | None = None
    trace_id: str | None = None
    parent_run_id: str | None = None
    thread_id: str | None = None
    thread_ids: tuple[str, ...] | None = None
    run_type: str | None = None
    reference_examples: tuple[str, ...] = ()
    is_root: bool | None = None
    has_error: bool | None = None
    from_us: int | None = None
    to_us: int | None = None
    text: str | None = None
    """Full text to search for."""
    filter: str | None = None
    """Of the run itself."""
    trace_filter: str | None = None
    """Of the root of its trace."""
    tree_filter: str | None = None
    """Of any run in its trace."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with what it was charged."""

    run: Run
    own: RunSums
    """Charges this run owns."""
    subtree: RunSums
    """Its own and those of all runs below it."""
    input_preview: str = ""
    output_preview: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    records: list[RunRecord]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class RunReader:
    """Answers questions about runs."""

    ledger: Ledger
    control: Control
    feedback_runs: FeedbackRuns

    def page(
        self,
        question: RunQuestion,
        *,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
        payload: Iterable[str] = PAYLOAD_COLUMNS,
    ) -> RunPage:
        """Runs in the order of their start, newest first unless `ascending`.

        Raises:
            FilterError: a filter is wrong.
            CursorError: the cursor is not ours.
        """
        compiler, condition = self.condition(question)
        if condition is None:
            return RunPage([])
        after = "1"
        if cursor:
            at_us, trace_id, run_id = read_cursor(cursor)
            try:
                after_run = as_uuid(run_id, field="cursor")
            except NotFoundError as error:
                raise CursorError("the cursor is not one of ours") from error
            compiler.params |= {"after_us": at_us, "after_trace": trace_id, "after_run": after_run}
            sign = ">" if ascending else "<"
            after = (
                f"(start_us {sign}= {{after_us:Int64}} AND (start_us, trace_id, run_id) {sign} "
                "({after_us:Int64}, {after_trace:UUID}, {after_run:UUID}))"
            )
        way = "ASC" if ascending else "DESC"
        fragments = {
            "where": condition,
            "after": after,
            "order": f"start_us {way}, trace_id {way}, run_id {way}",
        }
        name = "langsmith_run_keys" if condition != "1" else "langsmith_run_keys_alone"
        keys = self.ledger.select(name, fragments, limit=limit + 1, **compiler.params)
        page = keys[:limit]
        if not page:
            return RunPage([])
        last = page[-1]
        return RunPage(
            self.records(page, payload),
            write_cursor(last["start_us"], str(last["trace_id"]), str(last["run_id"])) if len(keys) > limit else None,
        )

    def one(self, run_id: str, payload: Iterable[str] = PAYLOAD_COLUMNS) -> RunRecord:
        """The run of that id.

        Raises:
            NotFoundError: it is not stored.
        """
        wanted = as_uuid(run_id, field="path.run_id")
        found = self.records(self.ledger.select("langsmith_run_places", run_ids=[wanted], limit=1), payload)
        if not found:
            raise NotFoundError(f"no run {run_id}", field="path.run_id", hint="it may not have arrived yet")
        return found[0]

    def condition(self, question: RunQuestion) -> tuple[Compiler, str | None]:
        """The parameters and the SQL condition of a question; no condition when nothing can match it."""
        seen = self.control.projects()
        compiler = Compiler(self.feedback_runs, sql_text("langsmith_rollup"))
        if any("session_id" in text for text in _texts(question)):
            compiler.fields = {**FIELDS, "session_id": _session_field(compiler, seen)}
        projects = [project.name for project in seen]
        if question.projects is not None:
            projects = list(question.projects)
        bounds = self._bounds(question)
        if bounds is None or not projects:
            return compiler, None
        roots = [0, 1] if question.is_root is None else [int(question.is_root)]
        compiler.params |= {"projects": projects, "is_root": roots, "from_us": bounds[0], "to_us": bounds[1]}
        # What lies below the runs of a window began in it or later; what is above or beside them may have begun before.
        beyond = question.trace_filter or question.tree_filter
        compiler.params["sums_from_us"] = MIN_US if beyond else bounds[0] - CLOCKS_DIFFER_US
        conditions = [*self._plain(question, compiler), *_filters(question, compiler)]
        return compiler, f"({' AND '.join(conditions)})" if conditions else "1"

    def _bounds(self, question: RunQuestion) -> tuple[int, int] | None:
        """Where in time the runs lie: ids are looked up by their index first, so that the rest is never read."""
        from_us = MIN_US if question.from_us is None else question.from_us
        to_us = MAX_US if question.to_us is None else question.to_us
        spans: list[tuple[int, int]] = []
        if question.run_ids is not None:
            ids = list(question.run_ids[:MAX_IDS])
            starts = [row["start_us"] for row in self.ledger.select("langsmith_run_places", run_ids=ids, limit=MAX_IDS)]
            if not starts:
                return None
            spans.append((min(starts), max(starts)))
        if question.trace_id is not None:
            place = self.ledger.find_trace(question.trace_id)
            if place is None:
                return None
            spans.append((place.first_us, place.last_us))
        for first_us, last_us in spans:
            from_us, to_us = max(from_us, first_us), min(to_us, last_us + 1)
        return from_us, to_us

    def _plain(self, question: RunQuestion, compiler: Compiler) -> Iterable[str]:
        if question.run_ids is not None:
            yield f"run_id IN {compiler.bind(list(question.run_ids[:MAX_IDS]), 'Array(UUID)')}"
        if question.trace_id is not None:
            yield f"trace_id = {compiler.bind(question.trace_id, 'UUID')}"
        if question.parent_run_id is not None:
            yield f"ifNull(parent_run_id = {compiler.bind(question.parent_run_id, 'UUID')}, 0)"
        if question.thread_id is not None:
            yield f"{THREAD_SQL} = {compiler.bind(question.thread_id, 'String')}"
        if question.thread_ids is not None:
            yield f"has({compiler.bind(list(question.thread_ids), 'Array(String)')}, {THREAD_SQL})"
        if question.run_type:
            yield f"run_type.2 = {compiler.bind(question.run_type.lower(), 'String')}"
        if question.reference_examples:
            bound = compiler.bind(list(question.reference_examples), "Array(String)")
            yield f"has({bound}, JSONExtractString(extra.2, 'reference_example_id'))"
        if question.has_error is not None:
            yield f"{'' if question.has_error else 'NOT '}(error.2 != '' OR status.2 = 'error')"

    def records(self, keys: Sequence[Mapping[str, Any]], payload: Iterable[str]) -> list[RunRecord]:
        """The runs of these keys in their order, each once, with what they were charged."""
        if not keys:
            return []
        starts = [key["start_us"] for key in keys]
        scope: dict[str, Any] = {
            "projects": sorted({key["project"] for key in keys}),
            "trace_ids": sorted({str(key["trace_id"]) for key in keys}),
            "run_ids": list(dict.fromkeys(str(key["run_id"]) for key in keys)),
        }
        columns = [name for name in PAYLOAD_COLUMNS if name in set(payload)]
        rows = self.ledger.select(
            "langsmith_run_rows",
            {"payload": "".join(f", {name}" for name in columns)},
            first_us=min(starts), last_us=max(starts), **scope,
        )  # fmt: skip
        own: dict[str, RunSums] = {}
        below: dict[str, RunSums] = {}
        earliest_us = min(starts) - CLOCKS_DIFFER_US
        for row in self.ledger.select("langsmith_run_sums", from_us=earliest_us, **scope):
            (own if row["own"] else below)[str(row["of_run"])] = read_sums(row)
        by_id = {str(row["run_id"]): row for row in rows}
        return [
            _record(by_id[run_id], own.get(run_id, NO_CHARGES), below.get(run_id, NO_CHARGES))
            for run_id in scope["run_ids"]
            if run_id in by_id
        ]

    def projects_of(self, ids: Sequence[str], *, name_of: str = "session") -> tuple[str, ...]:
        """Names of the projects with these ids.

        Raises:
            NotFoundError: there is no such project.
        """
        return tuple(project_by_id(self.control, project_id, field=name_of).name for project_id in ids)


def project_by_id(control: Control, project_id: str, *, field: str = "path.session_id") -> Project:
    """The project with that id.

    Raises:
        NotFoundError: there is none.
    """
    wanted = as_uuid(project_id, field=field)
    found = control.project_by_id(wanted)
    if found is None:
        raise NotFoundError(f"no project {wanted}", field=field, hint="a project appears with its first run")
    return found


def speaks_of_feedback(text: str) -> bool:
    """Whether a filter asks for feedback.

    Raises:
        FilterError: it is no filter.
    """
    names = [name_of(leaf.name) for leaf in leaves(parse(text)) if isinstance(leaf, Compare)]
    return any(name in PAIRS and PAIRS[name].family == "feedback" for name in names)


def _texts(question: RunQuestion) -> list[str]:
    return [text for text in (question.filter, question.trace_filter, question.tree_filter) if text]


def _session_field(compiler: Compiler, projects: Sequence[Project]) -> Field:
    """The id of a run's project, which the ledger knows by name."""
    names = compiler.bind([project.name for project in projects], "Array(String)")
    ids = compiler.bind([project.project_id for project in projects], "Array(String)")
    return Field("session_id", "text", f"transform(project, {names}, {ids}, '')", lower=True)


def _filters(question: RunQuestion, compiler: Compiler) -> Iterable[str]:
    if question.text:
        yield compiler.condition(parse(f"search({_quoted(question.text)})"))
    if question.filter:
        yield compiler.condition(parse(question.filter))
    for text, only in ((question.trace_filter, "is_root = 1"), (question.tree_filter, "is_root IN (0, 1)")):
        if text:
            condition = compiler.condition(parse(text))
            # Made of constants and of placeholders alone.
            yield (
                "trace_id IN (SELECT trace_id FROM run_versions FINAL "  # noqa: S608
                f"WHERE project IN {{projects:Array(String)}} AND {only} AND {condition})"
            )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _record(row: Mapping[str, Any], own: RunSums, below: RunSums) -> RunRecord:
    run = read_run(row)
    if run.first_token_us is None and own.first_token_us is not None:
        run = replace(run, first_token_us=own.first_token_us)
    return RunRecord(run, own, own + below, known(row, "input_preview") or "", known(row, "output_preview") or "")
