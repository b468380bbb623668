"""The readers of outside bytes, each as a function that raises nothing but what it says it raises.

A body that was decoded is also brought into the fold and settled, as the flusher would: what passes the door must not
break what stands behind it.
"""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from tests.unit.wire.otlp_requests import json_body, protobuf_body, request, span

from everytoken.catalog.errors import PriceFileError
from everytoken.catalog.price_file import parse_prices
from everytoken.core.charge import Cost
from everytoken.core.usage import Usage
from everytoken.ingest.counters import Counters
from everytoken.ingest.decode import decode
from everytoken.ingest.fold import Fold
from everytoken.ingest.settling import settle_trace
from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.parse import parse
from everytoken.query.filter.rows import Row
from everytoken.query.filter.sql import Compiler
from everytoken.query.langsmith_projects import PROJECT_FILTER
from everytoken.store.columns import charge_table, run_table
from everytoken.store.journal import Entry
from everytoken.wire.body import BodyError
from everytoken.wire.operations import Operation
from everytoken.wire.otlp import JSON, PROTOBUF

LIMIT_BYTES = 1024**2
LATER_US = 1_795_348_800_000_000
BOUNDARY = "b0undary"
RUN = "01a204f2-8c53-7543-9601-000000000001"
PRICES = """version = 1
[[price]]
provider = "openai"
models = ["gpt-imagined"]
rates = { input_mtok = 1, output_mtok = { per = 2, above = [{ tokens = 200000, rate = 3 }] } }
source = "https://example.com/prices"
checked = 2026-11-01
"""


PROJECT = Row(
    {"name": "shop", "start_time": LATER_US, "latency_p50": 2.5, "run_count": None},
    {"team": "a", "tier": 1, "deep": {"a": [None]}},
    {"good": {"avg": 0.5, "values": {"yes": 1}, "comments": ["so so"]}},
)


class NoPrices:
    def price(
        self, usage: Usage | None, *, provider: str | None, model: str | None, at_us: int, call_path: str = ""
    ) -> Cost:
        del usage, provider, model, at_us, call_path
        return Cost(usd=None, status="unpriced", reason="model_unknown")


def _body(route: str, data: bytes, content_type: str = "", encoding: str = "") -> None:
    entry = Entry(route, data, LATER_US, content_type, encoding, RUN if route == "patch" else None)
    try:
        decoded = decode(entry, LIMIT_BYTES)
    except BodyError:
        return
    for rejection in decoded.rejections:
        assert rejection.reason
    _store(decoded.operations)


def _store(operations: tuple[Operation, ...]) -> None:
    fold = Fold(project_name=lambda _id: None, locate=lambda _id: None)
    counters = Counters()
    fold.take(zip(operations, fold.find(operations), strict=True), LATER_US)
    fold.take((), LATER_US + 120_000_000)  # nobody waits any longer for the rest of a run
    for trace in list(fold.traces.values()):
        changes = settle_trace(trace, NoPrices(), counters)
        run_table(changes.runs, [1] * len(changes.runs))
        charge_table(changes.charges, changes.gone, [1] * (len(changes.charges) + len(changes.gone)))
    assert counters.settle_failures == counters.price_failures == 0


def _filter(data: bytes) -> None:
    """A filter becomes SQL and parameters, or is held against rows in memory."""
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(FilterError):
        Compiler(lambda _tests: [], "SELECT 1").condition(parse(text))
    with contextlib.suppress(FilterError):
        PROJECT_FILTER.holds(PROJECT_FILTER.parse(text), PROJECT)


def _prices(data: bytes) -> None:
    with contextlib.suppress(PriceFileError):
        parse_prices(data.decode("utf-8", "replace"), "prices.toml", label="fuzz")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "multipart": lambda data: _body("multipart", data, f"multipart/form-data; boundary={BOUNDARY}"),
    "zstd": lambda data: _body("multipart", data, f"multipart/form-data; boundary={BOUNDARY}", "zstd"),
    "gzip": lambda data: _body("batch", data, encoding="gzip"),
    "batch": lambda data: _body("batch", data),
    "post": lambda data: _body("post", data),
    "patch": lambda data: _body("patch", data),
    "otlp_protobuf": lambda data: _body("otlp", data, PROTOBUF),
    "otlp_json": lambda data: _body("otlp", data, JSON),
    "filter": _filter,
    "prices": _prices,
}


def _run() -> dict[str, object]:
    return {
        "id": RUN, "trace_id": RUN, "name": "chat", "run_type": "llm", "session_name": "shop",
        "start_time": "2026-11-22T12:00:00.000001Z", "end_time": 1_795_348_801_000, "tags": ["a"], "error": None,
        "dotted_order": f"20261122T120000000001Z{RUN}", "inputs": {"messages": [{"role": "user", "content": "hi"}]},
        "outputs": {"usage_metadata": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
                                       "input_token_details": {"cache_read": 1}}},
        "events": [{"name": "new_token", "time": "2026-11-22T12:00:00.5Z"}],
        "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2", "thread_id": "t"}},
    }  # fmt: skip


def _multipart() -> bytes:
    run = json.dumps(_run()).encode()
    parts = [
        (f"post.{RUN}", "application/json", run),
        (f"patch.{RUN}.outputs", "application/json", b'{"a": 1}'),
        (f"attachment.{RUN}.image", "image/png", b"\x89PNG\r\n"),
        (f"feedback.{RUN}", "application/json", b'{"key": "k", "score": 1, "trace_id": "%s"}' % RUN.encode()),
    ]
    return (
        b"".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: {kind}\r\n'
            f"Content-Length: {len(data)}\r\n\r\n".encode()
            + data
            + b"\r\n"
            for name, kind, data in parts
        )
        + f"--{BOUNDARY}--\r\n".encode()
    )


def _spans() -> dict[str, object]:
    told = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5.2",
        "gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4, "gen_ai.prompt.0.content": "hi",
        "llm.token_count.prompt": 3, "ai.usage.promptTokens": 3, "langsmith.span.kind": "llm",
    }  # fmt: skip
    return request(span(1, told), span(2, told, parent=1))


def seeds() -> dict[str, list[bytes]]:
    """What every reader reads without complaint: from there the fuzzers go astray."""
    captured = Path(__file__).parents[1] / "data" / "langsmith"
    run = json.dumps(_run()).encode()
    return {
        "multipart": [_multipart()],
        "zstd": [path.read_bytes() for path in captured.glob("py_*.zstd.bin")],
        "gzip": [path.read_bytes() for path in captured.glob("*.gzip.bin")],
        "batch": [b'{"post": [' + run + b'], "patch": [' + run + b"]}"],
        "post": [run],
        "patch": [run],
        "otlp_protobuf": [protobuf_body(_spans())],
        "otlp_json": [json_body(_spans())],
        "filter": [
            b'and(eq(model, "gpt-5.2"), gt(latency, "5s"), has(tags, "a"), in(run_type, ["llm", "tool"]))',
            b'or(and(eq(metadata_key, "team"), neq(metadata_value, 1)), gt(run_count, 2), like(name, "s_o%\\%"), '
            b'has(metadata, \'{"tier": 1}\'), not(search(name, "x")), gte(feedback_score, 0.5), eq(id, null))',
        ],
        "prices": [PRICES.encode()],
    }
