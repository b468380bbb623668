"""LangSmith's ingest routes: `/info`, `/runs/multipart`, `/runs/batch`, `POST /runs`, `PATCH /runs/{id}`.

Bodies are streamed and bounded here, decoded and kept by the pipeline. Every answer leaves within the 10 s that the
SDKs wait.
"""

from collections.abc import Iterable

import orjson
from fastapi import APIRouter, Request, Response

from everytoken.config import Settings
from everytoken.ingest.pipeline import Pipeline, Receipt
from everytoken.server.receiving import RefusedError, receive_body
from everytoken.wire.operations import Rejection

PROTOCOL_VERSION = "0.16.30"
"""The LangSmith release whose protocol is spoken; 0.8.10 and later send feedback as parts, the SDKs warn below 0.16."""
SOFT_BODY_BYTES = 20 * 1024**2
"""What the SDKs fill a request up to, decoded."""
MAX_REPORTED = 20
"""Rejections named in one answer; their number is always given."""


def langsmith_ingest_router(pipeline: Pipeline, settings: Settings) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/info")
    async def info() -> Response:
        return Response(orjson.dumps(_info(settings)), media_type="application/json")

    async def receive(request: Request, route: str, run_id: str | None = None) -> Response:
        try:
            receipt = await receive_body(
                request,
                pipeline,
                settings.body_max_bytes,
                route=route,
                content_type=request.headers.get("content-type", ""),
                run_id=run_id,
            )
        except RefusedError as refusal:
            return refused(refusal)
        return _answer(receipt)

    @router.post("/runs/multipart")
    @router.post("/runs/multipart/")
    async def multipart(request: Request) -> Response:
        return await receive(request, "multipart")

    @router.post("/runs/batch")
    @router.post("/runs/batch/")
    async def batch(request: Request) -> Response:
        return await receive(request, "batch")

    @router.post("/runs")
    @router.post("/runs/")
    async def create(request: Request) -> Response:
        return await receive(request, "post")

    @router.patch("/runs/{run_id}")
    @router.patch("/runs/{run_id}/")
    async def update(request: Request, run_id: str) -> Response:
        return await receive(request, "patch", run_id)

    return router


def _info(settings: Settings) -> dict[str, object]:
    return {
        "version": PROTOCOL_VERSION,
        "license_expiration_time": None,
        # All six: the Python SDK's sender thread dies of a KeyError when one is missing.
        "batch_ingest_config": {
            "use_multipart_endpoint": True,
            "scale_up_qsize_trigger": 1000,
            "scale_up_nthreads_limit": 16,
            "scale_down_nempty_trigger": 4,
            "size_limit": 100,
            "size_limit_bytes": min(SOFT_BODY_BYTES, settings.body_max_bytes),
        },
        "instance_flags": {
            "zstd_compression_enabled": True,
            "gzip_body_enabled": True,
            "dataset_examples_multipart_enabled": True,
            "examples_multipart_enabled": True,
            "ch_query_enabled": True,
            "sdb_query_enabled": False,
        },
        "customer_info": None,
        "git_sha": None,
        "sdk_versions": None,
    }


def _answer(receipt: Receipt) -> Response:
    """202 when anything was kept; 422 when all of it was rejected."""
    if receipt.rejections and not receipt.kept:
        first = receipt.rejections[0]
        body = {"detail": _sentence(first), "error": _sentence(first), "field": first.field or first.part}
        return _json(422, {**body, "rejected": _report(receipt.rejections)})
    if receipt.rejections:
        kept = f"{receipt.operations} operations accepted, {len(receipt.rejections)} parts rejected"
        return _json(202, {"message": kept, "rejected": _report(receipt.rejections)})
    return _json(202, {"message": "already received" if receipt.duplicate else "accepted"})


def _report(rejections: Iterable[Rejection]) -> list[dict[str, str]]:
    return [{"part": r.part, "field": r.field, "reason": r.reason} for r in list(rejections)[:MAX_REPORTED]]


def _sentence(rejection: Rejection) -> str:
    where = f"{rejection.part}: {rejection.field}" if rejection.field else rejection.part
    return f"{where}: {rejection.reason}"


def refused(refusal: RefusedError) -> Response:
    """Why nothing of the body was kept, as LangSmith's clients read it."""
    body = {"detail": str(refusal), "error": str(refusal), "field": refusal.field}
    return _json(refusal.status, body, retry_s=refusal.retry_s)


def _json(status: int, body: object, *, retry_s: str | None = None) -> Response:
    headers = {"Retry-After": retry_s} if retry_s else None
    return Response(orjson.dumps(body), status, headers, "application/json")
