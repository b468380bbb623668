"""Which hosts an alert may be sent to: an address in a rule must not reach what only this server can reach.

A name is looked up once, every address it has is checked, and the connection goes to the address that was checked, so
that a second answer of the name server changes nothing. Redirects are not followed.
"""

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

Resolver = Callable[[str, int], list[str]]
MAX_HOSTS = 1_000
TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""IPv4 addresses in IPv6's clothes: what a NAT64 translates (RFC 6052), and the compatible ones (RFC 4291, 2.5.5.1)."""
ASSIGNED = ipaddress.IPv4Network("192.0.0.0/24")
"""Of protocols (RFC 6890), in which a cloud keeps its metadata; Python 3.11 calls most of it global."""


class HostRefusedError(Exception):
    """An address that alerts may not be sent to. Trying again does not help."""


class HostUnknownError(Exception):
    """A name that has no address just now."""


def parse_hosts(text: str) -> frozenset[str]:
    """The setting: names, separated by commas."""
    return frozenset(name.strip().lower() for name in text.split(",")[:MAX_HOSTS] if name.strip())


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name.

    Raises:
        HostUnknownError: it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnknownError(f"{host} has no address") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked_address(url: str, allowed: frozenset[str], resolver: Resolver = resolve) -> tuple[str, str, int]:
    """Name, address and port to connect to.

    Raises:
        HostRefusedError: the host is not public, and the setting does not name it.
        HostUnknownError: it has no address.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = resolver(host, port)
    if not found:
        raise HostUnknownError(f"{host} has no address")
    if "*" not in allowed and host not in allowed:
        for address in found:
            if not is_public(address):
                raise HostRefusedError(
                    f"{host} is at {address}, which is not public; name it in EVERYTOKEN_ALERT_HOSTS to allow it"
                )
    return host, found[0], port


def is_public(address: str) -> bool:
    """Whether the address is of the internet at large: not of this machine, a private net or a cloud's metadata."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        translated = any(ip in net for net in TRANSLATED)
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if translated else ip.ipv4_mapped or ip.sixtofour
        ip = inner or ip
    return ip.is_global and not ip.is_multicast and ip not in ASSIGNED
