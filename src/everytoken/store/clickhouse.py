"""How the engine of the ledger is reached: chDB in this process, or ClickHouse over HTTP. One client for both."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from everytoken.config import Settings
from everytoken.store.columnar import Layout
from everytoken.store.errors import StoreError

DATABASE = "everytoken"
CONNECT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 60
"""Longest wait for a server that took a request; a read is stopped by its own limit before."""
PORTS = {"http": 8123, "https": 8443}

SESSION = {
    "async_insert": 0,
    "do_not_merge_across_partitions_select_final": 1,
    "max_partitions_per_insert_block": 0,  # an import of old runs may touch every week of the year
    "max_threads": 2,
}
CLUSTER_SESSION = {
    "distributed_product_mode": "local",  # a subquery about traces is answered on the shard that has them
    "distributed_foreground_insert": 1,  # else an insert is acknowledged before its shard has it
    # Who writes and then reads must read what was written, on whichever replica: see docs/adr/0004-cluster.md.
    "insert_quorum": "auto",
    "insert_quorum_parallel": 0,
    "select_sequential_consistency": 1,
}
_ENGINE = """<clickhouse>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
</clickhouse>
"""

Connect = Callable[..., Client]


def embedded(settings: Settings, path: Path) -> Connect:
    """Connects to the engine in this process, whose data lie at `path`."""
    engine_file = settings.data_dir / "engine.xml"
    engine_file.write_text(_ENGINE.format(memory=settings.memory_max_bytes))

    def connect(**more: Any) -> Client:
        return clickhouse_connect.get_client(
            interface="chdb",
            path=str(path),
            settings={**SESSION, "max_memory_usage": settings.memory_max_bytes // 2},
            chdb_options={"config-file": str(engine_file)},
            **more,
        )

    return connect


def remote(settings: Settings) -> tuple[Connect, Layout]:
    """Connects to the servers at `clickhouse_url`, and where the tables lie there.

    Raises:
        StoreError: the URL is none.
    """
    wrong = StoreError(
        "EVERYTOKEN_CLICKHOUSE_URL is not the address of a ClickHouse server",
        hint="write it as http://user:password@host:8123/database",
    )
    try:
        url = urlsplit(settings.clickhouse_url or "")
        port = url.port
    except ValueError:  # no port, or a bracket alone
        raise wrong from None
    database = url.path.strip("/") or DATABASE
    if url.scheme not in PORTS or not url.hostname or not database.isidentifier():
        raise wrong
    session = SESSION if settings.clickhouse_cluster is None else {**SESSION, **CLUSTER_SESSION}

    def connect(**more: Any) -> Client:
        known: dict[str, Any] = {"database": database, **more}
        return clickhouse_connect.get_client(
            host=url.hostname or "",
            port=port or PORTS[url.scheme],
            secure=url.scheme == "https",
            username=unquote(url.username or "default"),
            password=unquote(url.password or ""),
            settings=session,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=ANSWER_TIMEOUT_S,
            autogenerate_session_id=False,  # a session ties requests to one server behind a balancer
            query_retries=0,  # who asks decides; a retry here would double the wait
            form_encode_query_params=True,  # a page of run ids is longer than an address may be
            **known,
        )

    return connect, Layout(database, settings.clickhouse_cluster)
