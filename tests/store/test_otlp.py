"""Spans through the pipeline: parents late, in pieces, twice, and over two processes, are one trace counted once."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from fastapi import FastAPI
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from tests.ports import free_port
from tests.store.ingest_world import World
from tests.unit.wire.otlp_requests import (
    TRACE,
    TRACE_UUID,
    json_body,
    protobuf_body,
    request,
    run_uuid,
    span,
)

from everytoken.ingest.pipeline import IN_FLIGHT_BYTES
from everytoken.server.otlp import otlp_router
from everytoken.server.otlp_grpc import otlp_grpc
from everytoken.wire.otlp import JSON, PROTOBUF


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "data")
    world.pipeline.start()
    yield world
    await world.close()


async def send(world: World, *spans: dict[str, Any], content_type: str = JSON) -> None:
    world.now_us += 1
    body = json_body if content_type == JSON else protobuf_body
    await world.pipeline.accept("otlp", body(request(*spans)), content_type=content_type)


def call(n: int, parent: int | None, tokens: int = 10, **more: Any) -> dict[str, Any]:
    """A model call of `tokens` tokens in, one out."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 1,
    }
    return span(n, attributes, parent=parent, **more)


def tree(world: World) -> dict[str, str | None]:
    return {s.run.run_id: s.run.parent_run_id for s in world.ledger.runs.values()}


WHOLE = {TRACE_UUID: None, run_uuid(2): TRACE_UUID, run_uuid(3): run_uuid(2), run_uuid(4): TRACE_UUID}
SPANS = (span(1), span(2, parent=1), call(3, 2), call(4, 1))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_spans_in_any_order_of_requests_are_the_same_tree_and_charges(
    world: World, order: tuple[int, ...]
) -> None:
    for at in order:
        await send(world, SPANS[at])
        await world.pipeline.flush()
    assert tree(world) == WHOLE
    assert world.ledger.tokens == 22
    assert {ref.charge_key for ref in world.ledger.charges} == {f"run:{run_uuid(3)}", f"run:{run_uuid(4)}"}
    assert all(not charge.flags for charge in world.ledger.charges.values())


async def test_children_whose_root_never_comes_count(world: World) -> None:
    await send(world, call(3, 2), call(4, 1))
    await world.pipeline.flush()
    assert world.ledger.tokens == 22
    assert {flag for charge in world.ledger.charges.values() for flag in charge.flags} == {"orphan"}


async def test_a_request_sent_again_changes_nothing(world: World) -> None:
    for content_type in (JSON, JSON, PROTOBUF):
        await send(world, *SPANS, content_type=content_type)
        await world.pipeline.flush()
    assert tree(world) == WHOLE
    assert world.ledger.tokens == 22
    assert world.pipeline.counters.duplicates >= 4


async def test_two_spans_without_a_parent_in_one_trace_are_two_runs(world: World) -> None:
    for _ in range(2):  # and stay two when they are sent again
        await send(world, call(1, None, 10))
        await send(world, call(2, None, 20), call(3, 2, 30))
        await world.pipeline.flush()
    assert tree(world) == {TRACE_UUID: None, run_uuid(2): None, run_uuid(3): run_uuid(2)}
    assert sorted(c.usage.input_tokens for c in world.ledger.charges.values() if c.usage) == [10, 30]


async def test_independent_calls_without_parents_are_all_charged(world: World) -> None:
    await send(world, call(1, None, 10))
    await send(world, call(2, None, 20, startTimeUnixNano="1795348802000000000", endTimeUnixNano="1795348803000000000"))
    await world.pipeline.flush()
    assert sorted(c.usage.input_tokens for c in world.ledger.charges.values() if c.usage) == [10, 20]


async def test_the_next_process_joins_children_to_a_root_that_comes_later(tmp_path: Path) -> None:
    first = World(tmp_path / "data")
    first.pipeline.start()
    await send(first, call(3, 2), call(4, 1))
    await first.pipeline.flush()
    await first.close()
    second = World(tmp_path / "data", first.ledger)
    second.now_us = first.now_us
    second.pipeline.start()
    await send(second, span(1), span(2, parent=1))
    await second.pipeline.flush()
    assert tree(second) == WHOLE
    assert second.ledger.tokens == 22
    await second.close()


async def test_the_next_process_knows_the_root_by_its_span(tmp_path: Path) -> None:
    first = World(tmp_path / "data")
    first.pipeline.start()
    await send(first, span(1))
    await first.pipeline.flush()
    await first.close()
    second = World(tmp_path / "data", first.ledger)
    second.now_us = first.now_us
    second.pipeline.start()
    await send(second, span(2, parent=1), call(3, 2), call(4, 1))
    await second.pipeline.flush()
    assert tree(second) == WHOLE
    await second.close()


async def test_a_chain_that_repeats_its_calls_usage_is_not_charged(world: World) -> None:
    usage = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1, "langsmith.span.kind": "chain"}
    await send(world, span(1, usage))
    await send(world, call(2, 1))
    await world.pipeline.flush()
    (charge,) = world.ledger.charges.values()
    assert (charge.run_id, charge.usage.total_tokens if charge.usage else None) == (run_uuid(2), 11)


async def test_vercels_outer_span_adds_nothing_to_its_steps(world: World) -> None:
    outer = {"ai.operationId": "ai.generateText", "ai.usage.inputTokens": 30, "ai.usage.outputTokens": 2}
    step = {"ai.operationId": "ai.generateText.doGenerate", "gen_ai.request.model": "gpt-4o"}
    first = {**step, "ai.usage.inputTokens": 10, "ai.usage.outputTokens": 1}
    second = {**step, "ai.usage.inputTokens": 20, "ai.usage.outputTokens": 1}
    await send(world, span(2, first, parent=1), span(3, second, parent=1))
    await send(world, span(1, outer))
    await world.pipeline.flush()
    assert sorted(c.usage.total_tokens for c in world.ledger.charges.values() if c.usage) == [11, 21]


async def test_the_same_response_in_two_conventions_is_one_charge(world: World) -> None:
    inner = {"gen_ai.response.id": "chatcmpl-7", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10,
             "gen_ai.usage.output_tokens": 1}  # fmt: skip
    outer = {"openinference.span.kind": "LLM", "llm.token_count.prompt": 10, "llm.token_count.completion": 1,
             "output.value": '{"id": "chatcmpl-7", "object": "chat.completion"}'}  # fmt: skip
    await send(world, span(1), span(2, outer, parent=1), span(3, inner, parent=1))
    await world.pipeline.flush()
    (charge,) = world.ledger.charges.values()
    assert charge.charge_key == "response:chatcmpl-7"
    assert charge.usage is not None
    assert charge.usage.total_tokens == 11


async def test_a_bad_span_beside_good_ones_is_counted_as_rejected(world: World) -> None:
    body = json_body(request(call(1, None), span(9, traceId="short")))
    receipt = await world.pipeline.accept("otlp", body, content_type=JSON)
    await world.pipeline.flush()
    assert (receipt.operations, len(receipt.rejections)) == (1, 1)
    assert world.pipeline.counters.rejected == 1
    assert world.ledger.tokens == 11


async def test_the_project_of_a_header_survives_a_restart(tmp_path: Path) -> None:
    first = World(tmp_path / "data", interval_ms=3_600_000)
    await first.pipeline.accept(
        "otlp", json_body(request(call(1, None))), content_type='application/json; project="%EC%83%81%EC%A0%90"'
    )
    first.journal.close()  # as if killed: the journal has it, the ledger does not
    second = World(tmp_path / "data")
    second.pipeline.start()
    await second.pipeline.flush()
    assert second.ledger.run(TRACE_UUID).project == "상점"
    assert TRACE in str(second.ledger.run(TRACE_UUID).metadata)
    await second.close()


EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


async def over_http(world: World, body: bytes) -> httpx.Response:
    app = FastAPI()
    app.include_router(otlp_router(world.pipeline, world.settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.post("/v1/traces", content=body, headers={"Content-Type": PROTOBUF})


async def over_grpc(world: World, body: bytes) -> tuple[grpc.StatusCode, dict[str, bytes]]:
    """The code, and what the answer ends with."""
    settings = world.settings.model_copy(update={"otlp_grpc_port": free_port()})
    async with otlp_grpc(world.pipeline, settings) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(EXPORT)(body)
        return await call.code(), dict(await call.trailing_metadata())


def told_to_wait_s(answer: tuple[grpc.StatusCode, dict[str, bytes]]) -> list[int]:
    """The seconds, from each of the two places where exporters look."""
    code, trailing = answer
    assert code is grpc.StatusCode.UNAVAILABLE
    (detail,) = Status.FromString(trailing["grpc-status-details-bin"]).details
    in_status = RetryInfo()
    assert detail.Unpack(in_status)
    of_its_own = RetryInfo.FromString(trailing["google.rpc.retryinfo-bin"])
    return [of_its_own.retry_delay.seconds, in_status.retry_delay.seconds]


async def test_a_server_at_its_limit_asks_to_come_back_and_keeps_nothing(world: World) -> None:
    body = protobuf_body(request(*SPANS))
    world.pipeline.reserve(IN_FLIGHT_BYTES)
    refused = await over_http(world, body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert told_to_wait_s(await over_grpc(world, body)) == [1, 1]
    world.pipeline.free(IN_FLIGHT_BYTES)
    assert world.pipeline.gauges()["in_flight_bytes"] == 0
    assert (await over_http(world, body)).status_code == 200
    assert await over_grpc(world, body) == (grpc.StatusCode.OK, {})
    await world.pipeline.flush()
    assert world.pipeline.gauges()["in_flight_bytes"] == 0
    assert world.ledger.tokens == 22


async def test_a_full_journal_asks_to_come_back(tmp_path: Path) -> None:
    world = World(tmp_path / "data", max_bytes=1)
    body = protobuf_body(request(*SPANS))
    refused = await over_http(world, body)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    assert refused.content[:2] == bytes((0x08, 14))
    assert told_to_wait_s(await over_grpc(world, body)) == [10, 10]
    await world.close()
