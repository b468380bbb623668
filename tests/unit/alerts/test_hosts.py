"""Which addresses an alert may go to: those of the internet at large, and those that the setting names."""

import pytest

from everytoken.alerts.hosts import HostRefusedError, HostUnknownError, checked_address, is_public, parse_hosts

NONE = parse_hosts("")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254",  # metadata of AWS, Google and Azure
        "169.254.170.2", "192.0.0.192",  # of ECS, of Oracle
        "100.100.100.200",  # of Alibaba
        "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1",
        "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_an_address_that_only_this_machine_or_its_net_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(HostRefusedError, match="is not public; name it in EVERYTOKEN_ALERT_HOSTS"):
        checked_address("https://hooks.example/x", NONE, lambda _host, _port: ["93.184.215.14", address])


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::8.8.8.8"])
def test_a_public_address_is_taken(address: str) -> None:
    found = checked_address("https://hooks.example/x", NONE, lambda _host, _port: [address])
    assert found == ("hooks.example", address, 443)


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/"])
def test_loopback_in_another_spelling_is_loopback(url: str) -> None:
    """The name is resolved as the connection would be, and what it resolves to is looked at."""
    with pytest.raises((HostRefusedError, HostUnknownError)):
        checked_address(url, NONE)


def test_a_host_that_the_setting_names_is_taken_wherever_it_is() -> None:
    named = parse_hosts(" Hooks.Internal , other")
    assert checked_address("http://hooks.internal:9/x", named, lambda _host, _port: ["10.0.0.9"])[1:] == ("10.0.0.9", 9)
    with pytest.raises(HostRefusedError):
        checked_address("http://hooks.internal.evil.example/", named, lambda _host, _port: ["10.0.0.9"])
