"""One run from its operations, in any order and however often they came: what overwrites what, and what is derived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from everytoken.core.run import Run
from everytoken.wire.operations import Operation, RunFields
from everytoken.wire.otlp_spans import span_uuid
from everytoken.wire.times import DottedOrder, read_time

FLAG_ORDER_DERIVED = "dotted_order_derived"
"""The sent `dotted_order` was absent, or said something else than the ids."""
FLAG_POST_MISSING = "post_missing"
"""Only updates of the run came; its name and type are not known."""
DERIVED_FLAGS = frozenset({FLAG_ORDER_DERIVED, FLAG_POST_MISSING})

INTERRUPTS = ("GraphInterrupt(", "GraphBubbleUp", "NodeInterrupt(", "ParentCommand(")
"""LangGraph 1.2 reports an interrupt as the error of the node's run."""
_JOINED = ("metadata", "extra", "flags")
"""Fields of which a later operation keeps what it does not name."""
MAX_REMEMBERED = 1_200
"""Characters of a `dotted_order` that is kept with what it says: 20 levels. As many as are kept take some 20 MB."""
RESTORED_US = -1
"""Arrival of what the ledger held: a patch, so that a post sent again overwrites nothing, and older than any other."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the ledger keeps a run: decided when it is first written, and kept."""

    project: str
    start_us: int
    is_root: bool


def merge(operations: Sequence[Operation]) -> RunFields:
    """The fields of the run after all of its operations.

    A patch overwrites a post, whichever came first; among equals the later arrival wins. `null` never overwrites.
    `metadata` and the rest of `extra` are merged key by key, with whole values: half of an old usage must not meet
    half of a new one.
    """
    if len(operations) == 1:
        return operations[0].body
    merged: dict[str, Any] = {}
    for operation in sorted(operations, key=_order):
        fields = operation.body
        joined = {
            key: (*merged[key], *fields[key]) if key == "flags" else _overlaid(merged[key], fields[key])  # type: ignore[literal-required]  # keys of _JOINED
            for key in _JOINED
            if key in merged and key in fields
        }
        merged.update(fields)
        merged.update(joined)
    if "flags" in merged:
        merged["flags"] = tuple(dict.fromkeys(merged["flags"]))
    return merged  # type: ignore[return-value]  # keys and values are those of RunFields


def _order(operation: Operation) -> tuple[bool, int, int]:
    return operation.order


def _overlaid(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    if None not in new.values():
        return {**old, **new}
    return {**old, **{key: value for key, value in new.items() if value is not None or key not in old}}


def order_of(run_id: str, fields: RunFields) -> DottedOrder | None:
    """The sent `dotted_order`, if it is about this run."""
    text = fields.get("dotted_order")
    if not text:
        return None
    order = _remembered(text) if len(text) <= MAX_REMEMBERED else _parsed(text)
    return order if order is not None and order.run_id == run_id else None


def _parsed(text: str) -> DottedOrder | None:
    try:
        return DottedOrder(text)
    except ValueError:
        return None


_remembered = lru_cache(maxsize=16_384)(_parsed)
"""A run's posts and patches repeat it, and each flush asks several times."""


def span_alias(fields: RunFields) -> str | None:
    """The run id that children of a span name as their parent: a root's own id is that of its trace."""
    otel = fields.get("extra", {}).get("otel")
    span_id = otel.get("span_id") if isinstance(otel, dict) else None
    return span_uuid(span_id) if isinstance(span_id, str) and len(span_id) == 16 else None


def start_of(fields: RunFields, order: DottedOrder | None) -> int | None:
    """The start that every operation on the run agrees on: the one in `dotted_order`, else the sent one."""
    return order.start_us if order else fields.get("start_us")


def parent_of(fields: RunFields, order: DottedOrder | None) -> str | None:
    return fields.get("parent_run_id") or (order.parent_run_id if order else None)


def trace_of(run_id: str, fields: RunFields, order: DottedOrder | None, *, posted: bool) -> str | None:
    """The trace that the run says it belongs to; a posted run without a parent is the root of its own."""
    stated = fields.get("trace_id") or (order.trace_id if order else None)
    if stated is None and posted and parent_of(fields, order) is None:
        return run_id
    return stated


def build_run(run_id: str, trace_id: str, place: Place, fields: RunFields, derived_order: str | None) -> Run:
    """The run as the ledger keeps it. `derived_order` stands in for a `dotted_order` that cannot be used."""
    order = order_of(run_id, fields)
    parent = parent_of(fields, order)
    if not place.is_root and parent is None and run_id != trace_id:
        parent = trace_id
    flags = fields.get("flags", ())
    if derived_order is not None:
        flags = (*flags, FLAG_ORDER_DERIVED)
    if not fields.get("name"):
        flags = (*flags, FLAG_POST_MISSING)
    events = fields.get("events", [])
    error = fields.get("error") or None
    return Run(
        run_id=run_id,
        trace_id=trace_id,
        project=place.project,
        parent_run_id=None if place.is_root else parent,
        name=fields.get("name", ""),
        run_type=fields.get("run_type", "chain"),
        start_us=place.start_us,
        end_us=fields.get("end_us"),
        first_token_us=fields.get("first_token_us") or _first_token(events),
        status=_status(fields, error),
        error=error,
        dotted_order=derived_order or fields.get("dotted_order", ""),
        tags=fields.get("tags", ()),
        metadata=fields.get("metadata", {}),
        extra=fields.get("extra", {}),
        inputs=fields.get("inputs"),
        outputs=fields.get("outputs"),
        events=events,
        flags=flags,
    )


def _status(fields: RunFields, error: str | None) -> str:
    if error:
        interrupted = error.startswith(INTERRUPTS) or fields.get("metadata", {}).get("ls_is_error_interrupt") is True
        return "interrupted" if interrupted else "error"
    stated = fields.get("status")
    if stated and stated != "pending":
        return stated
    return "pending" if fields.get("end_us") is None else "success"


def _first_token(events: Sequence[Mapping[str, Any]]) -> int | None:
    """Time of the first `new_token` event; one without a readable time says nothing."""
    for event in events:
        if event.get("name") == "new_token":
            try:
                return read_time(event.get("time"))
            except ValueError:
                return None
    return None


def restored(run: Run) -> tuple[Operation, Place]:
    """A run of the ledger as the operation it amounts to, so that more can be merged into it."""
    fields: RunFields = {"run_type": run.run_type, "start_us": run.start_us, "trace_id": run.trace_id}
    if run.parent_run_id is not None:
        fields["parent_run_id"] = run.parent_run_id
    if run.dotted_order and FLAG_ORDER_DERIVED not in run.flags:
        fields["dotted_order"] = run.dotted_order
    if run.status != "pending":
        fields["status"] = run.status
    flags = tuple(flag for flag in run.flags if flag not in DERIVED_FLAGS)
    known: dict[str, Any] = {
        "name": run.name,
        "error": run.error,
        "tags": run.tags,
        "metadata": dict(run.metadata),
        "extra": dict(run.extra),
        "events": list(run.events),
        "flags": flags,
    }
    fields |= {key: value for key, value in known.items() if value}  # type: ignore[typeddict-item]
    nullable = {
        "end_us": run.end_us,
        "first_token_us": run.first_token_us,
        "inputs": run.inputs,
        "outputs": run.outputs,
    }
    fields |= {key: value for key, value in nullable.items() if value is not None}  # type: ignore[typeddict-item]
    size_bytes = len(orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS))
    operation = Operation("patch", run.run_id, fields, RESTORED_US, size_bytes=size_bytes)
    return operation, Place(run.project, run.start_us, run.is_root)
