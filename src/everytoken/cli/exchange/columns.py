"""The columns of an export, and one cell in each of its formats: JSON as it is, CSV as text, Parquet typed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pyarrow as pa

from everytoken.store.columns import dump, load

Kind = Literal["text", "int", "float", "json", "usd", "time"]
What = Literal["charges", "runs"]

COLUMNS: Mapping[What, Mapping[str, Kind]] = {
    "charges": {
        "charge_key": "text",
        "project": "text",
        "trace_id": "text",
        "run_id": "text",
        "run_ids": "json",
        "started_at": "time",
        "duration_ms": "float",
        "ttft_ms": "float",
        "status": "text",
        "node": "text",
        "thread_id": "text",
        "user_id": "text",
        "session_id": "text",
        "environment": "text",
        "release": "text",
        "tags": "json",
        "call_path": "text",
        "provider": "text",
        "request_model": "text",
        "response_model": "text",
        "response_id": "text",
        "tier": "text",
        "quality": "text",
        "layer": "text",
        "layers_seen": "json",
        "input_tokens": "int",
        "output_tokens": "int",
        "total_tokens": "int",
        "input_token_details": "json",
        "output_token_details": "json",
        "meters": "json",
        "requests": "int",
        "usage_source": "text",
        "usage_warnings": "json",
        "cost_usd": "usd",
        "cost_status": "text",
        "cost_reason": "text",
        "cost_lines": "json",
        "price_entry": "text",
        "price_source": "text",
        "flags": "json",
        "differences": "json",
        "raw_usage": "json",
    },
    "runs": {
        "run_id": "text",
        "trace_id": "text",
        "parent_run_id": "text",
        "project": "text",
        "name": "text",
        "run_type": "text",
        "start_us": "time",
        "end_us": "time",
        "first_token_us": "time",
        "status": "text",
        "error": "text",
        "dotted_order": "text",
        "tags": "json",
        "metadata": "json",
        "extra": "json",
        "inputs": "json",
        "outputs": "json",
        "events": "json",
        "flags": "json",
    },
}

_ARROW: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "json": pa.string(),
    "usd": pa.decimal128(38, 12),
    "time": pa.timestamp("us", tz="UTC"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]


def table(what: What, rows: Sequence[Row]) -> pa.Table:
    """Rows as typed columns: times as timestamps, money as decimals, nested values as JSON text."""
    return pa.table(
        {
            name: pa.array([_to_arrow(kind, row[name]) for row in rows], _ARROW[kind])
            for name, kind in COLUMNS[what].items()
        }
    )


def rows_of(what: What, batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows that `table` was made of. A file may leave columns out."""
    held = {name: batch.column(name).to_pylist() for name in COLUMNS[what] if name in batch.schema.names}
    return [
        {name: _from_arrow(COLUMNS[what][name], values[index]) for name, values in held.items()}
        for index in range(batch.num_rows)
    ]


def to_text(what: What, row: Row) -> list[str]:
    """One line of CSV; unknown is the empty cell."""
    return [_to_text(kind, row[name]) for name, kind in COLUMNS[what].items()]


def from_text(what: What, cells: Mapping[str, str]) -> dict[str, Any]:
    """The row behind a line of CSV.

    Raises:
        ValueError: a cell is not of its column's kind.
    """
    return {name: _from_text(kind, cells[name]) for name, kind in COLUMNS[what].items() if name in cells}


def _to_arrow(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "json":
        return dump(value)
    if kind == "usd":
        return Decimal(value)
    return _EPOCH + timedelta(microseconds=value) if kind == "time" else value


def _from_arrow(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind == "json":
        return load(value)
    if kind == "usd":
        return plain(value)
    return (value - _EPOCH) // timedelta(microseconds=1) if kind == "time" else value


def _to_text(kind: Kind, value: Any) -> str:
    if value is None:
        return ""
    return dump(value) if kind == "json" else str(value)


def _from_text(kind: Kind, text: str) -> Any:
    if text == "":
        return None
    if kind == "json":
        return load(text)
    if kind in ("int", "time"):
        return int(text)
    return float(text) if kind == "float" else text


def plain(amount: Decimal) -> str:
    """`0.000175`: no exponent and no zeros at the end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
