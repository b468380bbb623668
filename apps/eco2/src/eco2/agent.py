"""The worker as an application uses it: one object a process, one stream of events a turn."""

import asyncio
import time
import weakref
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import anyio
import anyio.lowlevel
import httpx
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from langsmith import uuid7
from langsmith.utils import tracing_is_enabled

from eco2.graph import Graph, build_graph
from eco2.kit import Kit
from eco2.llm import ChatModel, gemini, openai
from eco2.services.images import Images
from eco2.services.kakao import KakaoLocal
from eco2.services.kma import KmaWeather
from eco2.services.public_data import CollectionPoints, HouseholdWaste
from eco2.settings import ProviderName, Settings
from eco2.state import ChatState, UserLocation, fresh_turn
from eco2.tables import Characters, Disposal, Fees, ScrapPrices
from eco2.telemetry import CallRecord, Ledger, Meter, Telemetry, plain_decimal, rehearse

EventType = Literal["stage", "token", "needs_input", "usage", "error", "done"]
SILENT_UNLESS_ASKED = frozenset({"weather", "web_search"})
"""Nodes that also run as enrichment; the user hears of them only when they answer what was asked."""
CONNECTIONS = 100


class RequestError(ValueError):
    """The request can't be served as it stands; the message says why, to the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    job_id: str
    message: str
    session_id: str = ""
    """The conversation; empty: one of its own, named after the job."""
    user_id: str = "anonymous"
    image_url: str | None = None
    location: UserLocation | None = None

    @property
    def thread(self) -> str:
        return self.session_id or self.job_id


@dataclass(frozen=True, slots=True)
class Event:
    type: EventType
    data: dict[str, Any]


Ask = Callable[[dict[str, Any]], Awaitable[UserLocation | None]]
"""Asks the user for what the turn needs; `None` is no answer."""


async def nobody_answers(_question: dict[str, Any]) -> None:
    """For callers without a user to ask: the turn goes on without."""


@dataclass(slots=True)
class _Turn:
    """What is known of a turn while it runs."""

    request: Request
    trace_ids: list[str] = field(default_factory=list)
    intents: set[str] = field(default_factory=set)
    started: dict[str, float] = field(default_factory=dict)
    duration_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    status: dict[str, str] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    told: int = 0
    """How many calls of the ledger the user has heard of."""
    question: dict[str, Any] | None = None

    def news(self) -> list[Event]:
        """A `usage` event for every call since the last time."""
        fresh = self.ledger.calls[self.told :]
        self.told += len(fresh)
        return [Event("usage", {"job_id": self.request.job_id, **record.as_json()}) for record in fresh]

    def take_question(self) -> dict[str, Any] | None:
        question, self.question = self.question, None
        return question


class Agent:
    def __init__(self, kit: Kit, graph: Graph) -> None:
        self.kit = kit
        self._graph = graph
        self._sessions: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def turn(self, request: Request, ask: Ask = nobody_answers) -> AsyncGenerator[Event, None]:
        """Answer one message; ends with a `done` event. Turns of one conversation wait for each other.

        Raises:
            RequestError: the message is empty or too long.
        """
        self._check(request)
        lock = self._sessions.setdefault(request.thread, asyncio.Lock())
        async with lock, aclosing(self._turn(request, ask)) as events:
            async for event in events:
                yield event

    def _check(self, request: Request) -> None:
        if not request.message.strip() and not request.image_url:
            raise RequestError("메시지가 비어 있습니다.")
        limit = self.kit.settings.message_max_chars
        if len(request.message) > limit:
            raise RequestError(f"메시지가 너무 깁니다. {limit:,}자까지 보낼 수 있습니다.")

    async def _turn(self, request: Request, ask: Ask) -> AsyncGenerator[Event, None]:
        turn = _Turn(request)
        begun = time.monotonic()
        graph_input: Any = fresh_turn(
            job_id=request.job_id,
            session_id=request.thread,
            user_id=request.user_id,
            message=request.message,
            image_url=request.image_url,
            location=request.location,
        )
        while graph_input is not None:
            config = self._config(turn)
            parts = self._graph.astream(graph_input, config, context=turn.ledger, stream_mode=["tasks", "custom"])
            async with aclosing(parts):  # type: ignore[type-var]  # it is an async generator
                async for mode, part in parts:
                    for event in (*turn.news(), *_events(turn, mode, part)):
                        yield event
            graph_input = None
            if question := turn.take_question():
                yield Event("needs_input", {"job_id": request.job_id, **question})
                # Never a bare empty mapping: LangGraph would take it for answers to no question, and ask for ever.
                graph_input = Command(resume={"user_location": await ask(question)})
        for event in turn.news():
            yield event
        yield Event("done", _result(turn, await self.state(request.thread), time.monotonic() - begun))

    async def state(self, session_id: str) -> ChatState:
        """What is remembered of a conversation."""
        snapshot = await self._graph.aget_state({"configurable": {"thread_id": session_id}})
        remembered: ChatState = snapshot.values  # type: ignore[assignment]  # the graph's state, typed as any mapping
        return remembered

    def _config(self, turn: _Turn) -> RunnableConfig:
        """How the run is called and found again. Metadata reaches every child run, tags every node."""
        request, run_id = turn.request, uuid7()
        if tracing_is_enabled():
            turn.trace_ids.append(str(run_id))
        return {
            "run_id": run_id,
            "run_name": f"chat-{request.job_id}",
            "tags": ["chat-worker", "langgraph", f"env:{self.kit.settings.environment}"],
            "metadata": {
                "job_id": request.job_id,
                "session_id": request.thread,
                "thread_id": request.thread,
                "user_id": request.user_id,
            },
            "configurable": {"thread_id": request.thread},
        }


def _events(turn: _Turn, mode: str, part: Any) -> list[Event]:
    """What the user is told of one thing that happened in the graph."""
    job = {"job_id": turn.request.job_id}
    if mode == "custom":
        return [Event(part["type"], {**job, **{key: value for key, value in part.items() if key != "type"}})]
    node = part["name"]
    if node.startswith("__"):
        return []
    if "input" in part:
        turn.started[part["id"]] = time.monotonic()
        status = "started"
    else:
        turn.duration_s[node] += time.monotonic() - turn.started.pop(part["id"], time.monotonic())
        status = turn.status[node] = _ending(turn, part)
    if node in SILENT_UNLESS_ASKED and node not in turn.intents:
        return []
    trace_id = turn.trace_ids[-1] if turn.trace_ids else None
    return [Event("stage", {**job, "trace_id": trace_id, "stage": node, "status": status})]


def _ending(turn: _Turn, part: Mapping[str, Any]) -> str:
    if part["error"]:
        return "failed"
    if part["interrupts"]:
        turn.question = part["interrupts"][0]["value"]
        return "waiting"
    if part["name"] == "intent":
        result = dict(part["result"])
        turn.intents = {result["intent"], *result["additional_intents"]}
    return "completed"


def _result(turn: _Turn, state: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    calls = turn.ledger.calls
    nodes = {name: _totals([call for call in calls if call.node == name]) for name in turn.duration_s}
    for name, duration_s in turn.duration_s.items():
        nodes[name] |= {"duration_ms": round(duration_s * 1000), "status": turn.status[name]}
    return {
        "job_id": turn.request.job_id,
        "session_id": turn.request.thread,
        "trace_id": turn.trace_ids[0] if turn.trace_ids else None,
        "trace_ids": turn.trace_ids,
        "intent": state.get("intent"),
        "answer": state.get("answer", ""),
        "missing": state.get("missing_contexts", []),
        "image_url": ((state.get("image_generation_context") or {}).get("data") or {}).get("image_url"),
        "usage": _totals(calls),
        "nodes": nodes,
        "duration_ms": round(seconds * 1000),
    }


def _totals(calls: list[CallRecord]) -> dict[str, Any]:
    """Sums over provider requests. What a request did not report is counted apart, not as 0."""
    known = [call.usage for call in calls if call.usage]
    costs = [call.cost_usd for call in calls if call.cost_usd is not None]
    return {
        "llm_calls": len(calls),
        "input_tokens": sum(usage.input_tokens for usage in known),
        "output_tokens": sum(usage.output_tokens for usage in known),
        "total_tokens": sum(usage.total_tokens for usage in known),
        "cost_usd": plain_decimal(sum(costs, Decimal(0))) if len(costs) == len(calls) else None,
        "calls_without_usage": len(calls) - len(known),
    }


@asynccontextmanager
async def open_agent(settings: Settings, meter: Meter | None = None) -> AsyncIterator[Agent]:
    """An agent with its clients and conversations open.

    Raises:
        RequestError: a provider that is asked for has no key.
    """
    async with AsyncExitStack() as stack:
        await anyio.lowlevel.checkpoint()  # loads anyio's backend before the first turn
        telemetry = Telemetry(meter=meter)
        limits = httpx.Limits(max_connections=CONNECTIONS)
        client = await stack.enter_async_context(httpx.AsyncClient(limits=limits))
        kit = make_kit(settings, telemetry, client)
        for model in kit.models.values():
            stack.push_async_callback(model.close)
        await asyncio.to_thread(rehearse)
        if "openai" in kit.models:
            await openai.rehearse(settings)
        saver = await _open_checkpoints(settings, stack)
        yield Agent(kit, build_graph(kit, saver))


def make_kit(settings: Settings, telemetry: Telemetry, client: httpx.AsyncClient) -> Kit:
    """Everything the nodes need."""
    wanted = {settings.provider, *settings.node_providers.values()}
    models: dict[ProviderName, ChatModel] = {}
    if "openai" in wanted:
        _require(settings.openai_api_key.get_secret_value(), "OPENAI_API_KEY")
        models["openai"] = openai.OpenAIChat(settings, telemetry)
    painter = None
    if settings.google_api_key.get_secret_value():
        painter = gemini.Gemini(settings, telemetry)
        models["google"] = painter
    elif "google" in wanted:
        _require("", "GOOGLE_API_KEY")
    return Kit(
        settings=settings,
        telemetry=telemetry,
        models=models,
        painter=painter,
        kakao=KakaoLocal(client, settings.kakao_base_url, settings.kakao_api_key.get_secret_value(), telemetry),
        kma=KmaWeather(client, settings.kma_base_url, settings.kma_api_key.get_secret_value(), telemetry),
        mois=HouseholdWaste(client, settings.mois_base_url, settings.mois_api_key.get_secret_value(), telemetry),
        keco=CollectionPoints(client, settings.keco_base_url, settings.keco_api_key.get_secret_value(), telemetry),
        images=Images(
            client,
            settings.images_dir,
            settings.public_url,
            telemetry,
            private_links=settings.private_image_links,
        ),
        disposal=Disposal(),
        characters=Characters(),
        fees=Fees(),
        prices=ScrapPrices(),
    )


def _require(key: str, name: str) -> None:
    if not key:
        raise RequestError(f"{name} is not set")


async def _open_checkpoints(settings: Settings, stack: AsyncExitStack) -> "BaseCheckpointSaver[Any]":
    if settings.checkpoints is None:
        return InMemorySaver()
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    path = settings.checkpoints.expanduser()
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    return await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(path)))
