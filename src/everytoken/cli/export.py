"""`everytoken export`: runs and charges to Parquet, JSON Lines or CSV, with bounded memory; a kill loses nothing."""

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.columns import What
from everytoken.cli.exchange.exporting import NOTES, Asked, Notes, pages, read_notes
from everytoken.cli.exchange.exporting import export as write
from everytoken.cli.exchange.sinks import Format, lines
from everytoken.cli.options import (
    DEFAULT_URL,
    ApiKeyOption,
    FromOption,
    JsonOption,
    ProjectsOption,
    ToOption,
    UrlOption,
)
from everytoken.cli.progress import progress


def export(  # noqa: PLR0913, PLR0917  one parameter an option
    out: Annotated[Path, typer.Option(help="Folder to write to; - for stdout.")],
    project: ProjectsOption = None,
    what: Annotated[Literal["charges", "runs", "both"], typer.Option(help="What to write.")] = "both",
    format: Annotated[Format, typer.Option(help="How to write it.")] = "jsonl",
    from_: FromOption = None,
    to: ToOption = None,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write runs, charges or both to a folder. The same command again goes on where it was stopped, or does nothing."""
    whats: list[What] = ["charges", "runs"] if what == "both" else [what]
    with Client(url, api_key=api_key) as client:
        client.flush()
        totals = {row["project"]: row for row in client.get("/projects", **{"from": from_, "to": to})["projects"]}
        unknown = [name for name in project or () if name not in totals]
        if unknown:
            known = ", ".join(sorted(totals)) or "none yet"
            raise CommandError(f"no project {unknown[0]!r}", hint=f"there are: {known}", exit_code=1)
        asked = Asked(
            server=client.url,
            projects=sorted(set(project)) if project else _begun(out) or sorted(totals),
            from_=from_,
            to=to or str(time.time_ns() // 1000),
            whats=whats,
            format=format,
        )
        if str(out) == "-":
            _to_stdout(client, asked)
            return
        notes = Notes.open(out, asked)
        done = {one: _written(client, notes, one, totals) for one in whats}
    if as_json:
        typer.echo(json.dumps({"out": str(out), "format": format, "projects": notes.asked.projects, "files": done}))
        return
    for name, told in done.items():
        typer.echo(f"{told['path']}\t{told['rows']} {name}")


def _begun(out: Path) -> list[str]:
    """The projects of the export that the folder holds: one that came since is not part of it."""
    return read_notes(out).asked.projects if (out / NOTES).exists() else []


def _written(client: Client, notes: Notes, what: What, totals: Mapping[str, Any]) -> dict[str, Any]:
    figure = "llm_calls" if what == "charges" else "runs"
    total = sum(totals[name][figure] for name in notes.asked.projects if name in totals)
    with progress(what, total) as advance:
        path = write(client, notes, what, advance)
    return {"path": str(path), "rows": notes.progress[what].place.rows}


def _to_stdout(client: Client, asked: Asked) -> None:
    if asked.format == "parquet" or len(asked.whats) != 1:
        raise CommandError("stdout takes one kind of rows as lines", hint="--what charges --format csv, or --out DIR")
    (what,) = asked.whats
    kind: Literal["jsonl", "csv"] = "csv" if asked.format == "csv" else "jsonl"
    header = True
    for name in asked.projects:
        for rows, _cursor in pages(client, asked, what, name, None):
            sys.stdout.buffer.write(lines(what, kind, rows, header=header))
            header = False
    sys.stdout.buffer.flush()
