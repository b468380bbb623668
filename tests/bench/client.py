"""What recording costs the application: `python tests/bench/client.py`.

The same calls uninstrumented, under `everytoken.instrument()` and under langsmith's `wrap_openai`, taking turns, over a
transport in this process that answers at once. Wall time is the caller's; CPU time is the whole process's, the sender's
threads included, until everything recorded has left. What is sent goes to a session that swallows it.
"""

# ruff: noqa: T201  a benchmark speaks on stdout

import gc
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import langsmith
import openai
import orjson
import requests
from langsmith.run_helpers import tracing_context

import everytoken

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of a neighbour that the package imports itself
    from langsmith.wrappers import wrap_openai

ROUNDS = 15
CALLS = 60
"""Calls of one variant before the next has its turn."""
STREAMS = 15
CHUNKS = 200
RSS_CALLS = 5_000
IMPORTS = 9
BARS = {"cpu_call": 0.3, "cpu_stream": 1.0, "rss": 2.0, "import": 150.0}
"""Milliseconds of CPU a call and a stream, MB (noise of the allocator) over 5,000 calls, milliseconds at import."""
MESSAGES: Any = [
    {"role": "system", "content": "분리배출을 돕는 도우미입니다. " * 20},
    {"role": "user", "content": "강남역 근처 페트병 분리수거함 어디있어?"},
]
INFO: Any = {
    "version": "0.15.0",
    "instance_flags": {"zstd_compression_enabled": True},
    "batch_ingest_config": {
        "use_multipart_endpoint": True,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
        "scale_up_nthreads_limit": 16,
        "scale_up_qsize_trigger": 1_000,
    },
}
USAGE = {"prompt_tokens": 180, "completion_tokens": 210, "total_tokens": 390}
NAMES = {"id": "chatcmpl-1", "created": 1, "model": "gpt-5.2"}
WHOLE = orjson.dumps(
    {
        **NAMES,
        "object": "chat.completion",
        "usage": USAGE,
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "페트병은 비우고 " * 60}}
        ],
    }
)


def _event(told: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps({**NAMES, "object": "chat.completion.chunk", **told}) + b"\n\n"


PIECES = [
    _event({"choices": [{"index": 0, "delta": {"content": "페트병 "}, "finish_reason": None}]}) for _ in range(CHUNKS)
]
END = _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
USAGE_CHUNK = _event({"choices": [], "usage": USAGE})


def answer(request: httpx2.Request) -> httpx2.Response:
    """A chat completion, whole or streamed, with the usage chunk where it is asked for."""
    body = orjson.loads(request.content)
    if not body.get("stream"):
        return httpx2.Response(200, content=WHOLE, headers={"content-type": "application/json"})
    asked = (body.get("stream_options") or {}).get("include_usage")
    pieces = [*PIECES, END, *([USAGE_CHUNK] if asked else []), b"data: [DONE]\n\n"]
    return httpx2.Response(200, content=iter(pieces), headers={"content-type": "text/event-stream"})


class Swallowing(requests.Session):
    """A session whose server takes everything at once."""

    def request(self, *_: Any, **__: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = 202
        response._content = b"{}"
        return response


def reporter() -> langsmith.Client:
    return langsmith.Client(api_url="http://127.0.0.1:9", api_key="bench", info=INFO, session=Swallowing())


@dataclass
class Variant:
    name: str
    active: Callable[[], AbstractContextManager[Any]]
    client: Any
    drain: Callable[[], Any]


@contextmanager
def instrumented(client: langsmith.Client) -> Iterator[None]:
    everytoken.instrument(client=client)
    try:
        yield
    finally:
        everytoken.uninstrument()


def variants() -> tuple[Variant, ...]:
    def plain() -> openai.OpenAI:
        http = openai.DefaultHttpxClient(transport=httpx2.MockTransport(answer))
        return openai.OpenAI(base_url="http://model/v1", api_key="k", http_client=http)

    ours, theirs = reporter(), reporter()
    return (
        Variant("uninstrumented", nullcontext, plain(), lambda: None),
        Variant("everytoken", lambda: instrumented(ours), plain(), lambda: everytoken.flush(30)),
        Variant(
            "langsmith",
            lambda: tracing_context(enabled=True, client=theirs, project_name="bench"),
            wrap_openai(plain()),
            theirs.flush,
        ),
    )


def call(client: Any) -> None:
    client.chat.completions.create(model="gpt-5.2", messages=MESSAGES)


def stream(client: Any) -> None:
    for _ in client.chat.completions.create(model="gpt-5.2", messages=MESSAGES, stream=True):
        pass


def measure(variant: Variant, action: Callable[[Any], None], times: int) -> tuple[float, float]:
    """Milliseconds of wall and of CPU for one action."""
    with variant.active():
        action(variant.client)
        variant.drain()
        gc.collect()
        gc.disable()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            action(variant.client)
        wall = time.perf_counter() - wall
        variant.drain()
        cpu = time.process_time() - cpu
        gc.enable()
    return wall / times * 1e3, cpu / times * 1e3


def compare(title: str, action: Callable[[Any], None], times: int) -> float:
    """Print what each variant adds; the CPU that everytoken adds, in milliseconds."""
    tried = variants()
    found: dict[str, list[tuple[float, float]]] = {variant.name: [] for variant in tried}
    for number in range(ROUNDS):
        for variant in tried[number % 3 :] + tried[: number % 3]:
            found[variant.name].append(measure(variant, action, times))
    base_wall, base_cpu = (statistics.median(column) for column in zip(*found["uninstrumented"], strict=True))
    print(f"\n{title}: median of {ROUNDS} rounds of {times}, milliseconds for one")
    print(f"{'':16}{'wall':>8}{'added':>8}{'CPU':>8}{'added':>8}")
    added: dict[str, float] = {}
    for name, samples in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*samples, strict=True))
        added[name] = cpu - base_cpu
        print(f"{name:16}{wall:8.3f}{wall - base_wall:8.3f}{cpu:8.3f}{cpu - base_cpu:8.3f}")
    print(f"CPU added by langsmith ÷ by everytoken: {added['langsmith'] / added['everytoken']:.1f}")
    return added["everytoken"]


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def growth() -> float:
    """MB of resident memory that 5,000 recorded calls leave behind, after as many to warm up."""
    variant = variants()[1]
    with variant.active():
        for _ in range(RSS_CALLS):
            call(variant.client)
        variant.drain()
        gc.collect()
        before = rss_mb()
        for _ in range(RSS_CALLS):
            call(variant.client)
        variant.drain()
        gc.collect()
        return rss_mb() - before


def import_ms() -> float:
    """Milliseconds that importing everytoken and instrumenting add to importing openai and google-genai."""
    base = "import openai, google.genai; openai.OpenAI, google.genai.Client"
    ours = f"{base}; import everytoken; everytoken.instrument()"
    found: dict[str, list[float]] = {base: [], ours: []}
    for _ in range(IMPORTS):
        for code, samples in found.items():
            timed = f"import time; began = time.perf_counter(); {code}; print(time.perf_counter() - began)"
            done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
            samples.append(float(done.stdout) * 1e3)
    return statistics.median(found[ours]) - statistics.median(found[base])


def main() -> int:
    found = {
        "cpu_call": compare("one call", call, CALLS),
        "cpu_stream": compare(f"one stream of {CHUNKS} chunks", stream, STREAMS),
        "rss": growth(),
        "import": import_ms(),
    }
    print()
    titles = {
        "cpu_call": "CPU added to a call, ms",
        "cpu_stream": "CPU added to a stream, ms",
        "rss": f"memory left by {RSS_CALLS} calls, MB",
        "import": "added at import, ms",
    }
    for name, bar in BARS.items():
        print(f"{titles[name]:34}{found[name]:9.2f}  bar {bar:g}  {'ok' if found[name] <= bar else 'MISSED'}")
    return 1 if any(found[name] > bar for name, bar in BARS.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
