"""What leaves the ledger: content past its retention, charges past theirs, and what a person or a trace left behind.

Content leaves and charges stay, so every number stays. Each change is one mutation over one week of one project: the
work of a sweep is bounded, and one that is killed on its way is done again by the next.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from everytoken.core.graph import END, START
from everytoken.core.lineage import USER_KEYS
from everytoken.store.ledger import Ledger
from everytoken.store.reading import MAX_ROWS, sql_text
from everytoken.store.visible import only

CONTENT_DROPPED = "content_dropped"
"""Flag of a run whose content has left: what it was charged can no longer be read from it."""
DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
MONDAY_US = 4 * DAY_US
"""1970-01-05, a Monday: runs are partitioned by weeks that begin on one."""
MAX_WEEKS = 8
"""Changes of one kind that one sweep makes in one project; the next goes on."""
MAX_NODES = 10_000
MAX_ERASED = 1_000
"""Traces of one change; their ids travel with it."""
EARLIEST_US, LATEST_US = -(2**62), 2**62
KEPT_METADATA = (
    "ls_provider", "ls_model_name", "ls_model_type", "langgraph_node", "langgraph_step", "langgraph_path",
    "langgraph_triggers", "langgraph_checkpoint_ns", "usage_metadata",
)  # fmt: skip
"""Metadata that say what was called and where in the graph, and nothing of whom."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one call dropped."""

    rows: int = 0
    """Rows of the ledger, every version of a run counted."""
    attachments: tuple[str, ...] = ()
    """Hashes of attachments that nothing names any more."""
    is_more: bool = False
    """Whether a bound was reached and the next call will find more."""


class Retention:
    """Changes of what is stored. Doing one twice is doing it once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def drop_content(self, project: str, before_us: int) -> Dropped:
        """Drop the content of runs that began before; charges and what views show of them stay.

        Raises:
            StoreUnavailableError: the engine refused; ask again.
        """
        weeks = self._weeks("content_due", project, before_us)
        hashes: set[str] = set()
        params = {"project": project, "routes": self._routes(project) if weeks else []}
        for from_us, to_us, _ in weeks[:MAX_WEEKS]:
            hashes |= self._attachments(project, from_us, to_us)
            self._ledger.alter("run_versions", sql_text("content_drop"), **params, from_us=from_us, to_us=to_us)
        return self._dropped(weeks, hashes)

    def drop_charges(self, project: str, before_us: int) -> Dropped:
        """Drop runs and charges that began before, altogether.

        Raises:
            StoreUnavailableError: the engine refused; ask again.
        """
        runs = self._weeks("runs_due", project, before_us)
        charges = self._weeks("charges_due", project, before_us)
        hashes: set[str] = set()
        for from_us, to_us, _ in runs[:MAX_WEEKS]:
            hashes |= self._attachments(project, from_us, to_us)
            self._ledger.alter("run_versions", sql_text("runs_drop"), project=project, from_us=from_us, to_us=to_us)
        for from_us, to_us, _ in charges[:MAX_WEEKS]:
            self._ledger.alter(
                "charge_versions", sql_text("charges_drop"), project=project, from_us=from_us, to_us=to_us
            )
        dropped = self._dropped(runs, hashes)
        of_charges = self._dropped(charges, ())
        return Dropped(dropped.rows + of_charges.rows, dropped.attachments, dropped.is_more or of_charges.is_more)

    def traces_of(self, project: str, user: str) -> list[str]:
        """Traces that name this user, `MAX_ERASED` at most: once these are erased, the next call finds the next."""
        rows = self._ledger.select("traces_of_user", project=project, user=user, keys=list(USER_KEYS), limit=MAX_ERASED)
        return [str(row["trace_id"]) for row in rows]

    def runs_of(self, project: str, trace_ids: Sequence[str]) -> list[str]:
        """The runs of these traces; of very many at once, the first `MAX_ROWS`."""
        rows = self._ledger.select("runs_of_traces", project=project, trace_ids=list(trace_ids), limit=MAX_ROWS)
        return [str(row["run_id"]) for row in rows]

    def erase(self, project: str, trace_ids: Sequence[str]) -> Dropped:
        """Make these traces nobody's: their content, metadata, tags, user, thread and session leave; charges stay."""
        hashes = self._attachments(project, EARLIEST_US, LATEST_US, trace_ids)
        routes = self._routes(project)
        for some in _batches(trace_ids):
            which = {"project": project, "trace_ids": some}
            self._ledger.alter("run_versions", sql_text("runs_erase"), **which, routes=routes, kept=list(KEPT_METADATA))
            self._ledger.alter("charge_versions", sql_text("charges_erase"), **which)
            self._ledger.forget_operations(some)
        return Dropped(len(trace_ids), self._unnamed(hashes))

    def delete(self, project: str, trace_ids: Sequence[str]) -> Dropped:
        """Delete these traces with their charges."""
        hashes: set[str] = set()
        for some in _batches(trace_ids):
            hashes |= self._attachments(project, EARLIEST_US, LATEST_US, some)
            self._ledger.delete(project, some)
        return Dropped(len(trace_ids), self._unnamed(hashes))

    def delete_project(self, project: str) -> Dropped:
        """Delete all of a project."""
        hashes = self._attachments(project, EARLIEST_US, LATEST_US)
        self._ledger.delete(project)
        return Dropped(attachments=self._unnamed(hashes))

    def _weeks(self, due: str, project: str, before_us: int) -> list[tuple[int, int, int]]:
        """From, to, rows of the weeks in which something is due, the oldest first; one more than a sweep changes."""
        rows = self._ledger.select(
            due, project=project, before_us=before_us, monday_us=MONDAY_US, week_us=WEEK_US, limit=MAX_WEEKS + 1
        )
        starts = [(MONDAY_US + row["week"] * WEEK_US, row["found"]) for row in rows]
        return [(from_us, min(from_us + WEEK_US, before_us), found) for from_us, found in starts]

    def _dropped(self, weeks: Sequence[tuple[int, int, int]], hashes: Collection[str]) -> Dropped:
        rows = sum(found for _, _, found in weeks[:MAX_WEEKS])
        return Dropped(rows, self._unnamed(hashes), is_more=len(weeks) > MAX_WEEKS)

    def _routes(self, project: str) -> list[str]:
        """Every text that a route made of nothing but nodes may hold."""
        nodes = [row["name"] for row in self._ledger.select("project_nodes", project=project, limit=MAX_NODES)]
        return [*nodes, "output", "goto", START, END]

    def _attachments(self, project: str, from_us: int, to_us: int, trace_ids: Iterable[str] = ()) -> set[str]:
        found: set[str] = set()
        within = {"project": project, "from_us": from_us, "to_us": to_us, "limit": MAX_ROWS}
        for some in _batches(list(trace_ids)) or [[]]:
            found |= {row["sha256"] for row in self._ledger.select("attachments_of", trace_ids=some, **within)}
        return found

    def _unnamed(self, hashes: Collection[str]) -> tuple[str, ...]:
        left: set[str] = set(hashes)
        with only(None):  # a key of one project must not take away what another project still names
            for some in _batches(sorted(hashes)):
                named = self._ledger.select("attachments_named", hashes=some, limit=MAX_ROWS)
                left -= {row["sha256"] for row in named}
        return tuple(sorted(left))


def _batches(ids: Sequence[str]) -> list[list[str]]:
    return [list(ids[at : at + MAX_ERASED]) for at in range(0, len(ids), MAX_ERASED)]
