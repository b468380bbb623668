"""A loopback port of our own that takes what a process of ours would send to LangSmith: nothing leaves the machine."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INFO = {
    "version": "0.16.30",
    "batch_ingest_config": {
        "use_multipart_endpoint": True, "size_limit": 100, "size_limit_bytes": 20 * 1024**2,
        "scale_up_nthreads_limit": 4, "scale_up_qsize_trigger": 100, "scale_down_nempty_trigger": 4,
    },
    "instance_flags": {"zstd_compression_enabled": True},
}  # fmt: skip


@contextlib.contextmanager
def listening(take: Callable[[bytes, Message], None]) -> Iterator[str]:
    """The URL, while the block runs. `take` gets the body and the headers of each request that brings runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(json.dumps(INFO).encode() if self.path.endswith("/info") else b"{}")

        def do_POST(self) -> None:
            take(self.rfile.read(int(self.headers.get("content-length") or 0)), self.headers)
            self._answer(b"{}")

        do_PATCH = do_POST  # noqa: N815  the name http.server calls

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the report is the doctor's."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
