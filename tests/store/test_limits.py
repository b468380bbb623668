"""Bodies that mean harm, against a real server: each gets a 4xx, and the server's memory stays bounded."""

import gzip
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard
from tests.store.serving import Server, serving

OURS = "/everytoken/v1"
MB = 1024**2
GROWTH_BYTES = 400 * MB
"""A body of the allowed 64 MB, decoded, and what is made of it; without a bound these took gigabytes."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("limits") / "data") as server:
        server.get("/projects")
        yield server


def grown(server: Server) -> int:
    """The most memory the server has ever held, beyond what it held when it was ready."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


def send(
    server: Server, path: str, body: bytes, content_type: str = "application/json", **headers: str
) -> httpx.Response:
    sent = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return server.http.post(path, content=body, headers=sent)


def parts(count: int) -> tuple[bytes, str]:
    one = b'--b\r\nContent-Disposition: form-data; name="post.%s"\r\n\r\n{}\r\n' % str(uuid.uuid4()).encode()
    return one * count + b"--b--\r\n", "multipart/form-data; boundary=b"


def test_a_zstd_bomb_and_a_gzip_bomb_are_refused_at_the_limit(server: Server) -> None:
    zeros = bytes(MB)
    zipped = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(zipped.compress(zeros) for _ in range(4_096)) + zipped.flush()
    assert len(bomb) < MB
    before = grown(server)
    assert send(server, "/runs/batch", bomb, content_encoding="zstd").status_code == 413
    assert send(server, "/runs/batch", gzip.compress(zeros * 512), content_encoding="gzip").status_code == 413
    assert send(server, "/v1/traces", bomb, "application/x-protobuf", content_encoding="zstd").status_code == 413
    assert grown(server) - before < GROWTH_BYTES


def test_a_body_of_a_million_parts_is_refused(server: Server) -> None:
    body, content_type = parts(600_000)
    before = grown(server)
    answer = send(server, "/runs/multipart", zstandard.compress(body), content_type, content_encoding="zstd")
    assert answer.status_code == 413
    assert grown(server) - before < GROWTH_BYTES


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("path", ["/runs", "/runs/batch", "/runs/query", f"{OURS}/keys", "/v1/traces"])
def test_deep_json_is_refused(server: Server, path: str, opening: bytes) -> None:
    assert 400 <= send(server, path, opening * 100_000).status_code < 500


def test_millions_of_tiny_objects_are_counted_before_they_are_read(server: Server) -> None:
    before = grown(server)
    run = b'{"id": "%s", "name": "n", "inputs": {"x": [' % str(uuid.uuid4()).encode()
    answer = send(server, "/runs", run + b"{}," * (16 * MB) + b"{}]}}")
    assert answer.status_code == 413
    assert "JSON values" in answer.json()["error"]
    assert grown(server) - before < GROWTH_BYTES


def test_a_long_text_full_of_commas_is_one_value(server: Server) -> None:
    body = b'{"id": "%s", "name": "n", "inputs": {"csv": "%s"}}' % (str(uuid.uuid4()).encode(), b"1,2,[{" * MB)
    assert send(server, "/runs", body).status_code == 202


def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.http.base_url.port or 0), timeout=10) as raw:
        raw.sendall(b"POST /runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n{")
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["/runs/query", f"{OURS}/keys", f"{OURS}/session", "/feedback", "/sessions"])
def test_a_question_of_many_megabytes_is_refused(server: Server, path: str) -> None:
    before = grown(server)
    assert send(server, path, b'{"name": "' + b"x" * (32 * MB) + b'"}').status_code == 413
    assert grown(server) - before < 50 * MB


def test_headers_without_end_are_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.http.base_url.port or 0), timeout=10) as raw:
        raw.sendall(b"GET /ok HTTP/1.1\r\nHost: localhost\r\n")
        answer = b""
        try:
            for number in range(100):
                raw.sendall(b"x-%d: %s\r\n" % (number, b"y" * 4_000))
            answer = raw.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            answer = answer or b"HTTP/1.1 400"
        assert answer.startswith(b"HTTP/1.1 400")


def test_the_server_answers_as_before(server: Server) -> None:
    began = time.monotonic()
    assert server.get("/health")["status"] == "ok"
    assert time.monotonic() - began < 5
