"""What LangSmith's clients can ask for and this server does not keep: each answer says so, and where to read on.

A 404 and no 501: the clients try a 5xx again and again, and take a 404 for what it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from everytoken.server.langsmith_context import problem, router

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
MOUNTS = ("/api/v1", "/api/v2", "/v2", "/api")
"""Nothing but LangSmith's API lies here."""
PAGE = "docs/reference/langsmith.md"


@dataclass(frozen=True, slots=True)
class Unserved:
    """One kind of thing."""

    what: str
    remedy: str
    paths: tuple[str, ...]
    """Below any mount; what begins like one belongs to it. `*` is any one step."""


UNSERVED = (
    Unserved(
        "datasets, examples and experiments",
        "evaluate against LangSmith, and send the runs of your application here",
        (
            "datasets",
            "examples",
            "platform/datasets",
            "platform/examples",
            "public/*/datasets",
            "public/*/examples",
            "platform/public",
            "comparative-experiments",
            "experiment-view-overrides",
        ),
    ),
    Unserved(
        "annotation queues",
        "give feedback on a run, by `create_feedback` or by a token",
        ("annotation-queues", "platform/annotation-queues"),
    ),
    Unserved(
        "prompts",
        "keep them in LangSmith's hub or in your repository; a run names its prompt in its metadata",
        (
            "repos",
            "commits",
            "likes",
            "prompts",
            "prompt-webhooks",
            "hub",
            "platform/hub",
            "settings/handle",
            "comments",
        ),
    ),
    Unserved(
        "evaluators, rules and generated filters",
        "ask /runs/query with a filter and send feedback from your own program; alerts watch cost, errors and latency",
        (
            "runs/rules",
            "evaluators",
            "platform/evaluators",
            "runs/generate-query",
            "ai-search",
            "platform/alerts",
            "platform/issues",
            "feedback/formulas",
            "platform/feedback",
        ),
    ),
    Unserved(
        "charts, dashboards and insights",
        "the page of this server has them, and /everytoken/v1/projects/{project}/series the figures",
        ("charts", "sessions/*/dashboard", "sessions/*/insights", "sessions/*/views", "platform/insights"),
    ),
    Unserved(
        "SQL over runs",
        "`everytoken export` writes runs and charges to Parquet, which any engine reads",
        ("sql", "bulk-exports", "platform/bulk-exports"),
    ),
    Unserved(
        "workspaces, organizations and their secrets",
        "`everytoken keys` and `everytoken users` say who may do what; settings are environment variables",
        (
            "workspaces",
            "orgs",
            "organizations",
            "tenants",
            "platform/orgs",
            "platform/workspaces",
            "api-key",
            "service-accounts",
            "ttl-settings",
            "usage-limits",
            "audit-logs",
            "tag-keys",
            "playground-settings",
            "model-configurations",
            "mcp",
        ),
    ),
    Unserved(
        "agents, sandboxes and deployments",
        "the runs of an agent are all this server needs",
        (
            "agents",
            "fleet",
            "sandboxes",
            "deployments",
            "platform/fleet",
            "platform/product-feedbacks",
            "platform/agents",
        ),
    ),
)
OTHERS = Unserved("such thing", f"{PAGE} lists all that is answered", ())

_COMPILED = tuple(
    (re.compile("/".join("[^/]+" if step == "*" else re.escape(step) for step in path.split("/")) + "(?:/.*)?"), kind)
    for kind in UNSERVED
    for path in kind.paths
)


def unserved(path: str) -> Unserved:
    """What a path below a mount is about."""
    path = path.strip("/").removeprefix("v1/")
    return next((kind for pattern, kind in _COMPILED if pattern.fullmatch(path)), OTHERS)


def explain(request: Request, path: str) -> Response:
    kind = unserved(path)
    said = f"{request.method} {request.url.path[:200]}: this server keeps no {kind.what}"
    return problem(404, said, remedy=kind.remedy, docs=PAGE)


def unserved_router() -> APIRouter:
    """The routes, to be mounted last of all, wherever nothing but LangSmith's API lies."""
    routes = router()

    @routes.api_route("/{path:path}", methods=METHODS)
    def other(request: Request, path: str) -> Response:
        return explain(request, path)

    return routes


def unserved_at_root() -> APIRouter:
    """The same for clients whose endpoint names no mount: these paths alone, since the page lies there too."""
    routes = router()

    def other(request: Request) -> Response:
        return explain(request, request.url.path)

    for template in _AT_ROOT:
        routes.add_api_route(template, other, methods=METHODS)
        routes.add_api_route(f"{template}/{{path:path}}", other, methods=METHODS)
    return routes


WITH_VERSION = ("platform/", "fleet", "sandboxes")
"""Clients write `/v1` before these themselves."""


def _at_root() -> Iterator[str]:
    for kind in UNSERVED:
        for path in kind.paths:
            template = "/" + "/".join("{step}" if step == "*" else step for step in path.split("/"))
            yield template
            if path.startswith(WITH_VERSION):
                yield f"/v1{template}"


_AT_ROOT = tuple(_at_root())
TEMPLATES = frozenset(
    [*_AT_ROOT, *(f"{template}/{{path}}" for template in _AT_ROOT), *(f"{mount}/{{path}}" for mount in MOUNTS)]
)
"""Of all routes made here."""


def is_explained(path: str) -> bool:
    """Whether a request that no other route takes is answered here."""
    return path.startswith(tuple(f"{mount}/" for mount in MOUNTS)) or unserved(path) is not OTHERS
