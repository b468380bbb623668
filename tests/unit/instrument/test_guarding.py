"""The one guard: whatever of ours fails, the application gets its answer, its error, its stream."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import openai
import pytest
from google.genai import Client
from google.genai.types import HttpOptions
from langsmith import run_trees
from langsmith._internal import _context
from langsmith.run_helpers import tracing_context

import everytoken
from everytoken.instrument import attempt, framework, google_genai, guard, recorder, sse
from everytoken.instrument import openai as hook

from .conftest import Sent
from .test_frameworks import model_of
from .test_openai import COMPLETION, MESSAGES, client_of, streaming_server


class BrokenError(Exception):
    """A fault of ours, put in by a test."""


def broken(*_: Any, **__: Any) -> Any:
    raise BrokenError


@pytest.fixture
def quiet(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """As in production: faults are counted, not raised."""
    monkeypatch.setenv("EVERYTOKEN_STRICT", "0")
    monkeypatch.setattr(run_trees, "_CLIENT", sent)  # where LangChain's tracer sends
    monkeypatch.setattr(guard, "_failures", type(guard._failures)())
    yield sent
    monkeypatch.undo()


def plain() -> None:
    client = client_of(lambda _: httpx2.Response(200, json=COMPLETION))
    answer = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert answer.choices[0].message.content == "hi"


def streamed() -> None:
    stream = client_of(streaming_server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert [one.choices[0].delta.content for one in stream if one.choices] == ["h", "i"]


def streamed_async() -> None:
    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(streaming_server))
        async with openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http) as client:
            stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
            assert [one.choices[0].delta.content async for one in stream if one.choices] == ["h", "i"]

    asyncio.run(main())


def refused() -> None:
    client = client_of(lambda _: httpx2.Response(400, json={"error": {"message": "no"}}))
    with pytest.raises(openai.BadRequestError, match="no"):
        client.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def gemini() -> None:
    told = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}}], "responseId": "r"}
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=told)))
    client = Client(api_key="k", http_options=HttpOptions(base_url="http://provider.test", httpx_client=http))
    assert client.models.generate_content(model="gemini-3-flash-preview", contents="hello").text == "hi"


def langchain_call() -> None:
    with tracing_context(enabled=True):
        assert model_of().invoke("hello").content == "hi"


def in_a_thread() -> None:
    worker = threading.Thread(target=plain)
    worker.start()
    worker.join()


HOOKS: tuple[tuple[Any, str, tuple[Callable[[], None], ...]], ...] = (
    (hook, "openai_endpoint", (plain, streamed, streamed_async, refused)),
    (hook, "tee", (streamed, streamed_async)),
    (google_genai, "gemini_endpoint", (gemini,)),
    (attempt.Attempt, "piece", (streamed, streamed_async)),
    (recorder.Recorder, "begin", (plain, streamed, streamed_async, refused, gemini)),
    (recorder.Recorder, "wanted", (plain, streamed, gemini)),
    (recorder.Recorder, "_parentage", (plain, streamed, gemini)),
    (recorder, "read_answer", (plain, streamed, refused)),
    (sse.UsageEventFilter, "feed", (streamed, streamed_async)),
    (framework.FrameworkCalls, "begin", (langchain_call,)),
    (framework.FrameworkCalls, "claim", (langchain_call,)),
    (framework.FrameworkCalls, "end", (langchain_call,)),
    (framework.FrameworkCalls, "enter", (langchain_call,)),
    (_context, "get_current_run_tree", (plain, in_a_thread)),
)


@pytest.mark.parametrize(
    ("owner", "name", "action"),
    [
        pytest.param(owner, name, action, id=f"{name}-{action.__name__}")
        for owner, name, all_ in HOOKS
        for action in all_
    ],
)
def test_a_fault_of_ours_reaches_neither_the_call_nor_its_stream(
    owner: Any, name: str, action: Callable[[], None], quiet: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, broken)
        action()
        everytoken.flush(5)
    assert guard.failures() != {}


def test_a_fault_is_logged_once_and_counted_every_time(quiet: Sent, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.MonkeyPatch.context() as patched, caplog.at_level(logging.WARNING, "everytoken"):
        patched.setattr(hook, "openai_endpoint", broken)
        for _ in range(3):
            plain()
    assert [record.getMessage() for record in caplog.records] == [
        "everytoken: _begin failed; the call itself is not affected"
    ]
    assert guard.failures() == {"_begin": 3}


def test_under_strict_a_fault_is_raised_for_tests_to_see(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "openai_endpoint", broken)
    with pytest.raises(BrokenError):
        plain()


def test_a_fault_in_one_integration_costs_no_other(quiet: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    everytoken.uninstrument()
    monkeypatch.delattr(openai._base_client.AsyncAPIClient, "_send_request")  # as a version we do not know might
    everytoken.instrument(quiet)
    gemini()
    assert [charge.quality for charge in quiet.charges] == ["missing"]
    assert guard.failures() == {"instrument openai._base_client": 1}


def in_a_process(program: str) -> None:
    """Run a program that must end well and say nothing."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED or name == "google.genai":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.mark.parametrize(
    "blocked",
    [
        {"openai"},
        {"google"},
        {"agents", "langchain_core", "langgraph"},
        {"openai", "google", "agents", "langchain_core", "langgraph", "opentelemetry"},
    ],
    ids=lambda names: "+".join(sorted(names)),
)
def test_everytoken_works_where_an_sdk_is_not_installed(blocked: set[str]) -> None:
    in_a_process(
        f"BLOCKED = {blocked!r}\n{BLOCK}\n"
        "import everytoken\n"
        "names = everytoken.instrument()\n"
        "assert names is not None and not set(names) & BLOCKED, names\n"
        "with everytoken.context(user_id='u'):\n    pass\n"
        "assert everytoken.flush(5) is True\n"
        "everytoken.uninstrument()\n"
    )


def test_importing_everytoken_alone_needs_nothing_and_loads_no_sdk() -> None:
    in_a_process(
        "BLOCKED = {'openai', 'google', 'agents', 'langchain_core', 'langgraph', 'langsmith', 'genai_prices'}\n"
        f"{BLOCK}\nimport everytoken\nassert everytoken.__version__\n"
        "assert not {'openai', 'langsmith', 'orjson'} & set(sys.modules)\n"
    )


def test_instrumenting_loads_no_sdk_that_the_application_does_not_use() -> None:
    in_a_process(
        "import sys, everytoken\neverytoken.instrument()\n"
        "assert not {'openai', 'google.genai', 'agents', 'langchain_core', 'opentelemetry'} & set(sys.modules)\n"
    )


def test_a_server_that_is_down_costs_the_application_nothing_and_says_nothing() -> None:
    in_a_process(
        "import os, time\n"
        "os.environ |= {'LANGSMITH_ENDPOINT': 'http://127.0.0.1:9', 'LANGSMITH_API_KEY': 'k',"
        " 'EVERYTOKEN_EXIT_TIMEOUT_S': '0.5'}\n"
        "import everytoken, httpx2, openai\n"
        "everytoken.instrument()\n"
        f"told = {COMPLETION!r}\n"
        "http = httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json=told)))\n"
        "client = openai.OpenAI(api_key='k', base_url='http://provider.test/v1', http_client=http)\n"
        "began = time.perf_counter()\n"
        "for _ in range(50):\n"
        "    client.chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': 'x'}])\n"
        "assert time.perf_counter() - began < 5\n"
    )
