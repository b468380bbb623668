"""An application that traces with the langsmith SDK in its ways of sending: `python langsmith_sends.py URL WAY…`.

It runs with the release of today and with that of a year ago. Each way has a project of its own. What was sent is told
as one object on stdout, and whatever the SDK has to complain of is on stderr.
"""

import asyncio
import contextlib
import inspect
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import langsmith
from langsmith.run_helpers import get_current_run_tree
from langsmith.schemas import Attachment

URL, NAMES = "".join(sys.argv[1:2]), sys.argv[2:]  # the test imports what was sent, and gives neither
PHOTO = b"\x89PNG\r\n\x1a\n\r\n--\x00\xff" + bytes(range(256)) * 64
USAGE = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
MODEL = {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}
LIMITS = {
    "size_limit": 100,
    "size_limit_bytes": 20_971_520,
    "scale_up_qsize_trigger": 1_000,
    "scale_up_nthreads_limit": 16,
    "scale_down_nempty_trigger": 4,
}
WAYS: dict[str, dict[str, Any]] = {
    "compressed": {},
    "plain": {},  # the same with LANGSMITH_DISABLE_RUN_COMPRESSION
    "batch": {"info": {"batch_ingest_config": {"use_multipart_endpoint": False, **LIMITS}}},
    "single": {"auto_batch_tracing": False},
    "buffered": {"process_buffered_run_ops": list, "run_ops_buffer_size": 4, "run_ops_buffer_timeout_ms": 50},
    "hidden": {"hide_inputs": True, "hide_outputs": lambda told: {"usage_metadata": told.get("usage_metadata")}},
    "sampled": {"tracing_sampling_rate": 0.5},
    "copied": {},
}
TRACES = {"sampled": 40}
COPIES: dict[str, Any] = {"copied": [{"project_name": "copied"}, {"project_name": "copied too"}]}


@langsmith.traceable(run_type="llm", metadata=MODEL)
def ask(question: str) -> dict[str, Any]:
    return {"content": question.upper(), "usage_metadata": USAGE}


def _joined(pieces: Sequence[str]) -> dict[str, Any]:
    return {"content": "".join(pieces), "usage_metadata": USAGE}


@langsmith.traceable(run_type="llm", metadata=MODEL, reduce_fn=_joined)
def stream(question: str) -> Iterator[str]:
    yield from question


@langsmith.traceable
def look(photo: Attachment) -> str:
    return photo.mime_type


@langsmith.traceable
def fails() -> None:
    raise ValueError("강남역 \ud83d")  # the first half of an emoji


@langsmith.traceable(tags=["a"], metadata={"thread_id": "t-1"})
def agent(question: str, *, with_photo: bool) -> dict[str, Any]:
    """A chain of a call, a streamed call, an attachment and a failure."""
    run = get_current_run_tree()
    assert run is not None
    ask(question)
    "".join(stream(question))
    if with_photo:
        look(Attachment(mime_type="image/png", data=PHOTO))
    with contextlib.suppress(ValueError):
        fails()
    return {"root": str(run.id), "big": 2**70, "nan": float("nan"), "nul": "a\x00b", "half": "\udc00"}


def send(way: str) -> list[str]:
    """Trace and wait until it is sent; the ids of the root runs."""
    client = langsmith.Client(api_url=URL, api_key="none", **WAYS[way])
    with_photo = way not in ("batch", "single")  # the SDK drops attachments there, and says so
    with langsmith.tracing_context(enabled=True, client=client, project_name=way, replicas=COPIES.get(way)):
        roots = [agent("hello", with_photo=with_photo)["root"] for _ in range(TRACES.get(way, 1))]
    client.flush()
    return roots


def send_by_hand() -> list[str]:
    """Runs that tell neither their trace nor their order, and an update of one that has long ended."""
    client = langsmith.Client(api_url=URL, api_key="none")
    root, child = uuid.uuid4(), uuid.uuid4()
    client.create_run("agent", {"q": 1}, "chain", id=root, project_name="by hand", start_time=datetime.now(UTC))
    client.create_run(
        "ask", {"q": 1}, "llm", id=child, parent_run_id=root, project_name="by hand", extra={"metadata": MODEL}
    )
    client.update_run(child, outputs={"usage_metadata": USAGE})
    client.update_run(root, outputs={"a": 1})
    client.flush()
    client.update_run(root, tags=["late"])
    client.flush()
    return [str(root)]


async def send_async() -> list[str]:
    root = uuid.uuid4()
    async with langsmith.AsyncClient(api_url=URL, api_key="none") as client:
        await client.create_run("ask", {"q": 1}, "llm", id=root, project_name="async", extra={"metadata": MODEL})
        await client.update_run(root, outputs={"usage_metadata": USAGE}, end_time=datetime.now(UTC))
    return [str(root)]


def rate(project: str, root: str) -> str:
    """Feedback of an evaluator on a run, which travels as a part of a body of runs; its id."""
    client = langsmith.Client(api_url=URL, api_key="none")
    more: dict[str, Any] = {}
    client.request_with_retries("POST", "/everytoken/v1/flush").raise_for_status()  # a project appears with its runs
    if "session_id" in inspect.signature(client.create_feedback).parameters:  # newer releases want to be told
        more["session_id"] = client.read_project(project_name=project).id
    feedback = client.create_feedback(
        root, "good", score=0.5, value={"a": 1}, comment="so-so", trace_id=root, source_run_id=uuid.UUID(int=7),
        feedback_source_type="model", **more,
    )  # fmt: skip
    client.flush()
    return str(feedback.id)


def main() -> None:
    told = {name: send(name) for name in NAMES if name in WAYS}
    if "by hand" in NAMES:
        told["by hand"] = send_by_hand()
    if "async" in NAMES:
        told["async"] = asyncio.run(send_async())
    feedback = {name: rate(name, roots[0]) for name, roots in told.items() if name in ("compressed", "plain")}
    sys.stdout.write(json.dumps({"version": langsmith.__version__, "roots": told, "feedback": feedback}))


if __name__ == "__main__":
    main()
