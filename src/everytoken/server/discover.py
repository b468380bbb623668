"""The product API's ways to find traces: facets, distributions, full text, and what a filter may say."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response

from everytoken.query import distributions, facets, search
from everytoken.query.buckets import Bucket, BucketError
from everytoken.query.filter.trace_fields import FilterLanguage, filter_language
from everytoken.query.found_traces import TraceQuestion
from everytoken.server.dashboards import zone
from everytoken.server.errors import RequestError
from everytoken.server.product import PREFIX, PROBLEMS, Cursor, Filter, ProjectQuery, Using, Within, answer

HITS_DEFAULT, HITS_MAX = 20, 100

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


def question(project: str, within: Within, filter: Filter = None) -> TraceQuestion:
    return TraceQuestion(project, within, filter)


def spread(
    tz: Annotated[ZoneInfo, Depends(zone)],
    of: distributions.Measure = "latency",
    scale: distributions.Scale = "auto",
    buckets: Annotated[int, Query(ge=1, le=distributions.BUCKETS_MAX, description="Of values, at most.")] = 40,
    bucket: Annotated[Bucket | None, Query(description="Of time.")] = None,
) -> distributions.Spread:
    return distributions.Spread(of=of, scale=scale, buckets=buckets, bucket=bucket, zone=tz)


Question = Annotated[TraceQuestion, Depends(question)]


@router.get("/projects/{project:path}/facets", response_model=facets.Facets)
def read_facets(
    use: Using,
    asked: Question,
    limit: Annotated[int, Query(ge=1, le=facets.VALUES_MAX, description="Values of each facet.")] = 10,
) -> Response:
    """In how many of the traces found each status, model, node, user, tag, … occurs."""
    return answer(facets.read_facets(use.ledger, use.control, use.langsmith.feedback_runs, asked, limit=limit))


@router.get("/projects/{project:path}/distributions", response_model=distributions.Distribution)
def read_distribution(
    use: Using, asked: Question, laid_out: Annotated[distributions.Spread, Depends(spread)]
) -> Response:
    """How one measure is spread over the traces found, with percentiles, and when they began."""
    told = use.langsmith.feedback_runs
    try:
        return answer(distributions.read_distribution(use.ledger, use.control, told, asked, laid_out))
    except BucketError as error:
        raise RequestError(str(error), code="bucket_wrong", field="query.bucket", hint=error.hint) from error


@router.get("/search", response_model=search.SearchResult)
def search_runs(
    use: Using,
    within: Within,
    q: Annotated[str, Query(min_length=1, max_length=search.MAX_TEXT_CHARS, description="Text, or an id.")],
    project: ProjectQuery = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=HITS_MAX)] = HITS_DEFAULT,
) -> Response:
    """Runs that hold a text in name, inputs, outputs, error or metadata, or that an id leads to."""
    return answer(search.search(use.ledger, use.control, q, within, project=project, cursor=cursor, limit=limit))


@router.get("/filter/fields", response_model=FilterLanguage)
def read_filter_fields() -> Response:
    """Operators, fields and fixed values of the filter language over traces, for completion while typing."""
    return answer(filter_language())
