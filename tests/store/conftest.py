"""Servers that several store tests share; each test has a database of its own in them."""

from collections.abc import Iterator

import pytest
from tests.store import clickhouse_server, postgres, samples

ENGINES = {
    "test_ledger": ("embedded", "http", "cluster"),
    "test_query": ("embedded", "http", "two_shards"),
    "test_query_dashboards": ("embedded", "http", "two_shards"),
    "test_query_releases": ("embedded", "http", "two_shards"),
    "test_query_discover": ("embedded", "http", "two_shards"),
    "test_query_laws": ("embedded", "two_shards"),
    "test_langsmith_hostile": ("embedded", "http", "two_shards"),
}
"""Test modules that hold for every engine the ledger can lie in."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def database_url(postgres_server: postgres.Postgres) -> str:
    """An empty PostgreSQL database."""
    return postgres_server.database()


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[clickhouse_server.ClickHouse]:
    with clickhouse_server.running() as server:
        yield server


@pytest.fixture
def clickhouse_url(clickhouse: clickhouse_server.ClickHouse) -> Iterator[str]:
    """A ClickHouse database that does not exist yet."""
    url = clickhouse.database()
    yield url
    clickhouse.drop(url)


@pytest.fixture(scope="session")
def clickhouse_cluster() -> Iterator[clickhouse_server.ClickHouse]:
    """Two shards of the cluster `clickhouse_server.CLUSTER`."""
    with clickhouse_server.running(clickhouse_server.CLUSTER) as server:
        yield server


@pytest.fixture
def cluster_url(clickhouse_cluster: clickhouse_server.ClickHouse) -> Iterator[str]:
    """A database of the cluster that does not exist yet."""
    url = clickhouse_cluster.database()
    yield url
    clickhouse_cluster.drop(url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    engines = ENGINES.get(metafunc.module.__name__.rpartition(".")[2])
    if engines is not None:
        metafunc.parametrize("engine", engines, indirect=True)


@pytest.fixture(autouse=True)  # asked for by every test, or pytest would leave it out of those that do not name it
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine in which `samples.opened` opens a ledger during this test."""
    name: str = getattr(request, "param", "embedded")
    if name == "http":
        samples.Engine.clickhouse_url = request.getfixturevalue("clickhouse_url")
    if name == "cluster":
        samples.Engine.clickhouse_url = request.getfixturevalue("cluster_url")
        samples.Engine.cluster = clickhouse_server.CLUSTER
    samples.Engine.two_shards = name == "two_shards"
    yield name
    samples.Engine.clickhouse_url, samples.Engine.cluster, samples.Engine.two_shards = None, None, False
