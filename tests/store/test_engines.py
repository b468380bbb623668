"""That the engines the other tests run on are what they say: rows on both shards, rows on the server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from tests.store.clickhouse_server import CLUSTER, ClickHouse
from tests.store.samples import NOON_US, Engine, charge, opened, run, uid

from everytoken.config import Settings
from everytoken.store.errors import StoreError, StoreUnavailableError
from everytoken.store.evidence import count_in
from everytoken.store.ledger import Ledger
from everytoken.store.operations import OperationKey, StoredOperation
from everytoken.store.reading import sql_text
from everytoken.store.visible import only, row_filter

KINDS = ("patch", "post")


@pytest.fixture
def two_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "two_shards", True)


@pytest.mark.usefixtures("two_shards")
def test_a_query_over_two_shards_merges_what_each_of_them_aggregated(tmp_path: Path) -> None:
    traces = [uid(number) for number in range(1, 41)]
    with opened(tmp_path) as ledger:
        ledger.write(
            [run(trace, trace_id=trace) for trace in traces], [charge("k", trace_id=trace) for trace in traces], []
        )
        reader = ledger._clients[1]
        shards = "SELECT _shard_num, count() FROM charge_versions GROUP BY _shard_num ORDER BY _shard_num"
        first, second = reader.query(shards).result_rows
        assert first[0] == 1
        assert second[0] == 2
        assert 10 < first[1] < 30
        assert first[1] + second[1] == 40

        bounds = {"project": "shop", "from_us": 0, "to_us": NOON_US + 1, "limit": 9}
        plan = reader.query("EXPLAIN " + sql_text("node_charges"), parameters=bounds).result_rows
        steps = [line.strip() for (line,) in plan]
        assert any(step.startswith("MergingAggregated") for step in steps)
        assert sum(step.startswith("Aggregating") for step in steps) == 2


@pytest.mark.usefixtures("two_shards")
def test_a_request_sees_its_projects_alone_on_every_shard(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        charges = [charge("k", trace_id=uid(n), project=project) for project in ("shop", "bank") for n in range(1, 21)]
        ledger.write([], charges, [])
        bounds = {"project": None, "from_us": 0, "to_us": NOON_US + 1}
        assert {row["project"]: row["llm_calls"] for row in ledger.select("project_charges", **bounds)} == {
            "shop": 20,
            "bank": 20,
        }
        with only(["bank"]):
            (row,) = ledger.select("project_charges", **bounds)
            # what a shard is asked names its own table: the filter of that name alone holds there
            filters = {"additional_table_filters": row_filter(["charge_versions_local"])}
            told = ledger._clients[1].query(sql_text("project_charges"), parameters=bounds, settings=filters)
        assert (row["project"], row["llm_calls"]) == ("bank", 20)
        assert [one["project"] for one in told.named_results()] == ["bank"]


@pytest.mark.usefixtures("two_shards")
def test_servers_find_what_others_told_on_every_shard(tmp_path: Path) -> None:
    traces = [uid(number) for number in range(1, 41)]
    told = [StoredOperation(t, OperationKey(t, kind, 7, 0, 2**64 - 1), b"{}") for t in traces for kind in KINDS]
    with opened(tmp_path) as ledger:
        log = ledger.operations
        log.add(told, "here")
        log.add(told[:2], "there")
        ledger.write(
            [run(trace, trace_id=trace) for trace in traces],
            [charge("k", trace_id=trace) for trace in traces],
            [],
            dict.fromkeys(traces, 2),
        )

        expected = {trace: {OperationKey(trace, kind, 7, 0, 2**64 - 1) for kind in KINDS} for trace in traces}
        assert log.keys(traces, writer="elsewhere") == expected
        assert log.keys(traces, writer="here", whole=traces[5:9]).keys() - {traces[0]} == set(traces[5:9])
        assert log.read(traces[:3]) == {trace: [one for one in told if one.trace_id == trace] for trace in traces[:3]}
        assert log.places(traces) == {trace: trace for trace in traces}
        assert {trace: len(refs) for trace, refs in log.charge_keys(traces).items()} == dict.fromkeys(traces, 1)
        assert {trace: count_in(version) for trace, version in log.versions(traces).items()} == dict.fromkeys(traces, 2)
        ledger.put_attachment("ab" * 32, b"\x00\xff")
        assert ledger.attachment("ab" * 32) == b"\x00\xff"


@pytest.fixture
def on_cluster(cluster_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger on a cluster of two shards that holds 40 traces of two projects, and what servers told of them."""
    ledger = Ledger.open(Settings(data=tmp_path, clickhouse_url=cluster_url, clickhouse_cluster=CLUSTER))
    traces = [uid(number) for number in range(1, 41)]
    of = {trace: "shop" if number < 30 else "bank" for number, trace in enumerate(traces)}
    ledger.operations.add(
        [StoredOperation(trace, OperationKey(trace, "post", 7, 0, 1), b"{}") for trace in traces], "here"
    )
    ledger.write(
        [run(trace, trace_id=trace, project=of[trace]) for trace in traces],
        [charge("k", trace_id=trace, project=of[trace]) for trace in traces],
        [],
        dict.fromkeys(traces, 1),
    )
    yield ledger
    ledger.close()


def test_an_insert_into_a_cluster_is_split_and_a_read_asks_both_shards(on_cluster: Ledger) -> None:
    reader = on_cluster._clients[1]
    for table in ("run_versions", "charge_versions", "operations"):
        by_shard = f"SELECT shardNum(), count() FROM {table} GROUP BY ALL ORDER BY ALL"
        assert reader.query(by_shard).result_rows == [(1, 21), (2, 19)]
        plan = reader.query(f"EXPLAIN SELECT trace_id, count() FROM {table} GROUP BY ALL").result_rows
        assert sum(line.strip().startswith("ReadFromMergeTree (c_") for (line,) in plan) == 2


def test_what_is_deleted_on_a_cluster_goes_with_what_servers_told_of_it(
    on_cluster: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("everytoken.store.operations.DELETED", 7)

    def held() -> list[int]:
        counts = (f"SELECT count() FROM {table}" for table in ("run_versions", "charge_versions", "operations"))
        return [on_cluster._clients[1].query(count).result_rows[0][0] for count in counts]

    on_cluster.delete("shop", [])
    assert held() == [40, 40, 40]
    on_cluster.delete("shop", [uid(1), uid(2), uid(39)])  # the last is of the other project
    assert held() == [38, 38, 38]
    on_cluster.delete("shop")
    assert held() == [10, 10, 10]
    assert on_cluster.find_trace(uid(39)) is not None


class GoesAway:
    """The engine's client, which answers so many commands and then no more."""

    def __init__(self, client: Client, commands: int) -> None:
        self._client, self._left = client, commands

    def command(self, *arguments: Any, **more: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise OperationalError("away")
        return self._client.command(*arguments, **more)


@pytest.mark.parametrize("commands", [0, 1, 2])  # of what was told, of charges, of runs
def test_a_deletion_that_stops_on_its_way_is_found_again_and_done_by_the_next(
    on_cluster: Ledger, commands: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(on_cluster, "_writer", GoesAway(on_cluster._writer, commands))
        with pytest.raises(StoreUnavailableError, match="refused to delete"):
            on_cluster.delete("shop", [uid(1)])
    # A request looks for the trace by its runs: charges without runs would count, and nobody could delete them.
    assert on_cluster.find_trace(uid(1)) is not None

    on_cluster.delete("shop", [uid(1)])
    assert on_cluster.find_trace(uid(1)) is None
    assert on_cluster.read_charge_keys(uid(1)) == []
    assert on_cluster.operations.read([uid(1)]) == {}


class Busy:
    """The engine's client on replicas, into whose tables another server writes at this moment."""

    def __init__(self, client: Client, times: int) -> None:
        self._client, self._left = client, times
        self.tried = 0

    def insert_arrow(self, table: str, rows: Any) -> Any:
        self.tried += 1
        self._left -= 1
        if self._left >= 0:
            raise DatabaseError("Quorum for previous write has not been satisfied yet", code=286)
        return self._client.insert_arrow(table, rows)


def test_an_insert_waits_while_another_server_writes_to_the_replicas(
    on_cluster: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr("everytoken.store.ledger.time.sleep", paused.append)
    busy = Busy(on_cluster._writer, 3)
    with monkeypatch.context() as patched:
        patched.setattr(on_cluster, "_writer", busy)
        on_cluster.put_attachment("ab" * 32, b"kept")
    assert on_cluster.attachment("ab" * 32) == b"kept"
    assert busy.tried == 4
    assert len(paused) == 3
    assert all(0.025 <= pause <= 0.075 for pause in paused)

    busy = Busy(on_cluster._writer, 1_000)
    with monkeypatch.context() as patched:
        patched.setattr(on_cluster, "_writer", busy)
        with pytest.raises(StoreUnavailableError, match="Quorum for previous write"):
            on_cluster.put_attachment("cd" * 32, b"lost")
    assert busy.tried == 40


def test_what_is_written_over_http_lies_on_the_server(
    clickhouse: ClickHouse, clickhouse_url: str, tmp_path: Path
) -> None:
    ledger = Ledger.open(Settings(data=tmp_path, clickhouse_url=clickhouse_url))
    ledger.write([], [charge("k")], [])
    ledger.close()

    database = clickhouse_url.rpartition("/")[2]
    assert clickhouse.run(f"SELECT charge_key, cost_usd FROM {database}.charge_versions") == "k\t0.01\n"
    assert not (tmp_path / "ledger").exists()


@pytest.mark.parametrize("url", ["clickhouse:9000", "tcp://host:9000", "http://", "http://host/a-b; DROP"])
def test_an_address_that_is_none_is_refused_with_how_to_write_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="EVERYTOKEN_CLICKHOUSE_URL") as raised:
        Ledger.open(Settings(data=tmp_path, clickhouse_url=url))
    assert raised.value.hint == "write it as http://user:password@host:8123/database"


def test_a_cluster_without_an_address_is_refused_and_makes_no_ledger_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="EVERYTOKEN_CLICKHOUSE_CLUSTER names a cluster") as raised:
        Ledger.open(Settings(data=tmp_path, clickhouse_cluster=CLUSTER))
    assert "EVERYTOKEN_CLICKHOUSE_URL" in str(raised.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_away_at_the_start_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no ledger at EVERYTOKEN_CLICKHOUSE_URL") as raised:
        Ledger.open(Settings(data=tmp_path, clickhouse_url="http://user:secret@127.0.0.1:9/x"))
    assert "secret" not in str(raised.value)
