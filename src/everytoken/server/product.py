"""The product API under `/everytoken/v1`: what the page, the CLI and the tests read. Thin: one query a route."""

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from prometheus_client import CollectorRegistry

from everytoken import __version__
from everytoken.catalog.book import PriceBook
from everytoken.ingest.live import LiveFeed
from everytoken.ingest.pipeline import Pipeline
from everytoken.query import charges, models, nodes, projects, run_detail, topology, trace_search, trace_view, traces
from everytoken.query.filter.parse import MAX_CHARS
from everytoken.query.rows import Models, Nodes, Projects, Summary
from everytoken.query.server_rows import AttachedAgent, Flushed, Health, Problem
from everytoken.query.trace_rows import Charges, RunDetail, Topology, Traces, TraceView
from everytoken.query.trace_search import FoundRuns
from everytoken.query.window import Window, parse_instant
from everytoken.server.errors import RequestError
from everytoken.server.langsmith_context import LangSmith
from everytoken.store.control import Control
from everytoken.store.folder import SCHEMA_VERSION
from everytoken.store.journal import Journal
from everytoken.store.ledger import Ledger
from everytoken.store.price_overrides import PriceOverrides

PREFIX = "/everytoken/v1"
FLUSH_TIMEOUT_S = 60
PAGE_DEFAULT = 50
PAGE_MAX = 500

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request cannot be answered as it stands."},
    "5XX": {"model": Problem, "description": "The server cannot answer now."},
}

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@dataclass(frozen=True, slots=True)
class Services:
    """What the routes work with; opened and closed by the app's lifespan."""

    ledger: Ledger
    control: Control
    pipeline: Pipeline
    feed: LiveFeed
    journal: Journal
    langsmith: LangSmith
    registry: CollectorRegistry
    """What `/metrics` shows."""
    book: PriceBook
    overrides: PriceOverrides
    started_s: float
    """`time.monotonic()` at the start."""


def services(request: Request) -> Services:
    found = getattr(request.app.state, "services", None)
    if not isinstance(found, Services):
        raise RequestError("the server is starting", code="starting", hint="ask again", status=503)
    return found


def window(
    from_: Annotated[str | None, Query(alias="from", description="ISO-8601, or epoch milli- or microseconds.")] = None,
    to: Annotated[str | None, Query(description="Exclusive end, written like `from`.")] = None,
) -> Window:
    bounds = Window(from_us=_instant(from_, "query.from"), to_us=_instant(to, "query.to"))
    if bounds.from_us is not None and bounds.to_us is not None and bounds.from_us >= bounds.to_us:
        hint = "make `to` later than `from`"
        raise RequestError("the window ends before it begins", code="window_wrong", field="query.to", hint=hint)
    return bounds


def _instant(text: str | None, field: str) -> int | None:
    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise RequestError(f"{field}: {error}", code="time_wrong", field=field) from error


def answer(row: object) -> Response:
    """orjson writes the dataclasses as they are; validating 10,000 of our own rows again would cost seconds."""
    return Response(orjson.dumps(row), media_type="application/json")


Using = Annotated[Services, Depends(services)]
Within = Annotated[Window, Depends(window)]
Cursor = Annotated[str | None, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]
ProjectQuery = Annotated[str | None, Query(description="Project name.")]
Filter = Annotated[
    str | None,
    Query(max_length=MAX_CHARS, description='A condition such as `and(eq(model, "gpt-5.2"), gt(latency, "5s"))`.'),
]


@router.get("/projects", response_model=Projects)
def list_projects(use: Using, within: Within) -> Response:
    """Every project with its totals over the window, the one that moved last first."""
    return answer(projects.list_projects(use.ledger, use.control, within))


@router.get("/projects/{project:path}/summary", response_model=Summary)
def summary(use: Using, project: str, within: Within) -> Response:
    """The totals of one project over the window."""
    return answer(projects.summary(use.ledger, use.control, project, within))


@router.get("/projects/{project:path}/nodes", response_model=Nodes)
def list_nodes(use: Using, project: str, within: Within) -> Response:
    """LangGraph nodes: executions, durations and the charges made inside; nodes without a model call too."""
    return answer(nodes.list_nodes(use.ledger, use.control, project, within))


@router.get("/projects/{project:path}/models", response_model=Models)
def list_models(use: Using, project: str, within: Within) -> Response:
    """Models by provider, the dearest first."""
    return answer(models.list_models(use.ledger, use.control, project, within))


@router.get("/traces", response_model=Traces)
def list_traces(
    use: Using,
    within: Within,
    project: Annotated[str, Query(description="Project name.")],
    filter: Filter = None,
    sort: Annotated[traces.Sort, Query(description="`-` for descending; unknown values come last.")] = "-start",
    cursor: Cursor = None,
    limit: Limit = PAGE_DEFAULT,
) -> Response:
    """Traces, newest first unless told otherwise; those whose root never came too."""
    return answer(
        traces.list_traces(
            use.ledger,
            use.control,
            project,
            within,
            traces.Wanted(filter, sort, use.langsmith.feedback_runs),
            cursor=cursor,
            limit=limit,
        )
    )


@router.get("/traces/{trace_id}", response_model=TraceView)
def read_trace(
    use: Using,
    trace_id: str,
    project: ProjectQuery = None,
    limit: Annotated[
        int, Query(ge=1, le=trace_view.MAX_RUNS_SHOWN, description="Runs to show, the first in tree order.")
    ] = trace_view.MAX_RUNS_SHOWN,
) -> Response:
    """One trace: runs in tree order with own and subtree numbers, charges, graph and critical path."""
    return answer(trace_view.read_trace(use.ledger, trace_id, project, limit))


@router.get("/traces/{trace_id}/topology", response_model=Topology)
def read_topology(use: Using, trace_id: str, project: ProjectQuery = None) -> Response:
    """All nodes and edges that the graph behind a trace may take, as it was compiled or as recent traces took them."""
    return answer(topology.read_topology(use.ledger, trace_id, project))


@router.get("/traces/{trace_id}/search", response_model=FoundRuns)
def search_trace(
    use: Using,
    trace_id: str,
    q: Annotated[str, Query(min_length=1, max_length=200, description="The text, in any case.")],
    project: ProjectQuery = None,
) -> Response:
    """Runs of one trace that hold a text in their name, error, inputs or outputs."""
    return answer(trace_search.search_trace(use.ledger, trace_id, q, project))


@router.get("/traces/{trace_id}/runs/{run_id}", response_model=RunDetail)
def read_run(use: Using, trace_id: str, run_id: str, project: ProjectQuery = None) -> Response:
    """What one run carried: inputs, outputs, metadata, events."""
    return answer(run_detail.read_run(use.ledger, trace_id, run_id, project))


@router.get("/charges", response_model=Charges)
def list_charges(
    use: Using,
    within: Within,
    project: ProjectQuery = None,
    trace_id: str | None = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_DEFAULT,
) -> Response:
    """Billed provider requests, newest first, of a project or of one trace."""
    if project is None and trace_id is None:
        raise RequestError("name a project or a trace", field="query.project", hint="add project=… or trace_id=…")
    return answer(
        charges.list_charges(
            use.ledger, use.control, within, project=project, trace_id=trace_id, cursor=cursor, limit=limit
        )
    )


@router.get("/health", response_model=Health)
def health(use: Using, request: Request) -> Response:
    """The server's own state and counters."""
    agent = getattr(request.app.state, "agent", None)
    return answer(
        Health(
            agent=AttachedAgent(project=agent.project) if agent else None,
            status="ok",
            version=__version__,
            schema_version=SCHEMA_VERSION,
            uptime_ms=(time.monotonic() - use.started_s) * 1000,
            projects=len(use.control.projects()),
            counters={
                **use.pipeline.counts(),
                **use.pipeline.gauges(),
                **request.app.state.alerting.counts(),
                "settle_lag_ms": round(use.pipeline.lag_s() * 1000),
                "live_subscribers": use.feed.subscribers,
            },
        )
    )


@router.post("/flush", response_model=Flushed)
async def flush(use: Using) -> Response:
    """Return when everything acknowledged before this request is visible to reads."""
    began = time.monotonic()
    try:
        await asyncio.wait_for(use.pipeline.flush(), FLUSH_TIMEOUT_S)
    except TimeoutError:
        raise RequestError(
            f"not everything was visible after {FLUSH_TIMEOUT_S} s",
            code="flush_late",
            hint="ask again; /everytoken/v1/health says why",
            status=503,
        ) from None
    return answer(Flushed(flushed=True, waited_ms=(time.monotonic() - began) * 1000))
