"""Logging in to the page: by name and password, or by a key that is given once and never stored in the browser."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from everytoken.server.access import COOKIE, Access, by_cookie, by_key, of_request
from everytoken.server.errors import RequestError
from everytoken.server.gate import Gate
from everytoken.server.product import PREFIX, PROBLEMS, Using, answer
from everytoken.server.throttle import LoginThrottle
from everytoken.store.keys import Scope
from everytoken.store.users import MAX_PASSWORD, SESSION_LIFETIME_US

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@dataclass(frozen=True, slots=True)
class SessionState:
    guarded: bool
    """Whether this server asks who calls."""
    logged_in: bool
    """Whether this caller may read."""
    who: str | None
    """As the audit log names it."""
    scopes: list[str]
    projects: list[str] | None
    """`null`: all."""
    has_users: bool
    """Whether there is anyone who could log in by name; else a key it is."""


class LoginBody(BaseModel):
    name: str | None = Field(default=None, max_length=200)
    password: str | None = Field(default=None, max_length=MAX_PASSWORD)
    key: str | None = Field(default=None, max_length=300, description="A key that may read, instead of both.")


@router.get("/session", response_model=SessionState)
def read_session(use: Using, request: Request) -> Response:
    """Who is logged in, if anyone has to be."""
    return _state(use, request, of_request(request))


@router.post("/session", response_model=SessionState)
async def log_in(use: Using, request: Request, body: LoginBody) -> Response:
    """Log in; the answer's cookie is the login."""
    throttle = _throttle(request)
    who = _tried_by(request, body)
    wait_s = throttle.wait_s(*who)
    if wait_s is not None:
        raise RequestError(f"too many wrong tries: wait {wait_s} s", code="login_locked", status=429, retry_s=wait_s)
    # Counted before it is checked: tries sent side by side must not all find the door open.
    throttle.failed(*who)
    async with throttle.checking:
        access = await run_in_threadpool(_checked, use, body)
    if access is None:
        raise RequestError(
            "wrong name, password or key",
            code="login_wrong",
            hint="a key needs the scope read" if body.key else "`everytoken users add NAME` sets another password",
            status=401,
        )
    throttle.passed(*who)
    before = of_request(request).cookie
    if before is not None:
        use.control.users.close_session(before)  # its cookie is written over: nobody but a thief would use it again
    response = _state(use, request, access)
    response.set_cookie(
        COOKIE,
        access.cookie or "",
        max_age=SESSION_LIFETIME_US // 1_000_000,
        httponly=True,
        samesite="strict",
        secure=_is_encrypted(request),
    )
    return response


@router.delete("/session", response_model=SessionState)
def log_out(use: Using, request: Request) -> Response:
    """Log out: the cookie is worth nothing from now on."""
    access = of_request(request)
    if access.cookie is not None:
        use.control.users.close_session(access.cookie)
    response = _state(use, request, Access("nobody", frozenset(), None))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=_is_encrypted(request))
    return response


def _checked(use: Using, body: LoginBody) -> Access | None:
    """A fresh login, when name and password, or the key, are right."""
    control = use.control
    if body.key is not None:
        access = by_key(control, body.key.strip())
        if access is None or not access.scopes & {Scope.READ, Scope.ADMIN}:
            return None
        cookie, _session = control.users.open_session(key_id=access.key_id)
        return by_cookie(control, cookie)
    user = control.users.check(body.name or "", body.password or "")
    if user is None:
        return None
    cookie, _session = control.users.open_session(user=user.name)
    return by_cookie(control, cookie)


def _state(use: Using, request: Request, access: Access) -> Response:
    gate: Gate = request.app.state.gate
    may_read = bool(access.scopes & {Scope.READ, Scope.ADMIN})
    response = answer(
        SessionState(
            guarded=gate.is_guarded,
            logged_in=may_read or not gate.is_guarded,
            who=access.actor if access.scopes else None,
            scopes=sorted(access.scopes),
            projects=None if access.projects is None else sorted(access.projects),
            has_users=use.control.users.exist,
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_encrypted(request: Request) -> bool:
    """Whether the browser's connection is, be it to us or to a proxy in front.

    Whoever says so need not be trusted: a lie costs the liar a cookie that plain HTTP does not send.
    """
    told = request.headers.get("x-forwarded-proto", ""), request.headers.get("origin", "")
    return request.url.scheme == "https" or any(one.strip().lower().startswith("https") for one in told)


def _throttle(request: Request) -> LoginThrottle:
    throttle: LoginThrottle = request.app.state.logins
    return throttle


def _tried_by(request: Request, body: LoginBody) -> tuple[str, ...]:
    address = f"address {request.client.host}" if request.client else "address unknown"
    return (address, f"name {body.name.strip()}") if body.name and body.key is None else (address,)
