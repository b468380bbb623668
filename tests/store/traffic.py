"""What a traced LangGraph application sends: traces of a root and some nodes, creates and updates apart, in zstd.

Each node is four runs: the node, a model call with its own response id and usage, a tool and a routing function.
"""

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import zstandard

RUNTIME = {"sdk": "langsmith-py", "sdk_version": "0.15.0", "library": "langchain-core", "platform": "Linux"}
MODEL = "gpt-4o-mini-2024-07-18"
RUN_US = 50_000
"""Duration of every run."""

Usage = dict[str, Any]
Parts = list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class SentRun:
    run_id: str
    trace_id: str
    end_us: int
    create: Parts
    update: Parts
    usage: Usage | None
    """What its update says the provider billed."""


@dataclass(slots=True)
class Traffic:
    """Traces without end, the same ones for the same seed."""

    seed: int
    project: str
    at_us: int
    """Start of the first trace."""
    step_us: int = 1_000
    text_chars: int = 1_000
    """Of each prompt and completion."""
    _random: random.Random = field(init=False)
    _words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = ["".join(self._random.choices(letters, k=self._random.randint(2, 9))) for _ in range(3_000)]

    def trace(self, nodes: int) -> list[SentRun]:
        """A root and `nodes` times four runs, parents first."""
        self.at_us += self.step_us
        root, order = self._place(self.at_us, "")
        people = {"thread_id": f"t-{self._random.randrange(500)}", "user_id": f"u-{self._random.randrange(100)}"}
        io: tuple[Any, Any] = ({"q": self._text(100)}, {"a": self._text(self.text_chars)})
        runs = [self._run("graph", "chain", root, root, order, at_us=self.at_us, metadata=people, io=io)]
        for step in range(nodes):
            runs += self._node(step, root, order, self.at_us + 1_000 * (step + 1), people)
        return runs

    def _node(self, step: int, root: str, above: str, at_us: int, people: dict[str, str]) -> Iterator[SentRun]:
        inside = {**people, "langgraph_node": f"node-{step}", "langgraph_step": step}
        node, order = self._place(at_us, above)
        io: tuple[Any, Any] = ({"q": self._text(200)}, {"a": self._text(200)})
        metadata = {**inside, "langgraph_checkpoint_ns": f"node-{step}:{node}"}
        yield self._run(f"node-{step}", "chain", node, root, order, at_us=at_us, metadata=metadata, io=io)
        usage = self._usage()
        called = {**inside, "ls_provider": "openai", "ls_model_name": "gpt-4o-mini", "ls_model_type": "chat"}
        io = ({"messages": [[{"role": "user", "content": self._text(self.text_chars)}]]}, self._answer(usage))
        child, below = self._place(at_us + 200, order)
        yield self._run("ChatOpenAI", "llm", child, root, below, at_us=at_us + 200, metadata=called, io=io, usage=usage)
        for name, kind, later_us in (("search", "tool", 400), ("route", "chain", 600)):
            io = ({"input": self._text(50)}, {"output": self._text(100)})
            child, below = self._place(at_us + later_us, order)
            yield self._run(name, kind, child, root, below, at_us=at_us + later_us, metadata=inside, io=io)

    def _usage(self) -> Usage:
        read, reasoning = self._random.randrange(200), self._random.randrange(100)
        sent, made = 200 + self._random.randrange(1_000), 100 + self._random.randrange(500)
        return {
            "input_tokens": sent,
            "output_tokens": made,
            "total_tokens": sent + made,
            "input_token_details": {"cache_read": read},
            "output_token_details": {"reasoning": reasoning},
        }

    def _answer(self, usage: Usage) -> dict[str, Any]:
        response = {"id": f"chatcmpl-{self._random.getrandbits(96):024x}", "model_name": MODEL}
        message = {"kwargs": {"usage_metadata": usage, "response_metadata": response}}
        return {"generations": [[{"text": self._text(self.text_chars), "message": message}]], "usage_metadata": usage}

    @staticmethod
    def _run(
        name: str,
        run_type: str,
        run_id: str,
        trace_id: str,
        order: str,
        *,
        at_us: int,
        metadata: dict[str, Any],
        io: tuple[Any, Any],
        usage: Usage | None = None,
    ) -> SentRun:
        start, end = _iso(at_us), _iso(at_us + RUN_US)
        main = {"id": run_id, "trace_id": trace_id, "dotted_order": order, "name": name, "run_type": run_type,
                "start_time": start, "tags": ["bench"]}  # fmt: skip
        if run_id != trace_id:
            main["parent_run_id"] = order[-95:-59]
        began = {"name": "start", "time": start}
        told = metadata if usage is None else {**metadata, "usage_metadata": usage}
        return SentRun(
            run_id=run_id,
            trace_id=trace_id,
            end_us=at_us + RUN_US,
            usage=usage,
            create=[("", main), (".inputs", io[0]), (".events", [began]), (".extra", _extra(metadata))],
            update=[("", {**main, "end_time": end}), (".outputs", io[1]),
                    (".events", [began, {"name": "end", "time": end}]), (".extra", _extra(told))],
        )  # fmt: skip

    def named(self, parts: Parts) -> Parts:
        """The parts with the project that the SDK writes into the first."""
        (name, main), *rest = parts
        return [(name, {**main, "session_name": self.project}), *rest]

    def _place(self, at_us: int, above: str) -> tuple[str, str]:
        """A UUIDv7 of the time, and its `dotted_order`."""
        bits = (at_us // 1000 << 80) | (7 << 76) | (self._random.getrandbits(12) << 64) | (2 << 62)
        run_id = str(uuid.UUID(int=bits | self._random.getrandbits(62)))
        segment = f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y%m%dT%H%M%S%f}Z{run_id}"
        return run_id, f"{above}.{segment}" if above else segment

    def _text(self, chars: int) -> str:
        return " ".join(self._random.choices(self._words, k=chars // 6 + 1))[:chars]

    def body(self, creates: Iterable[SentRun], updates: Iterable[SentRun]) -> tuple[dict[str, str], bytes]:
        """Headers and content of one `POST /runs/multipart`, as the Python SDK writes them."""
        boundary = f"{self._random.getrandbits(128):032x}"
        parts = [
            _part(boundary, f"{kind}.{run.run_id}{name}", value)
            for kind, runs in (("post", creates), ("patch", updates))
            for run in runs
            for name, value in self.named(run.create if kind == "post" else run.update)
        ]
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Encoding": "zstd"}
        return headers, zstandard.compress(b"".join(parts) + f"--{boundary}--\r\n".encode())


def _extra(metadata: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": metadata, "runtime": RUNTIME}


def _part(boundary: str, name: str, value: Any) -> bytes:
    data = orjson.dumps(value)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data + b"\r\n"


def _iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="microseconds")
