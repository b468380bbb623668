"""The address of a ClickHouse server: one that is none is told as such, and its password never."""

import pytest

from everytoken.config import Settings
from everytoken.store.clickhouse import remote
from everytoken.store.errors import StoreError


@pytest.mark.parametrize(
    "url",
    [
        "http://user:topsecret@host:99999/db",
        "http://user:topsecret@host:port/db",
        "http://user:topsecret@[::1/db",
        "ftp://user:topsecret@host/db",
        "http:/user:topsecret@host/db",
        "http://user:topsecret@host/a.b",
        "http://user:topsecret@host/a;drop",
    ],
)
def test_an_address_that_is_none_is_refused_with_a_cure_and_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as raised:
        remote(Settings(clickhouse_url=url))
    told = f"{raised.value} {raised.value.hint} {raised.value.__cause__}"
    assert "EVERYTOKEN_CLICKHOUSE_URL is not the address of a ClickHouse server" in told
    assert "http://user:password@host:8123/database" in told
    assert "topsecret" not in told
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
