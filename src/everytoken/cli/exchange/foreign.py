"""Runs as files hold them to runs as LangSmith's ingest takes them: our own exports and LangSmith's."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from everytoken.core.extract import evidence_of
from everytoken.core.run import Run
from everytoken.store.columns import load

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]
WireRun = dict[str, Any]


class RowError(ValueError):
    """The row is no run that can be sent; the text says which field and why."""


def own_run(row: Row, project: str | None) -> WireRun:
    """A run of our own export.

    Raises:
        RowError: a field that every run has is not there.
    """
    try:
        wire = {
            "id": row["run_id"],
            "trace_id": row["trace_id"],
            "session_name": project or row["project"],
            "start_time": iso(row["start_us"]),
        }
    except (KeyError, TypeError) as error:
        raise RowError(f"not a run of an export: {error}") from error
    known = {
        **{name: row.get(name) for name in ("parent_run_id", "dotted_order", "name", "run_type", "status", "error")},
        **{name: row.get(name) for name in ("tags", "inputs", "outputs", "events")},
        "end_time": iso(row.get("end_us")),
        "first_token_time": iso(row.get("first_token_us")),
        "extra": {**(row.get("extra") or {}), "metadata": row.get("metadata") or {}},
    }
    return wire | {name: value for name, value in known.items() if value is not None}


LANGSMITH_FIELDS = (
    "id", "trace_id", "parent_run_id", "dotted_order", "name", "run_type", "start_time", "end_time",
    "first_token_time", "status", "error", "tags", "extra", "inputs", "outputs", "events", "serialized",
    "reference_example_id",
)  # fmt: skip
"""https://docs.langchain.com/langsmith/run-data-format (2026-11): bulk export and `Client.list_runs` give them."""
_NESTED = frozenset({"tags", "extra", "inputs", "outputs", "events", "serialized"})
"""Objects and lists, which a Parquet export holds as JSON text."""


def langsmith_run(row: Row, project: str | None) -> WireRun:
    """A run of a LangSmith export. Usage that stands beside the run alone, as it does for older runs, is put into it.

    Raises:
        RowError: it has no id, no start or no project.
    """
    wire: WireRun = {}
    for name in LANGSMITH_FIELDS:
        value = _plain(row.get(name))
        if name in _NESTED and isinstance(value, str):
            value = _nested(name, value)
        if value is not None:
            wire[name] = value
    for name in ("id", "start_time"):
        if not wire.get(name):
            raise RowError(f"a run without {name}")
    wire.setdefault("trace_id", _trace_of(wire))
    name_of = project or row.get("session_name") or row.get("project_name")
    if not name_of:
        raise RowError("the export names no project: LangSmith gives its id alone. Name one with --project")
    wire["session_name"] = name_of
    if wire.get("run_type") in ("llm", "embedding") and not _tells_usage(wire):
        usage = _usage_beside(row)
        if usage:
            extra = dict(wire.get("extra") or {})
            extra["metadata"] = {**(extra.get("metadata") or {}), "usage_metadata": usage}
            wire["extra"] = extra
    return wire


def _nested(name: str, text: str) -> Any:
    try:
        return load(text)
    except ValueError:
        if name in ("inputs", "outputs"):
            return {name.removesuffix("s"): text}
        raise RowError(f"{name} is not JSON") from None


def _trace_of(wire: WireRun) -> str:
    order = wire.get("dotted_order")
    if isinstance(order, str) and len(order.split(".")[0]) >= 36:
        return order.split(".")[0][-36:]
    if wire.get("parent_run_id"):
        raise RowError("a child run without trace_id and dotted_order")
    return str(wire["id"])


def _tells_usage(wire: WireRun) -> bool:
    extra = dict(wire.get("extra") or {})
    metadata = extra.pop("metadata", None) or {}
    run = Run(
        run_id=str(wire["id"]),
        trace_id=str(wire["trace_id"]),
        project="",
        run_type=wire["run_type"],
        start_us=0,
        metadata=metadata,
        extra=extra,
        inputs=wire.get("inputs"),
        outputs=wire.get("outputs"),
        events=wire.get("events") or (),
    )
    return any(told.usage is not None for told in evidence_of(run))


def _usage_beside(row: Row) -> dict[str, Any]:
    """`usage_metadata` of the run's own token columns; of a model run they are its own and no sum over children."""
    given, made = _count(row.get("prompt_tokens")), _count(row.get("completion_tokens"))
    if not given and not made:
        return {}
    usage: dict[str, Any] = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
    for ours, theirs in (("input", "prompt"), ("output", "completion")):
        details = row.get(f"{theirs}_token_details")
        details = load(details) if isinstance(details, str) else details
        if isinstance(details, Mapping) and details:
            usage[f"{ours}_token_details"] = dict(details)
    return usage


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value == value else 0  # noqa: PLR0124  NaN of a dataframe


def _plain(value: Any) -> Any:
    """What JSON can hold of what Parquet and SDK objects hold."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return None if value != value else value  # noqa: PLR0124  NaN


def iso(at_us: int | None) -> str | None:
    """RFC 3339 of UTC microseconds."""
    return None if at_us is None else (EPOCH + timedelta(microseconds=at_us)).isoformat()
