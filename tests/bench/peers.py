"""The same traces to everytoken, Phoenix and MLflow: `python tests/bench/peers.py [--runs 5100] [--rounds 2]`.

Each peer is installed from the package registry into a throw-away environment, or taken from `--phoenix` and
`--mlflow` (their `bin` folders), and speaks OTLP/HTTP; everytoken takes the same spans by OTLP and the same traces by
LangSmith's protocol. One sender, one server at a time, in turns, so that what else the machine does hits all alike.
What a server acknowledges and what it stores are told apart: both peers keep spans in SQLite, which is read from
outside until all are there or `PATIENCE_S` is over.
"""

# ruff: noqa: T201  a benchmark speaks on stdout

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.ports import free_port
from tests.store.serving import serving
from tests.store.traffic import Traffic

RUNS_PER_TRACE, TRACES_PER_BODY = 17, 3
RUNS_PER_BODY = RUNS_PER_TRACE * TRACES_PER_BODY
PATIENCE_S = 60.0
"""Longest wait for what a server has acknowledged to be stored."""
START_S = 180.0
VERSIONS = {"phoenix": "arize-phoenix==20.26.0", "mlflow": "mlflow==3.17.*"}
TICK = os.sysconf("SC_CLK_TCK")

Body = tuple[dict[str, str], bytes]


@dataclass(frozen=True)
class Target:
    url: str
    pid: int
    route: str
    headers: dict[str, str]
    stored: Callable[[], int]


def otlp_bodies(seed: int, count: int) -> list[Body]:
    """Traces of a root and four times a node, a model call, a tool and a router; prompts and completions of 1 KB."""
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3_000)]

    def text(chars: int) -> str:
        return " ".join(chance.choices(words, k=chars // 6 + 1))[:chars]

    made = []
    for _ in range(count):
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for _ in range(TRACES_PER_BODY):
            trace_id, now_ns = chance.randbytes(16), time.time_ns()
            ids = [chance.randbytes(8) for _ in range(RUNS_PER_TRACE)]
            for n, span_id in enumerate(ids):
                span = spans.add(trace_id=trace_id, span_id=span_id, start_time_unix_nano=now_ns + n * 1_000_000)
                span.end_time_unix_nano = span.start_time_unix_nano + 50_000_000
                is_node, is_call = n % 4 == 1, n % 4 == 2
                span.name = "graph" if n == 0 else "node" if is_node else "ChatOpenAI" if is_call else "step"
                if n:
                    span.parent_span_id = ids[0] if is_node else ids[(n - 1) // 4 * 4 + 1]
                told: dict[str, str | int] = {"input.value": text(100), "output.value": text(100)}
                if is_call:
                    told = {
                        "gen_ai.operation.name": "chat",
                        "gen_ai.provider.name": "openai",
                        "gen_ai.request.model": "gpt-4o-mini",
                        "gen_ai.response.id": f"chatcmpl-{chance.getrandbits(96):024x}",
                        "gen_ai.usage.input_tokens": 200 + chance.randrange(1_000),
                        "gen_ai.usage.output_tokens": 100 + chance.randrange(500),
                        "input.value": text(1_000),
                        "output.value": text(1_000),
                        "openinference.span.kind": "LLM",
                    }
                for key, value in told.items():
                    held = span.attributes.add(key=key).value
                    if isinstance(value, int):
                        held.int_value = value
                    else:
                        held.string_value = value
        made.append(({"Content-Type": "application/x-protobuf"}, request.SerializeToString()))
    return made


def langsmith_bodies(seed: int, count: int) -> list[Body]:
    traffic = Traffic(seed, "peers", time.time_ns() // 1000)
    made = []
    for _ in range(count):
        runs = [run for _ in range(TRACES_PER_BODY) for run in traffic.trace(nodes=4)]
        made.append(traffic.body(runs, runs))
    return made


@contextmanager
def started(command: list[str], url: str, path: str, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await_ready(process, url + path)
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with the workers it has started; its data are thrown away
        process.wait(30)


def _await_ready(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, f"{process.args!r} ended at its start"
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"{process.args!r} was not ready in {START_S} s")


def count_in(database: Path) -> Callable[[], int]:
    def count() -> int:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
            found: int = connection.execute("SELECT count(*) FROM spans").fetchone()[0]
        return found

    return count


@contextmanager
def phoenix(folder: Path, programs: Path) -> Iterator[Target]:
    port = free_port()
    variables = {
        "PHOENIX_PORT": str(port), "PHOENIX_GRPC_PORT": str(free_port()), "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_WORKING_DIR": str(folder), "PHOENIX_TELEMETRY_ENABLED": "false",
    }  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with started([str(programs / "phoenix"), "serve"], url, "/healthz", variables) as process:
        yield Target(url, process.pid, "/v1/traces", {}, count_in(folder / "phoenix.db"))


@contextmanager
def mlflow(folder: Path, programs: Path) -> Iterator[Target]:
    port = free_port()
    url, store = f"http://127.0.0.1:{port}", f"sqlite:///{folder}/mlflow.db"
    command = [str(programs / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
               "--backend-store-uri", store, "--default-artifact-root", str(folder)]  # fmt: skip
    variables = {"PATH": f"{programs}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with started(command, url, "/health", variables) as process:
        headers = {"x-mlflow-experiment-id": "0"}
        yield Target(url, process.pid, "/v1/traces", headers, count_in(folder / "mlflow.db"))


@contextmanager
def everytoken(folder: Path, route: str) -> Iterator[Target]:
    with serving(folder) as server:

        def stored() -> int:
            server.flush()
            projects = server.get("/projects")["projects"]
            return sum(int(project["runs"]) for project in projects)

        yield Target(server.url, server.process.pid, route, {}, stored)


def cpu_s(pid: int) -> float:
    """Of the process and of its children."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(folder.name) == pid or int(fields[1]) == pid:
            total += sum(int(ticks) for ticks in fields[11:15])
    return total / TICK


def measure(name: str, target: Target, made: list[Body]) -> None:
    runs = len(made) * RUNS_PER_BODY
    before_s, began = cpu_s(target.pid), time.perf_counter()
    refused = 0
    with httpx.Client(base_url=target.url, timeout=PATIENCE_S) as http:
        for headers, data in made:
            answer = http.post(target.route, headers=headers | target.headers, content=data)
            refused += not answer.is_success
    acknowledged_s = time.perf_counter() - began
    stored = target.stored()
    while stored < runs - refused * RUNS_PER_BODY and time.perf_counter() - began < PATIENCE_S:
        time.sleep(0.25)
        stored = target.stored()
    took_s = time.perf_counter() - began
    spent_s = cpu_s(target.pid) - before_s
    print(
        f"{name:<24} acknowledged {(runs - refused * RUNS_PER_BODY) / acknowledged_s:7,.0f} runs/s"
        f"   stored {stored / took_s:7,.0f} runs/s ({stored:,} of {runs:,}, {refused} bodies refused)"
        f"   CPU {spent_s / max(stored, 1) * 1000:6.2f} s per 1k runs stored"
    )


def installed(name: str, folder: Path) -> Path:
    """The `bin` folder of an environment of its own."""
    print(f"installing {VERSIONS[name]}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", VERSIONS[name]], check=True)
    return folder / "bin"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5_100)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--phoenix", type=Path)
    parser.add_argument("--mlflow", type=Path)
    asked = parser.parse_args()
    bodies = asked.runs // RUNS_PER_BODY
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        homes = {"phoenix": asked.phoenix, "mlflow": asked.mlflow}
        programs = {peer: home or installed(peer, folder / f"venv-{peer}") for peer, home in homes.items()}
        print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
        for turn in range(asked.rounds):
            data = {peer: folder / f"{peer}{turn}" for peer in ("phoenix", "mlflow", "otlp", "langsmith")}
            for place in data.values():
                place.mkdir()
            with everytoken(data["otlp"], "/v1/traces") as target:
                measure("everytoken, OTLP", target, otlp_bodies(turn, bodies))
            with everytoken(data["langsmith"], "/runs/multipart") as target:
                measure("everytoken, LangSmith", target, langsmith_bodies(turn, bodies))
            with phoenix(data["phoenix"], programs["phoenix"]) as target:
                measure(f"{VERSIONS['phoenix']}, OTLP", target, otlp_bodies(turn, bodies))
            with mlflow(data["mlflow"], programs["mlflow"]) as target:
                measure(f"{VERSIONS['mlflow']}, OTLP", target, otlp_bodies(turn, bodies))
        print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
