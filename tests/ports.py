"""Free loopback ports for the servers that tests start, also while another process runs other tests."""

import secrets
import socket

# Below what Linux gives to outgoing connections (32768 and up), so that none takes a port before its server starts.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    for _ in range(1000):
        port = secrets.choice(PORTS)  # not `random`: hypothesis seeds it alike in every process
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
