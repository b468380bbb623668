"""Export and import as commands between real servers: what comes out at one end adds up to the same at the other."""

import base64
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.store.samples import NOON_US
from tests.store.serving import Server, environment, serving
from tests.store.traffic import Traffic
from tests.unit.wire.otlp_requests import json_body, protobuf_body, request, span
from typer.testing import CliRunner

from everytoken.cli.commands import app
from everytoken.cli.errors import CommandError
from everytoken.core.projections import to_everytoken
from everytoken.core.usage import Usage

DATA = Path(__file__).parents[1] / "data" / "langsmith"
FIGURES = (
    "traces", "runs", "llm_calls", "input_tokens", "output_tokens", "total_tokens", "cache_read_tokens",
    "reasoning_tokens", "cost_usd", "cost_known_usd", "unpriced_calls", "quality", "errors",
)  # fmt: skip
SAME = (
    "charge_key", "project", "trace_id", "run_id", "node", "thread_id", "user_id", "session_id", "environment",
    "release", "tags", "call_path", "provider", "request_model", "response_model", "response_id", "tier", "quality",
    "layer", "input_tokens", "output_tokens", "input_token_details", "output_token_details", "meters", "requests",
    "usage_source", "cost_usd", "cost_status", "cost_reason", "cost_lines", "price_entry", "status", "started_at",
    "duration_ms", "ttft_ms", "raw_usage",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


def everytoken(*arguments: str, code: int = 0) -> Done:
    """The command in this process: a second of start-up less, thirty times."""
    result = CliRunner().invoke(app, arguments)
    said = result.stderr
    if isinstance(result.exception, CommandError):
        said += f"everytoken: {result.exception}\nhint: {result.exception.hint}\n"
        assert result.exception.exit_code == code, said
    else:
        assert result.exit_code == code, (said, result.exception)
    return Done(result.stdout, said)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that was sent LangGraph, JS, OpenTelemetry, and calls of every quality."""
    with serving(tmp_path_factory.mktemp("source") / "data") as server:
        for name in ("py_langgraph_send.zstd", "js_traceable.gzip"):
            headers = json.loads((DATA / f"{name}.headers.json").read_text())["headers"]
            kept = {key: headers[key] for key in ("Content-Type", "Content-Encoding")}
            body = (DATA / f"{name}.bin").read_bytes()
            assert server.http.post("/runs/multipart", content=body, headers=kept).status_code == 202
        traffic = Traffic(7, "busy", NOON_US, text_chars=50)
        runs = [run for _ in range(20) for run in traffic.trace(3)]
        headers, body = traffic.body(runs, runs)
        assert server.http.post("/runs/multipart", content=body, headers=headers).status_code == 202
        told = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5.2"}
        counted = told | {"gen_ai.usage.input_tokens": 47, "gen_ai.usage.output_tokens": 12}
        otlp = json_body(request(span(1, counted), span(2, told, parent=1), resource={"service.version": "7"}))
        sent = server.http.post("/v1/traces", content=otlp, headers={"content-type": "application/json"})
        assert sent.status_code == 200
        assert server.http.post("/runs/batch", json={"post": odd_runs()}).status_code == 202
        server.flush()
        yield server


def odd_runs() -> list[dict[str, Any]]:
    """Calls with meters, a tier, a cut stream, no usage, no price; and a run that carries two charges."""
    usages = {
        "gpt-5.2": Usage(1000, 200, {"cache_read": 400}, {"reasoning": 150}, tier="flex"),
        "gpt-4o-mini": Usage(10, 5, source="partial"),
        "house-model-7b": Usage(77, 11),
        "gpt-5-mini": None,
    }
    runs = []
    for number, (model, usage) in enumerate(usages.items()):
        run_id = f"019aa000-0000-7000-8000-{number:012x}"
        own = to_everytoken(usage, provider="openai", request_model=model, call_path="openai.chat", layer="transport")
        metadata = {
            "everytoken": own,
            "langgraph_node": f"n{number}",
            "user_id": "u",
            "environment": "prod",
            "revision_id": "1.4.2",
        }
        runs.append(
            {"id": run_id, "trace_id": run_id, "name": model, "run_type": "llm", "session_name": "odd / 한국",
             "start_time": f"2026-11-22T12:00:0{number}.123456+00:00", "end_time": f"2026-11-22T12:00:1{number}+00:00",
             "inputs": {"q": "a\nb,\"c\""}, "outputs": {"a": 2**60}, "extra": {"metadata": metadata}, "tags": ["x"]}
        )  # fmt: skip
    runs[-1]["error"] = "APIError('no')"
    return runs


def figures(server: Server) -> dict[str, dict[str, Any]]:
    server.flush()
    rows = server.get("/projects")["projects"]
    return {row["project"]: {name: row[name] for name in FIGURES} for row in rows}


def charges(server: Server, *names: str) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for project in figures(server):
        for row in server.get("/export/charges", project=project, limit=2000)["charges"]:
            found[row["trace_id"], row["charge_key"]] = {name: row[name] for name in names or SAME}
    return found


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
def test_an_export_imported_into_an_empty_server_adds_up_to_the_same(source: Server, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    told = json.loads(everytoken("export", "--url", source.url, "--out", str(out), "--format", kind, "--json").stdout)
    before = figures(source)
    assert before["busy"]["llm_calls"] == 60
    assert before["odd / 한국"]["quality"] == {"exact": 2, "partial": 1, "estimated": 0, "missing": 1}
    assert told["files"]["charges"]["rows"] == sum(row["llm_calls"] for row in before.values())
    assert told["files"]["runs"]["rows"] == sum(row["runs"] for row in before.values())
    with serving(tmp_path / "data") as target:
        done = json.loads(everytoken("import", str(out), "--url", target.url, "--json").stdout)
        assert (done["sent"], done["rejected"]) == (told["files"]["runs"]["rows"], 0)
        assert figures(target) == before
        assert charges(target) == charges(source)
        assert {row["release"] for row in charges(target).values()} >= {"1.4.2", "7"}
        again = json.loads(everytoken("import", str(out), "--url", target.url, "--json").stdout)
        assert (again["sent"], again["skipped"]) == (0, done["sent"])
        (tmp_path / "out.import.json").unlink()
        everytoken("import", str(out), "--url", target.url)
        assert figures(target) == before


def test_charges_alone_are_enough_for_the_same_bill(source: Server, tmp_path: Path) -> None:
    everytoken("export", "--url", source.url, "--out", str(tmp_path / "out"), "--what", "charges")
    kept = [name for name in SAME if name not in ("layer", "charge_key")]
    with serving(tmp_path / "data") as target:
        everytoken("import", str(tmp_path / "out"), "--url", target.url)
        assert charges(target, *kept) == charges(source, *kept)


def test_the_bytes_on_stdout_are_the_file_s(source: Server, tmp_path: Path) -> None:
    asked = ("--url", source.url, "--what", "charges", "--project", "busy", "--to", str(NOON_US + 10**12))
    everytoken("export", *asked, "--out", str(tmp_path))
    assert everytoken("export", *asked, "--out", "-").stdout == (tmp_path / "charges.jsonl").read_text()


def test_a_killed_export_goes_on_without_a_row_twice(tmp_path: Path) -> None:
    third_page, go_on = threading.Event(), threading.Event()
    rows = [{"run_id": f"r{n}", "project": "p"} for n in range(10)]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.answer({"flushed": True})

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.endswith("/projects"):
                self.answer({"projects": [{"project": "p", "runs": 10, "llm_calls": 0}]})
                return
            at = int(parse_qs(parts.query).get("cursor", ["0"])[0])
            if at == 4 and not go_on.is_set():
                third_page.set()
                go_on.wait(60)
                return
            self.answer({"runs": rows[at : at + 2], "next": str(at + 2) if at < 8 else None})

        def answer(self, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        asked = ("export", "--url", url, "--out", str(tmp_path / "out"), "--what", "runs")
        process = subprocess.Popen([sys.executable, "-m", "everytoken.cli", *asked], env=environment())
        assert third_page.wait(60)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        partial = tmp_path / "out" / "runs.jsonl.partial"
        assert len(partial.read_text().splitlines()) == 4
        with partial.open("a") as file:
            file.write('{"run_id": "r4", "proj')  # a page that was being written
        go_on.set()
        everytoken(*asked)
        server.shutdown()
    written = [json.loads(line) for line in (tmp_path / "out" / "runs.jsonl").read_text().splitlines()]
    assert written == rows
    assert not partial.exists()


def langsmith_rows() -> list[dict[str, Any]]:
    """A root and two calls, as `Client.list_runs` returns them: one tells its usage, of one the columns alone know."""
    root, told, beside = (f"019aa111-0000-7000-8000-{n:012x}" for n in range(3))
    order = f"20261122T120000000000Z{root}"
    base: dict[str, Any] = {
        "trace_id": root, "session_id": "0f000000-0000-4000-8000-000000000001", "status": "success", "error": None,
        "start_time": "2026-11-22T12:00:00", "end_time": "2026-11-22T12:00:02", "inputs": {"q": "hi"},
        "outputs": {"a": "ok"}, "events": [], "tags": None, "total_cost": "0.5", "first_token_time": None,
    }  # fmt: skip
    model = {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}
    usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
    return [
        {**base, "id": root, "parent_run_id": None, "name": "chat", "run_type": "chain", "dotted_order": order,
         "extra": {"metadata": {"thread_id": "t"}}, "prompt_tokens": 150, "completion_tokens": 15},
        {**base, "id": told, "parent_run_id": root, "name": "a", "run_type": "llm",
         "dotted_order": f"{order}.20261122T120000000000Z{told}", "extra": {"metadata": model},
         "outputs": {"usage_metadata": usage}, "prompt_tokens": 100, "completion_tokens": 10},
        {**base, "id": beside, "parent_run_id": root, "name": "b", "run_type": "llm",
         "dotted_order": f"{order}.20261122T120000000000Z{beside}", "extra": {"metadata": model},
         "first_token_time": "2026-11-22T12:00:00.250", "prompt_tokens": 50, "completion_tokens": 5,
         "prompt_token_details": {"cache_read": 20}},
    ]  # fmt: skip


def bulk_export(folder: Path) -> Path:
    """The same as LangSmith's bulk export lays it out: Parquet below partition folders, objects as JSON text."""
    rows = []
    for row in langsmith_rows():
        nested = {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in row.items()}
        nested.setdefault("prompt_token_details", None)
        rows.append(nested)
    path = folder / "export_id=e" / "tenant_id=t" / "session_id=s" / "runs" / "year=2026" / "month=11" / "day=22"
    path.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path / "part-0.parquet")
    return folder


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("target") / "data") as server:
        yield server


def test_langsmith_exports_come_in_with_their_usage(target: Server, tmp_path: Path) -> None:
    lines = tmp_path / "runs.jsonl"
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in langsmith_rows()))
    everytoken("import", str(lines), "--url", target.url, "--project", "moved")
    once = figures(target)["moved"]
    assert (once["traces"], once["runs"], once["llm_calls"]) == (1, 3, 2)
    assert (once["input_tokens"], once["output_tokens"], once["cache_read_tokens"]) == (150, 15, 20)
    # gpt-5.2: 130 input at 1.75, 20 cached at 0.175, 15 output at 14 dollars a million
    assert once["cost_usd"] == "0.000441"
    everytoken("import", str(bulk_export(tmp_path / "bulk")), "--url", target.url, "--project", "moved")
    assert figures(target)["moved"] == once


def test_a_langsmith_export_without_a_project_says_what_to_do(target: Server, tmp_path: Path) -> None:
    (tmp_path / "runs.json").write_text(json.dumps(langsmith_rows(), indent=1))
    done = everytoken("import", str(tmp_path / "runs.json"), "--url", target.url, code=1)
    assert "Name one with --project" in done.stderr
    assert done.stdout == "0 sent, 0 sent before, 3 rejected\n"


def test_traces_that_the_sdk_could_not_send_are_sent_again(target: Server, tmp_path: Path) -> None:
    script = (
        "from langsmith import Client\nfrom langsmith.run_trees import RunTree\n"
        "client = Client(api_url='http://127.0.0.1:9', api_key='local', timeout_ms=300)\n"
        "run = RunTree(name='lost', run_type='llm', inputs={'q': 1}, project_name='lost', ls_client=client,\n"
        "  extra={'metadata': {'ls_provider': 'openai', 'ls_model_name': 'gpt-5.2'}})\n"
        "run.post()\n"
        "run.end(outputs={'usage_metadata': {'input_tokens': 47, 'output_tokens': 12, 'total_tokens': 59}})\n"
        "run.patch()\nclient.flush()\nclient.close()\n"
    )
    env = {**environment(), "LANGSMITH_FAILED_TRACES_DIR": str(tmp_path / "failed"), "LANGSMITH_TRACING": "true"}
    subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, timeout=120, check=True)
    saved = list((tmp_path / "failed").glob("trace_*.json"))
    assert saved
    done = everytoken("import", str(tmp_path / "failed"), "--url", target.url)
    assert done.stdout == f"{len(saved)} sent, 0 sent before, 0 rejected\n"
    assert (figures(target)["lost"]["llm_calls"], figures(target)["lost"]["total_tokens"]) == (1, 59)


def test_otlp_files_come_in_as_json_lines_and_as_protobuf(target: Server, tmp_path: Path) -> None:
    told = {"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-5.2",
            "gen_ai.usage.input_tokens": 47, "gen_ai.usage.output_tokens": 12}  # fmt: skip
    one, two = request(span(11, told)), request(span(12, told))
    (tmp_path / "traces.jsonl").write_bytes(json_body(one) + b"\n" + json_body(two) + b"\n")
    (tmp_path / "alone.pb").write_bytes(protobuf_body(request(span(13, told))))
    messages = [protobuf_body(request(span(n, told))) for n in (14, 15)]
    (tmp_path / "collector.bin").write_bytes(b"".join(len(m).to_bytes(4, "big") + m for m in messages))
    done = everytoken("import", str(tmp_path), "--url", target.url, "--project", "spans")
    assert done.stdout == "5 sent, 0 sent before, 0 rejected\n"
    assert (figures(target)["spans"]["llm_calls"], figures(target)["spans"]["total_tokens"]) == (5, 295)


def test_what_is_no_export_is_named(target: Server, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"hello": 1}')
    assert "holds nothing that is known" in everytoken("import", str(tmp_path), code=2).stderr
    (tmp_path / "a.json").write_text(json.dumps({"endpoint": "x/runs/multipart", "body_base64": "!", "headers": {}}))
    assert "cannot be read" in everytoken("import", str(tmp_path), "--url", target.url, code=2).stderr
    broken = base64.b64encode(b"no parts").decode()
    (tmp_path / "a.json").write_text(
        json.dumps({"endpoint": "x/runs/multipart", "body_base64": broken, "headers": {"Content-Type": "text/plain"}})
    )
    assert "rejected: a.json: 415" in everytoken("import", str(tmp_path), "--url", target.url, code=1).stderr
