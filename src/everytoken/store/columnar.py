"""The schema of the ledger: its DDL for one engine or a cluster, its version, and the steps from every older one.

A step is written so that doing it twice is doing it once: a server killed on the way, or several that start together,
end with the same tables.
"""

import re
import time
from collections.abc import Collection, Iterator
from functools import cache
from importlib import resources

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from everytoken.store.errors import FolderError

SCHEMA_VERSION = 5
"""1: columns that may be NULL, and two views. 2: the empty text for "not known". 3: the route of a run; no views.
4: operations, attachments, and the version itself, which was read off the columns before. 5: the release of a
charge, the dollars of its lines apart from their text, and parts that are merged once they rest."""
TABLES = ("run_versions", "charge_versions", "operations", "attachments", "ledger_schema")
KEYS = {
    "run_versions": "run_id", "charge_versions": "charge_key", "operations": "digest", "attachments": "sha256",
    "ledger_schema": "version",
}  # fmt: skip
"""A column that each of these tables has had in every schema: without it, a table of this name is another program's."""
SHARDED_BY = {"attachments": "cityHash64(sha256)", "ledger_schema": "version"}
"""All else lies by its trace: every version of a run and every run of a trace on one shard."""

WAS_NULLABLE = (
    "node", "environment", "provider", "request_model", "response_model", "usage_source", "tier", "cost_reason",
    "price_entry", "price_source",
)  # fmt: skip
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+) \(")
_ENGINE = re.compile(r"ENGINE = (\w*MergeTree)(?:\(([^)]*)\))?")


class Layout:
    """Where the tables lie: in one engine, or on the shards of a cluster with a distributed table over each."""

    def __init__(self, database: str, cluster: str | None = None) -> None:
        self.database = database
        self.cluster = cluster

    @property
    def on_cluster(self) -> str:
        return "" if self.cluster is None else f" ON CLUSTER '{self.cluster}'"

    def stored(self, table: str) -> str:
        """The table that holds rows, which changes and deletions name; reads and inserts name `table`."""
        return table if self.cluster is None else f"{table}_local"

    def changed(self, table: str) -> str:
        """What follows `ALTER TABLE` and `DELETE FROM`."""
        return self.stored(table) + self.on_cluster

    @property
    def parts(self) -> str:
        """The engine's own table of its parts; on a cluster, of those of all its servers."""
        return "system.parts" if self.cluster is None else f"clusterAllReplicas('{self.cluster}', system.parts)"

    def database_ddl(self) -> str:
        engine = " ENGINE = Atomic" if self.cluster is None else ""
        return f"CREATE DATABASE IF NOT EXISTS {self.database}{self.on_cluster}{engine}"

    def table_ddl(self) -> Iterator[str]:
        """The statements that make every table of the present schema."""
        for statement in _schema():
            if self.cluster is None:
                yield statement
            else:
                yield from self._clustered(statement)

    def _clustered(self, statement: str) -> Iterator[str]:
        found = _TABLE.search(statement)
        assert found is not None
        table = found[1]
        where = f"'/clickhouse/tables/{{shard}}/{self.database}/{table}', '{{replica}}'"
        local = _TABLE.sub(f"CREATE TABLE IF NOT EXISTS {table}_local{self.on_cluster} (", statement)
        yield _ENGINE.sub(
            lambda engine: f"ENGINE = Replicated{engine[1]}({where}{', ' + engine[2] if engine[2] else ''})", local
        )
        key = SHARDED_BY.get(table, "cityHash64(trace_id)")
        yield (
            f"CREATE TABLE IF NOT EXISTS {table}{self.on_cluster} AS {self.database}.{table}_local "
            f"ENGINE = Distributed('{self.cluster}', '{self.database}', '{table}_local', {key})"
        )


def migrate(client: Client, layout: Layout) -> int:
    """Make or change the tables; the schema version, which is `SCHEMA_VERSION` when it returns.

    Raises:
        FolderError: a newer everytoken wrote them, or another program.
    """
    found = found_version(client, layout)
    if found > SCHEMA_VERSION:
        raise FolderError(
            f"the ledger was written by a newer everytoken (schema {found}; this one knows {SCHEMA_VERSION})",
            hint="upgrade everytoken, or name another ledger: --data DIR, EVERYTOKEN_CLICKHOUSE_URL",
        )
    if found == SCHEMA_VERSION:
        return found
    # First: a server killed while it made the tables left some, in which a step may look for one that is missing.
    for statement in layout.table_ddl():
        client.command(statement)
    for step in (_STEPS[version] for version in _STEPS if 0 < found <= version):
        for statement in step(layout):
            client.command(statement, settings={"mutations_sync": 2, "alter_sync": 2})
    if layout.cluster is not None and found > 0:
        for statement in _distributed_again(layout):
            client.command(statement)
    # Last: until it is written, the next start does all of it again.
    # By Arrow, as everything is written: `client.insert` would import pandas, 63 MB, to see whether it was given one.
    told = pa.table({"version": pa.array([SCHEMA_VERSION], pa.uint32()), "at_us": [time.time_ns() // 1000]})
    client.insert_arrow("ledger_schema", told)
    return SCHEMA_VERSION


def found_version(client: Client, layout: Layout) -> int:
    """0 for a database without a ledger. Before 4 no table told it, and 1 to 3 differ in their columns.

    Raises:
        FolderError: the tables of these names are another program's, or lie otherwise than the layout says.
    """
    told = client.query(
        "SELECT table, name, type FROM system.columns "
        "WHERE database = {database:String} AND table IN {tables:Array(String)}",
        parameters={"database": layout.database, "tables": [*TABLES, *(f"{table}_local" for table in TABLES)]},
    )
    columns = {(table, name): kind for table, name, kind in told.result_rows}
    _check(layout, columns.keys())
    if (layout.stored("ledger_schema"), "version") in columns and ("ledger_schema", "version") in columns:
        version = client.query("SELECT max(version) FROM ledger_schema").result_rows[0][0]
        if version:
            return int(version)
    if (layout.stored("run_versions"), "version") not in columns:
        return 0
    if "Nullable" in columns.get((layout.stored("charge_versions"), "node"), ""):
        return 1
    return 3 if (layout.stored("run_versions"), "route") in columns else 2


def _check(layout: Layout, columns: Collection[tuple[str, str]]) -> None:
    held = {table for table, _ in columns}
    foreign = sorted(name for name in held if (name, KEYS[name.removesuffix("_local")]) not in columns)
    if foreign:
        raise FolderError(
            f"the database {layout.database} holds tables of another program: {', '.join(foreign)}",
            hint="name a database of its own: EVERYTOKEN_CLICKHOUSE_URL",
        )
    on_shards = {table for table in TABLES if f"{table}_local" in held}
    if layout.cluster is None and on_shards:
        raise FolderError(
            f"the ledger in the database {layout.database} lies on a cluster",
            hint="name it: EVERYTOKEN_CLICKHOUSE_CLUSTER; or name another database",
        )
    # On its shards a table is made before the one over them: what lies nowhere else was written by one server.
    if layout.cluster is not None and held & set(TABLES) - on_shards:
        raise FolderError(
            f"the ledger in the database {layout.database} lies on one server, not on the cluster {layout.cluster}",
            hint="leave EVERYTOKEN_CLICKHOUSE_CLUSTER out, or name another database",
        )


def _to_2(layout: Layout) -> Iterator[str]:
    """What is not known becomes the empty text: Arrow's null arrives as one in such a column."""
    kind = "LowCardinality(String) DEFAULT ''"  # the default is what each NULL becomes
    changes = ", ".join(f"MODIFY COLUMN {column} {kind}" for column in WAS_NULLABLE)
    yield f"ALTER TABLE {layout.changed('charge_versions')} {changes}"


def _to_3(layout: Layout) -> Iterator[str]:
    for view in ("runs", "charges"):
        yield f"DROP VIEW IF EXISTS {view}{layout.on_cluster}"
    yield (
        f"ALTER TABLE {layout.changed('run_versions')} ADD COLUMN IF NOT EXISTS "
        "route SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)) AFTER events"
    )


def _to_5(layout: Layout) -> Iterator[str]:
    yield (
        f"ALTER TABLE {layout.changed('charge_versions')} "
        "ADD COLUMN IF NOT EXISTS release LowCardinality(String) AFTER environment"
    )
    yield (
        f"ALTER TABLE {layout.changed('charge_versions')} ADD COLUMN IF NOT EXISTS line_usds "
        "Array(Tuple(LowCardinality(String), Decimal(18, 12))) MATERIALIZED "
        "arrayMap(line -> (line.1, toDecimal64OrZero(line.5, 12)), "
        "JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))')) AFTER cost_lines"
    )
    # Reads would make it of the text of old rows each time: a million of them are written in about a second.
    yield f"ALTER TABLE {layout.changed('charge_versions')} MATERIALIZE COLUMN line_usds"
    for table in ("run_versions", "charge_versions"):
        yield (
            f"ALTER TABLE {layout.changed(table)} MODIFY SETTING "
            "min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1"
        )


_STEPS = {1: _to_2, 2: _to_3, 4: _to_5}
"""Version → the statements that lead from it to the next, where making new tables is not all."""


def _distributed_again(layout: Layout) -> Iterator[str]:
    """A distributed table holds no rows: after a change of what lies below, it is made again with the new columns."""
    for statement in layout.table_ddl():
        if " ENGINE = Distributed(" in statement:
            yield statement.replace("CREATE TABLE IF NOT EXISTS", "CREATE OR REPLACE TABLE")


@cache
def _schema() -> tuple[str, ...]:
    text = (resources.files("everytoken.store") / "sql" / "schema.sql").read_text()
    return tuple(statement for part in text.split(";\n") if (statement := part.strip().rstrip(";")))
