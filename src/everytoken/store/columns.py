"""Core values to the ledger's columns and back. Total: whatever a run carries becomes a row; none can stop a batch."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import orjson
import pyarrow as pa

from everytoken.core.charge import Charge, Cost, CostLine
from everytoken.core.run import Json, Run
from everytoken.core.usage import Usage
from everytoken.store.preview import preview
from everytoken.store.rows import ChargeRef, SettledRun

COUNT_MAX = 2**53 - 1  # exact in a JavaScript number; 7,000 times the tokens of the largest provider's day
PICO = Decimal("1e-12")
USD_MAX = Decimal(10) ** 15  # far beyond any bill, and billions of them still add up within Decimal(38, 12)
WIDE = Context(prec=38)

STRING, INT64, UINT8, UINT64 = pa.string(), pa.int64(), pa.uint8(), pa.uint64()
MAX_ROUTE_CHARS = 4_096  # hundreds of destinations; an answer that is longer names none
DECIMAL = pa.decimal128(38, 12)
TEXTS = pa.list_(STRING)
COUNTS = pa.map_(STRING, UINT64)
AMOUNTS = pa.map_(STRING, DECIMAL)


def run_table(settled: Sequence[SettledRun], versions: Sequence[int]) -> pa.Table:
    """Rows of `run_versions`, each with its version; what a run does not (yet) know gets version 0."""
    runs = [row.run for row in settled]

    def versioned(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
        return _versioned(list(values), versions, kind)

    columns = {
        "project": _texts(run.project for run in runs),
        "is_root": pa.array([run.is_root for run in runs], pa.bool_()).cast(UINT8),
        "start_us": pa.array([run.start_us for run in runs], INT64),
        "trace_id": _texts(run.trace_id for run in runs),
        "run_id": _texts(run.run_id for run in runs),
        "version": pa.array(versions, UINT64),
        "parent_run_id": _texts(run.parent_run_id for run in runs),
        "dotted_order": versioned((run.dotted_order or None for run in runs), STRING),
        "name": versioned((run.name or None for run in runs), STRING),
        "run_type": versioned((run.run_type for run in runs), STRING),
        "end_us": versioned((run.end_us for run in runs), INT64),
        "first_token_us": versioned((run.first_token_us for run in runs), INT64),
        "status": versioned((None if run.status == "pending" else run.status for run in runs), STRING),
        "error": versioned((run.error for run in runs), STRING),
        "node": versioned((row.node for row in settled), STRING),
        "is_node": versioned((int(row.is_node) for row in settled), UINT8),
        "tags": versioned((list(run.tags) or None for run in runs), TEXTS),
        "flags": versioned((list(run.flags) for run in runs), TEXTS),
        "metadata": versioned((dump(run.metadata) if run.metadata else None for run in runs), STRING),
        "extra": versioned((dump(run.extra) if run.extra else None for run in runs), STRING),
        "inputs": versioned((_payload(run.inputs) for run in runs), STRING),
        "outputs": versioned((_payload(run.outputs) for run in runs), STRING),
        "events": versioned((dump(list(run.events)) if run.events else None for run in runs), STRING),
        "route": versioned((_route(run.outputs) for run in runs), STRING),
        "input_preview": versioned((_preview(run, run.inputs) for run in runs), STRING),
        "output_preview": versioned((_preview(run, run.outputs) for run in runs), STRING),
    }
    return pa.table(columns)


def charge_table(charges: Sequence[Charge], gone: Sequence[ChargeRef], versions: Sequence[int]) -> pa.Table:
    """Rows of `charge_versions`; a tombstone for each key that settlement no longer yields."""
    tombs = [
        Charge(charge_key=ref.charge_key, project=ref.project, trace_id=ref.trace_id, run_id=ref.trace_id,
               started_us=ref.started_us)
        for ref in gone
    ]  # fmt: skip
    rows = [*charges, *tombs]

    def text(read: Callable[[Charge], str | None]) -> pa.Array:
        return _texts(read(charge) for charge in rows)

    def texts(read: Callable[[Charge], Iterable[str]]) -> pa.Array:
        return _array([list(read(charge)) for charge in rows], TEXTS)

    def counts(read: Callable[[Charge], int | None]) -> pa.Array:
        return pa.array([_count(read(charge)) for charge in rows], UINT64)

    usages = [charge.usage for charge in rows]
    columns = {
        "project": text(lambda charge: charge.project),
        "started_us": pa.array([charge.started_us for charge in rows], INT64),
        "trace_id": text(lambda charge: charge.trace_id),
        "charge_key": text(lambda charge: charge.charge_key),
        "version": pa.array(versions, UINT64),
        "is_deleted": pa.array([0] * len(charges) + [1] * len(tombs), UINT8),
        "run_id": text(lambda charge: charge.run_id),
        "run_ids": texts(lambda charge: charge.run_ids),
        "node": text(lambda charge: charge.node),
        "thread_id": text(lambda charge: charge.thread_id),
        "user_id": text(lambda charge: charge.user_id),
        "session_id": text(lambda charge: charge.session_id),
        "environment": text(lambda charge: charge.environment),
        "release": text(lambda charge: charge.release),
        "tags": texts(lambda charge: charge.tags),
        "call_path": text(lambda charge: charge.call_path),
        "provider": text(lambda charge: charge.provider),
        "request_model": text(lambda charge: charge.request_model),
        "response_model": text(lambda charge: charge.response_model),
        "response_id": text(lambda charge: charge.response_id),
        "quality": text(lambda charge: charge.quality),
        "layer": text(lambda charge: charge.layer),
        "layers_seen": texts(lambda charge: charge.layers_seen),
        "input_tokens": pa.array([_count(usage.input_tokens) if usage else None for usage in usages], UINT64),
        "output_tokens": pa.array([_count(usage.output_tokens) if usage else None for usage in usages], UINT64),
        "input_details": _array([_counts(usage.input_token_details) if usage else [] for usage in usages], COUNTS),
        "output_details": _array([_counts(usage.output_token_details) if usage else [] for usage in usages], COUNTS),
        "meters": _array([_amounts(usage.meters) if usage else [] for usage in usages], AMOUNTS),
        "requests": pa.array([_count(usage.requests) if usage else None for usage in usages], UINT64),
        "usage_source": _texts(usage.source if usage else None for usage in usages),
        "tier": _texts(usage.tier if usage else None for usage in usages),
        "raw_usage": _texts(dump(usage.raw) if usage else "{}" for usage in usages),
        "usage_warnings": _array([list(usage.warnings) if usage else [] for usage in usages], TEXTS),
        "cost_usd": pa.array([_usd(charge.cost.usd) for charge in rows], DECIMAL),
        "cost_status": text(lambda charge: charge.cost.status),
        "cost_reason": text(lambda charge: charge.cost.reason),
        "price_entry": text(lambda charge: charge.cost.entry),
        "price_source": text(lambda charge: charge.cost.source),
        "cost_lines": text(lambda charge: _dump_lines(charge.cost.lines)),
        "status": text(lambda charge: charge.status),
        "duration_us": counts(lambda charge: charge.duration_us),
        "ttft_us": counts(lambda charge: charge.ttft_us),
        "flags": texts(lambda charge: charge.flags),
        "differences": text(lambda charge: dump(charge.differences)),
    }
    return pa.table(columns)


def known(row: Mapping[str, Any], name: str) -> Any:
    """The value of a (version, value) column; `None` for what no version knew, or the query left out."""
    version, value = row.get(name) or (0, None)
    return value if version else None


def read_run(row: Mapping[str, Any]) -> Run:
    """A row of `run_versions`; a column that the query left out stays at its default."""
    return Run(
        run_id=str(row["run_id"]),
        trace_id=str(row["trace_id"]),
        project=row["project"],
        parent_run_id=None if row["parent_run_id"] is None else str(row["parent_run_id"]),
        name=known(row, "name") or "",
        run_type=known(row, "run_type") or "chain",
        start_us=row["start_us"],
        end_us=known(row, "end_us"),
        first_token_us=known(row, "first_token_us"),
        status=known(row, "status") or "pending",
        error=known(row, "error"),
        dotted_order=known(row, "dotted_order") or "",
        tags=tuple(known(row, "tags") or ()),
        metadata=load(known(row, "metadata")) or {},
        extra=load(known(row, "extra")) or {},
        inputs=load(known(row, "inputs")),
        outputs=load(known(row, "outputs") or known(row, "route")),
        events=load(known(row, "events")) or (),
        flags=tuple(known(row, "flags") or ()),
    )


def read_charge(row: Mapping[str, Any]) -> Charge:
    """A row of `charge_versions`."""
    return Charge(
        charge_key=row["charge_key"],
        project=row["project"],
        trace_id=str(row["trace_id"]),
        run_id=str(row["run_id"]),
        node=row["node"] or None,
        thread_id=row["thread_id"],
        user_id=row["user_id"],
        session_id=row["session_id"],
        environment=row["environment"] or None,
        release=row["release"] or None,
        tags=tuple(row["tags"]),
        call_path=row["call_path"],
        provider=row["provider"] or None,
        request_model=row["request_model"] or None,
        response_model=row["response_model"] or None,
        response_id=row["response_id"],
        quality=row["quality"],
        layer=row["layer"],
        layers_seen=tuple(row["layers_seen"]),
        usage=_read_usage(row),
        cost=Cost(
            usd=row["cost_usd"],
            status=row["cost_status"],
            reason=row["cost_reason"] or None,
            entry=row["price_entry"] or None,
            source=row["price_source"] or None,
            lines=tuple(_load_lines(row["cost_lines"])),
        ),
        status=row["status"],
        started_us=row["started_us"],
        duration_us=row["duration_us"],
        ttft_us=row["ttft_us"],
        flags=tuple(row["flags"]),
        run_ids=tuple(str(run_id) for run_id in row["run_ids"]),
        differences=load(row["differences"]) or {},
    )


def dump(value: Json) -> str:
    """JSON text of any value a run can carry."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):  # deeper than 254 levels, lone surrogates, integers beyond 64 bits
        try:
            return json.dumps(value, default=str, ensure_ascii=True)
        except (TypeError, ValueError, RecursionError):
            return '"[not representable as JSON]"'


def load(text: str | None) -> Json:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # what only the standard library could write, it alone can read
        return json.loads(text)


def _preview(run: Run, payload: Json) -> str | None:
    """Lists show roots and calls; a line of every step between would cost a third of the encoding."""
    return preview(payload) or None if run.is_root or run.run_type == "llm" else None


def _route(outputs: Json) -> str | None:
    """Of a run's outputs what tells the edges of a graph: where a `Command` goes, or a routing function's answer."""
    output = outputs.get("output") if isinstance(outputs, Mapping) else None
    if isinstance(output, Mapping):
        output = {"goto": output["goto"]} if "goto" in output else None
    if not isinstance(output, str | list | dict):
        return None
    text = dump({"output": output})
    return text if len(text) <= MAX_ROUTE_CHARS else None


def _payload(value: Json) -> str | None:
    return None if value is None else dump(value)


def _versioned(values: list[Any], held_by: Sequence[int], kind: pa.DataType) -> pa.Array:
    empty: Any = [] if kind is TEXTS else "" if kind is STRING else 0
    versions = pa.array(
        [0 if value is None else version for value, version in zip(values, held_by, strict=True)], UINT64
    )
    held = _array([empty if value is None else value for value in values], kind)
    return pa.StructArray.from_arrays([versions, held], ["1", "2"])


def _texts(values: Iterable[str | None]) -> pa.Array:
    return _array(list(values), STRING)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # a lone surrogate: no UTF-8 exists for it
        return pa.array([_encodable(value) for value in values], kind)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


def _count(value: int | None) -> int | None:
    return None if value is None else min(max(value, 0), COUNT_MAX)


def _counts(values: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(key, min(max(value, 0), COUNT_MAX)) for key, value in values.items()]


def _amounts(values: Mapping[str, Decimal]) -> list[tuple[str, Decimal]]:
    return [(key, amount) for key, value in values.items() if (amount := _usd(value)) is not None]


def _usd(value: Decimal | None) -> Decimal | None:
    """To 10^-12, where every price per token of today is exact; beyond all reason is not known."""
    if value is None or not value.is_finite() or abs(value) > USD_MAX:
        return None
    return value.quantize(PICO, context=WIDE)


def _dump_lines(lines: Sequence[CostLine]) -> str:
    return dump([[line.token_class, str(line.count), str(line.rate_usd), line.per, str(line.usd)] for line in lines])


def _load_lines(text: str) -> Iterable[CostLine]:
    for token_class, count, rate_usd, per, usd in load(text) or ():
        yield CostLine(token_class, Decimal(count), Decimal(rate_usd), per, Decimal(usd))


def _read_usage(row: Mapping[str, Any]) -> Usage | None:
    if row["input_tokens"] is None:
        return None
    return Usage(
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        input_token_details=row["input_details"],
        output_token_details=row["output_details"],
        meters=row["meters"],
        requests=row["requests"],
        source=row["usage_source"],
        tier=row["tier"] or None,
        raw=load(row["raw_usage"]) or {},
        warnings=tuple(row["usage_warnings"]),
    )
