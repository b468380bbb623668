"""`everytoken keys`: make, list and revoke API keys, in a data folder that no server uses or through a server."""

import json
from typing import Annotated, Any

import typer

from everytoken.cli.accounts import (
    ApiKeyOption,
    DataOption,
    JsonOption,
    UrlOption,
    instant_after,
    moment,
    opened,
)
from everytoken.cli.errors import CommandError

app = typer.Typer(no_args_is_help=True, help="API keys: made once, revoked at once.")

SCOPES = ("ingest", "read", "admin")


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="ingest, read or admin; repeatable. ingest without it.")
    ] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only this project; repeatable. All without it.")] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, max=36_500, help="Never without it.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Its own limit of rate.")] = None,
    data: DataOption = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, this once; without --scope it sends runs alone.

    The first one closes the server to everybody without a key.
    """
    scopes = list(dict.fromkeys(scope or ["ingest"]))
    unknown = [one for one in scopes if one not in SCOPES]
    if unknown:
        raise CommandError(f"no scope {unknown[0]!r}", hint=f"write {', '.join(SCOPES)}")
    with opened(data, url, api_key) as place:
        made = place.create_key(
            {
                "name": name,
                "scopes": scopes,
                "projects": project or None,
                "expires": None if expires_in_days is None else instant_after(expires_in_days),
                "requests_per_minute": requests_per_minute,
            }
        )
    if as_json:
        typer.echo(json.dumps(made, ensure_ascii=False))
        return
    typer.echo(made["text"])
    typer.echo(f"{made['key']['prefix']}…: {_what(made['key'])}. It is not shown again.", err=True)


@app.command("list")
def list_keys(
    data: DataOption = None, url: UrlOption = None, api_key: ApiKeyOption = None, as_json: JsonOption = False
) -> None:
    """List the keys: what they may do, when they were used. None can be read again."""
    with opened(data, url, api_key) as place:
        keys = place.keys()
    if as_json:
        typer.echo(json.dumps(keys, ensure_ascii=False))
        return
    for key in keys:
        used = f"used {moment(key['last_used_us'])}" if key["last_used_us"] else "never used"
        state = f"revoked {moment(key['revoked_us'])}" if key["revoked_us"] else used
        typer.echo(f"{key['key_id']}\t{key['name']}\t{_what(key)}\t{state}")
    if not keys:
        typer.echo("no keys: the server is open, and listens on loopback alone", err=True)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `list` shows it; `et_…` in front may stay.")],
    data: DataOption = None,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke a key: the next request with it is refused."""
    wanted = key_id.removeprefix("et_").partition("_")[0]
    with opened(data, url, api_key) as place:
        gone = place.revoke_key(wanted)
    if as_json:
        typer.echo(json.dumps(gone, ensure_ascii=False))
    else:
        typer.echo(f"{gone['key_id']} ({gone['name']}) is revoked", err=True)


def _what(key: dict[str, Any]) -> str:
    projects = "all projects" if key["projects"] is None else ", ".join(key["projects"])
    until = f", until {moment(key['expires_us'])}" if key["expires_us"] else ""
    rate = f", {key['requests_per_minute']} requests a minute" if key["requests_per_minute"] else ""
    return f"{' '.join(key['scopes'])}; {projects}{until}{rate}"
