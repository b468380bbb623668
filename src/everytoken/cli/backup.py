"""`everytoken backup`: asks the server that works on the data, or copies them itself when none does."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.config import DEFAULT_PORT, Settings


def backup(
    target: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or a new file `….tar`.")],
    data: Annotated[Path | None, typer.Option(help="Folder that holds all data.", show_default="~/.everytoken")] = None,
    url: Annotated[str, typer.Option(help="The server that works on the data.")] = f"http://127.0.0.1:{DEFAULT_PORT}",
    api_key: Annotated[str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="A key for all projects.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")] = False,
) -> None:
    """Copy control data, ledger, journal and attachments; `everytoken restore` makes a data folder of them again."""
    settings = Settings() if data is None else Settings(data=data)
    manifest = _at_rest(settings, target) or Client(url, api_key=api_key).backup(target.expanduser().absolute())
    if as_json:
        typer.echo(json.dumps(manifest))
    else:
        rows = ", ".join(f"{count} rows of {table}" for table, count in manifest["rows"].items())
        typer.echo(f"{target}: {rows}, {manifest['size_bytes']} bytes")


def _at_rest(settings: Settings, target: Path) -> dict[str, Any] | None:
    """The manifest, or `None` when a server works on the data and has to be asked."""
    from everytoken.store.backup import backup as make
    from everytoken.store.backup import refuse_shared
    from everytoken.store.control import Control
    from everytoken.store.errors import FolderError, StoreError
    from everytoken.store.folder import MARK, DataFolder
    from everytoken.store.journal import Journal
    from everytoken.store.ledger import Ledger

    try:
        refuse_shared(settings)
        if not (settings.data_dir / MARK).exists():
            raise FolderError(f"there are no data in {settings.data_dir}", hint="name their folder: --data DIR")
        try:
            folder = DataFolder(settings.data_dir)
        except FolderError as error:
            if error.__cause__ is not None and isinstance(error.__cause__, BlockingIOError):
                return None
            raise
        with folder:
            Control.open(settings).close()
            Journal(settings.data_dir / "journal.db", max_bytes=settings.journal_max_bytes).close()
            ledger = Ledger.open(settings)
            try:
                return make(settings, ledger, target.expanduser().absolute())
            finally:
                ledger.close()
    except StoreError as error:
        raise CommandError(str(error), hint=error.hint) from error
