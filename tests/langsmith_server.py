"""What the LangSmith client sends to: a server in this process that hands on each body, as plain bytes."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from everytoken.wire.body import decompress

MAX_BODY_BYTES = 64 * 1024**2
INFO = {
    "version": "0.15.0",
    "instance_flags": {"zstd_compression_enabled": True},
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
        "scale_up_nthreads_limit": 4,
        "scale_up_qsize_trigger": 100,
    },
}


@contextmanager
def listening(take: Callable[[bytes, str], None]) -> Iterator[str]:
    """The server's URL, while the block runs. `take` gets every body with its content type, one after the other."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._answer(200, INFO)

        def do_POST(self) -> None:
            body = decompress(self._body(), self.headers.get("Content-Encoding", ""), MAX_BODY_BYTES)
            with one_at_a_time:
                take(body, self.headers["Content-Type"])
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

        def _answer(self, status: int, told: object) -> None:
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
