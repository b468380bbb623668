"""The schema of the ledger: from every version to this one, killed on the way, on one engine and as a cluster's DDL."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from tests.store.clickhouse_server import CLUSTER
from tests.store.samples import NOON_US, TRACE, anywhere, charge, opened, run

from everytoken.config import Settings
from everytoken.store import columnar
from everytoken.store.clickhouse import DATABASE, embedded, remote
from everytoken.store.columnar import SCHEMA_VERSION, TABLES, Layout, found_version, migrate
from everytoken.store.errors import FolderError
from everytoken.store.ledger import Ledger

OLD = Path(__file__).parents[1] / "data" / "ledger_schema"
LAYOUT = Layout(DATABASE)
COLUMNS = (
    f"SELECT table, name, type, position FROM system.columns WHERE database = '{DATABASE}' ORDER BY table, position"
)

KILLED_CHILD = """
import os, signal, sys
from pathlib import Path
from everytoken.config import Settings
from everytoken.store import columnar
from everytoken.store.clickhouse import DATABASE, embedded

folder, left = Path(sys.argv[1]), int(sys.argv[2])
client = embedded(Settings(data=folder), folder / "ledger")(database=DATABASE)
command = client.command

def counted(*arguments, **more):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return command(*arguments, **more)

client.command = counted
columnar.migrate(client, columnar.Layout(DATABASE))
"""


class StopsAt:
    """The engine's client, which fails from the n-th statement on: a server that lost its engine on the way."""

    def __init__(self, client: Client, statements: int) -> None:
        self._client = client
        self._left = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def command(self, *arguments: Any, **more: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ConnectionError("away")
        return self._client.command(*arguments, **more)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = _connected(tmp_path)
    yield client
    client.close()


def _connected(folder: Path) -> Client:
    (folder / "ledger").mkdir(parents=True, exist_ok=True)
    client = embedded(Settings(data=folder), folder / "ledger")()
    client.command(LAYOUT.database_ddl())
    client.database = DATABASE
    return client


def _write(client: Client, version: int, layout: Layout = LAYOUT) -> None:
    """The tables of an older schema, with a run and two charges in them; the second one's node is not known."""
    if version == 0:
        return
    for statement in filter(str.strip, (OLD / f"{version}.sql").read_text().split(";\n")):
        is_table = layout.cluster is not None and "CREATE TABLE" in statement
        for one in layout._clustered(statement.strip()) if is_table else (statement,):
            client.command(one)
    client.command(
        "INSERT INTO run_versions (project, is_root, start_us, trace_id, run_id, version, name, outputs) VALUES "
        f"('shop', 1, {NOON_US}, '{TRACE}', '{TRACE}', 7, (7, 'chat'), (7, '\"hi\"'))"
    )
    unknown = "NULL" if version == 1 else "''"
    for key, node in (("a", "'answer'"), ("b", unknown)):
        client.command(
            "INSERT INTO charge_versions (project, started_us, trace_id, charge_key, version, is_deleted, run_id, "
            "node, input_tokens, output_tokens, cost_usd, cost_status, quality, layer, status, call_path, "
            "cost_lines, differences) VALUES "
            f"('shop', {NOON_US}, '{TRACE}', '{key}', 7, 0, '{TRACE}', {node}, 100, 20, 0.5, 'priced', 'exact', 'sdk', "
            "'success', 'openai.chat.create', '[[\"input\",\"100\",\"1.75\",1000000,\"0.000175\"]]', '{}')"
        )


def _holds_all(ledger: Ledger) -> None:
    (held,) = ledger.read_trace(TRACE)
    assert (held.name, held.outputs) == ("chat", "hi")
    charges = ledger.read_charges(anywhere())
    assert [(kept.charge_key, kept.node) for kept in charges] == [("a", "answer"), ("b", None)]
    assert [kept.release for kept in charges] == [None, None]
    assert sum(kept.cost.usd or Decimal(0) for kept in charges) == Decimal(1)
    (lines,) = ledger.select("series_lines", project="shop", from_us=0, to_us=NOON_US + 1, starts_us=[0])
    assert (lines["token_class"], lines["llm_calls"], lines["known_usd"]) == ("input", 2, Decimal("0.00035"))


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4, 5])
def test_every_schema_becomes_that_of_this_program_and_keeps_what_it_held(tmp_path: Path, version: int) -> None:
    client = _connected(tmp_path)
    _write(client, version)
    assert found_version(client, LAYOUT) == version
    client.close()

    with opened(tmp_path) as ledger:
        assert ledger.schema_version == SCHEMA_VERSION == 5
        if version:
            _holds_all(ledger)
        ledger.write([run(TRACE, outputs={"output": {"goto": "answer"}})], [charge("c", "0.25")], [])
        assert len(ledger.read_charges(anywhere())) == (3 if version else 1)

    client = _connected(tmp_path)
    assert found_version(client, LAYOUT) == 5
    columns = {(table, name): kind for table, name, kind, _ in client.query(COLUMNS).result_rows}
    client.close()
    assert {table for table, _ in columns} == set(TABLES)
    assert columns["charge_versions", "node"] == "LowCardinality(String)"
    assert columns["charge_versions", "release"] == "LowCardinality(String)"
    assert columns["run_versions", "route"] == "SimpleAggregateFunction(max, Tuple(UInt64, String))"


def test_an_old_schema_and_a_new_one_end_with_the_same_columns(client: Client) -> None:
    migrate(client, LAYOUT)
    fresh = client.query(COLUMNS).result_rows
    for version in (1, 2, 3, 4, 5):  # the last one shows a change that was given no version of its own
        for table in TABLES:
            client.command(f"DROP TABLE {table}")
        _write(client, version)
        migrate(client, LAYOUT)
        assert client.query(COLUMNS).result_rows == fresh


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
def test_a_migration_that_stops_at_any_statement_is_done_by_the_next_start(client: Client, version: int) -> None:
    _write(client, version)
    stopped = 0
    while True:
        try:
            migrate(StopsAt(client, stopped), LAYOUT)  # type: ignore[arg-type]  # a client at the one seam
            break
        except ConnectionError:
            stopped += 1
            assert found_version(client, LAYOUT) < SCHEMA_VERSION
        assert stopped < 60

    assert stopped >= len(TABLES)
    assert found_version(client, LAYOUT) == SCHEMA_VERSION
    rows = client.query("SELECT count(), countIf(node = ''), sum(input_tokens) FROM charge_versions FINAL").result_rows
    assert rows == [((2, 1, 200) if version else (0, 0, None))]


@pytest.fixture
def clustered(cluster_url: str, tmp_path: Path) -> Iterator[tuple[Client, Layout]]:
    """A client of an empty database on a cluster of two shards."""
    connect, layout = remote(Settings(data=tmp_path, clickhouse_url=cluster_url, clickhouse_cluster=CLUSTER))
    first = connect(database="default")
    first.command(layout.database_ddl())
    first.close()
    client = connect()
    yield client, layout
    client.close()


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
def test_on_a_cluster_every_schema_is_brought_up_to_date_whatever_statement_a_start_stopped_at(
    clustered: tuple[Client, Layout], version: int
) -> None:
    client, layout = clustered
    _write(client, version, layout)
    assert found_version(client, layout) == version
    stopped = 0
    while True:
        try:
            migrate(StopsAt(client, stopped), layout)  # type: ignore[arg-type]  # a client at the one seam
            break
        except ConnectionError:
            stopped += 1
            assert found_version(client, layout) < SCHEMA_VERSION
        assert stopped < 60

    assert stopped >= 2 * len(TABLES)
    assert found_version(client, layout) == SCHEMA_VERSION
    kinds = client.query("SELECT name, engine FROM system.tables WHERE database = currentDatabase()").result_rows
    assert {name for name, engine in kinds if engine == "Distributed"} == set(TABLES)
    for table in TABLES:  # what is asked over all shards has the columns that lie on each of them
        over, below = (client.query(f"DESCRIBE TABLE {name}").result_rows for name in (table, f"{table}_local"))
        assert [row[:2] for row in over] == [row[:2] for row in below]
    rows = client.query("SELECT count(), countIf(node = ''), sum(input_tokens) FROM charge_versions FINAL").result_rows
    assert rows == [((2, 1, 200) if version else (0, 0, None))]


@pytest.mark.parametrize("table", TABLES)
def test_a_database_with_another_programs_table_of_our_name_is_refused_and_left_alone(
    client: Client, table: str
) -> None:
    client.command(f"CREATE TABLE {table} (id UInt64, at DateTime) ENGINE = MergeTree ORDER BY id")
    with pytest.raises(FolderError, match=f"everytoken holds tables of another program: {table}") as raised:
        migrate(client, LAYOUT)
    assert "EVERYTOKEN_CLICKHOUSE_URL" in str(raised.value.hint)
    assert client.query("SHOW TABLES").result_rows == [(table,)]


def test_a_ledger_of_one_server_is_not_taken_for_one_of_a_cluster_nor_the_other_way_round(
    cluster_url: str, tmp_path: Path
) -> None:
    whole, on_shards = (
        Settings(data=tmp_path, clickhouse_url=cluster_url, clickhouse_cluster=name) for name in (None, CLUSTER)
    )
    for first, then, said in (
        (whole, on_shards, "lies on one server, not on the cluster prod-eu"),
        (on_shards, whole, "lies on a cluster"),
    ):
        Ledger.open(first).close()
        with pytest.raises(FolderError, match=said) as raised:
            Ledger.open(then)
        assert "EVERYTOKEN_CLICKHOUSE_CLUSTER" in str(raised.value.hint)
        client = remote(whole)[0]()
        for table in TABLES:
            client.command(f"DROP TABLE {table}")
        client.close()


def test_a_server_killed_while_it_migrates_finishes_at_its_next_start(tmp_path: Path) -> None:
    client = _connected(tmp_path)
    _write(client, 1)
    client.close()

    for statements in (1, 3, 4):
        child = [sys.executable, "-c", KILLED_CHILD, str(tmp_path), str(statements)]
        killed = subprocess.run(child, env=os.environ | {"PYTHONPATH": "src"}, capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()

    with opened(tmp_path) as ledger:
        _holds_all(ledger)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    client = _connected(tmp_path)
    migrate(client, LAYOUT)
    client.command("INSERT INTO ledger_schema VALUES (6, 0)")
    client.close()

    with pytest.raises(FolderError, match=r"newer everytoken \(schema 6; this one knows 5\)") as raised:
        Ledger.open(Settings(data=tmp_path))
    assert raised.value.hint is not None
    _connected(tmp_path / "another").close()  # the refused one was let go: a process has one folder open at a time


def test_servers_that_start_together_on_one_clickhouse_end_with_one_schema(clickhouse_url: str, tmp_path: Path) -> None:
    import threading

    opened: list[Ledger] = []

    def start() -> None:
        opened.append(Ledger.open(Settings(data=tmp_path, clickhouse_url=clickhouse_url)))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [ledger.schema_version for ledger in opened] == [5] * 4
    for ledger in opened:
        ledger.close()


def test_on_a_cluster_the_tables_that_hold_rows_get_the_new_columns(client: Client) -> None:
    statements = list(columnar._STEPS[4](Layout("spend", "prod")))

    for statement in statements:
        client.command(f"EXPLAIN AST {statement}")
    table = "ALTER TABLE charge_versions_local ON CLUSTER 'prod' "
    assert statements[0] == f"{table}ADD COLUMN IF NOT EXISTS release LowCardinality(String) AFTER environment"
    assert statements[1].startswith(f"{table}ADD COLUMN IF NOT EXISTS line_usds ")
    assert statements[2] == f"{table}MATERIALIZE COLUMN line_usds"
    assert [statement.split(" MODIFY SETTING ")[0] for statement in statements[3:]] == [
        "ALTER TABLE run_versions_local ON CLUSTER 'prod'",
        "ALTER TABLE charge_versions_local ON CLUSTER 'prod'",
    ]


def test_parts_that_rest_are_merged_in_a_new_ledger_and_in_an_old_one(client: Client) -> None:
    told = (
        "SELECT name, extract(engine_full, 'SETTINGS .*') FROM system.tables WHERE database = 'everytoken' AND name = "
    )
    migrate(client, LAYOUT)
    fresh = {name: client.query(f"{told}'{name}'").result_rows for name in ("run_versions", "charge_versions")}
    for _, settings in (rows[0] for rows in fresh.values()):
        assert "min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1" in settings
    for table in TABLES:
        client.command(f"DROP TABLE {table}")
    _write(client, 4)
    migrate(client, LAYOUT)
    for name, settings in fresh.items():
        assert client.query(f"{told}'{name}'").result_rows == settings


def test_a_cluster_gets_replicated_tables_and_one_over_all_shards_by_trace(client: Client) -> None:
    ddl = list(Layout("spend", "prod").table_ddl())

    for statement in (*ddl, Layout("spend", "prod").database_ddl()):
        client.command(f"EXPLAIN AST {statement}")  # the engine's own parser reads it
    text = "\n".join(ddl)
    assert "CREATE TABLE IF NOT EXISTS run_versions_local ON CLUSTER 'prod' (" in text
    assert (
        "ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/spend/run_versions', '{replica}')\n"
        in text
    )
    assert (
        "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/spend/charge_versions', '{replica}', "
        "version, is_deleted)\n" in text
    )
    assert (
        "CREATE TABLE IF NOT EXISTS charge_versions ON CLUSTER 'prod' AS spend.charge_versions_local "
        "ENGINE = Distributed('prod', 'spend', 'charge_versions_local', cityHash64(trace_id))" in ddl
    )
    assert len(ddl) == 2 * len(TABLES)
    assert "Distributed" not in "".join(Layout("spend").table_ddl())
