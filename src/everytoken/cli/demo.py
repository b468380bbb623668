"""`everytoken demo`: server, simulated providers and the Eco² agent, from nothing to what every node cost."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from everytoken.cli.client import Client
from everytoken.cli.demo_agent import Eco2, finished, simulated
from everytoken.cli.demo_before import send_without_usage
from everytoken.cli.demo_report import before_report, coverage_report, print_report, project_report, trace_report
from everytoken.cli.errors import CommandError
from everytoken.cli.processes import running
from everytoken.cli.terminal import DataConsole
from everytoken.config import DEFAULT_PORT
from everytoken.simulator.scenario import load_scenario
from everytoken.simulator.serve import Simulator

PROJECT = "eco2-chat-worker"
REFERENCE_PROJECT = "eco2-reference"
PATHS_PROJECT = "eco2-paths"
BEFORE_PROJECT = "eco2-before"
SCENARIO = "project39"
QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
JOB_ID = "job_abc123"
AT_ONCE = 20
PEOPLE, CONVERSATIONS = 7, 20
"""Whom the traffic comes from, and in how many threads of one or two turns."""
DEMO_MARK = ".everytoken-demo"
FREE_BYTES_NEEDED = 300 * 1024**2  # journal, ledger and its merges for a few demo traces

talk = Console(stderr=True, highlight=False)


def demo(
    leave: Annotated[bool, typer.Option("--exit", help="Stop everything when the figures are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the real provider, with your key: the reference question alone.")
    ] = False,
    provider: Annotated[str, typer.Option(help="Provider that serves the graph: openai or google.")] = "openai",
    port: Annotated[int, typer.Option(envvar="EVERYTOKEN_PORT", help="Port of the server.")] = DEFAULT_PORT,
    data: Annotated[Path, typer.Option(help="Folder of the demo's own data; made afresh each time.")] = Path(
        "~/.everytoken-demo"
    ),
) -> None:
    """Run the Eco² agent's traffic of a day and show what every node cost, before and after its usage was kept."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: what was started is stopped
    _check(live=live, provider=provider, port=port)
    folder = _fresh_folder(data.expanduser())
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        talk.print("· starting everytoken", style="dim")
        agent_url = None if leave else f"http://127.0.0.1:{_free_port()}"
        stack.enter_context(_server(url, port, folder, agent_url))
        client = Client(url)
        stack.callback(client.close)
        run = _run_live(client, provider) if live else _run_simulated(client, provider, stack)
        if as_json:
            typer.echo(json.dumps(run.result, ensure_ascii=False))
        else:
            print_report(DataConsole(), run.result, run.view, run.answer)
            typer.echo(f"\n{run.result['reference']['url']}\n{run.result['url']}")
        if agent_url is not None:
            services = {} if live else simulated(stack.enter_context(Simulator("reference")))
            agent = Eco2(url=url, provider=provider, services={**services, "ECO2_IMAGES_DIR": str(folder / "images")})
            stack.enter_context(_served(agent, agent_url, folder))
            _stay(url)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRun:
    """What there is to show."""

    result: dict[str, Any]
    """The JSON."""
    view: dict[str, Any]
    """The reference trace."""
    answer: str


def _run_simulated(client: Client, provider: str, stack: contextlib.ExitStack) -> DemoRun:
    """The reference question in real time; then a day's messages, and beside them every call path once."""
    simulator = stack.enter_context(Simulator(SCENARIO))
    at_once = stack.enter_context(Simulator(SCENARIO, latency="none"))
    agent = Eco2(url=client.url, provider=provider, services=simulated(simulator))
    talk.print(f"· asking the Eco² agent: {QUESTION}", style="dim")
    turn = agent.ask(REFERENCE_PROJECT, QUESTION, JOB_ID)
    messages = _traffic()
    talk.print(f"· {len(messages)} messages of a day, {AT_ONCE} at a time; every call path once", style="dim")
    paths_agent = Eco2(url=client.url, provider=provider, services=simulated(at_once))
    with paths_agent.started(PATHS_PROJECT, "paths", "--json") as paths:
        agent.answer(PROJECT, messages, at_once=AT_ONCE)
        finished(paths)
    return _shown(client, turn, reference=REFERENCE_PROJECT, paths=PATHS_PROJECT)


def _run_live(client: Client, provider: str) -> DemoRun:
    """The reference question alone: a day's messages would cost the user half a dollar."""
    talk.print(f"· asking the Eco² agent: {QUESTION}", style="dim")
    agent = Eco2(url=client.url, provider=provider, services={})
    turn = agent.ask(PROJECT, QUESTION, JOB_ID)
    return _shown(client, turn, reference=PROJECT, paths=PROJECT)


def _traffic() -> list[dict[str, Any]]:
    """The scenario's messages, as people send them."""
    return [
        {
            "message": entry["message"],
            "user_id": f"user-{number % CONVERSATIONS % PEOPLE + 1}",
            "session_id": f"chat-{number % CONVERSATIONS + 1:02}",
        }
        for number, entry in enumerate(load_scenario(SCENARIO).traffic)
    ]


def _shown(client: Client, turn: dict[str, Any], *, reference: str, paths: str) -> DemoRun:
    """Everything as the server tells it."""
    client.flush()
    talk.print("· the same runs once more, without their usage", style="dim")
    send_without_usage(client.url, project=PROJECT, to=BEFORE_PROJECT)
    client.flush()
    view = client.trace(turn["trace_id"])
    trace_url = f"{client.url}/projects/{reference}/traces/{turn['trace_id']}"
    result = {
        **project_report(client.summary(PROJECT), client.nodes(PROJECT), url=f"{client.url}/projects/{PROJECT}"),
        "reference": trace_report(reference, view, url=trace_url),
        "before": before_report(
            client.summary(BEFORE_PROJECT), client.nodes(BEFORE_PROJECT), url=f"{client.url}/projects/{BEFORE_PROJECT}"
        ),
        "coverage": coverage_report(client.coverage(paths)),
    }
    return DemoRun(result=result, view=view, answer=turn["answer"])


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


def _server(url: str, port: int, folder: Path, agent_url: str | None) -> contextlib.AbstractContextManager[None]:
    """The server; with an agent beside it, the page has one to chat with under the server's own origin."""
    arguments = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    attached = {"EVERYTOKEN_AGENT_URL": agent_url, "EVERYTOKEN_AGENT_PROJECT": PROJECT} if agent_url else {}
    env = {**os.environ, **attached}
    return running("the server", arguments, log=folder / "server.log", ready=lambda: _answers(f"{url}/ok"), env=env)


def _served(agent: Eco2, agent_url: str, folder: Path) -> contextlib.AbstractContextManager[None]:
    """The agent over HTTP, for the page's chat."""
    talk.print("· starting the agent for the page", style="dim")
    arguments = ["eco2", "serve", "--port", agent_url.rpartition(":")[2]]
    log, env = folder / "agent.log", agent.env(PROJECT)
    return running("the agent", arguments, log=log, ready=lambda: _answers(f"{agent_url}/healthz"), env=env)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).is_success
    except httpx.HTTPError:
        return False


def _stay(url: str) -> None:
    talk.print(f"chat with the agent at {url}/eco2", style="bold")
    talk.print(f"everytoken stays up at {url} — Ctrl-C stops it", style="bold")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    talk.print("· stopping", style="dim")
