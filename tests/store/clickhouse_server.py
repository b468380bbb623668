"""A ClickHouse server for the tests: the modern engine (chDB) behind what a client asks of its HTTP interface.

`python -m tests.store.clickhouse_server FOLDER PORT [CLUSTER]`. Loopback only and open to all. It answers /ping,
queries and inserts in any format the engine knows, bound parameters in the address or in a form, settings, compressed
and chunked bodies, and errors with their code.

With a name it is a cluster of two shards, both of them this engine: `Distributed` tables are real ones, whose inserts
are split and whose reads see each row on the shard that its key names. What it cannot show is more than one server:
`ON CLUSTER` is left out, and a replicated table is one that is not, for the engine makes a replica active only inside
the server program. What a replicated table refuses, it refuses too.
"""

import email.parser
import email.policy
import gzip
import itertools
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import lz4.frame  # type: ignore[import-untyped]  # it has no types
import zstandard
from tests.ports import free_port

TRANSPORT = (
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id", "quota_key",
    "compress", "decompress", "wait_end_of_query", "client_protocol_version", "role", "send_progress_in_http_headers",
    "http_headers_progress_interval_ms", "enable_http_compression", "buffer_size", "user", "password",
)  # fmt: skip
"""Arguments that are no settings of the query."""
INSERT = re.compile(rb"\s*(INSERT\s+INTO\s.*?\sFORMAT\s+\w+)\s*?\n", re.IGNORECASE | re.DOTALL)
FORMAT = re.compile(r"\sFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
ERROR_CODE = re.compile(r"Code: (\d+)")
ON_CLUSTER = re.compile(r"\sON CLUSTER '[^']+'")
REPLICATED = re.compile(
    r"Replicated(\w*MergeTree)\('/clickhouse/tables/\{shard\}/\w+/\w+', '\{replica\}'(?:, )?([^)]*)\)"
)
CHANGE = re.compile(
    r"\s*(DELETE\s+FROM|ALTER\s+TABLE\s.*\s(DELETE|UPDATE)\s).*\(\s*SELECT\s", re.IGNORECASE | re.DOTALL
)
SUBQUERY_REFUSED = (
    "Code: 36. DB::Exception: ALTER UPDATE/ALTER DELETE statement with subquery may be nondeterministic, "
    "see allow_nondeterministic_mutations setting. (BAD_ARGUMENTS)"
)
"""What the engine answers for a replicated table (chDB 26.5 with ZooKeeper 3.8, 2026-11-23)."""
CLUSTER = "prod-eu"
CLUSTER_DATABASES = [f"c_{number}" for number in range(400)]
"""Which row lies on which shard is told to the engine by table, before there are any."""
SHARDS = {
    "run_versions": "cityHash64(trace_id)",
    "charge_versions": "cityHash64(trace_id)",
    "operations": "cityHash64(trace_id)",
    "attachments": "cityHash64(sha256)",
    "ledger_schema": "version",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a whole answer in one segment: with Nagle's algorithm two take 40 ms
    disable_nagle_algorithm = True
    folder = ""
    is_cluster = False

    def log_message(self, *_arguments: Any) -> None:
        """Nothing: the tests' output is theirs."""

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self) -> None:
        arguments = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = _decoded(self._body(), self.headers.get("Content-Encoding", ""))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):
            arguments |= _form(kind, body)
            body = b""
        try:
            kind, answer = self._run(arguments, body)
        except Exception as error:
            code = ERROR_CODE.search(str(error))
            said = {"X-ClickHouse-Exception-Code": code[1]} if code else {}
            self._answer(500, str(error).encode(), **said)
        else:
            self._answer(200, answer, **{"X-ClickHouse-Format": kind})

    def _run(self, arguments: dict[str, str], body: bytes) -> tuple[str, bytes]:
        import chdb

        sql = arguments.get("query")
        if sql is None:
            inserted = INSERT.match(body)
            sql, body = (inserted[1].decode(), body[inserted.end() :]) if inserted else (body.decode(), b"")
        if self.is_cluster:
            sql = _of_one_server(sql)
        parameters = {name[6:]: value for name, value in arguments.items() if name.startswith("param_")}
        settings = {name: value for name, value in arguments.items() if name not in TRANSPORT and name[:6] != "param_"}
        connection = chdb.connect(self.folder)  # a session of its own; the engine below is one
        try:
            if arguments.get("database"):
                connection.query(f"USE `{arguments['database']}`")
            for name in sorted(settings, key=lambda name: name == "readonly"):
                connection.query(f"SET {name} = '{_quoted(settings[name])}'")
            if body:
                return "", self._insert(connection, sql, body)
            kind = FORMAT.search(sql)
            if kind:
                sql = sql[: kind.start()]
            name = kind[1] if kind else arguments.get("default_format", "TabSeparated")
            result = connection.query(sql, name, params=parameters) if parameters else connection.query(sql, name)
            return name, result.bytes() if result is not None and result.size() else b""
        finally:
            connection.close()

    def _insert(self, connection: Any, sql: str, body: bytes) -> bytes:
        into, _, kind = sql.rpartition("FORMAT")
        with tempfile.NamedTemporaryFile(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as file:
            file.write(body)
            file.flush()
            connection.query(f"{into} FROM INFILE '{file.name}' FORMAT {kind}")
        return b""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        known = {"Content-Length": str(len(body)), "X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Summary": "{}"}
        for name, value in (known | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _of_one_server(sql: str) -> str:
    if CHANGE.match(sql):
        raise ValueError(SUBQUERY_REFUSED)
    return REPLICATED.sub(r"\1(\2)", ON_CLUSTER.sub("", sql))


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "lz4":
        return b"".join(_lz4_frames(body))
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress(body)
    return gzip.decompress(body) if encoding == "gzip" else body


def _lz4_frames(body: bytes) -> Iterator[bytes]:
    """One frame a block of rows, as the client sends them."""
    while body:
        frame = lz4.frame.LZ4FrameDecompressor()
        yield frame.decompress(body)
        body = frame.unused_data or b""


def _form(kind: str, body: bytes) -> dict[str, str]:
    whole = f"Content-Type: {kind}\r\n\r\n".encode() + body
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(whole)
    fields: dict[str, str] = {}
    for part in message.iter_parts():
        value = part.get_payload(decode=True)
        assert isinstance(value, bytes)
        fields[str(part.get_param("name", header="content-disposition"))] = value.decode()
    return fields


class ClickHouse:
    """The server as a process of its own; each test takes a database of its own."""

    def __init__(self, folder: Path, cluster: str | None = None) -> None:
        self.folder = folder
        self.cluster = cluster
        self.port = free_port()
        self._names = itertools.cycle(CLUSTER_DATABASES)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = [sys.executable, "-m", "tests.store.clickhouse_server", str(self.folder), str(self.port)]
        self._process = subprocess.Popen([*program, *([self.cluster] if self.cluster else [])])
        for _ in range(1200):
            assert self._process.poll() is None
            try:
                with urllib.request.urlopen(f"{self.url}/ping", timeout=5):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the ClickHouse server was not ready in time")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(60)
            self._process = None

    def database(self) -> str:
        """The address of a database that does not exist yet."""
        return f"{self.url}/{next(self._names) if self.cluster else f't_{uuid.uuid4().hex[:12]}'}"

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE IF EXISTS {urlsplit(url).path.strip('/')}")

    def run(self, sql: str) -> str:
        with urllib.request.urlopen(urllib.request.Request(self.url, sql.encode()), timeout=60) as answer:
            text: str = answer.read().decode()
        return text


@contextmanager
def running(cluster: str | None = None) -> Iterator[ClickHouse]:
    folder = Path(tempfile.mkdtemp(prefix="everytoken-ch-"))
    server = ClickHouse(folder, cluster)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _write_config(folder: Path, cluster: str | None) -> None:
    config = (
        "<max_server_memory_usage>1000000000</max_server_memory_usage><background_pool_size>2</background_pool_size>"
    )
    if cluster is not None:
        shards = "".join(
            f"<shard><replica><host>{host}</host><port>9000</port></replica></shard>"  # both names of this engine
            for host in ("127.0.0.1", "localhost")
        )
        config += (
            f"<tcp_port>9000</tcp_port>"  # nothing listens: it tells that a shard of this port is the engine itself
            f"<remote_servers><{cluster}>{shards}</{cluster}></remote_servers>"
            f"<users_config>{folder}/users.xml</users_config>"
        )
        rows = "".join(
            f"<{table}_local><filter>shardNum() = 0 OR {key} % 2 = shardNum() - 1</filter></{table}_local>"
            for table, key in SHARDS.items()
        )
        databases = "".join(f"<{name}>{rows}</{name}>" for name in CLUSTER_DATABASES)
        (folder / "users.xml").write_text(
            # What one shard found out about a part of the table would hold for the other, which has other rows.
            "<clickhouse><profiles><default><use_query_condition_cache>0</use_query_condition_cache></default></profiles><quotas><default/></quotas><users><default><password/>"
            "<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
            f"<databases>{databases}</databases></default></users></clickhouse>"
        )
    (folder / "engine.xml").write_text(f"<clickhouse>{config}</clickhouse>")


def main() -> None:
    import chdb

    folder, port, cluster = Path(sys.argv[1]), int(sys.argv[2]), next(iter(sys.argv[3:]), None)
    _write_config(folder, cluster)
    Handler.folder, Handler.is_cluster = f"{folder}/data?config-file={folder}/engine.xml", cluster is not None
    engine = chdb.connect(Handler.folder)
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    engine.close()


if __name__ == "__main__":
    main()
