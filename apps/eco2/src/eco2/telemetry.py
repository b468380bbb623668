"""Runs for what LangGraph cannot see: each provider request an `llm` run with its usage, each service a `tool` run.

A run is a child of the LangSmith run that is current when it opens, which inside a node is the node's own. It is
closed in every case, also when the consumer of a stream goes away, with whatever usage had arrived by then.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol

import langsmith
import orjson
from langgraph.config import get_stream_writer
from langgraph.runtime import get_runtime
from langgraph.types import Send
from langsmith.env import get_langchain_env_var_metadata
from langsmith.run_helpers import get_current_run_tree
from langsmith.run_trees import RunTree, get_cached_client
from langsmith.utils import tracing_is_enabled

from everytoken.catalog import PriceBook
from everytoken.core.extract import extract_usage
from everytoken.core.projections import to_everytoken, to_langsmith
from everytoken.core.usage import Usage

log = logging.getLogger("eco2.telemetry")

GREETING_S = 2.0
"""Longest wait for the tracing server before the first turn; it may also come up later."""

Status = Literal["success", "error", "cancelled"]


class CallPath(NamedTuple):
    """One of the eleven ways in which the worker calls a model."""

    number: int
    name: str
    shape: str
    """Where `extract_usage` finds the counts."""
    provider: str
    """`ls_provider`, in LangChain's spelling."""
    mechanism: str
    """Which part of the response carries the usage."""


PATHS = {
    path.number: path
    for path in (
        CallPath(1, "openai.chat", "openai.chat", "openai", "response.usage"),
        CallPath(2, "openai.chat.stream", "openai.chat.stream", "openai", "last chunk, asked for by include_usage"),
        CallPath(3, "openai.chat.tools", "openai.chat", "openai", "response.usage"),
        CallPath(4, "openai.agents.search", "openai.responses", "openai", "terminal event of every model turn"),
        CallPath(5, "gemini.generate", "gemini.generate_content", "google_genai", "response.usage_metadata"),
        CallPath(
            6, "gemini.generate.stream", "gemini.stream", "google_genai", "last usage_metadata of the stream, per field"
        ),
        CallPath(7, "gemini.generate.tools", "gemini.generate_content", "google_genai", "response.usage_metadata"),
        CallPath(8, "gemini.generate.structured", "gemini.generate_content", "google_genai", "response.usage_metadata"),
        CallPath(
            9, "gemini.generate.search", "gemini.stream", "google_genai", "usage_metadata with the tool-use prompt"
        ),
        CallPath(
            10, "gemini.generate.vision", "gemini.generate_content", "google_genai", "usage_metadata with image input"
        ),
        CallPath(
            11, "gemini.generate.image", "gemini.generate_content", "google_genai", "usage_metadata with image output"
        ),
    )
}


def plain_decimal(value: Decimal) -> str:
    """Without exponent and trailing zeros: 0.011284."""
    return f"{value.normalize():f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One finished provider request, as metrics and the `done` event need it."""

    path: CallPath
    node: str
    model: str
    status: Status
    usage: Usage | None
    cost_usd: Decimal | None
    duration_s: float

    def as_json(self) -> dict[str, Any]:
        return {
            "node": self.node,
            "call_path": self.path.name,
            "path": self.path.number,
            "model": self.model,
            "status": self.status,
            "input_tokens": self.usage.input_tokens if self.usage else None,
            "output_tokens": self.usage.output_tokens if self.usage else None,
            "total_tokens": self.usage.total_tokens if self.usage else None,
            "cost_usd": None if self.cost_usd is None else plain_decimal(self.cost_usd),
            "complete": self.usage is not None and self.usage.source == "provider",
        }


@dataclass(slots=True)
class Ledger:
    """The provider requests of one turn: the graph's run-scoped context.

    Not the graph's event stream, which drops what a node says after its time is up: that call was made and is billed.
    """

    calls: list[CallRecord] = field(default_factory=list)


class Meter(Protocol):
    def record(self, record: CallRecord) -> None: ...


@dataclass(slots=True)
class LlmCall:
    """The open request: the provider module puts here what it saw, as it sees it."""

    run: RunTree | None
    raw: object = None
    """The response, or the part of a stream, that carries the usage. `None`: none arrived."""
    response_id: str | None = None
    response_model: str | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def first_token(self) -> None:
        if self.run is not None and not self.run.events:
            self.run.add_event({"name": "new_token", "time": datetime.now(UTC).isoformat()})


class Telemetry:
    """Opens runs, prices what they used, and tells the meter and the graph's own stream."""

    def __init__(self, prices: PriceBook | None = None, meter: Meter | None = None) -> None:
        self._prices = prices or PriceBook()
        self._meter = meter

    @contextmanager
    def llm(self, path_number: int, *, node: str, model: str, inputs: Mapping[str, Any]) -> Iterator[LlmCall]:
        """An `llm` run around one provider request."""
        path = PATHS[path_number]
        started = time.monotonic()
        metadata = {
            "ls_provider": path.provider,
            "ls_model_name": model,
            "ls_model_type": "chat",
            "call_path": path.name,
        }
        provider = "google" if path.provider == "google_genai" else path.provider
        tags = [f"node:{node}", f"model:{model}", f"provider:{provider}", f"path:{path.number}"]
        call = LlmCall(_open_run(model, "llm", inputs, tags=tags, metadata=metadata))
        status: Status = "success"
        try:
            yield call
        except BaseException as error:
            status = "cancelled" if isinstance(error, asyncio.CancelledError | GeneratorExit) else "error"
            call.error = call.error or f"{type(error).__name__}: {error}"
            raise
        finally:
            if call.error and status == "success":
                status = "error"
            with _never_raising():
                self._close(call, path, node, model, status, time.monotonic() - started)

    def _close(self, call: LlmCall, path: CallPath, node: str, model: str, status: Status, duration_s: float) -> None:
        found = extract_usage(path.shape, call.raw, {"model": model})
        usage = found.usage
        served = call.response_model or found.response_model
        response_id = call.response_id or found.response_id
        cost = self._prices.price(
            usage, provider=path.provider, model=served or model, at_us=time.time_ns() // 1000, call_path=path.name
        )
        if call.run is not None:
            call.run.add_metadata(
                {
                    "response_id": response_id,
                    "response_model": served,
                    "usage_incomplete": usage is None or usage.source != "provider",
                    # What `usage_metadata` has no word for: fees per call, the tier, the provider's own object.
                    "everytoken": to_everytoken(
                        usage,
                        response_id=response_id,
                        response_model=served,
                        call_path=path.name,
                        layer="sdk",
                        provider=path.provider,
                        request_model=model,
                    ),
                }
            )
            if usage is not None:
                call.run.set(usage_metadata=to_langsmith(usage, cost))  # type: ignore[arg-type]  # a plain dict of its keys
            identity = {"id": response_id, "model": served}
            _end_run(call.run, {**{key: value for key, value in identity.items() if value}, **call.outputs}, call.error)
        record = CallRecord(
            path=path,
            node=node,
            model=model,
            status=status,
            usage=usage,
            cost_usd=cost.usd,
            duration_s=duration_s,
        )
        if self._meter is not None:
            self._meter.record(record)
        ledger = _ledger()
        if ledger is not None:
            ledger.calls.append(record)

    @contextmanager
    def tool(
        self, name: str, inputs: Mapping[str, Any], *, started: datetime | None = None
    ) -> Iterator[dict[str, Any]]:
        """A `tool` run around one call of an outside service; what is put into the yielded dict becomes its outputs."""
        run = _open_run(name, "tool", inputs, tags=[f"tool:{name}"], metadata={}, started=started)
        outputs: dict[str, Any] = {}
        error: str | None = None
        try:
            yield outputs
        except BaseException as caught:
            error = f"{type(caught).__name__}: {caught}"
            raise
        finally:
            if run is not None:
                with _never_raising():
                    _end_run(run, outputs, error)


def _open_run(
    name: str,
    run_type: Literal["llm", "tool"],
    inputs: Mapping[str, Any],
    *,
    tags: list[str],
    metadata: dict[str, Any],
    started: datetime | None = None,
) -> RunTree | None:
    """A posted run below the current one, or `None` when nothing is traced."""
    run: RunTree | None = None
    with _never_raising():
        if tracing_is_enabled() is True:
            parent = get_current_run_tree()
            shape: dict[str, Any] = {"inputs": dict(inputs), "tags": tags, "extra": {"metadata": metadata}}
            if started is not None:
                shape["start_time"] = started
            new_run = parent.create_child if parent else RunTree
            run = new_run(name=name, run_type=run_type, **shape)
            run.post()
    return run


def _end_run(run: RunTree, outputs: dict[str, Any], error: str | None) -> None:
    run.end(outputs=outputs, error=error)
    run.patch()


@contextmanager
def _never_raising() -> Iterator[None]:
    """Telemetry may fail; the answer must not."""
    try:
        yield
    except Exception:
        log.exception("a run could not be recorded")


def _ledger() -> "Ledger | None":
    """The ledger of the turn that is running, if this is one."""
    try:
        context = getattr(get_runtime(), "context", None)
    except (RuntimeError, KeyError):  # outside a graph
        return None
    return context if isinstance(context, Ledger) else None


@contextmanager
def root_run(name: str, inputs: Mapping[str, Any], *, tags: list[str]) -> Iterator[None]:
    """A trace of its own for calls outside a graph; nothing when nothing is traced."""
    if tracing_is_enabled() is not True:
        yield
        return
    with langsmith.trace(name, "chain", inputs=dict(inputs), tags=tags):
        yield


def emit(event: dict[str, Any]) -> None:
    """Put an event on the stream of the graph that is running; without one, do nothing."""
    try:
        writer = get_stream_writer()
    except RuntimeError:
        return
    writer(event)


def rehearse() -> None:
    """Let the tracing client greet its server now: on the first run it would hold up the nodes that run meanwhile."""
    if tracing_is_enabled() is True:
        client = get_cached_client()
        greeting = threading.Thread(target=lambda: (client.info, get_langchain_env_var_metadata()), daemon=True)
        greeting.start()
        greeting.join(GREETING_S)
        # The first object orjson does not know, here a Send, makes it import numpy if it is installed: 0.1 s.
        orjson.dumps(Send("", None), default=str, option=orjson.OPT_SERIALIZE_NUMPY)


def flush() -> None:
    """Return once everything traced so far has been sent."""
    if tracing_is_enabled() is True:
        get_cached_client().flush()
