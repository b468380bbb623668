"""The same traffic as a client sends it that leaves the usage out: what the dashboard of the Eco² post was told.

For the demo and its tests alone; no setting of the product does this.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import langsmith
from langsmith.uuid import uuid7_from_datetime

METADATA_KEYS = frozenset({"usage_metadata", "everytoken", "usage_incomplete"})
"""LangSmith's field, ours beside it, and the mark that a count is not whole."""
OUTPUT_KEYS = frozenset({"usage_metadata", "usage"})
"""The provider's own object goes as well: LangSmith does not read it there, everytoken does."""
KEPT = ("name", "run_type", "inputs", "error", "tags", "events")
PAGE = 100
TIMEOUT_S = 30.0


def send_without_usage(url: str, *, project: str, to: str) -> int:
    """Send every run of `project` once more, to the project `to`, without usage. Returns how many."""
    runs = list(_runs(url, project))
    ids = {UUID(run["id"]): uuid7_from_datetime(_time(run["start_time"])) for run in runs}
    client = langsmith.Client(api_url=url, api_key="local", tracing_sampling_rate=1.0)  # all of them, whatever is set
    for run in runs:
        client.create_run(**_without_usage(run, ids), project_name=to)
    client.flush()
    client.cleanup()
    return len(runs)


def _runs(url: str, project: str) -> Iterator[dict[str, Any]]:
    """All runs of a project, by LangSmith's own read API."""
    with httpx.Client(base_url=f"{url}/api/v1", timeout=TIMEOUT_S) as http:
        sessions = http.get("/sessions", params={"name": project}).raise_for_status().json()
        wanted: dict[str, Any] = {"session": [sessions[0]["id"]], "limit": PAGE}
        while True:
            page = http.post("/runs/query", json=wanted).raise_for_status().json()
            yield from page["runs"]
            wanted["cursor"] = page["cursors"].get("next")
            if wanted["cursor"] is None:
                return


def _without_usage(run: Mapping[str, Any], ids: Mapping[UUID, UUID]) -> dict[str, Any]:
    """The run under a new id; its place in the trace, times, inputs and outputs as they were."""
    extra = run["extra"] or {}
    metadata = {key: value for key, value in extra.get("metadata", {}).items() if key not in METADATA_KEYS}
    steps = run["dotted_order"].split(".")  # each is a time and, in its last 36 characters, the id of a run
    return {
        **{key: run[key] for key in KEPT},
        "id": ids[UUID(run["id"])],
        "trace_id": ids[UUID(run["trace_id"])],
        "parent_run_id": ids[UUID(run["parent_run_id"])] if run["parent_run_id"] else None,
        "dotted_order": ".".join(f"{step[:-36]}{ids[UUID(step[-36:])]}" for step in steps),
        "start_time": _time(run["start_time"]),
        "end_time": _time(run["end_time"]),
        "outputs": {key: value for key, value in (run["outputs"] or {}).items() if key not in OUTPUT_KEYS},
        "extra": {**extra, "metadata": metadata},
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
