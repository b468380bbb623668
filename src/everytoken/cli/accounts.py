"""Keys and users where a command finds them: in a data folder that no server uses, else through the server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Protocol
from urllib.parse import quote

import typer

from everytoken.cli.client import Client
from everytoken.cli.errors import CommandError
from everytoken.config import DEFAULT_PORT, Settings
from everytoken.store.control import Control
from everytoken.store.errors import FolderError, StoreError
from everytoken.store.folder import DataFolder
from everytoken.store.keys import ApiKey, KeyRefusedError, Scope
from everytoken.store.users import UserError

DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
ACTOR = "cli"
MAKE_A_KEY_FIRST = "make a key first, `everytoken keys create NAME --scope admin`, then remove the user"

DataOption = Annotated[Path | None, typer.Option(help="Data folder that no server uses.", show_default="~/.everytoken")]
UrlOption = Annotated[str | None, typer.Option(help=f"Server to ask instead; {DEFAULT_URL} when one uses the folder.")]
ApiKeyOption = Annotated[str | None, typer.Option(envvar="EVERYTOKEN_API_KEY", help="Key with the scope admin.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Place(Protocol):
    """Where keys and users are."""

    def keys(self) -> list[dict[str, Any]]: ...
    def create_key(self, body: dict[str, Any]) -> dict[str, Any]: ...
    def revoke_key(self, key_id: str) -> dict[str, Any]: ...
    def users(self) -> list[dict[str, Any]]: ...
    def put_user(self, name: str, password: str, scopes: list[str]) -> dict[str, Any]: ...
    def remove_user(self, name: str) -> None: ...


@contextmanager
def opened(data: Path | None, url: str | None, api_key: str | None) -> Iterator[Place]:
    """The place that the options name.

    Raises:
        CommandError: it cannot be used.
    """
    if url is not None:
        yield ServerPlace(url, api_key)
        return
    settings = Settings() if data is None else Settings(data=data)
    try:
        if settings.database_url is None:
            folder = DataFolder(settings.data_dir)
    except FolderError as error:
        if "another everytoken server" not in str(error):
            raise CommandError(str(error), hint=error.hint) from error
        yield ServerPlace(DEFAULT_URL, api_key)
        return
    try:
        control = Control.open(settings)
        try:
            yield FolderPlace(control)
        finally:
            control.close()
    except StoreError as error:
        raise CommandError(str(error), hint=error.hint) from error
    finally:
        if settings.database_url is None:
            folder.close()


class FolderPlace:
    """The control data themselves."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def keys(self) -> list[dict[str, Any]]:
        return [_key_row(key) for key in self._control.keys.listed()]

    def create_key(self, body: dict[str, Any]) -> dict[str, Any]:
        expires = body["expires"]
        try:
            key, text = self._control.keys.create(
                body["name"],
                [Scope(name) for name in body["scopes"]],
                projects=body["projects"],
                expires_us=None if expires is None else int(datetime.fromisoformat(expires).timestamp() * 1e6),
                requests_per_minute=body["requests_per_minute"],
                created_by=ACTOR,
            )
        except KeyRefusedError as error:
            raise CommandError(f"{error.field}: {error}") from error
        self._control.audit.record(ACTOR, "key.create", key.key_id, None, key.told())
        return {"key": _key_row(key), "text": text}

    def revoke_key(self, key_id: str) -> dict[str, Any]:
        before = self._control.keys.live(key_id)
        gone = self._control.keys.revoke(key_id)
        if gone is None:
            raise CommandError(f"no key {key_id!r}", hint="`everytoken keys list` shows them", exit_code=1)
        if before is not None:
            self._control.audit.record(ACTOR, "key.revoke", key_id, before.told(), gone.told())
        return _key_row(gone)

    def users(self) -> list[dict[str, Any]]:
        return [{**asdict(user), "scopes": sorted(user.scopes)} for user in self._control.users.listed()]

    def put_user(self, name: str, password: str, scopes: list[str]) -> dict[str, Any]:
        try:
            before, user = self._control.users.put(name, password, frozenset(Scope(one) for one in scopes))
        except UserError as error:
            raise CommandError(f"{error.field}: {error}") from error
        action = "user.change" if before else "user.create"
        self._control.audit.record(ACTOR, action, user.name, before.told() if before else None, user.told())
        return {**asdict(user), "scopes": sorted(user.scopes)}

    def remove_user(self, name: str) -> None:
        try:
            user = self._control.remove_user(name)
        except UserError as error:
            raise CommandError(str(error), hint=MAKE_A_KEY_FIRST) from error
        if user is None:
            raise CommandError(f"no user {name!r}", hint="`everytoken users list` shows them", exit_code=1)
        self._control.audit.record(ACTOR, "user.remove", user.name, user.told(), None)


class ServerPlace:
    """A running server."""

    def __init__(self, url: str, api_key: str | None) -> None:
        self._client = Client(url, api_key=api_key)

    def keys(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._client.call("GET", "/keys")["keys"]
        return rows

    def create_key(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._client.call("POST", "/keys", body)

    def revoke_key(self, key_id: str) -> dict[str, Any]:
        return self._client.call("DELETE", f"/keys/{quote(key_id, safe='')}")

    def users(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._client.call("GET", "/users")["users"]
        return rows

    def put_user(self, name: str, password: str, scopes: list[str]) -> dict[str, Any]:
        return self._client.call("PUT", f"/users/{quote(name, safe='')}", {"password": password, "scopes": scopes})

    def remove_user(self, name: str) -> None:
        self._client.call("DELETE", f"/users/{quote(name, safe='')}")


def instant_after(days: int) -> str:
    return (datetime.fromtimestamp(time.time(), UTC) + timedelta(days=days)).isoformat()


def moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _key_row(key: ApiKey) -> dict[str, Any]:
    return {**asdict(key), **key.told(), "prefix": key.prefix}
