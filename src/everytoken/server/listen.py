"""The listening socket, bound before anything else is opened or even imported."""

import ipaddress
import socket

MAKE_A_KEY = "make a key with `everytoken keys create`, or listen on 127.0.0.1"


def refusal(host: str) -> str:
    """Why a server that asks nobody for a key does not listen there."""
    return f"refusing to listen on {host}: anyone who reaches it could read and write everything"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name other than localhost is taken for one that others can."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """A bound socket, so that a port in use is known before anything is opened.

    Raises:
        OSError: in use, not allowed, or no such address.
    """
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def url_of(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
