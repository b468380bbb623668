"""`everytoken demo`: server, simulated providers and the Eco² agent, from nothing to a trace on screen."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.processes import running
from everytoken.cli.render import print_trace
from everytoken.config import DEFAULT_PORT

PROJECT = "eco2-chat-worker"
QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
JOB_ID = "job_abc123"
DEMO_MARK = ".everytoken-demo"
FREE_BYTES_NEEDED = 300 * 1024**2  # journal, ledger and its merges for a few demo traces
AGENT_TIMEOUT_S = 180
TOTALS = ("llm_calls", "input_tokens", "output_tokens", "total_tokens", "cost_usd")

talk = Console(stderr=True, highlight=False)


def demo(
    leave: Annotated[bool, typer.Option("--exit", help="Stop everything when the trace is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Ask the real provider, with your key.")] = False,
    provider: Annotated[str, typer.Option(help="Provider that serves the graph: openai or google.")] = "openai",
    port: Annotated[int, typer.Option(envvar="EVERYTOKEN_PORT", help="Port of the server.")] = DEFAULT_PORT,
    data: Annotated[Path, typer.Option(help="Folder of the demo's own data; made afresh each time.")] = Path(
        "~/.everytoken-demo"
    ),
) -> None:
    """Run the Eco² agent on its reference question and show what every node cost."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: what was started is stopped
    _check(live=live, provider=provider, port=port)
    folder = _fresh_folder(data.expanduser())
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        talk.print("· starting everytoken", style="dim")
        stack.enter_context(_server(url, port, folder))
        agent_env = {} if live else stack.enter_context(_simulator(folder))
        talk.print(f"· asking the Eco² agent: {QUESTION}", style="dim")
        turn = _ask_agent(url, provider, agent_env)
        client = Client(url)
        stack.callback(client.close)
        client.flush()
        view = client.trace(turn["trace_id"])
        result = report(client.summary(PROJECT), view, url=f"{url}/projects/{PROJECT}/traces/{turn['trace_id']}")
        if as_json:
            typer.echo(json.dumps(result, ensure_ascii=False))
        else:
            print_trace(Console(), view)
            typer.echo(f"\n{turn['answer']}\n\n{result['url']}")
        if not leave:
            _stay(url)


def report(summary: dict[str, Any], view: dict[str, Any], *, url: str) -> dict[str, Any]:
    """The demo's JSON: the project's totals and, per node, the same figures with its place in time."""
    nodes = {
        run["name"]: {
            **{key: run["subtree"][key] for key in TOTALS},
            "start_ms": round(run["offset_ms"]),
            "end_ms": round(run["offset_ms"] + (run["duration_ms"] or 0)),
        }
        for run in view["runs"]
        if run["is_node"]
    }
    return {
        "project": summary["project"],
        "traces": summary["traces"],
        **{key: summary[key] for key in TOTALS},
        "nodes": nodes,
        "saved_ms": None if view["saved_ms"] is None else round(view["saved_ms"]),
        "url": url,
        "trace_id": view["trace"]["trace_id"],
    }


def _check(*, live: bool, provider: str, port: int) -> None:
    if provider not in ("openai", "google"):
        raise CommandError(f"--provider {provider}: not known", hint="openai or google")
    if importlib.util.find_spec("eco2") is None:
        raise CommandError("the Eco² agent is not installed", hint="in a checkout: make demo")
    key = {"openai": "OPENAI_API_KEY", "google": "GOOGLE_API_KEY"}[provider]
    if live and not os.environ.get(key):
        raise CommandError(f"--live needs {key}", hint=f"export {key}=…, or leave out --live to use the simulator")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"port {port} is in use", hint=f"stop what listens there, or choose another: --port {port + 1}"
            ) from error


def _fresh_folder(folder: Path) -> Path:
    """An empty data folder. Only a folder that an earlier demo made is emptied."""
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / DEMO_MARK).exists():
                raise CommandError(
                    f"{folder} holds something that is not the demo's", hint="name another folder: --data DIR"
                )
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DEMO_MARK).touch()
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        raise CommandError(
            f"cannot write to {folder}: {error.strerror}", hint="name another folder: --data DIR"
        ) from error
    if free_bytes < FREE_BYTES_NEEDED:
        raise CommandError(
            f"{folder}: {free_bytes // 1024**2} MB free, the demo needs {FREE_BYTES_NEEDED // 1024**2} MB",
            hint="free some space, or name another folder: --data DIR",
        )
    return folder


def _server(url: str, port: int, folder: Path) -> contextlib.AbstractContextManager[None]:
    arguments = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    return running("the server", arguments, log=folder / "server.log", ready=lambda: _answers(f"{url}/ok"))


@contextlib.contextmanager
def _simulator(folder: Path) -> Iterator[dict[str, str]]:
    """The simulated providers; yields the environment that points an application at them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    arguments = ["everytoken.cli", "simulator", "--port", str(port), "--scenario", "reference"]
    with running("the simulator", arguments, log=folder / "simulator.log", ready=lambda: _answers(f"{base}/_ledger")):
        yield {
            "OPENAI_BASE_URL": f"{base}/v1",
            "OPENAI_API_KEY": "simulated",
            "GOOGLE_GEMINI_BASE_URL": base,
            "GOOGLE_API_KEY": "simulated",
            "KAKAO_BASE_URL": base,
            "KAKAO_REST_API_KEY": "simulated",
        }


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


def _ask_agent(url: str, provider: str, simulated: dict[str, str]) -> dict[str, Any]:
    """Run the agent as its user would: its own process, LangSmith's own variables."""
    env = {
        **os.environ,
        **simulated,
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": url,
        "LANGSMITH_PROJECT": PROJECT,
        "LANGSMITH_API_KEY": os.environ.get("LANGSMITH_API_KEY", "local"),
    }
    for older in ("LANGCHAIN_TRACING_V2", "LANGSMITH_TRACING_V2", "LANGCHAIN_ENDPOINT", "LANGCHAIN_PROJECT"):
        env.pop(older, None)  # they would win over, or contradict, the ones above
    command = [sys.executable, "-m", "eco2", "ask", QUESTION, "--job", JOB_ID, "--provider", provider, "--json"]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=AGENT_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandError(
            f"the agent did not answer within {AGENT_TIMEOUT_S} s", hint="try again; with --live, check the network"
        ) from error
    if done.returncode:
        raise CommandError(f"the agent failed: {(done.stderr or done.stdout).strip()[-800:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _stay(url: str) -> None:
    talk.print(f"everytoken stays up at {url} — Ctrl-C stops it", style="bold")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    talk.print("· stopping", style="dim")
