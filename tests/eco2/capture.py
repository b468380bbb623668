"""A LangSmith server that keeps what it is sent, merged to whole runs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import langsmith

from everytoken.wire.body import decompress
from everytoken.wire.langsmith import decode_multipart
from everytoken.wire.multipart import boundary_of

Run = dict[str, Any]
MAX_BODY_BYTES = 64 * 1024**2
INFO = {
    "version": "0.15.0",
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
        "scale_up_nthreads_limit": 4,
        "scale_up_qsize_trigger": 100,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}


@dataclass
class Capture:
    """The runs that arrived, by id."""

    runs: dict[str, Run] = field(default_factory=dict)
    client: "langsmith.Client | None" = None
    url: str = ""

    def settled(self) -> list[Run]:
        """All runs, once everything traced so far has arrived, in the order in which they began."""
        if self.client is not None:
            self.client.flush()
        return sorted(self.runs.values(), key=lambda run: str(run.get("dotted_order", "")))

    def llm(self) -> list[Run]:
        return [run for run in self.settled() if run["run_type"] == "llm"]

    def named(self, name: str) -> Run:
        (found,) = [run for run in self.settled() if run["name"] == name]
        return found

    def under(self, name: str) -> list[Run]:
        """The runs directly below the run of that name."""
        parent = self.named(name)["run_id"]
        return [run for run in self.settled() if run.get("parent_run_id") == parent]

    def read(self, body: bytes, content_type: str) -> None:
        for operation in decode_multipart(body, boundary_of(content_type), 0).operations:
            run = self.runs.setdefault(operation.run_id, {"run_id": operation.run_id})
            run.update({key: value for key, value in operation.body.items() if value is not None})


def usage_of(run: Run) -> dict[str, Any]:
    usage: dict[str, Any] = run["metadata"].get("usage_metadata") or {}
    return usage


@contextmanager
def listening() -> Iterator[Capture]:
    capture = Capture()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._answer(200, INFO)

        def do_POST(self) -> None:
            body = decompress(self._body(), self.headers.get("Content-Encoding", ""), MAX_BODY_BYTES)
            capture.read(body, self.headers["Content-Type"])
            self._answer(202, {})

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"]))
            body = bytearray()
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return bytes(body)

        def _answer(self, status: int, body: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    capture.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield capture
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
