"""OpenTelemetry's ingest routes: `/otel/v1/traces` where LangSmith has it, and OTLP's own `/v1/traces`."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Request, Response
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from everytoken.config import Settings
from everytoken.ingest.pipeline import Pipeline, Receipt
from everytoken.server.receiving import RefusedError, receive_body
from everytoken.server.rpc_status import status
from everytoken.wire.addresses import agent_project
from everytoken.wire.body import BodyEncodingError
from everytoken.wire.otlp import JSON, PROTOBUF, content_type_for, encoding_of

MAX_REPORTED = 5
"""Reasons told in one answer; the number of rejected spans is always given."""
MAX_PROJECT = 1_000
PROJECT_HEADER = "langsmith-project"
AGENT_HEADER, ENVIRONMENT_HEADER = "langsmith-agent-id", "langsmith-agent-environment"

UNREAD = ("metrics", "logs")
"""What exporters send beside traces when one endpoint is set for all."""

_CODES = {400: 3, 404: 12, 408: 4, 413: 8, 415: 3, 503: 14}
"""HTTP status → the code of `google.rpc.Status`, in which OTLP wants its errors."""


def otlp_router(pipeline: Pipeline, settings: Settings) -> APIRouter:
    """The routes, to be mounted at the root, `/api` and `/api/v1`."""
    router = APIRouter(include_in_schema=False)

    @router.post("/otel/v1/traces")
    @router.post("/otel/v1/traces/")
    @router.post("/v1/traces")
    @router.post("/v1/traces/")
    async def traces(request: Request) -> Response:
        try:
            encoding = encoding_of(request.headers.get("content-type", ""))
        except BodyEncodingError as error:
            return _refusal(JSON, RefusedError(415, str(error), field=error.field))
        project = project_of(request.headers)
        try:
            receipt = await receive_body(
                request,
                pipeline,
                settings.body_max_bytes,
                route="otlp",
                content_type=content_type_for(encoding, project),
            )
        except RefusedError as refusal:
            return _refusal(encoding, refusal)
        return Response(answer(receipt, encoding), media_type=encoding)

    for signal in UNREAD:
        for path in (f"/otel/v1/{signal}", f"/v1/{signal}"):
            router.add_api_route(path, _unread_route(signal), methods=["POST"])
    return router


def _unread_route(signal: str) -> Callable[[Request], Awaitable[Response]]:
    async def other(request: Request) -> Response:
        return refused(request.headers.get("content-type", ""), RefusedError(404, unread(signal), field=signal))

    return other


def unread(signal: str) -> str:
    """What to do instead of sending `signal` here, for whoever set one endpoint for all signals."""
    return (
        f"not read here, only traces are; name the endpoint as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT "
        f"(with /v1/traces over HTTP), or set OTEL_{signal.upper()}_EXPORTER=none"
    )


def project_of(headers: Mapping[str, str]) -> str:
    """The project that the headers name, or the one of an agent in an environment; empty when they name none."""
    agent_id, environment = _text(headers, AGENT_HEADER), _text(headers, ENVIRONMENT_HEADER)
    return _text(headers, PROJECT_HEADER) or (agent_project(agent_id, environment) if agent_id else "")


def _text(headers: Mapping[str, str], name: str) -> str:
    """Percent-encoded, in UTF-8, or plain."""
    header = headers.get(name, "")
    with contextlib.suppress(UnicodeError):
        header = header.encode("latin-1").decode()
    return unquote(header).strip()[:MAX_PROJECT]


def answer(receipt: Receipt, encoding: str = PROTOBUF) -> bytes:
    """An `ExportTraceServiceResponse`: empty, or with the number of rejected spans and what is wrong with them."""
    rejected = len(receipt.rejections)
    reasons = [f"{r.part}: {r.field}: {r.reason}".replace(": : ", ": ") for r in receipt.rejections[:MAX_REPORTED]]
    message = "; ".join(reasons) + ("; ..." if rejected > MAX_REPORTED else "")
    if encoding == JSON:
        partial = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}
        return orjson.dumps(partial if rejected else {})
    response = ExportTraceServiceResponse()
    if rejected:
        response.partial_success.CopyFrom(ExportTracePartialSuccess(rejected_spans=rejected, error_message=message))
    return bytes(response.SerializeToString())


def refused(content_type: str, refusal: RefusedError) -> Response:
    """Why nothing of the body was kept, in the encoding it came in; in JSON when that is none of OTLP's."""
    try:
        encoding = encoding_of(content_type)
    except BodyEncodingError:
        encoding = JSON
    return _refusal(encoding, refusal)


def _refusal(encoding: str, refusal: RefusedError) -> Response:
    """A `google.rpc.Status` in the request's encoding."""
    code, message = _CODES.get(refusal.status, 13), f"{refusal.field}: {refusal}"
    headers = {"Retry-After": refusal.retry_s} if refusal.retry_s else None
    if encoding == JSON:
        body = orjson.dumps({"code": code, "message": message, "field": refusal.field})
    else:
        body = status(code, message)
    return Response(body, refusal.status, headers, encoding)
