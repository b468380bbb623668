"""Runs that applications sent to the simulated LangSmith: bounded, oldest out first."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

MAX_RUNS = 20_000
"""Runs kept; beyond it the oldest leave and are counted as `forgotten`."""


class Runs:
    """The runs that arrived, posts and patches of one run put together."""

    def __init__(self, limit: int = MAX_RUNS) -> None:
        self._runs: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._limit = limit
        self.forgotten = 0

    def merge(self, run_id: str, fields: Mapping[str, Any]) -> None:
        """What was told later wins; a null says nothing."""
        run = self._runs.setdefault(run_id, {"id": run_id})
        run.update({key: value for key, value in fields.items() if value is not None})
        while len(self._runs) > self._limit:
            self._runs.popitem(last=False)
            self.forgotten += 1

    def clear(self) -> None:
        self._runs.clear()
        self.forgotten = 0

    def of(self, project: str | None) -> list[dict[str, Any]]:
        """Runs of a project, or all, in the order in which they began."""
        found = [run for run in self._runs.values() if project is None or run.get("session_name") == project]
        return sorted(found, key=lambda run: str(run.get("dotted_order") or run.get("start_time") or ""))
