"""Which addresses only this machine can reach."""

import pytest

from everytoken.server.listen import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", "localhost.evil.com", "", "127.1"])
def test_anything_else_can_be_reached_by_others(host: str) -> None:
    assert not is_loopback(host)
