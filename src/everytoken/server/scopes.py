"""What each route asks of who calls it: one table, read by the gate and walked by a test.

A route that no line declares is the administrators' alone, so that forgetting one closes it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from everytoken.server.langsmith_unserved import TEMPLATES, is_explained
from everytoken.store.keys import Scope


@dataclass(frozen=True, slots=True)
class Need:
    """What a caller must hold."""

    scopes: frozenset[Scope] = frozenset()
    """Any one of them; none at all for a route that is open to everybody."""
    everywhere: bool = False
    """A key for some projects does not do: the route is about the whole installation."""


OPEN = Need()
"""Data-free, or guarded by a secret of its own: a share's token, a signature, a password."""
ANY = Need(frozenset(Scope))
INGEST = Need(frozenset({Scope.INGEST}))
READ = Need(frozenset({Scope.READ}))
ADMIN = Need(frozenset({Scope.ADMIN}))
WRITE = Need(frozenset({Scope.INGEST, Scope.ADMIN}))
READ_ALL = Need(READ.scopes, everywhere=True)
ADMIN_ALL = Need(ADMIN.scopes, everywhere=True)

V1 = "(?:/api(?:/v1)?)?"
"""LangSmith's v1 routes and OTLP's, wherever they are mounted."""
V2 = "(?:/api)?/v2"
OURS = "/everytoken/v1"

TABLE: tuple[tuple[str, str, Need], ...] = (
    # ingest
    ("POST", V1 + "/runs(?:/multipart|/batch)?/?", INGEST),
    ("PATCH", V1 + "/runs/[^/]+/?", INGEST),
    ("POST", V1 + "(?:/otel)?/v1/traces/?", INGEST),
    ("POST", V1 + "(?:/otel)?/v1/(?:metrics|logs)", OPEN),  # they are told that nobody reads them
    ("GET", V1 + "/info", OPEN),
    # LangSmith v1
    ("POST", V1 + "/runs/(?:query|query/validate|stats|group|group/stats)", READ),
    ("POST", V1 + "/runs/delete(?:/traces)?", ADMIN),
    ("GET", V1 + "/runs/[^/]+", READ),
    ("GET", V1 + "/runs/threads/.+", READ),
    ("GET", V1 + "/runs/[^/]+/share", READ),
    ("PUT DELETE", V1 + "/runs/[^/]+/share", ADMIN),  # it shows the run to everybody
    ("GET", V1 + "/settings", ANY),
    ("GET", V1 + "/attachments/[^/]+", OPEN),  # signed
    ("GET", V1 + "/sessions(?:/[^/]+(?:/metadata)?)?", READ),
    ("POST", V1 + "/sessions", WRITE),  # as a first run would
    ("PATCH", V1 + "/sessions/[^/]+", WRITE),
    ("DELETE", V1 + "/sessions/[^/]+", ADMIN),
    ("GET POST", V1 + "/feedback/tokens/[^/]+", OPEN),  # the token is the secret
    ("POST", V1 + "/feedback/tokens", WRITE),
    ("GET", V1 + "/feedback/tokens", ADMIN),
    ("POST", V1 + "/feedback(?:/eager)?", WRITE),
    ("GET", V1 + "/feedback(?:/[^/]+)?", READ),
    ("PATCH", V1 + "/feedback/[^/]+", WRITE),
    ("DELETE", V1 + "/feedback/[^/]+", ADMIN),
    ("GET", V1 + "/feedback-configs", READ),
    ("POST PATCH DELETE", V1 + "/feedback-configs", ADMIN_ALL),
    ("GET", V1 + "/model-price-map", READ),
    ("POST", V1 + "/model-price-map", ADMIN_ALL),
    ("PUT DELETE", V1 + "/model-price-map/[^/]+", ADMIN_ALL),
    ("GET", f"(?:{V1}|{V2})/public/[^/]+/run(?:/[^/]+)?", OPEN),  # the share's token is the secret
    ("POST", f"(?:{V1}|{V2})/public/[^/]+/runs/query", OPEN),
    ("GET", V1 + "/public/[^/]+/runs.*", OPEN),
    # LangSmith v2
    ("POST", V2 + "/(?:runs|traces|threads)/query", READ),
    ("POST", V2 + "/threads/stats", READ),
    ("GET", V2 + "/runs/[^/]+(?:/url)?", READ),
    ("POST DELETE", V2 + "/runs/[^/]+/share", ADMIN),
    ("GET", V2 + "/traces/[^/]+/runs", READ),
    ("GET", V2 + "/threads/.+/(?:traces|stats)", READ),
    ("GET", V2 + "/threads/.+/share", READ),
    ("POST DELETE", V2 + "/threads/.+/share", ADMIN),
    ("GET", V2 + "/sessions(?:/[^/]+)?", READ),
    ("POST", V2 + "/sessions", WRITE),
    ("PATCH", V2 + "/sessions/[^/]+", WRITE),
    # the product's own
    ("GET POST DELETE", OURS + "/session", OPEN),  # who am I, log in, log out
    ("GET POST", OURS + "/keys", ADMIN_ALL),
    ("DELETE", OURS + "/keys/[^/]+", ADMIN_ALL),
    ("GET", OURS + "/users", ADMIN_ALL),
    ("PUT DELETE", OURS + "/users/[^/]+", ADMIN_ALL),
    ("GET", OURS + "/audit", ADMIN_ALL),
    ("PATCH", OURS + "/projects/.+/settings", ADMIN),
    ("POST", OURS + "/projects/.+/settings/masked", ADMIN),
    ("DELETE", OURS + "/projects/.+/users/.+/data", ADMIN),
    ("DELETE", OURS + "/traces/[^/]+", ADMIN),
    ("POST", OURS + "/projects/.+/alerts/preview", READ),  # asks, and keeps nothing
    ("POST PUT DELETE", OURS + "/projects/.+/alerts(?:/.+)?", ADMIN),
    ("POST", OURS + "/flush", ANY),
    ("POST", OURS + "/backup", ADMIN_ALL),  # it holds everything, and it writes to the disk
    ("GET", OURS + "/health", ANY),
    ("GET HEAD", OURS + "/openapi.json", OPEN),
    ("GET", OURS + "/(?:projects|traces|charges|live|search|explain|export)(?:/.*)?", READ),
    ("GET", OURS + "/filter/fields", ANY),
    ("GET", OURS + "/prices(?:/.*)?", READ),
    ("PUT DELETE", OURS + "/prices/overrides/[^/]+", ADMIN_ALL),
    ("POST GET", OURS + "/reprice(?:/.*)?", ADMIN_ALL),
    ("GET", OURS + "/agent/.+", READ_ALL),
    ("POST", OURS + "/agent/.+", ADMIN_ALL),  # what the agent answers costs money
    ("GET", "/metrics", READ_ALL),
    ("GET", "/ok", OPEN),
)
MAX_PATH = 4_096
"""Characters of a path that is looked at; a project's name has at most 1,000. A path of 60 KB took some patterns half a
second, and 4,096 of them would be remembered."""
PAGE_PATH = "/{path}"
PAGE = (("GET", "HEAD"), OPEN)
"""What is left of these methods is the page: files without data."""

_COMPILED = tuple((methods.split(), re.compile(pattern, re.DOTALL), need) for methods, pattern, need in TABLE)


def declared(method: str, path: str) -> Need | None:
    """What the table says of a request; `None` when it says nothing."""
    for methods, pattern, need in _COMPILED:
        if method in methods and pattern.fullmatch(path):
            return need
    return None


class Policy:
    """The table, and the routes it forgot."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._closed = [
            re.compile(_as_pattern(path)) for method, path in served(routes) if not is_declared(method, path)
        ]
        self._routed = tuple(_guarded(routes))
        self._known = lru_cache(maxsize=4_096)(self._need)

    def need(self, method: str, path: str) -> Need:
        """What a request for this path asks for."""
        return self._known(method, path) if len(path) <= MAX_PATH else ADMIN_ALL

    def _need(self, method: str, path: str) -> Need:
        # The router's patterns end with `$`, which a line end at the end of the path slips through: so it must here.
        path = path.removesuffix("\n")
        found = declared(method, path)
        if found is not None:
            return found
        if any(pattern.fullmatch(path) for pattern in self._closed):
            return ADMIN_ALL
        if any(method in methods and pattern.match(path) for methods, pattern in self._routed):
            return ADMIN_ALL  # whatever the table thinks of this path, the router would answer it with data
        if is_explained(path):
            return ANY  # there is nothing to guard: the answer says that we have no such thing
        return PAGE[1] if method in PAGE[0] else ADMIN_ALL


def served(routes: Iterable[BaseRoute]) -> Iterable[tuple[str, str]]:
    """Method and path template of every route, those of included routers too."""
    for route in iter_route_contexts(list(routes)):
        for method in sorted(route.methods or ()):
            yield method, route.path_format or ""


def _guarded(routes: Sequence[BaseRoute]) -> Iterable[tuple[frozenset[str], re.Pattern[str]]]:
    """Methods and pattern, the router's own, of every route that is neither the page nor tells of what is not kept."""
    for route in iter_route_contexts(list(routes)):
        if route.path_format != PAGE_PATH and route.path_format not in TEMPLATES:
            yield frozenset(route.methods or ()), route.path_regex


def is_declared(method: str, path: str) -> bool:
    """Whether the table has a line for this route, or it is the page, or an answer about what is not kept."""
    return path == PAGE_PATH or path in TEMPLATES or declared(method, re.sub(r"\{[^}]*\}", "x", path)) is not None


def _as_pattern(path: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(path))
