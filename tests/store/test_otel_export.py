"""`EVERYTOKEN_EXPORT=otel`: the OpenTelemetry SDK into `everytoken serve`, against the bill of the simulator."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.recorded.verdict import judge
from tests.recorded.world import RULES
from tests.store.serving import Server, serving

from everytoken.core.charge import Charge
from everytoken.core.usage import Usage
from everytoken.simulator.serve import Simulator

INSTRUMENT = "import everytoken\neverytoken.instrument()\n"
CALLS = """
import os
import openai
from google.genai import Client, types

def said(text):
    return [{"role": "user", "content": text}]

client = openai.OpenAI(max_retries=1)
with everytoken.context(thread_id="t-1", user_id="u-1", tags=["otel"], metadata={"plan": "pro"}):
    client.chat.completions.create(model="gpt-5.2", messages=said("cached prompt"), temperature=0.5)
client.chat.completions.create(model="gpt-5.2", messages=said("reasoned answer"))
client.chat.completions.create(model="gpt-5.2", messages=said("spoken question"))
for chunk in client.chat.completions.create(model="gpt-5.2", messages=said("written cache"), stream=True):
    chunk.choices[0]
client.responses.create(model="gpt-5.2", input="reasoned answer")
for event in client.responses.create(model="gpt-5.2", input="페트병은?", stream=True):
    pass
client.embeddings.create(model="text-embedding-3-small", input=["페트병", "유리병"])
stream = client.chat.completions.create(model="gpt-5.2", messages=said("long answer"), stream=True)
next(stream)
stream.close()

gemini = Client(api_key="simulated", http_options=types.HttpOptions(base_url=os.environ["GEMINI_BASE_URL"]))
model = "gemini-3-flash-preview"
gemini.models.generate_content(model=model, contents="reasoned answer")
gemini.models.generate_content(model=model, contents="cached prompt")
for chunk in gemini.models.generate_content_stream(model=model, contents="페트병은 어떻게 버려?"):
    pass
"""
HOST = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
"""
ASK = """
import openai
client = openai.OpenAI(max_retries=0)
def ask(text):
    client.chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": text}])
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Simulator]]:
    with serving(tmp_path_factory.mktemp("otel") / "data") as server, Simulator(RULES) as simulator:
        yield server, simulator


@pytest.fixture
def server(servers: tuple[Server, Simulator]) -> Server:
    servers[1].world.ledger.clear()
    return servers[0]


@pytest.fixture
def simulator(servers: tuple[Server, Simulator]) -> Simulator:
    return servers[1]


def run(program: str, simulator: Simulator, **variables: str) -> None:
    """An application in a process of its own, which says nothing of its recording on its way out."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "OTEL_"))}
    env |= {
        "OPENAI_BASE_URL": simulator.urls["openai"],
        "OPENAI_API_KEY": "simulated",
        "GEMINI_BASE_URL": simulator.urls["gemini"],
        "EVERYTOKEN_EXPORT": "otel",
        "EVERYTOKEN_STRICT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=env | variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def told(server: Server, project: str) -> list[dict[str, Any]]:
    server.flush()
    rows: list[dict[str, Any]] = server.get("/charges", project=project, limit=100)["charges"]
    return rows


def as_charge(row: dict[str, Any]) -> Charge:
    """What of a charge the bill is compared with, as the API tells it."""
    known = row["input_tokens"] is not None
    usage = Usage(
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        input_token_details=row["input_token_details"],
        output_token_details=row["output_token_details"],
        meters=row["meters"],
    )
    return Charge(
        charge_key=row["charge_key"],
        project=row["project"],
        trace_id=row["trace_id"],
        run_id=row["run_id"],
        call_path=row["call_path"],
        response_id=row["response_id"],
        quality=row["quality"],
        usage=usage if known else None,
    )


def test_every_class_of_every_call_arrives_without_a_tracer_provider_of_the_application(
    server: Server, simulator: Simulator
) -> None:
    run(INSTRUMENT + CALLS, simulator, LANGSMITH_ENDPOINT=server.url, LANGSMITH_PROJECT="otel-own")
    charges = told(server, "otel-own")
    assert judge(simulator.ledger(), [as_charge(row) for row in charges]).losses == ()
    assert sorted((row["call_path"], row["quality"], row["status"]) for row in charges) == [
        ("gemini.generate", "exact", "success"),
        ("gemini.generate", "exact", "success"),
        ("gemini.stream", "exact", "success"),
        ("openai.chat", "exact", "success"),
        ("openai.chat", "exact", "success"),
        ("openai.chat", "exact", "success"),
        ("openai.chat.stream", "exact", "success"),
        ("openai.chat.stream", "missing", "cancelled"),
        ("openai.embeddings", "exact", "success"),
        ("openai.responses", "exact", "success"),
        ("openai.responses.stream", "exact", "success"),
    ]
    (named,) = [row for row in charges if row["thread_id"] is not None]
    assert (named["thread_id"], named["user_id"], named["input_token_details"]["cache_read"]) == ("t-1", "u-1", 2000)
    streamed = [row["ttft_ms"] is not None for row in charges if row["call_path"].endswith("stream")]
    assert streamed == [True] * 4


def test_content_tags_and_metadata_arrive_with_the_span(server: Server, simulator: Simulator) -> None:
    inside = "with everytoken.context(tags=['a', 'b'], metadata={'plan': 'pro'}):\n    ask('cached prompt')\n"
    run(INSTRUMENT + ASK + inside, simulator, LANGSMITH_ENDPOINT=server.url, LANGSMITH_PROJECT="otel-content")
    (row,) = told(server, "otel-content")
    (one,) = server.get(f"/traces/{row['trace_id']}")["runs"]
    whole = server.get(f"/traces/{row['trace_id']}/runs/{one['run_id']}")
    assert whole["inputs"]["messages"] == [{"role": "user", "parts": [{"type": "text", "content": "cached prompt"}]}]
    assert whole["outputs"]["messages"][0]["parts"] == [{"type": "text", "content": "짧은 답"}]
    assert (whole["tags"], whole["metadata"]["plan"]) == (["a", "b"], "pro")


def test_calls_hang_under_the_spans_of_the_application_s_own_provider(server: Server, simulator: Simulator) -> None:
    program = (
        f"{HOST}{INSTRUMENT}{ASK}with trace.get_tracer('shop').start_as_current_span('answer'):\n    ask('페트병은?')\n"
    )
    run(
        program,
        simulator,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{server.url}/v1/traces",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="Langsmith-Project=otel-host",
    )
    (row,) = told(server, "otel-host")
    runs = {one["name"]: one for one in server.get(f"/traces/{row['trace_id']}")["runs"]}
    assert set(runs) == {"answer", "chat gpt-5.2"}
    assert runs["chat gpt-5.2"]["parent_run_id"] == runs["answer"]["run_id"]
    assert judge(simulator.ledger(), [as_charge(row)]).losses == ()


def test_a_provider_set_up_after_instrument_is_used(server: Server, simulator: Simulator) -> None:
    run(
        f"{INSTRUMENT}{HOST}{ASK}ask('유리병은?')\n",
        simulator,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{server.url}/v1/traces",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="Langsmith-Project=otel-late",
    )
    (row,) = told(server, "otel-late")
    (one,) = server.get(f"/traces/{row['trace_id']}")["runs"]
    assert server.get(f"/traces/{row['trace_id']}/runs/{one['run_id']}")["metadata"]["service.name"] == "shop"
