"""`everytoken.context()`: the names it gives are on the run and on the charge, in every kind of caller."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import openai
import pytest

import everytoken

from .conftest import Sent
from .test_openai import COMPLETION, MESSAGES, client_of


def answered(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, json=COMPLETION)


def call() -> None:
    client_of(answered).chat.completions.create(model="gpt-4o", messages=MESSAGES)


async def acall() -> None:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answered))
    async with openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http) as client:
        await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def users(sent: Sent) -> list[Any]:
    return [run.metadata.get("user_id") for run in sorted(sent.runs, key=lambda run: run.run_id)]


def test_the_names_are_on_the_run_and_on_the_charge(sent: Sent) -> None:
    with everytoken.context(thread_id="t-1", user_id="u-1", tags=["a", "b"], metadata={"plan": "pro"}):
        call()
    (run,), (charge,) = sent.runs, sent.charges
    assert (run.metadata["thread_id"], run.metadata["user_id"], run.metadata["plan"]) == ("t-1", "u-1", "pro")
    assert run.tags == ("a", "b")
    assert (charge.thread_id, charge.user_id, charge.tags) == ("t-1", "u-1", ("a", "b"))


def test_an_inner_context_adds_and_says_anew_and_the_outer_one_returns(sent: Sent) -> None:
    with everytoken.context(thread_id="t-1", user_id="u-1", tags=["a"], metadata={"plan": "pro", "n": 1}):
        with everytoken.context(user_id="u-2", tags=["b"], metadata={"n": 2}):
            call()
        call()
    call()
    inner, outer, outside = sorted(sent.runs, key=lambda run: run.start_us)
    keys = ("thread_id", "user_id", "plan", "n")
    assert [inner.metadata.get(key) for key in keys] == ["t-1", "u-2", "pro", 2]
    assert [outer.metadata.get(key) for key in keys] == ["t-1", "u-1", "pro", 1]
    assert [outside.metadata.get(key) for key in keys] == [None] * 4
    assert (inner.tags, outer.tags, outside.tags) == (("a", "b"), ("a",), ())


def test_an_exception_passes_and_ends_the_context(sent: Sent) -> None:
    with pytest.raises(KeyError), everytoken.context(user_id="u-1"):
        raise KeyError("of the application")
    call()
    assert users(sent) == [None]


def test_it_decorates_a_function(sent: Sent) -> None:
    @everytoken.context(user_id="u-1")
    def answer() -> None:
        call()

    answer()
    answer()
    call()
    assert sorted(map(str, users(sent))) == ["None", "u-1", "u-1"]


def test_threads_keep_their_own_names_apart(sent: Sent) -> None:
    together = threading.Barrier(8)

    def one(number: int) -> None:
        with everytoken.context(user_id=f"u-{number}"):
            together.wait(20)
            call()

    workers = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(users(sent)) == [f"u-{number}" for number in range(8)]


def test_tasks_keep_their_own_names_apart_and_inherit_those_around_them(sent: Sent) -> None:
    async def one(number: int) -> None:
        with everytoken.context(user_id=f"u-{number}"):
            await asyncio.sleep(0)
            await acall()

    async def main() -> None:
        with everytoken.context(thread_id="t-1"):
            await asyncio.gather(*(one(number) for number in range(5)))

    asyncio.run(main())
    assert sorted(users(sent)) == ["u-0", "u-1", "u-2", "u-3", "u-4"]
    assert {charge.thread_id for charge in sent.charges} == {"t-1"}


def test_a_generator_names_what_it_does_itself(sent: Sent) -> None:
    def steps() -> Iterator[int]:
        with everytoken.context(user_id="u-1"):
            call()
            yield 1
            call()

    assert list(steps()) == [1]
    call()
    assert sorted(map(str, users(sent))) == ["None", "u-1", "u-1"]


def test_an_async_generator_that_is_left_early_takes_its_names_with_it(sent: Sent) -> None:
    async def steps() -> AsyncIterator[int]:
        with everytoken.context(user_id="u-1"):
            await acall()
            yield 1
            yield 2

    async def main() -> None:
        generator = steps()
        async for _ in generator:
            break
        await generator.aclose()  # type: ignore[attr-defined]  # an async generator is typed as an iterator here
        await acall()

    asyncio.run(main())
    assert sorted(map(str, users(sent))) == ["None", "u-1"]


def test_content_is_chosen_for_the_calls_inside_and_usage_is_sent_for_all(sent: Sent) -> None:
    secret: Any = [{"role": "user", "content": "010-1234-5678"}]
    client = client_of(answered)
    for mode in ("full", "masked", "none"):
        with everytoken.context(content=mode, tags=[mode]):
            client.chat.completions.create(model="gpt-4o", messages=secret)
    told = {run.tags[0]: run.inputs for run in sent.runs}
    assert told["full"]["messages"] == secret
    assert told["masked"]["messages"] == [{"role": "user", "content": "[phone]"}]
    assert told["none"] == {}
    assert [charge.quality for charge in sent.charges] == ["exact"] * 3


def test_a_mode_that_is_none_is_refused_at_once() -> None:
    with (
        pytest.raises(ValueError, match="content must be one of full, masked, none, not 'some'"),
        everytoken.context(content="some"),
    ):
        pass


def test_sampling_leaves_content_out_and_never_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERYTOKEN_CONTENT_SAMPLE", "0")
    client = Sent()
    everytoken.instrument(client)
    for _ in range(3):
        call()
    with everytoken.context(content="full"):
        call()
    runs, charges = client.runs, client.charges
    everytoken.uninstrument()
    assert [bool(run.inputs) for run in runs] == [False, False, False, True]
    assert [charge.quality for charge in charges] == ["exact"] * 4
    assert sum(charge.usage.total_tokens for charge in charges if charge.usage) == 400


def test_a_client_of_langsmith_s_that_samples_leaves_content_out_and_never_usage() -> None:
    client = Sent()
    client.tracing_sample_rate = 0.0
    everytoken.instrument(client)
    call()
    charges = client.charges
    everytoken.uninstrument()
    assert [charge.quality for charge in charges] == ["exact"]
