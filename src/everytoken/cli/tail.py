"""`everytoken tail`: traces and model calls as they happen, with tokens and dollars; a lost connection is resumed."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Protocol

import httpx
import typer
from rich.console import Console
from rich.text import Text

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.options import DEFAULT_URL, ApiKeyOption, JsonOption, UrlOption
from everytoken.cli.render import QUALITY_MARKS, money, seconds
from everytoken.cli.terminal import DataConsole

RECONNECT_MAX_S = 15.0
REMEMBERED = 5_000
"""Traces of which it is known what was shown last; the oldest is forgotten, and would be shown once more."""
NAME_CHARS = 28

Row = Mapping[str, Any]


class Api(Protocol):
    def live(self, project: str | None, last_id: int | None) -> Iterator[dict[str, Any]]: ...
    def get(self, path: str, **params: str | int | None) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which traces to show: everything given must hold."""

    project: str | None = None
    model: str | None = None
    user: str | None = None
    thread: str | None = None
    tag: str | None = None
    name: str | None = None
    """Part of the name."""
    errors: bool = False

    def holds(self, row: Row) -> bool:
        return (
            self.project in (None, row["project"])
            and self.user in (None, row["user_id"])
            and self.thread in (None, row["thread_id"])
            and (self.model is None or self.model in row["models"])
            and (self.tag is None or self.tag in row["tags"])
            and (self.name is None or self.name.lower() in row["name"].lower())
            and (not self.errors or row["status"] == "error")
        )


@dataclass(slots=True)
class Shown:
    """What was shown last of each trace, so that a resumed feed shows nothing twice."""

    _held: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def is_new(self, row: Row) -> bool:
        state = (row["status"], row["total_tokens"], row["cost_known_usd"], row["llm_calls"])
        if self._held.pop(row["trace_id"], None) == state:
            self._held[row["trace_id"]] = state
            return False
        self._held[row["trace_id"]] = state
        if len(self._held) > REMEMBERED:
            del self._held[next(iter(self._held))]
        return True


def tail(  # noqa: PLR0913, PLR0917  one parameter an option
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    model: Annotated[str | None, typer.Option(help="Only traces that called this model.")] = None,
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    thread: Annotated[str | None, typer.Option(help="Only this thread's.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only traces with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Only traces whose name contains this.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only what failed.")] = False,
    calls: Annotated[bool, typer.Option("--calls", help="Each model call below its trace.")] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many lines.", show_default=False)] = None,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print each trace when it begins, when it costs more and when it ends, until Ctrl-C."""
    wanted = Wanted(project=project, model=model, user=user, thread=thread, tag=tag, name=name, errors=errors)
    talk = Console(stderr=True, highlight=False)
    console = DataConsole(highlight=False, soft_wrap=True)
    seen_calls = SeenCalls()
    with Client(url, api_key=api_key) as client, contextlib.suppress(KeyboardInterrupt):
        rows = follow(client, wanted, lambda text: talk.print(f"· {text}", markup=False))
        for row in itertools.islice(rows, count):
            _print(console, row, seen_calls.new(client, row) if calls else [], as_json=as_json)


def follow(
    api: Api, wanted: Wanted, tell: Callable[[str], None], *, wait: Callable[[float], None] = time.sleep
) -> Iterator[Row]:
    """Traces whenever they moved, for as long as somebody asks.

    Raises:
        CommandError: the server refuses, or was not there to begin with.
    """
    shown = Shown()
    last_id: int | None = None
    connected, attempt = False, 0
    while True:
        try:
            for event in api.live(wanted.project, last_id):
                connected, attempt = True, 0
                if not event:
                    continue
                last_id = event["id"]
                rows = _newest(api, wanted, tell) if event["type"] == "gap" else [event["row"]]
                yield from (row for row in rows if wanted.holds(row) and shown.is_new(row))
        except httpx.HTTPError as error:
            if not connected and attempt == 0 and last_id is None:
                raise CommandError(
                    f"no answer: {error or type(error).__name__}", hint="is `everytoken serve` running? --url names it"
                ) from error
        attempt += 1
        if attempt == 1:
            tell("the connection ended; trying again")
        wait(min(2.0 ** (attempt - 1), RECONNECT_MAX_S))


def _newest(api: Api, wanted: Wanted, tell: Callable[[str], None]) -> list[Row]:
    """After a gap: what is there now, oldest first."""
    if wanted.project is None:
        tell("some events were missed; name a --project to have its newest traces read anew")
        return []
    tell("some events were missed; reading the newest traces")
    rows: list[Row] = api.get("/traces", project=wanted.project, limit=50)["traces"]
    return rows[::-1]


@dataclass(slots=True)
class SeenCalls:
    """Which model calls of a trace were shown."""

    _held: dict[str, set[str]] = field(default_factory=dict)

    def new(self, api: Api, row: Row) -> list[Row]:
        seen = self._held.setdefault(row["trace_id"], set())
        if len(self._held) > REMEMBERED:
            del self._held[next(iter(self._held))]
        charges = api.get("/charges", trace_id=row["trace_id"], limit=500)["charges"]
        found = [charge for charge in charges[::-1] if charge["charge_key"] not in seen]
        seen.update(charge["charge_key"] for charge in found)
        return found


def _print(console: Console, row: Row, calls: list[Row], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**row, "calls": calls} if calls else row, ensure_ascii=False))
        return
    console.print(line(row))
    for call in calls:
        console.print(call_line(call))


def line(row: Row) -> Text:
    """One trace: when, what, how long, how many tokens, how much."""
    mark, style = {"success": ("✓", "green"), "pending": ("…", "yellow")}.get(row["status"], ("✗", "red"))
    at = datetime.fromtimestamp(row["start_us"] / 1_000_000).astimezone()
    quality = next((sign for name, sign in QUALITY_MARKS.items() if row["quality"][name]), "")
    missing = row["llm_calls"] and row["quality"]["missing"] == row["llm_calls"]
    tokens = "—" if missing else f"{quality}{row['total_tokens']:,}"
    return Text.assemble(
        (f"{at:%H:%M:%S} ", "dim"),
        (f"{mark} ", style),
        f"{row['project']}/{row['name']}"[:NAME_CHARS].ljust(NAME_CHARS),
        f" {seconds(row['duration_ms']):>9} {tokens:>9} tok ",
        (f"{money(row):>12}", "bold"),
        (f"  {' '.join(row['models'])}  {row['trace_id']}", "dim"),
    )


def call_line(call: Row) -> Text:
    """One model call below its trace."""
    tokens = "—" if call["total_tokens"] is None else f"{call['input_tokens']:,}+{call['output_tokens']:,}"
    cost = "—" if call["cost_usd"] is None else f"${call['cost_usd']}"
    model = call["response_model"] or call["request_model"] or "unknown model"
    return Text(f"           {call['node'] or '·'}  {model}  {tokens} tok  {cost}  {call['quality']}", "dim")
