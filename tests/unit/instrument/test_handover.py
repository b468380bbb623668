"""Wherever a call is made from, it hangs under the run that caused it; one that lost its run is marked."""

import asyncio
import contextvars
import functools
import importlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import langsmith
import openai
import pytest
from langsmith import run_trees
from langsmith.run_helpers import tracing_context

import everytoken
from everytoken.instrument.imports import LOADING

from .conftest import Sent
from .test_openai import COMPLETION, MESSAGES, client_of


@pytest.fixture
def traced(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    monkeypatch.setattr(run_trees, "_CLIENT", sent)
    with tracing_context(enabled=True):
        yield sent


def call(*_: Any) -> None:
    handler = lambda _: httpx2.Response(200, json=COMPLETION)  # noqa: E731 one answer for all
    client_of(handler).chat.completions.create(model="gpt-4o", messages=MESSAGES)


async def acall() -> None:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json=COMPLETION)))
    async with openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http) as client:
        await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def parents(sent: Sent) -> list[str]:
    """Name of the parent of each call, and `-` where it has none."""
    runs = {run.run_id: run for run in sent.runs}
    llm = [run for run in runs.values() if run.run_type == "llm"]
    return sorted(runs[run.parent_run_id].name if run.parent_run_id else "-" for run in llm)


def step(name: str, action: Callable[[], Any]) -> Any:
    return langsmith.traceable(name=name)(action)()


def test_a_pool_serves_many_runs_and_gives_each_its_own_calls(traced: Sent) -> None:
    with ThreadPoolExecutor(1) as pool:
        for name in ("first", "second", "first"):
            step(name, lambda: pool.submit(call).result())
        step("mapped", lambda: list(pool.map(call, range(2))))
        pool.submit(call).result()
    assert parents(traced) == ["-", "first", "first", "mapped", "mapped", "second"]


def test_a_thread_hangs_under_the_run_that_started_it_and_under_none_once_that_has_ended(traced: Sent) -> None:
    goes_on = threading.Event()

    def late() -> None:
        call()
        assert goes_on.wait(20)
        call()

    def start() -> threading.Thread:
        worker = threading.Thread(target=late)
        worker.start()
        while len(traced.runs) < 2:
            time.sleep(0.005)
        return worker

    worker = step("starter", start)
    goes_on.set()
    worker.join()
    assert parents(traced) == ["-", "starter"]
    (orphan,) = [run for run in traced.runs if run.run_type == "llm" and run.parent_run_id is None]
    assert orphan.metadata["everytoken_orphan"] is True
    assert len(traced.charges) == 2


def test_a_thread_of_no_run_beside_runs_is_an_orphan_that_counts(traced: Sent) -> None:
    step("answer", call)
    worker = threading.Thread(target=lambda: contextvars.Context().run(call))
    worker.start()
    worker.join()
    assert parents(traced) == ["-", "answer"]
    assert [run.metadata.get("everytoken_orphan") for run in traced.runs if run.run_type == "llm"] == [None, True]
    assert [charge.quality for charge in traced.charges] == ["exact", "exact"]


def test_calls_of_an_application_without_runs_are_no_orphans(sent: Sent) -> None:
    worker = threading.Thread(target=call)
    worker.start()
    worker.join()
    assert [run.metadata.get("everytoken_orphan") for run in sent.runs] == [None]


def test_tasks_executors_and_to_thread_hang_under_their_own_branch(traced: Sent) -> None:
    @langsmith.traceable(name="left")
    async def left() -> None:
        await asyncio.gather(acall(), acall())

    @langsmith.traceable(name="right")
    async def right() -> None:
        await asyncio.to_thread(call)
        await asyncio.get_running_loop().run_in_executor(None, functools.partial(call, "x"))
        task = asyncio.create_task(acall())
        await task

    async def main() -> None:
        await asyncio.gather(left(), right())

    asyncio.run(main())
    assert parents(traced) == ["left", "left", "right", "right", "right"]


def test_a_copied_context_keeps_its_run_in_a_pool_that_others_use(traced: Sent) -> None:
    with ThreadPoolExecutor(1) as pool:

        def hand_over() -> contextvars.Context:
            here = contextvars.copy_context()
            step("inner", lambda: pool.submit(here.run, call).result())
            return here

        step("outer", hand_over)
    assert parents(traced) == ["outer"]


def test_content_chosen_around_a_thread_holds_in_it(traced: Sent) -> None:
    def fan_out() -> None:
        with everytoken.context(content="none", user_id="u-1"), ThreadPoolExecutor(1) as pool:
            pool.submit(call).result()

    step("answer", fan_out)
    (run,) = [run for run in traced.runs if run.run_type == "llm"]
    assert (run.inputs, run.metadata["user_id"]) == ({}, "u-1")


def test_a_fork_waits_for_an_import_of_ours_that_is_under_way() -> None:
    """A child forked in the middle of one would keep the half of a module for ever."""
    importing, done = threading.Event(), threading.Event()

    def load() -> None:
        with LOADING:
            importing.set()
            time.sleep(0.2)
            done.set()

    worker = threading.Thread(target=load)
    worker.start()
    assert importing.wait(20)
    child = multiprocessing.get_context("fork").Process(target=os._exit, args=(0,))
    child.start()
    assert done.is_set()
    child.join()
    worker.join()
    with LOADING:  # given back in the parent
        assert child.exitcode == 0


def test_a_fork_inside_an_import_does_not_wait_for_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours may be waiting for that very import."""
    (tmp_path / "forks_as_it_loads.py").write_text("import os\nchild = os.fork()\nif not child:\n    os._exit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    importing, leave = threading.Event(), threading.Event()

    def load() -> None:
        with LOADING:
            importing.set()
            leave.wait(15)

    worker = threading.Thread(target=load)
    worker.start()
    assert importing.wait(20)
    module = importlib.import_module("forks_as_it_loads")
    assert not leave.is_set()
    assert worker.is_alive()
    leave.set()
    worker.join()
    os.waitpid(module.child, 0)
