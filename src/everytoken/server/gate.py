"""The gate: before a route or a body is looked at, who calls is known, may do it, and sees only their projects."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from everytoken.config import Settings
from everytoken.query.problem_codes import Code
from everytoken.server import origin
from everytoken.server.access import ANYONE, NOBODY, Access, by_cookie, by_key, cookie_in, key_in, of_request
from everytoken.server.listen import MAKE_A_KEY, is_loopback, refusal
from everytoken.server.rpc_status import status
from everytoken.server.scopes import INGEST, Need, Policy
from everytoken.server.throttle import RateLimit
from everytoken.store.control import Control
from everytoken.store.errors import StoreError
from everytoken.store.visible import only

UNAUTHORIZED = 401
MAX_BODY_BYTES = 1024**2
"""Of a request that asks something. The longest, a query for 1,000 ids, has 40 KB."""
BODY_S = 30
OTLP_PATH = "/v1/traces"
_RPC_CODES = {401: 16, 403: 7, 429: 8}
"""HTTP status → the code of `google.rpc.Status`; 14, which says to come again, for the rest."""
MADE_BY = "`everytoken keys create` makes one"

log = logging.getLogger("everytoken.gate")


class UnguardedError(StoreError):
    """Others could reach the server, and nothing would ask them who they are."""


class TurnedAwayError(Exception):
    """A caller who does not come in, in the words of HTTP."""

    def __init__(
        self, status: int, code: Code, error: str, hint: str | None = None, *, retry_s: int | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.code = code
        self.hint = hint
        self.retry_s = retry_s


class Gate:
    """Knows the keys, the limits and the policy; one for HTTP and gRPC."""

    def __init__(self, control: Control, settings: Settings, policy: Policy) -> None:
        self._control = control
        self._policy = policy
        self._loopback = is_loopback(settings.host)
        self._hosts = origin.allowed_hosts(settings.allowed_hosts)
        self._asks_host = bool(settings.allowed_hosts)
        self._per_minute = settings.key_requests_per_minute
        self._rates = RateLimit()
        self.turned_away = Counter({401: 0, 403: 0, 429: 0})
        """Requests that did not come in, by status."""
        self._refreshing: asyncio.Task[None] | None = None
        if settings.admin_key is not None:
            control.keys.give(settings.admin_key)
        if not self._loopback and not control.is_guarded:
            raise UnguardedError(refusal(settings.host), hint=MAKE_A_KEY)

    @property
    def is_guarded(self) -> bool:
        """Whether a caller has to say who they are."""
        return not self._loopback or self._control.is_guarded

    def need(self, method: str, path: str) -> Need:
        """What the policy asks for."""
        return self._policy.need(method, path)

    def admit(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[Access, frozenset[str] | None]:
        """Who may go on with this request, and the projects it sees.

        Raises:
            TurnedAwayError: nobody may, or this one may not.
        """
        self._check_host(headers)
        need = self._policy.need(method, path)
        access = self._identify(headers, optional=not need.scopes)
        if method not in origin.SAFE and key_in(headers) is None:
            tells = access is not None and access.cookie is not None
            if not origin.is_own_page(headers, self._hosts, must_tell=tells):
                raise self._away(
                    403, "other_site", "this request comes from a page of another site",
                    "call from the page itself, or name its host in EVERYTOKEN_ALLOWED_HOSTS",
                )  # fmt: skip
        if not need.scopes:
            # What a share shows is decided by who made it, not by who looks.
            return access or NOBODY, None
        return self.check(access, need), access.projects if access else None

    def check(self, access: Access | None, need: Need) -> Access:
        """The access, when it is enough.

        Raises:
            TurnedAwayError: it is not, or comes too often.
        """
        if access is None:
            raise self._away(401, "key_needed", "this server asks for a key", f"send it as x-api-key; {MADE_BY}")
        if not access.meets(need):
            wanted = " or ".join(sorted(need.scopes)) + (" for all projects" if need.everywhere else "")
            lacks = f"this needs {wanted}, which {access.actor} has not"
            raise self._away(403, "scope_missing", lacks, f"use another key; {MADE_BY}")
        per_minute = access.requests_per_minute or self._per_minute
        wait_s = self._rates.take(access.key_id, per_minute) if access.key_id and per_minute else None
        if wait_s is not None:
            over = f"{access.actor} sends more than {per_minute} requests a minute"
            raise self._away(429, "too_many_requests", over, retry_s=wait_s)
        return access

    def identify_key(self, headers: Mapping[str, str]) -> Access | None:
        """Whose key it is, on a channel that knows no cookies.

        Raises:
            TurnedAwayError: it is nobody's.
        """
        return self._identify({name: value for name, value in headers.items() if name != "cookie"})

    def writable(self, projects: frozenset[str] | None) -> frozenset[str] | None:
        """These projects by name and by id, as bodies name them; `None` for all."""
        if projects is None:
            return None
        ids = {project.project_id for project in self._control.projects() if project.name in projects}
        return projects | ids

    def _away(
        self, status: int, code: Code, error: str, hint: str | None = None, *, retry_s: int | None = None
    ) -> TurnedAwayError:
        self.turned_away[status] += 1
        return TurnedAwayError(status, code, error, hint, retry_s=retry_s)

    def keep_fresh(self) -> None:
        """Read keys and logins again now and then, beside the requests: another server may have changed them."""
        keys, users = self._control.keys, self._control.users
        if (keys.is_stale or users.is_stale) and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.get_running_loop().create_task(_refresh(self._control))

    def _identify(self, headers: Mapping[str, str], *, optional: bool = False) -> Access | None:
        if not self.is_guarded:
            return ANYONE
        text = key_in(headers)
        if text is not None:
            found = by_key(self._control, text)
            if found is None and not optional:
                raise self._away(401, "key_wrong", "the key is unknown, has expired or was revoked", MADE_BY)
            return found
        cookie = cookie_in(headers)
        return by_cookie(self._control, cookie) if cookie else None

    def _check_host(self, headers: Mapping[str, str]) -> None:
        if (self._asks_host or not self.is_guarded) and not origin.is_known_host(headers.get("host", ""), self._hosts):
            raise self._away(
                403, "host_unknown", f"{headers.get('host', '')[:200]!r} is no name of this server",
                "name it in EVERYTOKEN_ALLOWED_HOSTS, or make a key",
            )  # fmt: skip


async def _refresh(control: Control) -> None:
    await asyncio.to_thread(control.keys.refresh)
    await asyncio.to_thread(control.users.refresh)


class GateMiddleware:
    """The gate before every HTTP request. Before the stores are open there is nothing to guard, and nobody answers."""

    def __init__(self, app: ASGIApp, *, server: FastAPI) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gate: Gate | None = getattr(self._server.state, "gate", None)
        if scope["type"] != "http" or gate is None:
            await self._app(scope, receive, send)
            return
        gate.keep_fresh()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            access, seen = gate.admit(scope["method"], scope["path"], headers)
        except TurnedAwayError as turned:
            of_otlp = scope["path"].rstrip("/").endswith(OTLP_PATH) and scope["method"] == "POST"
            answer = _otlp_refusal(turned, headers.get("content-type", "")) if of_otlp else _refusal(turned)
            await answer(scope, receive, send)
            return
        scope.setdefault("state", {})["access"] = access
        if (
            gate.need(scope["method"], scope["path"]) != INGEST
        ):  # ingest bounds its bodies itself, and lets them be large
            receive = _bounded(receive)
        with only(seen):
            await self._app(scope, receive, send)


def _bounded(receive: Receive) -> Receive:
    """Messages of a small body, within a time."""
    size = 0
    until: float | None = asyncio.get_running_loop().time() + BODY_S

    async def bounded() -> Message:
        nonlocal size, until
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"the body did not arrive within {BODY_S} s") from None
        if not message.get("more_body", False):
            until = None  # what comes now is the client leaving, whenever that is
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        return message

    return bounded


def writable_by(request: Request) -> frozenset[str] | None:
    """Names and ids of the projects that the sender of this request writes to; `None` for all."""
    projects = of_request(request).projects
    if projects is None:
        return None
    gate: Gate = request.app.state.gate
    return gate.writable(projects)


def _otlp_refusal(turned: TurnedAwayError, content_type: str) -> Response:
    """As OTLP wants it: a `google.rpc.Status` in the encoding of the request, and where there is a wait, the wait."""
    code, message = _RPC_CODES.get(turned.status, 14), f"{turned}; {turned.hint}" if turned.hint else str(turned)
    if content_type.lower().startswith("application/json"):
        told = {"code": code, "message": message, "error": str(turned), "hint": turned.hint, "detail": str(turned)}
        body, media_type = orjson.dumps(told), "application/json"
    else:
        body, media_type = status(code, message, retry_s=turned.retry_s), "application/x-protobuf"
    return Response(body, turned.status, _headers(turned), media_type)


def _headers(turned: TurnedAwayError) -> dict[str, str]:
    headers = {"Retry-After": str(turned.retry_s)} if turned.retry_s is not None else {}
    if turned.status == UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _refusal(turned: TurnedAwayError) -> Response:
    """In the shapes of both APIs: a `Problem`, and LangSmith's `detail`."""
    told = {"error": str(turned), "code": turned.code, "field": None, "hint": turned.hint, "position": None}
    body = {**told, "detail": str(turned)}
    return Response(orjson.dumps(body), turned.status, _headers(turned), "application/json")
