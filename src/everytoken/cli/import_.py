"""`everytoken import`: exports, failed traces and OTLP files into a server, through its ingest routes."""

import json
from pathlib import Path
from typing import Annotated

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.importing import Mark, send_all
from everytoken.cli.exchange.sources import find_sources
from everytoken.cli.options import DEFAULT_URL, ApiKeyOption, JsonOption, UrlOption
from everytoken.cli.progress import progress


def import_(
    path: Annotated[Path, typer.Argument(help="File or folder.")],
    project: Annotated[
        str | None, typer.Option(help="Project to import to; needed where the files name none.", show_default=False)
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="File that holds how far it is; beside PATH without it.", show_default=False)
    ] = None,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send what a file or folder holds to a server. Ids stay: the same again changes nothing, and goes on after a stop.

    Reads exports of everytoken and of LangSmith (Parquet, JSON Lines, CSV), the folder of LANGSMITH_FAILED_TRACES_DIR,
    and OTLP files (JSON, protobuf).
    """
    sources = find_sources(path)
    if project and any(source.kind == "failed-trace" for source in sources):
        raise CommandError("failed traces name their projects themselves", hint="leave out --project")
    with Client(url, api_key=api_key) as client:
        mark = Mark(_state_file(path, state), client.url)
        with progress("import", None) as advance:
            outcome = send_all(client, sources, mark, project=project, advance=advance)
        client.flush()
    told = {"sent": outcome.sent, "skipped": outcome.skipped, "rejected": outcome.rejected, "files": len(sources)}
    if as_json:
        typer.echo(json.dumps({**told, "reasons": outcome.reasons}, ensure_ascii=False))
    else:
        typer.echo(f"{outcome.sent} sent, {outcome.skipped} sent before, {outcome.rejected} rejected")
        for reason in outcome.reasons:
            typer.echo(f"rejected: {reason}", err=True)
    if outcome.rejected:
        raise typer.Exit(1)


def _state_file(path: Path, asked: Path | None) -> Path | None:
    """Where the state is kept; nowhere, and said so, when the place beside the files cannot be written."""
    file = asked or path.absolute().with_name(f"{path.absolute().name}.import.json")
    try:
        with file.open("a"):
            pass
        if file.stat().st_size == 0:
            file.unlink()
    except OSError as error:
        if asked is not None:
            raise CommandError(f"{asked} cannot be written: {error.strerror}", hint="name another --state") from error
        typer.echo(f"· {file} cannot be written: a stopped import begins again; name a --state", err=True)
        return None
    return file
