"""Who stands below whom in a trace: the tree of its runs, and what a run inherits from those above it.

Runs come late, twice, unordered, with a parent that never came or with a parent that is their own child. Whatever
comes, each run has at most one place, and the places depend on the set of runs alone, not on their order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from everytoken.core.run import Run

THREAD_KEYS = ("thread_id", "session_id", "conversation_id")
"""Metadata that names the conversation, the first one set (https://docs.langchain.com/langsmith/threads, 2026-11)."""
USER_KEYS = ("user_id", "ls_user_id", "enduser.id", "user.id")
SESSION_KEYS = ("session_id", "ls_session_id", "session.id")
ENVIRONMENT_KEYS = ("environment", "ls_environment", "deployment.environment.name", "deployment.environment")
RELEASE_KEYS = ("LANGSMITH_REVISION_ID", "revision_id", "service.version")
"""What was deployed. `revision_id` is what langsmith's Python SDK puts into every run: `LANGSMITH_REVISION_ID`, else
`LANGCHAIN_REVISION_ID` (LangGraph's server sets it to the commit it was built from), else what `git describe` says
(langsmith 0.15, `env/_runtime_env.py`). The JavaScript SDK, and older Python ones, know the second alone and send
the first as it is (https://github.com/langchain-ai/langsmith-sdk `js/src/utils/env.ts`, 2026-11): it was set, and beats
what was found. `service.version` is OpenTelemetry's resource attribute
(https://opentelemetry.io/docs/specs/semconv/registry/attributes/service/, 2026-11)."""
MAX_RELEASE = 200
"""Characters kept: a version or what `git describe` says has less, and each one is a name in every list of releases."""
NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Lineage:
    """The runs of one trace, each once, with parents as positions in `runs`."""

    runs: list[Run]
    parents: list[int]
    """Position of the parent, or `NO_PARENT`."""
    order: list[int]
    """Every position, parents before their children."""
    orphans: frozenset[str]
    """Ids of runs whose parent never came. One that carries a dotted order hangs below the next ancestor that did."""
    cyclic: frozenset[str]
    """Ids of runs that were their own ancestors; the earliest of each circle was made its top."""

    def root(self) -> int | None:
        """Position of the trace's root: the run that gives the trace its id, else the earliest without a parent."""
        tops = [i for i in self.order if self.parents[i] == NO_PARENT]
        return min(tops, key=self._root_rank, default=None)

    def _root_rank(self, position: int) -> tuple[bool, bool, int, str]:
        run = self.runs[position]
        return (run.run_id != run.trace_id, run.run_id in self.orphans, run.start_us, run.run_id)

    def inherited(self, *keys: str) -> list[str | None]:
        """For each run, the first of `keys` in its own metadata or in that of the nearest run above that has one."""
        found: list[str | None] = [None] * len(self.runs)
        for i in self.order:
            own = first_text(self.runs[i].metadata, keys)
            above = self.parents[i]
            found[i] = found[above] if own is None and above != NO_PARENT else own
        return found


def trace_lineage(runs: Iterable[Run]) -> Lineage:
    """Place the runs of one trace, in time linear in their number and without recursion."""
    unique: dict[str, Run] = {}
    for run in runs:
        known = unique.get(run.run_id)
        unique[run.run_id] = run if known is None or known is run else _fuller(known, run)
    placed = list(unique.values())
    position = {run.run_id: i for i, run in enumerate(placed)}
    parents = [NO_PARENT] * len(placed)
    orphans = set()
    for i, run in enumerate(placed):
        if run.parent_run_id is None:
            continue
        above = position.get(run.parent_run_id)
        if above is None:
            orphans.add(run.run_id)
            above = _dotted_ancestor(run, position)
        parents[i] = above
    order, cyclic = _parents_first(placed, parents)
    return Lineage(placed, parents, order, frozenset(orphans), frozenset(cyclic))


def _fuller(one: Run, other: Run) -> Run:
    """The version of a run that says more: ended beats running, later beats earlier, whichever came first."""

    def rank(run: Run) -> tuple[Any, ...]:
        known = (run.end_us is not None, run.outputs is not None, run.error is not None, bool(run.parent_run_id))
        return (*known, run.end_us or 0, len(run.metadata), len(run.extra), len(run.events), run.status, run.start_us)

    if rank(one) != rank(other):
        return max(one, other, key=rank)
    try:
        return max(one, other, key=repr)
    except RecursionError:  # payloads nested deeper than repr can follow
        return one


def _dotted_ancestor(run: Run, position: Mapping[str, int]) -> int:
    """The nearest run named in the dotted order that is here: each segment ends in a run's 36 character id."""
    for segment in reversed(run.dotted_order.split(".")[:-1]):
        above = position.get(segment[-36:])
        if above is not None and segment[-36:] != run.run_id:
            return above
    return NO_PARENT


def _parents_first(runs: list[Run], parents: list[int]) -> tuple[list[int], set[str]]:
    """Order positions with parents first, opening each circle at its earliest run (in `parents`, in place)."""
    placed = bytearray(len(runs))
    """0 not looked at, 1 on the path being walked, 2 placed."""
    order: list[int] = []
    cyclic: set[str] = set()
    for start in range(len(runs)):
        path = []
        at = start
        while at != NO_PARENT and not placed[at]:
            placed[at] = 1
            path.append(at)
            at = parents[at]
        if at != NO_PARENT and placed[at] == 1:
            entry = path.index(at)
            circle = path[entry:]
            top = min(range(len(circle)), key=lambda k: (runs[circle[k]].start_us, runs[circle[k]].run_id))
            parents[circle[top]] = NO_PARENT
            path[entry:] = circle[top + 1 :] + circle[: top + 1]
            cyclic.update(runs[i].run_id for i in circle)
        for i in reversed(path):
            placed[i] = 2
            order.append(i)
    return order, cyclic


def first_text(metadata: Mapping[str, Any], keys: Iterable[str]) -> str | None:
    """The first of `keys` that holds a name: text, or a number as text."""
    for key in keys:
        value = metadata.get(key)
        if value is None or value == "":
            continue
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
