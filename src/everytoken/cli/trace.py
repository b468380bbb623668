"""`everytoken trace ID`: one trace as a tree and a timeline."""

import json
from typing import Annotated

import typer

from everytoken.cli.client import Client
from everytoken.cli.render import print_trace
from everytoken.cli.terminal import DataConsole
from everytoken.config import DEFAULT_PORT

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


def trace(
    trace_id: Annotated[str, typer.Argument(help="Id of the trace.")],
    url: Annotated[str, typer.Option(help="Server to ask.")] = DEFAULT_URL,
    api_key: Annotated[
        str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="Key, if the server wants one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
) -> None:
    """Print one trace: its runs as a tree, its nodes on a timeline, with tokens and dollars."""
    with Client(url, api_key=api_key) as client:
        view = client.trace(trace_id)
    if as_json:
        typer.echo(json.dumps(view, ensure_ascii=False))
    else:
        print_trace(DataConsole(), view)
