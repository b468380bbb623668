"""`everytoken report`: what was spent on what, as a table, JSON, Markdown or a page."""

import json
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.cli.options import DEFAULT_URL, ApiKeyOption, FromOption, JsonOption, ToOption, UrlOption
from everytoken.cli.render import data_console
from everytoken.cli.reports.gather import By, gather
from everytoken.cli.reports.page import html
from everytoken.cli.reports.text import markdown, print_report
from everytoken.cli.terminal import DataConsole

BYS: tuple[By, ...] = get_args(By)


def _bys() -> list[str]:
    return list(BYS)


def report(  # noqa: PLR0913, PLR0917  one parameter an option
    project: Annotated[str | None, typer.Option(help="Of this project; a list of all without it.")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="project, node, model, user or day; repeatable. The last four without it.", autocompletion=_bys
        ),
    ] = None,
    from_: FromOption = None,
    to: ToOption = None,
    tz: Annotated[str | None, typer.Option(help="Time zone of the days; the project's without it.")] = None,
    format: Annotated[Literal["table", "json", "markdown", "html"], typer.Option(help="How to write it.")] = "table",
    out: Annotated[Path | None, typer.Option(help="File to write to; stdout without it.", show_default=False)] = None,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print tokens, cost and quality by project, node, model, user and day."""
    sections = [one for name in by or BYS[1:] for one in BYS if one == name]
    unknown = [name for name in by or () if name not in BYS]
    if unknown:
        raise CommandError(f"--by {unknown[0]}: no such section", hint=f"write {', '.join(BYS)}")
    with Client(url, api_key=api_key) as client:
        made = gather(client, project, sections, from_=from_, to=to, tz=tz)
    if as_json or format == "json":
        text = json.dumps(made.as_dict(), ensure_ascii=False) + "\n"
    elif format == "markdown":
        text = markdown(made)
    elif format == "html":
        text = html(made)
    elif out is None:
        print_report(data_console(), made)
        return
    else:
        with out.open("w", encoding="utf-8") as file:
            print_report(DataConsole(file=file, width=200), made)
        return
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
