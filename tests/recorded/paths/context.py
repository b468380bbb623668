"""Threads, executors, tasks and processes: wherever a call is made from, it is counted once."""

import asyncio
import contextvars
import functools
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from langsmith import traceable
from tests.recorded.paths.openai_chat import asking
from tests.recorded.paths.openai_streams import CUT
from tests.recorded.table import scenario
from tests.recorded.world import KEY, World, wrap_openai

SDK = "any"
QUESTIONS = ("페트병은?", "유리병은?", "비닐은?", "캔은?")


@scenario(SDK, "four threads with no context of their own", exact=4)
def threads(w: World) -> None:
    with w.openai() as client:

        def fan_out() -> None:
            workers = [
                threading.Thread(target=client.chat.completions.create, kwargs=asking(text)) for text in QUESTIONS
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()

        w.under_one_run(fan_out)


@scenario(SDK, "ThreadPoolExecutor", exact=4)
def executor(w: World) -> None:
    with w.openai() as client, ThreadPoolExecutor(4) as pool:
        w.under_one_run(lambda: list(pool.map(lambda text: client.chat.completions.create(**asking(text)), QUESTIONS)))


@scenario(SDK, "executor with a copied context", exact=4)
def copied_context(w: World) -> None:
    def fan_out() -> None:
        create: Any = client.chat.completions.create
        for text in QUESTIONS:
            here = contextvars.copy_context()
            pool.submit(functools.partial(here.run, create, **asking(text))).result()

    with w.openai() as client, ThreadPoolExecutor(4) as pool:
        w.under_one_run(fan_out)


@scenario(SDK, "asyncio.gather", exact=4)
async def gather_async(w: World) -> None:
    @traceable
    async def fan_out() -> None:
        await asyncio.gather(*(client.chat.completions.create(**asking(text)) for text in QUESTIONS))

    async with w.async_openai() as client:
        with w.traced():
            await fan_out()


@scenario(SDK, "asyncio.to_thread", exact=4)
async def to_thread_async(w: World) -> None:
    with w.openai() as client, w.traced():
        create: Any = client.chat.completions.create
        await asyncio.gather(*(asyncio.to_thread(create, **asking(text)) for text in QUESTIONS))


@scenario(SDK, "run_in_executor", exact=4)
async def run_in_executor_async(w: World) -> None:
    loop = asyncio.get_running_loop()
    with w.openai() as client, w.traced():
        for text in QUESTIONS:
            await loop.run_in_executor(None, functools.partial(client.chat.completions.create, **asking(text)))


@scenario(SDK, "stream handed on by an async generator")
async def generator_async(w: World) -> None:
    async def words() -> Any:
        async with w.async_openai() as client:
            async for chunk in await client.chat.completions.create(**asking("흘려서 답해줘", stream=True)):
                yield chunk.choices[0].delta.content

    with w.traced():
        assert [word async for word in words()]


@scenario(SDK, "langsmith's wrap_openai on the same client")
def wrapped(w: World) -> None:
    with w.traced(), w.openai() as client:
        wrap_openai(client).chat.completions.create(**asking("cached prompt"))


@scenario(SDK, "langsmith's wrap_openai on the same client, streamed")
def wrapped_stream(w: World) -> None:
    with w.traced(), w.openai() as client:
        for chunk in wrap_openai(client).chat.completions.create(**asking("cached prompt", stream=True)):
            assert chunk.choices


CALL = """
import everytoken, openai
everytoken.instrument()
client = openai.OpenAI()

def ask(text, **more):
    return client.chat.completions.create(
        model="gpt-5.2", messages=[{"role": "user", "content": text}], **more)
"""


def process(w: World, code: str) -> None:
    """Run a small application in a process of its own, which says nothing of its recording on its way out."""
    execute(w, [sys.executable, "-c", CALL + code])


RUN = (str(Path(sys.executable).with_name("everytoken")), "run")


def program(w: World, code: str, command: Sequence[str] = (sys.executable,)) -> None:
    """The same from a file, which processes that start anew can import."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "application.py"
        path.write_text(code, encoding="utf-8")
        execute(w, [*command, str(path)])


def execute(w: World, command: list[str]) -> None:
    variables = {
        "OPENAI_BASE_URL": w.simulator.urls["openai"],
        "OPENAI_API_KEY": KEY,
        "LANGSMITH_ENDPOINT": w.receiver.url,
        "LANGSMITH_API_KEY": "local",
        "LANGSMITH_TRACING": "true",
        "EVERYTOKEN_EXIT_TIMEOUT_S": "20",  # a machine that runs other tests may need them
    }
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done.stderr


@scenario(SDK, "process that ends right after its call")
def process_exit(w: World) -> None:
    process(w, 'ask("페트병은?")')


@scenario(SDK, "process that ends in the middle of a stream", inexact=1, why=CUT)
def process_exit_in_stream(w: World) -> None:
    process(w, 'stream = ask("long answer", stream=True)\nnext(stream)')


@scenario(SDK, "forked child beside its parent", exact=2)
def forked(w: World) -> None:
    process(
        w,
        """
import os, sys
ask("부모의 질문")
everytoken.flush()
child = os.fork()
ask("자식의 질문") if child == 0 else os.waitpid(child, 0)
everytoken.flush()
os._exit(0) if child == 0 else None
""",
    )


WORKERS = """
import multiprocessing, sys

def work(text):
    global client
    client = openai.OpenAI()  # a fork's children would share the connections of the one before
    return ask(text).choices[0].message.content

if __name__ == "__main__":
    ask("부모의 질문")
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        assert all(pool.map(work, ["자식의 질문", "다른 자식의 질문"]))
        pool.close()
        pool.join()
"""


@scenario(SDK, "multiprocessing, workers that are forked", exact=3)
def pool_forked(w: World) -> None:
    program(w, CALL + WORKERS.format(method="fork"))


@scenario(SDK, "multiprocessing, workers that are spawned", exact=3)
def pool_spawned(w: World) -> None:
    program(w, CALL + WORKERS.format(method="spawn"))


UNCHANGED = CALL.replace("import everytoken, openai\neverytoken.instrument()", "import openai")


@scenario(SDK, "everytoken run app.py, code unchanged")
def run_unchanged(w: World) -> None:
    program(w, UNCHANGED + 'ask("페트병은?")', RUN)


@scenario(SDK, "everytoken run app.py with spawned workers, code unchanged", exact=3)
def run_workers(w: World) -> None:
    program(w, UNCHANGED + WORKERS.format(method="spawn"), RUN)
