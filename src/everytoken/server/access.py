"""Who calls: a key, a login, or anyone on a loopback server that nobody has guarded."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from fastapi import Request

from everytoken.server.scopes import Need
from everytoken.store.control import Control
from everytoken.store.keys import ApiKey, Scope

COOKIE = "everytoken_session"
KEY_HEADER = "x-api-key"


@dataclass(frozen=True, slots=True)
class Access:
    """What the caller of one request may do."""

    actor: str
    """As the audit log names it: `key:<id>`, `user:<name>`, `local`."""
    scopes: frozenset[Scope]
    projects: frozenset[str] | None
    """Names; `None` for all."""
    key_id: str | None = None
    requests_per_minute: int | None = None
    cookie: str | None = None
    """The login's secret, when that is what came."""

    def meets(self, need: Need) -> bool:
        return bool(self.scopes & need.scopes) and not (need.everywhere and self.projects is not None)


ANYONE = Access("local", frozenset(Scope), None)
"""On loopback, before a key was made."""
NOBODY = Access("nobody", frozenset(), None)
"""On a guarded server, at a route that asks for nothing."""


def of_request(request: Request) -> Access:
    """Whose request it is. The gate has let it in."""
    found = request.scope.get("state", {}).get("access")
    return found if isinstance(found, Access) else NOBODY


def key_in(headers: Mapping[str, str]) -> str | None:
    """The text of the key that a request carries, as LangSmith's SDKs send it or as a bearer token."""
    key = headers.get(KEY_HEADER)
    if key:
        return key.strip()
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def cookie_in(headers: Mapping[str, str]) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def by_key(control: Control, text: str) -> Access | None:
    """What the key of this text may do; `None` when there is no such key."""
    key = control.keys.find(text)
    if key is None:
        return None
    control.keys.used(key.key_id)
    return _of_key(key)


def by_cookie(control: Control, text: str) -> Access | None:
    """What the login of this cookie may do; `None` when it has ended, or its key or its user has."""
    session = control.users.session(text)
    if session is None:
        return None
    if session.key_id is not None:
        key = control.keys.live(session.key_id)
        return _of_key(key, cookie=text) if key else None
    user = control.users.user(session.user or "")
    return Access(f"user:{user.name}", user.scopes, None, cookie=text) if user else None


def still(control: Control, access: Access) -> bool:
    """Whether access given a while ago would be given now: asked by what goes on for long."""
    if access.cookie is not None:
        return by_cookie(control, access.cookie) is not None
    if access.key_id is not None:
        return control.keys.live(access.key_id) is not None
    return not control.is_guarded


def _of_key(key: ApiKey, *, cookie: str | None = None) -> Access:
    return Access(f"key:{key.key_id}", key.scopes, key.projects, key.key_id, key.requests_per_minute, cookie)
