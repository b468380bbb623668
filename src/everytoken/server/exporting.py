"""The product API's way out: whole runs and whole charges, a page at a time, for `everytoken export`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from everytoken.query import exporting
from everytoken.server.product import PREFIX, PROBLEMS, Cursor, Using, Within
from everytoken.store.columns import dump

PAGE_DEFAULT, PAGE_MAX = 500, 2_000

router = APIRouter(prefix=f"{PREFIX}/export", responses=PROBLEMS)

Project = Annotated[str, Query(description="Project name.")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Most rows; a page of large rows is shorter.")]


@router.get("/runs", response_model=exporting.ExportedRuns)
def export_runs(
    use: Using, within: Within, project: Project, cursor: Cursor = None, limit: Limit = PAGE_DEFAULT
) -> Response:
    """Runs with inputs, outputs, metadata and events, the earliest first."""
    return _answer("runs", exporting.export_runs(use.ledger, use.control, project, within, cursor=cursor, limit=limit))


@router.get("/charges", response_model=exporting.ExportedCharges)
def export_charges(
    use: Using, within: Within, project: Project, cursor: Cursor = None, limit: Limit = PAGE_DEFAULT
) -> Response:
    """Charges with all that the ledger knows of them, the earliest first."""
    page = exporting.export_charges(use.ledger, use.control, project, within, cursor=cursor, limit=limit)
    return _answer("charges", page)


def _answer(name: str, page: exporting.Page) -> Response:
    """The rows as they were written: what an application sent may be more than one JSON library can write again."""
    body = f'{{"{name}":[{",".join(page.rows)}],"next":{dump(page.next)}}}'
    return Response(body.encode(), media_type="application/json")
