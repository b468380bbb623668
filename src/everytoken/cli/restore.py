"""`everytoken restore`: a data folder from a backup."""

import json
from pathlib import Path
from typing import Annotated

import typer

from everytoken.cli.errors import CommandError
from everytoken.config import Settings


def restore(
    source: Annotated[Path, typer.Argument(help="The folder or file that `everytoken backup` made.")],
    data: Annotated[
        Path | None, typer.Option(help="An empty or a new folder for the data.", show_default="~/.everytoken")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Make a data folder from a backup, checked file by file. A folder that holds something is left alone."""
    from everytoken.store.backup import restore as make
    from everytoken.store.errors import StoreError

    settings = Settings() if data is None else Settings(data=data)
    try:
        manifest = make(settings, source.expanduser().absolute())
    except StoreError as error:
        raise CommandError(str(error), hint=error.hint) from error
    if as_json:
        typer.echo(json.dumps(manifest))
    else:
        typer.echo(f"{settings.data_dir} holds what {source} held; start it with: everytoken serve --data DIR")
