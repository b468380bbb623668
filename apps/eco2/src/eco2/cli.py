"""`eco2`: ask once or many, talk, serve, or check every call path. Data on stdout, talk on stderr."""

import asyncio
import json
import sys
import uuid
from typing import Annotated, Any

import typer

from eco2.agent import Event, Request, RequestError, nobody_answers, open_agent
from eco2.batch import answer_all, read_lines
from eco2.paths import coverage, run_paths, table
from eco2.settings import ProviderName, Settings
from eco2.state import UserLocation
from eco2.telemetry import flush

app = typer.Typer(
    help="The Eco² chat worker.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)

Provider = Annotated[ProviderName | None, typer.Option(help="Provider that serves the graph: openai or google.")]


@app.callback()
def _group() -> None:
    """Korean recycling questions, every LLM call accounted for."""


@app.command()
def ask(
    message: Annotated[str, typer.Argument(help="The question.")],
    job: Annotated[str, typer.Option(help="Name of the job; default: a new one.")] = "",
    session: Annotated[str, typer.Option(help="Conversation to continue; default: one of its own.")] = "",
    user: Annotated[str, typer.Option(help="Who asks.")] = "anonymous",
    image: Annotated[str, typer.Option(help="Link to a picture.")] = "",
    location: Annotated[str, typer.Option(help="Where the user is: LATITUDE,LONGITUDE or the name of a place.")] = "",
    provider: Provider = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of the streamed answer.")
    ] = False,
) -> None:
    """Ask one question and print the answer as it comes."""
    request = Request(
        job_id=job or f"job_{uuid.uuid4().hex[:8]}",
        message=message,
        session_id=session,
        user_id=user,
        image_url=image or None,
        location=parse_location(location),
    )
    done = _run(_ask(request, _settings(provider), show=not as_json))
    if as_json:
        print(json.dumps(done, ensure_ascii=False))
    else:
        print()


async def _ask(request: Request, settings: Settings, *, show: bool) -> dict[str, Any]:
    try:
        async with open_agent(settings) as agent:
            result: dict[str, Any] = {}
            async for event in agent.turn(request, nobody_answers):
                if show:
                    _show(event)
                if event.type == "done":
                    result = event.data
            return result
    finally:
        await asyncio.to_thread(flush)


def _show(event: Event) -> None:
    if event.type == "token":
        print(event.data["text"], end="", flush=True)
    elif event.type == "error":
        print(f"· {event.data['node']}: {event.data['message']}", file=sys.stderr)


@app.command()
def chat(
    session: Annotated[str, typer.Option(help="Conversation to continue; default: a new one.")] = "",
    user: Annotated[str, typer.Option(help="Who talks.")] = "anonymous",
    location: Annotated[str, typer.Option(help="Where the user is: LATITUDE,LONGITUDE or the name of a place.")] = "",
    provider: Provider = None,
) -> None:
    """Talk in the terminal; an empty line or Ctrl-D ends."""
    session_id = session or f"chat_{uuid.uuid4().hex[:8]}"
    _run(_chat(session_id, user, parse_location(location), _settings(provider)))


async def _chat(session: str, user: str, location: UserLocation | None, settings: Settings) -> None:
    async with open_agent(settings) as agent:
        while (line := await _line("> ")).strip():
            request = Request(
                job_id=f"job_{uuid.uuid4().hex[:8]}", message=line, session_id=session, user_id=user, location=location
            )
            try:
                async for event in agent.turn(request, _ask_in_terminal):
                    _show(event)
                    if event.type == "done":
                        print(f"\n· {_bill(event.data['usage'])}", file=sys.stderr)
            except RequestError as error:
                print(f"· {error}", file=sys.stderr)
    await asyncio.to_thread(flush)


def _bill(usage: dict[str, Any]) -> str:
    cost = f"${usage['cost_usd']}" if usage["cost_usd"] else "cost unknown"
    return f"{usage['llm_calls']} calls, {usage['total_tokens']:,} tokens, {cost}"


async def _ask_in_terminal(question: dict[str, Any]) -> UserLocation | None:
    return parse_location(await _line(f"{question['message']} "))


async def _line(prompt: str) -> str:
    """A line from the terminal; empty at its end."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.rstrip("\n")


@app.command()
def batch(
    at_once: Annotated[int, typer.Option(min=1, max=100, help="Turns under way at a time.")] = 10,
    provider: Provider = None,
) -> None:
    """Answer many messages: one JSON object a line on stdin, the `done` of each as a line on stdout."""
    if not _run(_batch(sys.stdin.read().splitlines(), _settings(provider), at_once)):
        raise typer.Exit(1)


async def _batch(lines: list[str], settings: Settings, at_once: int) -> bool:
    """Whether every turn came to its end."""
    broken: list[str] = []

    def tell(done: dict[str, Any]) -> None:
        if "error" in done:
            broken.append(done["job_id"])
        print(json.dumps(done, ensure_ascii=False), flush=True)

    requests = read_lines(lines)
    async with open_agent(settings) as agent:
        await answer_all(agent, requests, tell, at_once=at_once)
    await asyncio.to_thread(flush)
    return not broken


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on. There is no login: keep it private.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8710,
    provider: Provider = None,
) -> None:
    """Serve the worker over HTTP: messages, server-sent events, metrics."""
    import uvicorn

    from eco2.server import create_app

    settings = _settings(provider)
    print(f"eco2 on http://{host}:{port}", file=sys.stderr)
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", timeout_graceful_shutdown=5)


@app.command()
def paths(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """Call all eleven paths once and show whose usage is known. Needs the keys of both providers."""
    rows = _run(_paths(_settings(None)))
    print(json.dumps(coverage(rows), ensure_ascii=False) if as_json else table(rows))
    if any(row["exact"] == 0 or row["exact"] < row["calls"] for row in rows):
        raise typer.Exit(1)


async def _paths(settings: Settings) -> list[dict[str, Any]]:
    try:
        return await run_paths(settings)
    finally:
        await asyncio.to_thread(flush)


def _settings(provider: ProviderName | None) -> Settings:
    return Settings(provider=provider) if provider else Settings()


def parse_location(text: str) -> UserLocation | None:
    """Coordinates if two numbers are given, else the name of a place; `None` for nothing."""
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        return UserLocation(address=text.strip()) if text.strip() else None
    return UserLocation(latitude=latitude, longitude=longitude)


def _run(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except RequestError as error:
        print(f"eco2: {error}", file=sys.stderr)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    app()
