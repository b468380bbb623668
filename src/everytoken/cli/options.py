"""Options that the commands share, one spelling and one sentence each."""

from pathlib import Path
from typing import Annotated

import typer

from everytoken.config import DEFAULT_PORT

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

UrlOption = Annotated[str, typer.Option(help="Server to ask.")]
ApiKeyOption = Annotated[str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="Key, if the server wants one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ProjectsOption = Annotated[
    list[str] | None, typer.Option("--project", help="Only this project; repeatable. All without it.")
]
FromOption = Annotated[str | None, typer.Option("--from", help="Start, ISO-8601 (UTC without an offset) or epoch ms.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Exclusive end, written like --from.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder to write to.")]
