"""Keys and users, made, listed and ended by an administrator, and the log of what administrators changed."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from everytoken.query.errors import NotFoundError
from everytoken.query.window import parse_instant
from everytoken.server.access import of_request
from everytoken.server.errors import RequestError
from everytoken.server.product import PAGE_DEFAULT, PAGE_MAX, PREFIX, PROBLEMS, Using, answer
from everytoken.store.audit import AuditEntry
from everytoken.store.keys import MAX_PROJECTS, ApiKey, KeyRefusedError, Scope
from everytoken.store.users import MAX_PASSWORD, User, UserError

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@dataclass(frozen=True, slots=True)
class KeyRow:
    key_id: str
    prefix: str
    """What its text begins with; the rest is told when it is made, and never again."""
    name: str
    scopes: list[str]
    projects: list[str] | None
    """`null`: all."""
    requests_per_minute: int | None
    created_us: int
    created_by: str
    expires_us: int | None
    last_used_us: int | None
    """Within a minute or so."""
    revoked_us: int | None


@dataclass(frozen=True, slots=True)
class KeyRows:
    keys: list[KeyRow]


@dataclass(frozen=True, slots=True)
class NewKey:
    key: KeyRow
    text: str
    """The key itself: shown this once."""


@dataclass(frozen=True, slots=True)
class UserRow:
    name: str
    scopes: list[str]
    created_us: int


@dataclass(frozen=True, slots=True)
class UserRows:
    users: list[UserRow]


@dataclass(frozen=True, slots=True)
class AuditPage:
    entries: list[AuditEntry]
    next: int | None
    """`cursor` of the page after this one."""


class KeyBody(BaseModel):
    name: str = Field(description="What it is for.")
    scopes: list[Scope] = Field(default=[Scope.INGEST], max_length=len(Scope))
    projects: list[str] | None = Field(default=None, max_length=MAX_PROJECTS, description="Names; all without it.")
    expires: str | None = Field(default=None, max_length=40, description="ISO-8601; never without it.")
    requests_per_minute: int | None = Field(default=None, ge=1, le=10**9)


class UserBody(BaseModel):
    password: str = Field(max_length=MAX_PASSWORD)
    scopes: list[Scope] = Field(default=[Scope.READ], max_length=len(Scope))


@router.get("/keys", response_model=KeyRows)
def list_keys(use: Using) -> Response:
    """All keys, revoked ones too, newest first. None of them can be read again."""
    return answer(KeyRows([key_row(key) for key in use.control.keys.listed()]))


@router.post("/keys", response_model=NewKey)
def create_key(use: Using, request: Request, body: KeyBody) -> Response:
    """Make a key. The first one closes the server to everybody without one."""
    actor = of_request(request).actor
    try:
        key, text = use.control.keys.create(
            body.name,
            body.scopes,
            projects=body.projects,
            expires_us=_expiry(body.expires),
            requests_per_minute=body.requests_per_minute,
            created_by=actor,
        )
    except KeyRefusedError as error:
        raise RequestError(str(error), field=f"body.{error.field}") from error
    use.control.audit.record(actor, "key.create", key.key_id, None, key.told())
    response = answer(NewKey(key_row(key), text))
    response.headers["Cache-Control"] = "no-store"
    return response


@router.delete("/keys/{key_id}", response_model=KeyRow)
def revoke_key(use: Using, request: Request, key_id: str) -> Response:
    """Revoke a key: the next request with it is refused, and logins and live feeds it opened end."""
    before = next((key for key in use.control.keys.listed() if key.key_id == key_id), None)
    gone = use.control.keys.revoke(key_id)
    if before is None or gone is None:
        raise NotFoundError(f"no key {key_id[:100]!r}", field="path.key_id", hint="`everytoken keys list` shows them")
    if before.revoked_us is None:
        use.control.audit.record(of_request(request).actor, "key.revoke", key_id, before.told(), gone.told())
    return answer(key_row(gone))


@router.get("/users", response_model=UserRows)
def list_accounts(use: Using) -> Response:
    """People who can log in to the page."""
    return answer(UserRows([_user_row(user) for user in use.control.users.listed()]))


@router.put("/users/{name}", response_model=UserRow)
def put_account(use: Using, request: Request, name: str, body: UserBody) -> Response:
    """Make a user, or give one another password and other rights; logins they had end."""
    try:
        before, user = use.control.users.put(name, body.password, frozenset(body.scopes))
    except UserError as error:
        raise RequestError(str(error), field="path.name" if error.field == "name" else f"body.{error.field}") from error
    action = "user.change" if before else "user.create"
    use.control.audit.record(
        of_request(request).actor, action, user.name, before.told() if before else None, user.told()
    )
    return answer(_user_row(user))


@router.delete("/users/{name}", response_model=UserRow)
def remove_account(use: Using, request: Request, name: str) -> Response:
    """Remove a user; their logins end."""
    try:
        user = use.control.remove_user(name)
    except UserError as error:
        hint = "make a key of the scope admin first"
        raise RequestError(str(error), field="path.name", hint=hint, status=409) from error
    if user is None:
        raise NotFoundError(f"no user {name[:100]!r}", field="path.name")
    use.control.audit.record(of_request(request).actor, "user.remove", user.name, user.told(), None)
    return answer(_user_row(user))


@router.get("/audit", response_model=AuditPage)
def list_audit(
    use: Using,
    cursor: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    action: Annotated[str | None, Query(max_length=100, description="As `key.create`, or its first word.")] = None,
    subject: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    """Who changed keys, users, prices, budgets and settings, newest first."""
    entries = use.control.audit.page(limit=limit + 1, before_id=cursor, action=action, subject=subject)
    more = len(entries) > limit
    return answer(AuditPage(entries[:limit], entries[limit - 1].entry_id if more else None))


def key_row(key: ApiKey) -> KeyRow:
    told: dict[str, Any] = key.told()
    return KeyRow(
        key_id=key.key_id,
        prefix=key.prefix,
        created_us=key.created_us,
        created_by=key.created_by,
        last_used_us=key.last_used_us,
        **told,
    )


def _user_row(user: User) -> UserRow:
    return UserRow(user.name, sorted(user.scopes), user.created_us)


def _expiry(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise RequestError(f"expires: {error}", field="body.expires") from error
