"""`everytoken users`: who may log in to the page by name and password."""

import json
import sys
from typing import Annotated

import typer

from everytoken.cli.accounts import ApiKeyOption, DataOption, JsonOption, UrlOption, opened
from everytoken.cli.errors import CommandError

app = typer.Typer(no_args_is_help=True, help="Users of the page.")


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name to log in with.")],
    admin: Annotated[bool, typer.Option("--admin", help="May change things too: share, delete, keys, users.")] = False,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a user, or give one another password and other rights. The password is asked for, or read from stdin."""
    password = _password()
    with opened(data, url, api_key) as place:
        user = place.put_user(name, password, ["read", "admin"] if admin else ["read"])
    if as_json:
        typer.echo(json.dumps(user, ensure_ascii=False))
    else:
        typer.echo(f"{user['name']} may {' and '.join(user['scopes'])}", err=True)


@app.command("list")
def list_users(
    data: DataOption = None, url: UrlOption = None, api_key: ApiKeyOption = None, as_json: JsonOption = False
) -> None:
    """List the users."""
    with opened(data, url, api_key) as place:
        users = place.users()
    if as_json:
        typer.echo(json.dumps(users, ensure_ascii=False))
        return
    for user in users:
        typer.echo(f"{user['name']}\t{' '.join(user['scopes'])}")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of the user.")],
    data: DataOption = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
) -> None:
    """Remove a user; their logins end."""
    with opened(data, url, api_key) as place:
        place.remove_user(name)
    typer.echo(f"{name} is removed", err=True)


def _password() -> str:
    """Never an argument: those stand in the shell's history and in every list of processes."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password: str = typer.prompt("Password", hide_input=True, err=True)
    if typer.prompt("Again", hide_input=True, err=True) != password:
        raise CommandError("the two differ")
    return password
