"""OTLP/gRPC on a port of its own, in the loop of the server: the same pipeline, the same answers."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from everytoken.config import Settings
from everytoken.ingest.line import BusyError
from everytoken.ingest.pipeline import Pipeline
from everytoken.server.gate import Gate, TurnedAwayError
from everytoken.server.otlp import answer, project_of, unread
from everytoken.server.receiving import RefusedError, accept, busy
from everytoken.server.rpc_status import retry_info, status
from everytoken.server.scopes import INGEST
from everytoken.store.errors import StoreError
from everytoken.wire.otlp import PROTOBUF, content_type_for

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
UNREAD = {
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
}
"""Services for what is not read here → the signal."""
MAX_CALLS = 256
"""Exports under way. A further one gets RESOURCE_EXHAUSTED, which exporters do not repeat. An exporter makes one call
at a time, so this is how many processes may be in the middle of one."""
MAX_STREAMS = 16
"""Exports under way on one connection; the client's own library holds the others back."""
DRAIN_S = 5.0


class ListenError(StoreError):
    """OTLP/gRPC is asked for and cannot be served."""


@asynccontextmanager
async def otlp_grpc(pipeline: Pipeline, settings: Settings, gate: Gate | None = None) -> AsyncIterator[int]:
    """Serve while the context is open; gives the port.

    Raises:
        ListenError: the port is taken, or the package `grpcio` is missing.
    """
    try:
        import grpc
    except ImportError as error:
        raise ListenError(
            "EVERYTOKEN_OTLP_GRPC_PORT is set but grpcio is not installed", hint='pip install "everytoken[grpc]"'
        ) from error

    async def export(data: bytes, context: Any) -> bytes:
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        allowed = await _admitted(gate, metadata, context, grpc.StatusCode) if gate else None
        project = project_of(metadata)
        return await _export(pipeline, data, context, grpc.StatusCode, project=project, allowed=allowed)

    server = grpc.aio.server(
        maximum_concurrent_rpcs=MAX_CALLS,
        options=[
            ("grpc.max_receive_message_length", settings.body_max_bytes),
            ("grpc.max_concurrent_streams", MAX_STREAMS),
            # Two servers on one port would share the calls between them.
            ("grpc.so_reuseport", 0),
        ],
    )
    # Without a deserializer the bytes arrive as they are: the journal keeps those.
    methods = {SERVICE: export} | {
        service: _unread(signal, grpc.StatusCode.UNIMPLEMENTED) for service, signal in UNREAD.items()
    }
    for service, method in methods.items():
        handler = grpc.unary_unary_rpc_method_handler(method)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": handler}),))
    address = f"[{settings.host}]" if ":" in settings.host else settings.host
    try:
        port = server.add_insecure_port(f"{address}:{settings.otlp_grpc_port}")
    except RuntimeError as error:
        raise ListenError(
            f"cannot listen on {address}:{settings.otlp_grpc_port} for OTLP/gRPC",
            hint="stop what listens there, or set EVERYTOKEN_OTLP_GRPC_PORT to another port",
        ) from error
    await server.start()
    try:
        yield port
    finally:
        await server.stop(DRAIN_S)


def _unread(signal: str, code: Any) -> Callable[[bytes, Any], Awaitable[bytes]]:
    """A method that says that nobody reads the signal, and what to do."""

    async def method(_data: bytes, context: Any) -> bytes:
        await context.abort(code, f"{signal}: {unread(signal)}")
        raise AssertionError("abort raises")

    return method


async def _admitted(gate: Gate, metadata: dict[str, str], context: Any, codes: Any) -> frozenset[str] | None:
    """The projects that the caller's key may write to; `None` for all."""
    gate.keep_fresh()
    try:
        return gate.writable(gate.check(gate.identify_key(metadata), INGEST).projects)
    except TurnedAwayError as turned:
        known = {401: codes.UNAUTHENTICATED, 403: codes.PERMISSION_DENIED}
        details = _retry_details(codes, str(turned), turned.retry_s)
        await context.abort(known.get(turned.status, codes.UNAVAILABLE), str(turned), details)
        raise AssertionError("abort raises") from turned


async def _export(
    pipeline: Pipeline, data: bytes, context: Any, codes: Any, *, project: str, allowed: frozenset[str] | None
) -> bytes:
    try:
        pipeline.reserve(len(data))
    except BusyError as error:
        return await _abort(context, codes, busy(error))
    try:
        content_type = content_type_for(PROTOBUF, project)
        receipt = await accept(pipeline, data, route="otlp", content_type=content_type, allowed=allowed)
    except RefusedError as refusal:
        return await _abort(context, codes, refusal)
    finally:
        pipeline.free(len(data))
    return answer(receipt)


async def _abort(context: Any, codes: Any, refusal: RefusedError) -> bytes:
    """UNAVAILABLE is sent again by every exporter, after the wait it is told; INVALID_ARGUMENT by none."""
    message = f"{refusal.field}: {refusal}"
    code = codes.UNAVAILABLE if refusal.retry_s else codes.INVALID_ARGUMENT
    retry_s = math.ceil(float(refusal.retry_s)) if refusal.retry_s else None
    await context.abort(code, message, _retry_details(codes, message, retry_s))
    raise AssertionError("abort raises")


def _retry_details(codes: Any, message: str, retry_s: int | None) -> tuple[tuple[str, bytes], ...]:
    """The wait where exporters look for it: Python's in a `RetryInfo` of its own, Go's and Java's in the status."""
    if retry_s is None:
        return ()
    code, _ = codes.UNAVAILABLE.value
    return (
        ("google.rpc.retryinfo-bin", retry_info(retry_s)),
        ("grpc-status-details-bin", status(code, message, retry_s=retry_s)),
    )
