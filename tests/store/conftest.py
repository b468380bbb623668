"""Servers that several store tests share; each test has a database of its own in them."""

from collections.abc import Iterator

import pytest
from tests.store import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def database_url(postgres_server: postgres.Postgres) -> str:
    """An empty PostgreSQL database."""
    return postgres_server.database()
