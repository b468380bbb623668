"""P1: the worker's eleven call paths against the simulated providers; what its runs say beside what was billed.

Two processes of our own on loopback: the simulator and `eco2 paths`. Its runs come to a port of this process, so
nothing is sent anywhere. Skipped where the worker (package `eco2`) is not installed.
"""

import contextlib
import gzip
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import httpx

from everytoken.doctor.environment import Environment
from everytoken.doctor.finding import Finding, ok, skipped
from everytoken.doctor.listening import listening
from everytoken.wire.body import BodyError, decompress
from everytoken.wire.langsmith import decode_multipart
from everytoken.wire.multipart import boundary_of

WHAT = "All eleven call paths are counted as billed"
WAIT_S = 120.0
MAX_BODY_BYTES = 64 * 1024**2
FILES = {"openai": "eco2/llm/openai.py", "gemini": "eco2/llm/gemini.py"}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one go through all paths."""

    rows: Mapping[str, Mapping[str, Any]]
    """Path name → the worker's own row: number, mechanism, calls, error."""
    runs: list[Mapping[str, Any]]
    """Every run that was sent, its posts and patches merged."""
    billed: Mapping[str, Mapping[str, int]]
    """Response id → what the simulator billed."""


class PathsError(Exception):
    """The paths could not be tried; the text says why."""


def check_paths(env: Environment, run: Callable[[Environment], Tried] | None = None) -> list[Finding]:
    """One finding when all is well, else one for each path that is not."""
    if run is None and importlib.util.find_spec("eco2") is None:
        return [skipped("P1", WHAT, "the chat worker (package eco2) is not installed here")]
    try:
        tried = (run or try_paths)(env)
    except PathsError as error:
        return [Finding("P1", "unknown", WHAT, str(error))]
    faults = [fault for name, row in tried.rows.items() if (fault := _fault(name, row, tried)) is not None]
    if faults:
        return faults
    calls = sum(int(row["calls"]) for row in tried.rows.values())
    return [ok("P1", WHAT, f"{len(tried.rows)} paths, {calls} calls, every one as the simulator billed it")]


def _fault(name: str, row: Mapping[str, Any], tried: Tried) -> Finding | None:
    evidence = row.get("error") or _difference(_calls(int(row["path"]), tried.runs), tried.billed)
    if not evidence:
        return None
    file = FILES.get(name.partition(".")[0], "eco2/llm")
    cause = f"The usage of this path stands in: {row['mechanism']}. It is read in {file}."
    cure = f"eco2 paths   # then look at {file}"
    return Finding("P1", "problem", f"Path {row['path']} ({name}) is counted as billed", evidence, cause, cure)


def _calls(number: int, runs: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """llm runs of the trace in which the worker tried a path."""
    traces = {run["trace_id"] for run in runs if str(run.get("name", "")).startswith(f"path-{number}-")}
    return [run for run in runs if run.get("run_type") == "llm" and run.get("trace_id") in traces]


def _difference(calls: list[Mapping[str, Any]], billed: Mapping[str, Mapping[str, int]]) -> str | None:
    """What is wrong with the calls of one path; `None` when they say what was billed."""
    if not calls:
        return "no llm run was sent"
    for call in calls:
        metadata = call.get("metadata") or {}
        told = metadata.get("usage_metadata") or {}
        own = metadata.get("everytoken") or {}
        if not told.get("total_tokens"):
            return f"{call.get('name')}: usage_metadata is {json.dumps(told) if told else 'missing'}"
        bill = billed.get(own.get("response_id", ""))
        if bill is None:
            return f"{call.get('name')}: the simulator billed no response {own.get('response_id')}"
        said = (told.get("input_tokens"), told.get("output_tokens"))
        if said != (bill["input"], bill["output"]):
            return f"{call.get('name')}: {said[0]} + {said[1]} tokens told, {bill['input']} + {bill['output']} billed"
    return None


def try_paths(env: Environment) -> Tried:
    """Run the worker's own command for it.

    Raises:
        PathsError: a process did not start or did not end.
    """
    capture = Capture()
    with listening(capture.take) as url, _simulator(env) as urls:
        child = {name: value for name, value in env.items() if not name.startswith(("LANGSMITH_", "LANGCHAIN_"))}
        child |= {
            "LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": url, "LANGSMITH_API_KEY": "lsv2_doctor",
            "LANGSMITH_PROJECT": "everytoken-doctor", "OPENAI_API_KEY": "simulated", "GOOGLE_API_KEY": "simulated",
            "OPENAI_BASE_URL": urls["openai"], "GOOGLE_GEMINI_BASE_URL": urls["gemini"],
        }  # fmt: skip
        try:
            done = subprocess.run(
                [sys.executable, "-m", "eco2", "paths", "--json"],
                env=child, capture_output=True, text=True, timeout=WAIT_S, check=False,
            )  # fmt: skip
            rows = json.loads(done.stdout)
            entries = httpx.get(urls["ledger"], timeout=WAIT_S).json()["responses"]
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, httpx.HTTPError) as error:
            raise PathsError(f"eco2 paths: {type(error).__name__}: {str(error)[:200]}") from error
    return Tried(rows, list(capture.runs.values()), {entry["response_id"]: entry["billed"] for entry in entries})


@contextlib.contextmanager
def _simulator(env: Environment) -> Iterator[dict[str, str]]:
    """A simulator's base URLs, while the block runs."""
    command = [sys.executable, "-m", "everytoken.cli", "simulator", "--port", "0", "--json", "--latency", "none",
               "--scenario", "reference"]  # fmt: skip
    with subprocess.Popen(  # noqa: S603  our own interpreter and our own package
        command, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            try:
                urls: dict[str, str] = json.loads(line)
            except ValueError as error:
                raise PathsError("the simulator did not start: everytoken simulator") from error
            yield urls
        finally:
            process.terminate()


@dataclass(slots=True)
class Capture:
    """The runs of what was sent, in memory."""

    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes, headers: Message) -> None:
        content_type, encoding = headers.get("content-type", ""), headers.get("content-encoding", "")
        with contextlib.suppress(BodyError, OSError), self.lock:
            plain = gzip.decompress(body) if encoding == "gzip" else decompress(body, encoding, MAX_BODY_BYTES)
            for operation in decode_multipart(plain, boundary_of(content_type), 0).operations:
                self.runs.setdefault(operation.run_id, {}).update(operation.body)
