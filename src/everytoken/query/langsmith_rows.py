"""A run as LangSmith's APIs write it: v1 with rolled-up numbers, v2 with its own unless the subtree is asked for."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from everytoken.core.lineage import THREAD_KEYS, first_text
from everytoken.core.run import Run
from everytoken.query.langsmith_feedback import feedback_stats
from everytoken.query.langsmith_runs import PAYLOAD_COLUMNS, RunRecord
from everytoken.query.langsmith_sums import v1_sums, v2_sums
from everytoken.query.totals import ms
from everytoken.store.control import Control

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ATTACHMENT = "attachment."
INSIDE_EXTRA = ("serialized", "reference_example_id", "run_type_sent")
"""What the wire sends beside `extra` and the ledger keeps inside of it."""

V1_ALWAYS = frozenset(
    (
        "id", "name", "run_type", "trace_id", "dotted_order", "status", "session_id", "app_path", "start_time",
        "parent_run_id",
    )
)  # fmt: skip
"""Answered whatever `select` says: the SDKs cannot read a run without them."""
NOT_KNOWN = (
    "ttl_seconds", "trace_first_received_at", "trace_min_start_time", "trace_max_start_time", "trace_upgrade",
)  # fmt: skip
"""What LangSmith's own store knows of a trace, and clients may select: `null` here."""
V1_PAYLOAD = {
    "inputs": "inputs", "outputs": "outputs", "events": "events", "extra": "extra", "serialized": "extra",
    "s3_urls": "extra", "reference_example_id": "extra",
}  # fmt: skip
V2_PAYLOAD = {
    "INPUTS": "inputs", "OUTPUTS": "outputs", "EVENTS": "events", "EXTRA": "extra", "MANIFEST": "extra",
    "ATTACHMENTS": "extra", "REFERENCE_EXAMPLE_ID": "extra",
}  # fmt: skip

SignUrl = Callable[[Mapping[str, Any]], str]
"""Where the attachment that a run's `extra` describes can be fetched from, without credentials."""


@dataclass(frozen=True, slots=True)
class RunWriter:
    """Writes runs with what the control data knows of them."""

    control: Control
    sign_url: SignUrl

    def v1(self, records: Sequence[RunRecord], select: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Rows of `/runs/query`, with the fields of `select` or all."""
        wants_feedback = not select or "feedback_stats" in select
        told = self.control.annotations.feedback_of_runs([r.run.run_id for r in records]) if wants_feedback else {}
        tokens = self._shares(records) if not select or "share_token" in select else {}
        rows = [self._v1(record, told.get(record.run.run_id, []), tokens) for record in records]
        if not select:
            return rows
        wanted = V1_ALWAYS | frozenset(select)
        return [{name: value for name, value in row.items() if name in wanted} for row in rows]

    def v2(
        self, records: Sequence[RunRecord], selects: Collection[str], *, subtree: bool = False, host: str = ""
    ) -> list[dict[str, Any]]:
        """Items of `/api/v2/runs/query`: the id, and what `selects` names."""
        told = (
            self.control.annotations.feedback_of_runs([record.run.run_id for record in records])
            if "FEEDBACK_STATS" in selects
            else {}
        )
        tokens = self._shares(records) if "SHARE_URL" in selects else {}
        wanted = {name.lower() for name in selects} | {"id"}
        return [
            {
                name: value
                for name, value in self._v2(record, told, tokens, subtree=subtree, host=host).items()
                if name in wanted
            }
            for record in records
        ]

    def _shares(self, records: Sequence[RunRecord]) -> dict[str, str]:
        subjects = [record.run.run_id for record in records]
        found = self.control.annotations.of_kind("share", subjects=subjects) if subjects else []
        return {share["run_id"]: share["share_token"] for share in found}

    def _v1(self, record: RunRecord, told: list[dict[str, Any]], tokens: Mapping[str, str]) -> dict[str, Any]:
        run = record.run
        project_id = self._project_id(run)
        above = ancestors(run)
        return {
            "id": run.run_id,
            "name": run.name,
            "run_type": run.run_type,
            "trace_id": run.trace_id,
            "dotted_order": run.dotted_order,
            "status": run.status,
            "session_id": project_id,
            "app_path": self._path(run, project_id),
            "start_time": iso(run.start_us),
            "end_time": iso(run.end_us),
            "first_token_time": iso(run.first_token_us or record.subtree.first_token_us),
            "inputs": _object(run.inputs, "input") or {},
            "outputs": _object(run.outputs, "output"),
            "inputs_preview": record.input_preview or None,
            "outputs_preview": record.output_preview or None,
            "error": run.error,
            "extra": {**_extra(run), "metadata": dict(run.metadata)},
            "events": list(run.events),
            "serialized": run.extra.get("serialized"),
            "tags": list(run.tags),
            "execution_order": 1 if run.is_root else len(above) + 1,
            "parent_run_id": run.parent_run_id,
            "parent_run_ids": above,
            "child_run_ids": None,
            "direct_child_run_ids": None,
            "reference_example_id": run.extra.get("reference_example_id"),
            "reference_dataset_id": None,
            "in_dataset": False,
            "feedback_stats": feedback_stats(told),
            **v1_sums(record.subtree),
            "price_model_id": None,
            "s3_urls": {
                name: {"presigned_url": self.sign_url(where), "mime_type": where.get("mime_type")}
                for name, where in _attachments(run)
            },
            "inputs_s3_urls": None,
            "outputs_s3_urls": None,
            "manifest_id": None,
            "manifest_s3_id": None,
            "last_queued_at": None,
            "share_token": tokens.get(run.run_id),
            "trace_tier": "longlived",
            **dict.fromkeys(NOT_KNOWN),
            "thread_id": first_text(run.metadata, THREAD_KEYS),
            "messages": None,
        }

    def _v2(
        self,
        record: RunRecord,
        told: Mapping[str, list[dict[str, Any]]],
        tokens: Mapping[str, str],
        *,
        subtree: bool,
        host: str,
    ) -> dict[str, Any]:
        run = record.run
        project_id = self._project_id(run)
        sums = record.subtree if subtree else record.own
        duration_ms = ms(run.duration_us)
        token = tokens.get(run.run_id)
        first_us = run.first_token_us or sums.first_token_us
        return {
            "id": run.run_id,
            "name": run.name,
            "run_type": run.run_type.upper(),
            "status": "ERROR" if run.status in ("interrupted", "cancelled") else run.status.upper(),
            "start_time": iso_z(run.start_us),
            "end_time": iso_z(run.end_us),
            "latency_seconds": None if duration_ms is None else duration_ms / 1000,
            "first_token_time": iso_z(first_us),
            "error": run.error,
            "error_preview": run.error.splitlines()[0][:200] if run.error else None,
            "extra": {**_extra(run), "metadata": dict(run.metadata)},
            "metadata": dict(run.metadata),
            "events": list(run.events),
            "inputs": _object(run.inputs, "input") or {},
            "inputs_preview": record.input_preview or None,
            "outputs": _object(run.outputs, "output"),
            "outputs_preview": record.output_preview or None,
            "manifest": run.extra.get("serialized"),
            "parent_run_ids": ancestors(run),
            "project_id": project_id,
            "trace_id": run.trace_id,
            "thread_id": first_text(run.metadata, THREAD_KEYS),
            "dotted_order": run.dotted_order,
            "is_root": run.is_root,
            "reference_example_id": run.extra.get("reference_example_id"),
            "reference_dataset_id": None,
            **v2_sums(sums),
            "price_model_id": None,
            "tags": list(run.tags),
            "app_path": self._path(run, project_id),
            "attachments": {
                name.removeprefix(ATTACHMENT): f"{host}{self.sign_url(where)}" for name, where in _attachments(run)
            },
            "thread_evaluation_time": None,
            "is_in_dataset": False,
            "last_queued_at": None,
            "ls_user_id": None,
            "share_url": f"{host}/public/{token}/r" if token else None,
            "feedback_stats": feedback_stats(told.get(run.run_id, [])),
        }

    def _project_id(self, run: Run) -> str | None:
        project = self.control.project(run.project)
        return project.project_id if project else None

    def _path(self, run: Run, project_id: str | None) -> str:
        where = f"/o/{self.control.tenant_id}/projects/p/{project_id}/r/{run.run_id}"
        return f"{where}?trace_id={run.trace_id}&start_time={iso(run.start_us)}"


def v1_columns(select: Collection[str] | None) -> Iterable[str]:
    """Columns that these fields of v1 are read from, of those that are dear to read."""
    return PAYLOAD_COLUMNS if not select else {V1_PAYLOAD[name] for name in select if name in V1_PAYLOAD}


def v2_columns(selects: Collection[str]) -> Iterable[str]:
    return {V2_PAYLOAD[name] for name in selects if name in V2_PAYLOAD}


def ancestors(run: Run) -> list[str]:
    """Ids of the runs above, the root first."""
    return [step[-36:] for step in run.dotted_order.split(".")[:-1]]


def iso(at_us: int | None) -> str | None:
    """UTC without an offset, as LangSmith's v1 writes it."""
    return None if at_us is None else (EPOCH + timedelta(microseconds=at_us)).replace(tzinfo=None).isoformat()


def iso_z(at_us: int | None) -> str | None:
    """RFC 3339 with `Z`, as v2 writes it."""
    return None if at_us is None else f"{iso(at_us)}Z"


def _extra(run: Run) -> dict[str, Any]:
    return {
        name: value for name, value in run.extra.items() if name not in INSIDE_EXTRA and not name.startswith(ATTACHMENT)
    }


def _attachments(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (name, where)
        for name, where in sorted(run.extra.items())
        if name.startswith(ATTACHMENT) and isinstance(where, Mapping) and isinstance(where.get("sha256"), str)
    ]


def _object(payload: Any, name: str) -> Any:
    """Clients read payloads as objects; OpenTelemetry may bring text or a list."""
    return payload if payload is None or isinstance(payload, Mapping) else {name: payload}
