"""Child processes of a command: started with their output kept, waited for, and stopped whatever happens."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from everytoken.cli.errors import CommandError

START_TIMEOUT_S = 60.0  # a cold start takes 3 s on 2 cores; a loaded machine gets twenty times that
STOP_TIMEOUT_S = 15.0
LOG_TAIL_LINES = 12


@contextlib.contextmanager
def running(
    title: str, arguments: list[str], *, log: Path, ready: Callable[[], bool], env: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run `python -m <arguments>` until the block ends; enter the block once `ready()` is true.

    Raises:
        CommandError: the process ended before it was ready, or was not ready in time; its last lines are the message.
    """
    with log.open("wb") as sink:
        # A session of its own: Ctrl-C reaches this command alone, which then stops its children in order.
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdout=sink,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=env,
            start_new_session=True,
        )
        try:
            _await(process, title, log, ready)
            yield
        finally:
            _stop(process)


def _await(process: "subprocess.Popen[bytes]", title: str, log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ready():
        if process.poll() is not None:
            raise CommandError(f"{title} ended at once: {_tail(log)}", hint=f"the whole log is {log}")
        if time.monotonic() > deadline:
            raise CommandError(
                f"{title} was not ready after {START_TIMEOUT_S:.0f} s: {_tail(log)}", hint=f"the whole log is {log}"
            )
        time.sleep(0.05)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-LOG_TAIL_LINES:]
    return "\n".join(lines) or "it printed nothing"
