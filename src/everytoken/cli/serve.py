"""`everytoken serve`: the whole server in one process, its data in one folder."""

import errno
import socket
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from everytoken.cli.errors import CommandError
from everytoken.config import DEFAULT_PORT, Settings
from everytoken.server.listen import MAKE_A_KEY, bind, is_loopback, refusal


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.", show_default=str(DEFAULT_PORT)),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that holds all data.", show_default="~/.everytoken")] = None,
) -> None:
    """Receive traces, keep the ledger, answer the page and the API, until Ctrl-C."""
    settings = _settings({"host": host, "port": port, "data": data})
    made = bool(settings.admin_key or settings.database_url) or (settings.data_dir / "control.db").exists()
    if not is_loopback(settings.host) and not made:  # else the server looks whether there is a key
        raise CommandError(refusal(settings.host), hint=MAKE_A_KEY)
    sock = _bind(settings.host, settings.port)
    # The engine takes a second to load: a refusal comes without it.
    from everytoken.catalog.errors import PriceFileError
    from everytoken.server.open_files import allow_many
    from everytoken.server.running import run
    from everytoken.store.errors import StoreError

    try:
        allow_many()
        run(settings, sock, lambda url: typer.echo(f"everytoken listens on {url}", err=True))
    except StoreError as error:
        raise CommandError(str(error), hint=error.hint) from error
    except PriceFileError as error:
        raise CommandError(str(error), hint="correct the file, or unset EVERYTOKEN_PRICES") from error
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"cannot serve from {settings.data_dir}: {reason}", hint="check the disk") from error
    finally:
        sock.close()


def _settings(given: dict[str, Any]) -> Settings:
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = f"EVERYTOKEN_{'_'.join(str(step) for step in first['loc'])}".upper()
        raise CommandError(f"{name}: {first['msg']}", hint=f"correct or unset {name}") from error


def _bind(host: str, port: int) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"port {port} is in use", hint=f"stop what listens there, or choose another: --port {port + 1}"
            ) from error
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}", hint="choose another --port") from error
