"""The product API's answer to "why this much?"."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from everytoken.query import explain
from everytoken.server.product import PREFIX, PROBLEMS, Using, Within, answer

router = APIRouter(prefix=PREFIX, responses=PROBLEMS)


@router.get("/explain", response_model=explain.Explanation)
def explain_number(
    use: Using,
    within: Within,
    project: Annotated[str, Query(description="Project name.")],
    by: Annotated[explain.Cell, Query(description="Dimension of the cell to explain.")] = "none",
    key: Annotated[str, Query(max_length=1000, description="Its value; empty where charges do not say.")] = "",
    trace_id: Annotated[str | None, Query(description="Only charges of this trace.")] = None,
    provider: Annotated[
        str | None, Query(max_length=200, description="Only charges of this provider; empty for those that do not say.")
    ] = None,
    charge_key: Annotated[str | None, Query(max_length=1000, description="Only this charge.")] = None,
) -> Response:
    """One number as class × count × price, the price's source, and what the number leaves out."""
    asked = explain.Explained(
        project=project,
        window=within,
        by=by,
        key=key,
        trace_id=trace_id,
        charge_key=charge_key,
        provider=provider,
    )
    return answer(explain.explain(use.ledger, use.control, asked))
