"""Runs and charges for store tests: one line each, every field that matters named by the test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from everytoken.config import Settings
from everytoken.core.charge import Charge, Cost, CostLine
from everytoken.core.run import Run
from everytoken.core.usage import Usage
from everytoken.store.clickhouse import DATABASE
from everytoken.store.ledger import Ledger, TracePlace
from everytoken.store.rows import SettledRun

NOON_US = 1_795_348_800_000_000
"""2026-11-22T12:00:00Z."""
SECOND_US = 1_000_000
TRACE = "00000000-0000-4000-8000-000000000001"


def uid(number: int) -> str:
    return str(uuid.UUID(int=number + 0x0000_0000_0000_4000_8000_0000_0000_0000))


class Engine:
    """Where `opened` opens a ledger: told by the fixture `engine`, which runs a test once for each."""

    clickhouse_url: str | None = None
    cluster: str | None = None
    two_shards = False


TWO_SHARDS = "two_shards"
"""Database in which each table is a remote one over two shards, both of them this engine: every query gets the plan it
has on a cluster, and every row lies on the shard that the hash of its trace names."""


@contextmanager
def opened(folder: Path) -> Iterator[Ledger]:
    """The embedded engine allows one folder a process: it is closed before the next test opens another."""
    ledger = Ledger.open(Settings(data=folder, clickhouse_url=Engine.clickhouse_url, clickhouse_cluster=Engine.cluster))
    try:
        if Engine.two_shards:
            split(ledger)
        yield ledger
    finally:
        ledger.close()


def split(ledger: Ledger) -> None:
    """Have its reads take the plan that they have on two shards."""
    writer, *readers = ledger._clients
    writer.command(f"CREATE DATABASE IF NOT EXISTS {TWO_SHARDS} ENGINE = Atomic")
    for table in ("run_versions", "charge_versions", "operations", "attachments"):
        key = "sha256" if table == "attachments" else "trace_id"
        writer.command(
            f"CREATE VIEW IF NOT EXISTS {TWO_SHARDS}.{table}_local AS SELECT * FROM {DATABASE}.{table} FINAL "
            f"WHERE cityHash64({key}) % 2 = shardNum() - 1 SETTINGS asterisk_include_materialized_columns = 1"
        )
        shards = f"remote('localhost,127.0.0.1', '{TWO_SHARDS}.{table}_local')"
        writer.command(f"CREATE TABLE IF NOT EXISTS {TWO_SHARDS}.{table} AS {shards}")
    for reader in readers:
        reader.database = TWO_SHARDS


def run(run_id: str, *, node: str | None = None, is_node: bool = False, **fields: Any) -> SettledRun:
    """A run of `TRACE` in project `shop` that started at noon, unless said otherwise."""
    known: dict[str, Any] = {"trace_id": TRACE, "project": "shop", "start_us": NOON_US, "name": "step", **fields}
    return SettledRun(Run(run_id=run_id, **known), node=node, is_node=is_node)


def anywhere(project: str = "shop") -> TracePlace:
    """`TRACE`, wherever in time its charges lie."""
    return TracePlace(TRACE, (project,), -(2**62), 2**62)


def charge(key: str, usd: str | None = "0.01", *, tokens: tuple[int, int] | None = (100, 20), **fields: Any) -> Charge:
    """An exact, priced charge of `TRACE`; `usd=None` is unpriced, `tokens=None` has no usage."""
    cost = (
        Cost(usd=None, status="unpriced", reason="model_unknown")
        if usd is None
        else Cost(
            usd=Decimal(usd),
            status="priced",
            entry="openai/gpt-5.2",
            source="genai-prices 0.2.3",
            lines=(CostLine("input", Decimal(100), Decimal("1.75"), 1_000_000, Decimal("0.000175")),),
        )
    )
    known: dict[str, Any] = {
        "charge_key": key,
        "project": "shop",
        "trace_id": TRACE,
        "run_id": TRACE,
        "started_us": NOON_US,
        "call_path": "openai.chat.create",
        "provider": "openai",
        "request_model": "gpt-5.2",
        "response_model": "gpt-5.2-2025-12-11",
        "quality": "exact" if tokens else "missing",
        "usage": Usage(input_tokens=tokens[0], output_tokens=tokens[1]) if tokens else None,
        "cost": cost,
        "status": "success",
        "duration_us": 250_000,
        **fields,
    }
    return Charge(**known)
