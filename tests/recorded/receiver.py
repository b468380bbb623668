"""A LangSmith server in this process that keeps what the client half sends, and settles it as everytoken would."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zstandard

from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.core.settle import settle
from everytoken.ingest.merge import Place, build_run, merge, order_of, parent_of, start_of, trace_of
from everytoken.wire.langsmith import decode_multipart
from everytoken.wire.multipart import boundary_of
from everytoken.wire.operations import Operation

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


@dataclass
class Receiver:
    """The operations that arrived since the last `clear`, and what they amount to."""

    url: str = ""
    operations: list[Operation] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.operations.clear()
        self.rejections.clear()

    def read(self, body: bytes, content_type: str, received_us: int) -> None:
        decoded = decode_multipart(body, boundary_of(content_type), received_us)
        self.operations.extend(decoded.operations)
        self.rejections.extend(rejection.reason for rejection in decoded.rejections)

    def runs(self) -> list[Run]:
        by_id: dict[str, list[Operation]] = {}
        for operation in list(self.operations):
            by_id.setdefault(operation.run_id, []).append(operation)
        return [_run(run_id, operations) for run_id, operations in by_id.items()]

    def charges(self) -> list[Charge]:
        """Settled charges of all traces."""
        traces: dict[str, list[Run]] = {}
        for run in self.runs():
            traces.setdefault(run.trace_id, []).append(run)
        return [charge for runs in traces.values() for charge in settle(runs).charges]


def _run(run_id: str, operations: Sequence[Operation]) -> Run:
    fields = merge(operations)
    order = order_of(run_id, fields)
    posted = any(operation.kind == "post" for operation in operations)
    trace_id = trace_of(run_id, fields, order, posted=posted) or run_id
    is_root = parent_of(fields, order) is None
    return build_run(run_id, trace_id, Place("recorded", start_of(fields, order) or 0, is_root), fields, None)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            self._answer(200, INFO)

        def do_POST(self) -> None:
            body = self._body()
            if self.headers.get("Content-Encoding") == "zstd":
                body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
            receiver.read(body, self.headers["Content-Type"], len(receiver.operations))
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
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
