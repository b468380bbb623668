"""A real `everytoken serve`, and what applications send it: the OpenTelemetry SDK's own exporters, and langsmith's."""

import gzip
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import Status as SpanStatus
from opentelemetry.trace import StatusCode
from tests.ports import free_port
from tests.store.serving import Server, command, environment, serving
from tests.unit.wire.otlp_requests import json_body, protobuf_body, request, span

from everytoken.config import Settings
from everytoken.server.otlp_grpc import ListenError, otlp_grpc

MOUNTS = ("", "/api", "/api/v1")
PATHS = tuple(f"{mount}{path}" for mount in MOUNTS for path in ("/otel/v1/traces", "/v1/traces"))
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}
COMPRESSIONS = {"gzip": Compression.Gzip, "deflate": Compression.Deflate}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Otlp(Server):
    grpc_port: int


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Otlp]:
    port = free_port()
    with serving(tmp_path_factory.mktemp("otlp") / "data", EVERYTOKEN_OTLP_GRPC_PORT=str(port)) as started:
        otlp = Otlp(started.url, started.process, started.http)
        otlp.grpc_port = port
        yield otlp


def exporter(server: Otlp, kind: str, project: str) -> SpanExporter:
    headers = {"x-api-key": "none", "Langsmith-Project": project}
    if kind.startswith("grpc"):
        compression = grpc.Compression.Gzip if kind.endswith("gzip") else grpc.Compression.NoCompression
        lower = {name.lower(): value for name, value in headers.items()}
        return GrpcExporter(f"127.0.0.1:{server.grpc_port}", insecure=True, headers=lower, compression=compression)
    compressed = COMPRESSIONS.get(kind.rpartition("-")[2], Compression.NoCompression)
    return HttpExporter(f"{server.url}/api/v1/otel/v1/traces", headers=headers, compression=compressed)


def provider(processor: SimpleSpanProcessor | BatchSpanProcessor) -> TracerProvider:
    made = TracerProvider(resource=Resource({"service.name": "shop"}), shutdown_on_exit=False)
    made.add_span_processor(processor)
    return made


def charges(server: Otlp, project: str) -> list[dict[str, Any]]:
    server.flush()
    found: list[dict[str, Any]] = server.get("/charges", project=project)["charges"]
    return found


CONVENTIONS: dict[str, dict[str, Any]] = {
    "genai": {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 400,
    },
    "genai-deprecated": {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.prompt_tokens": 1000,
        "gen_ai.usage.completion_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 400,
    },
    "openinference": {
        "openinference.span.kind": "LLM",
        "llm.provider": "openai",
        "llm.model_name": "gpt-4o-mini",
        "llm.token_count.prompt": 1000,
        "llm.token_count.completion": 100,
        "llm.token_count.prompt_details.cache_read": 400,
        "llm.input_messages.0.message.role": "user",
    },
    "openllmetry": {
        "llm.request.type": "chat",
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.prompt_tokens": 1000,
        "gen_ai.usage.completion_tokens": 100,
        "llm.usage.total_tokens": 1100,
        "gen_ai.usage.cache_read_input_tokens": 400,
        "gen_ai.prompt.0.role": "user",
    },
    "langsmith": {
        "langsmith.span.kind": "llm",
        "langsmith.metadata.ls_provider": "openai",
        "langsmith.metadata.ls_model_name": "gpt-4o-mini",
        "langsmith.usage_metadata": '{"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100, '
        '"input_token_details": {"cache_read": 400}}',
        "gen_ai.prompt": '{"messages": []}',
    },
    "vercel": {
        "ai.operationId": "ai.generateText.doGenerate",
        "ai.model.id": "gpt-4o-mini",
        "ai.model.provider": "openai.chat",
        "ai.usage.inputTokens": 1000,
        "ai.usage.outputTokens": 100,
        "ai.usage.cachedInputTokens": 400,
        "ai.prompt.messages": '[{"role": "user", "content": "hi"}]',
    },
}


def assert_each_is_exact(found: list[dict[str, Any]]) -> None:
    """One charge for each of the conventions, all telling of the same counts."""
    assert len(found) == len(CONVENTIONS)
    for charge in found:
        # 600 × 0.15 + 400 × 0.075 + 100 × 0.60 dollars for a million
        assert charge["cost_usd"] == "0.00018"
        assert (charge["input_tokens"], charge["output_tokens"], charge["quality"]) == (1000, 100, "exact")
        assert charge["input_token_details"] == {"cache_read": 400}
        assert (charge["provider"], charge["layer"], charge["flags"]) == ("openai", "otel", [])
        assert charge["call_path"] == "openai.chat"


def test_every_convention_is_charged_exactly_from_json_written_by_hand(server: Otlp) -> None:
    calls = [span(n, told, parent=1, traceId="6" * 32) for n, told in enumerate(CONVENTIONS.values(), 2)]
    headers = JSON | {"Langsmith-Project": "by-hand"}
    for one in (*calls, span(1, traceId="6" * 32)):
        answer = server.http.post("/api/otel/v1/traces", content=json_body(request(one)), headers=headers)
        assert (answer.status_code, answer.json()) == (200, {})
    assert_each_is_exact(charges(server, "by-hand"))
    (trace,) = server.get("/traces", project="by-hand")["traces"]
    assert (trace["name"], trace["runs"], trace["cost_usd"]) == ("span 1", 7, "0.00108")


@pytest.mark.parametrize("kind", ["http", "http-gzip", "http-deflate", "grpc", "grpc-gzip"])
def test_every_convention_is_charged_exactly_through_the_real_exporters(server: Otlp, kind: str) -> None:
    processor = SimpleSpanProcessor(exporter(server, kind, kind))  # one request a span: children first, root last
    tracer = provider(processor).get_tracer("shop")
    with tracer.start_as_current_span("root"):
        for name, attributes in CONVENTIONS.items():
            with tracer.start_as_current_span(name, attributes=attributes):
                pass
    processor.shutdown()
    assert_each_is_exact(charges(server, kind))
    (trace,) = server.get("/traces", project=kind)["traces"]
    assert (trace["name"], trace["runs"], trace["llm_calls"], trace["cost_usd"]) == ("root", 7, 6, "0.00108")


def test_batches_of_a_trace_with_an_error_are_one_tree(server: Otlp) -> None:
    processor = BatchSpanProcessor(exporter(server, "http", "batches"), max_export_batch_size=3)
    tracer = provider(processor).get_tracer("shop")
    with tracer.start_as_current_span("root") as root:
        for n in range(10):
            with tracer.start_as_current_span(f"call {n}", attributes=CONVENTIONS["genai"]) as one:
                if n == 9:
                    one.add_event("exception", {"exception.type": "ValueError", "exception.message": "no answer"})
                    one.set_status(SpanStatus(StatusCode.ERROR))
        trace_id = f"{root.get_span_context().trace_id:032x}"
    processor.shutdown()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    server.flush()
    view = server.get(f"/traces/{trace_id}")
    assert [run["depth"] for run in view["runs"]] == [0] + [1] * 10
    assert view["runs"][0]["run_id"] == view["trace"]["trace_id"]
    assert view["runs"][10]["status"] == "error"
    assert view["runs"][10]["error"] == "ValueError: no answer"
    assert view["trace"]["total_tokens"] == 11_000


@pytest.mark.parametrize(
    "variables",
    [{"LANGSMITH_TRACING_MODE": "otel"}, {"LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true"}],
    ids=["mode", "otel-only"],
)
@pytest.mark.parametrize("mount", MOUNTS)
def test_langsmiths_opentelemetry_mode_counts_each_call_once(
    server: Otlp, mount: str, variables: dict[str, str]
) -> None:
    project = f"langsmith{mount}{len(variables)}"
    settings = {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": server.url + mount, "LANGSMITH_API_KEY": "none"}
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("langsmith_otel_app.py"))],
        env=environment() | settings | variables | {"LANGSMITH_PROJECT": project},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    server.flush()
    (trace,) = server.get("/traces", project=project)["traces"]
    assert {key: trace[key] for key in ("name", "runs", "llm_calls", "input_tokens", "output_tokens", "cost_usd")} == {
        "name": "agent",
        "runs": 5,
        "llm_calls": 2,
        "input_tokens": 1500,
        "output_tokens": 150,
        "cost_usd": "0.00193",  # 0.00018 as above, and 500 × 2.50 + 50 × 10 for a million
    }
    assert (trace["thread_id"], trace["tags"]) == ("t-1", ["a", "b"])
    wrapped, own = charges(server, project)[::-1]
    assert (wrapped["charge_key"], wrapped["input_token_details"]) == ("response:chatcmpl-abc1", {"cache_read": 400})
    assert (own["request_model"], own["input_tokens"], own["flags"]) == ("gpt-4o", 500, ["repeated_on_chain"])
    view = server.get(f"/traces/{trace['trace_id']}")
    errors = [run["error"] for run in view["runs"] if run["error"]]
    assert [error.splitlines()[0] for error in errors] == ["ValueError('bad thing')"]


@pytest.mark.parametrize("path", PATHS)
def test_every_mount_answers_in_the_requests_encoding(server: Otlp, path: str) -> None:
    wire = request(span(1, CONVENTIONS["genai"]))
    from_json = server.http.post(path, content=json_body(wire), headers=JSON)
    assert (from_json.status_code, from_json.headers["content-type"]) == (200, "application/json")
    assert from_json.json() == {}
    from_protobuf = server.http.post(f"{path}/", content=protobuf_body(wire), headers=PROTOBUF)
    assert (from_protobuf.status_code, from_protobuf.headers["content-type"]) == (200, "application/x-protobuf")
    assert from_protobuf.content == b""


@pytest.mark.parametrize("signal", ["metrics", "logs"])
@pytest.mark.parametrize("path", [f"{mount}{path}" for mount in MOUNTS for path in ("/otel/v1/", "/v1/")])
def test_what_one_endpoint_for_all_signals_sends_beside_traces_is_told_what_to_set(
    server: Otlp, path: str, signal: str
) -> None:
    answer = server.http.post(path + signal, content=b"", headers=PROTOBUF)
    read = Status.FromString(answer.content)
    assert (answer.status_code, answer.headers["content-type"], read.code) == (404, "application/x-protobuf", 12)
    assert read.message == (
        f"{signal}: not read here, only traces are; name the endpoint as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT "
        f"(with /v1/traces over HTTP), or set OTEL_{signal.upper()}_EXPORTER=none"
    )
    assert server.http.post(path + signal, json={}).json()["message"] == read.message


def test_a_bad_span_is_told_and_its_neighbours_are_stored(server: Otlp) -> None:
    trace_id = "1" * 32
    good = span(1, CONVENTIONS["genai"], traceId=trace_id)
    wire = request(good, span(2, spanId="00"), span(3, traceId="0" * 32))
    headers = {"Langsmith-Project": "%EB%B0%98%EC%AF%A4"}
    answer = server.http.post("/v1/traces", content=json_body(wire), headers=JSON | headers)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"] == {
        "rejectedSpans": "2",
        "errorMessage": "resourceSpans[0].scopeSpans[0].spans[1]: spanId: '00' is not 8 bytes; send 16 hexadecimal "
        "digits; resourceSpans[0].scopeSpans[0].spans[2]: traceId: is all zeros, which OpenTelemetry calls invalid; "
        "send the span's own id",
    }
    assert [charge["total_tokens"] for charge in charges(server, "반쯤")] == [1100]


def test_an_agent_in_an_environment_may_stand_for_the_project(server: Otlp) -> None:
    body = json_body(request(span(1, CONVENTIONS["genai"], traceId="3" * 32)))
    agent = {"Langsmith-Agent-Id": "shop", "Langsmith-Agent-Environment": "Staging"}
    assert server.http.post("/v1/traces", content=body, headers=JSON | agent).status_code == 200
    assert len(charges(server, "shop-staging")) == 1


def test_a_project_may_be_utf_8_in_its_header(server: Otlp) -> None:
    body = json_body(request(span(1, CONVENTIONS["genai"], traceId="2" * 32)))
    raw = [(b"Content-Type", b"application/json"), (b"Langsmith-Project", "상점".encode())]
    assert server.http.post("/v1/traces", content=body, headers=raw).status_code == 200
    assert len(charges(server, "상점")) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status", "words"),
    [
        ({"Content-Type": "text/plain"}, b"x", 415, "send application/x-protobuf or application/json"),
        ({}, b"x", 415, "send application/x-protobuf or application/json"),
        (JSON, b"{", 400, "not readable as JSON"),
        (JSON, b'{"resource_spans": []}', 400, "send resourceSpans"),
        (JSON | {"Content-Encoding": "br"}, b"{}", 415, "send zstd, gzip, deflate or identity"),
        (JSON | {"Content-Encoding": "gzip"}, b"{}", 400, "not a readable gzip stream"),
        (JSON | {"Content-Encoding": "gzip"}, gzip.compress(b" " * 70 * 1024**2), 413, "larger than 67108864 bytes"),
    ],
    ids=["text", "none", "json", "snake", "br", "not-gzip", "bomb"],
)
def test_what_cannot_be_read_is_refused_with_the_cure(
    server: Otlp, headers: dict[str, str], body: bytes, status: int, words: str
) -> None:
    answer = server.http.post("/otel/v1/traces", content=body, headers=headers)
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_a_refusal_of_protobuf_is_a_protobuf_status(server: Otlp) -> None:
    answer = server.http.post("/otel/v1/traces", content=b"\xff", headers=PROTOBUF)
    assert answer.status_code == 400
    message = b"body: the protobuf ends early or is none; send an ExportTraceServiceRequest"
    assert answer.content == bytes((0x08, 3, 0x12, len(message))) + message


def test_random_bytes_get_4xx_and_never_5xx(server: Otlp) -> None:
    chance = random.Random(20261122)
    whole = protobuf_body(request(span(1, CONVENTIONS["genai"], traceId="3" * 32)))
    seen = set()
    for n in range(400):
        body = chance.randbytes(chance.randrange(1, 300))
        if n % 2:
            damaged = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            body = bytes(damaged)
        encoding = {"Content-Encoding": "gzip"} if n % 5 == 0 else {}
        sent = gzip.compress(body) if encoding and n % 10 else body
        answer = server.http.post(PATHS[n % len(PATHS)], content=sent, headers=(PROTOBUF, JSON)[n % 3 == 0] | encoding)
        seen.add(answer.status_code)
    assert seen <= {200, 400}
    assert 400 in seen
    assert server.http.get("/ok").is_success


def test_a_hundred_thousand_attributes_are_bounded_and_counted(server: Otlp) -> None:
    many = {f"key{n}": "x" for n in range(100_000)}
    body = protobuf_body(request(span(1, many | CONVENTIONS["genai"], traceId="4" * 32)))
    answer = server.http.post("/v1/traces", content=body, headers=PROTOBUF | {"Langsmith-Project": "many"})
    assert answer.status_code == 200
    (charge,) = charges(server, "many")
    assert charge["input_tokens"] == 1000
    view = server.get(f"/traces/{charge['trace_id']}")
    assert "attributes_dropped" in view["runs"][0]["flags"]


class TestGrpc:
    @pytest.fixture
    def export(self, server: Otlp) -> Iterator[Any]:
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            yield channel.unary_unary(EXPORT)

    def test_rejected_spans_are_told(self, export: Any) -> None:
        wire = request(span(1, CONVENTIONS["genai"], traceId="5" * 32), span(2, startTimeUnixNano="0"))
        answer = ExportTraceServiceResponse.FromString(export(protobuf_body(wire), timeout=10))
        assert answer.partial_success.rejected_spans == 1
        assert answer.partial_success.error_message == (
            "resource_spans[0].scope_spans[0].spans[1]: start_time_unix_nano: 0 is not a time; "
            "send nanoseconds since 1970"
        )

    def test_what_cannot_be_read_is_an_invalid_argument(self, export: Any) -> None:
        chance = random.Random(7)
        for _ in range(50):
            try:
                export(b"\xff" + chance.randbytes(40), timeout=10)
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.INVALID_ARGUMENT  # noqa: PT017 the code is what is tested

    @pytest.mark.parametrize("signal", ["Metrics", "Logs"])
    def test_other_signals_are_not_implemented_and_say_what_to_set(self, server: Otlp, signal: str) -> None:
        service = EXPORT.replace("Trace", signal).replace("trace", signal.lower())
        address = f"127.0.0.1:{server.grpc_port}"
        with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary(service)(b"", timeout=10)
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert f"set OTEL_{signal.upper()}_EXPORTER=none" in raised.value.details()

    def test_a_taken_port_stops_the_start_with_a_hint(self, server: Otlp, tmp_path: Path) -> None:
        ran = subprocess.run(
            command("--port", "0", "--data", str(tmp_path)),
            env=environment() | {"EVERYTOKEN_OTLP_GRPC_PORT": str(server.grpc_port)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 2
        assert "hint: stop what listens there, or set EVERYTOKEN_OTLP_GRPC_PORT to another port" in ran.stderr

    async def test_without_its_package_the_start_says_which_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "grpc", None)
        settings = Settings(otlp_grpc_port=free_port())
        with pytest.raises(ListenError) as raised:
            async with otlp_grpc(None, settings):  # type: ignore[arg-type]  # it fails before it needs a pipeline
                pass
        assert raised.value.hint == 'pip install "everytoken[grpc]"'

    def test_it_is_off_unless_a_port_is_set(self) -> None:
        assert "EVERYTOKEN_OTLP_GRPC_PORT" not in os.environ
        assert Settings().otlp_grpc_port is None
