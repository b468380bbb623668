"""The graph: seventeen nodes, how they are joined, how long each may take, and what stands in when one fails."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import NodeError
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, RetryPolicy

from eco2 import nodes
from eco2.kit import Kit
from eco2.llm import gemini, openai
from eco2.nodes import AnswerBrokenError
from eco2.prompts import APOLOGY
from eco2.routing import Rules, after_intent
from eco2.state import CONTEXT_OF, GATHERING_NODES, ChatState, failed
from eco2.telemetry import Ledger, emit

Node = Callable[..., Awaitable[dict[str, Any]]]
Graph = CompiledStateGraph[ChatState, Any, Any, Any]


class Policy(NamedTuple):
    timeout_s: float | None
    """Longest time of one attempt. A cancelled call is billed and loses its usage: so, well above what is usual."""
    attempts: int = 1
    """How often a failure that may pass is tried in all."""


POLICIES = {
    "intent": Policy(10, 2),
    "vision": Policy(60, 2),
    "router": Policy(None),
    "waste_rag": Policy(1, 2),
    "feedback": Policy(60),
    "character": Policy(10, 2),
    "location": Policy(20, 3),
    "bulk_waste": Policy(25, 3),
    "recyclable_price": Policy(10, 3),
    "weather": Policy(20, 2),
    "collection_point": Policy(25, 3),
    "web_search": Policy(60, 2),
    "image_generation": Policy(120, 2),
    "general": Policy(None),
    "aggregator": Policy(None),
    "summarize": Policy(120, 2),
    "answer": Policy(120),  # the user has read the beginning: a second attempt would say it twice
}
RETRY_WAIT_S = 0.1
SHAPE_KEY = "everytoken_graph"
"""Metadata under which everytoken finds the compiled graph; LangGraph itself does not send it."""


def may_pass(error: Exception) -> bool:
    """Whether trying again may help."""
    return openai.is_transient(error) or gemini.is_transient(error) or isinstance(error, httpx.TransportError)


def build_graph(kit: Kit, checkpointer: "BaseCheckpointSaver[str] | None" = None) -> Graph:
    graph = StateGraph(ChatState, context_schema=Ledger)

    def on_failure(state: ChatState, error: NodeError) -> Command[str]:
        return recover(state, error, kit)

    shape: dict[str, Any] = {}
    bodies: dict[str, Node] = {name: getattr(nodes, name) for name in POLICIES}
    if not kit.settings.summarize:
        del bodies["summarize"]
    for name, body in bodies.items():
        policy = POLICIES[name]
        graph.add_node(
            name,
            _bound(body, kit),
            defer=name == "aggregator",  # one join a turn, however long the branches are
            timeout=policy.timeout_s,
            retry_policy=RetryPolicy(
                initial_interval=RETRY_WAIT_S, max_attempts=policy.attempts, jitter=False, retry_on=may_pass
            ),
            error_handler=on_failure,
            # Told once a trace, so that a viewer can draw what was not taken beneath what was.
            metadata={SHAPE_KEY: shape} if name == "router" else None,
        )
    graph.add_edge(START, "intent")
    graph.add_conditional_edges("intent", after_intent, ["vision", "router"])
    graph.add_edge("vision", "router")
    graph.add_conditional_edges("router", Rules.of(kit.settings).dynamic_router, list(GATHERING_NODES))
    for name in GATHERING_NODES:
        graph.add_edge(name, _after(name, kit))
    for name in ("feedback", "aggregator", "summarize", "answer"):
        if name in bodies:
            graph.add_edge(name, _after(name, kit))
    compiled = graph.compile(checkpointer=checkpointer, name="eco2-chat")
    drawn = compiled.get_graph()
    handlers = {name for name in drawn.nodes if name.startswith("__error_handler__")}  # LangGraph's own, run by no edge
    shape["nodes"] = [name for name in drawn.nodes if name not in handlers]
    shape["edges"] = [[edge.source, edge.target] for edge in drawn.edges]
    return compiled


def _bound(body: Node, kit: Kit) -> Node:
    async def node(state: ChatState) -> dict[str, Any]:
        return await body(state, kit)

    return node


def _after(node: str, kit: Kit) -> str:
    """The node that follows on a fixed edge."""
    joins = {"waste_rag": "feedback", "summarize": "answer", "answer": END}
    joins["aggregator"] = "summarize" if kit.settings.summarize else "answer"
    return joins.get(node, "aggregator")


def recover(state: ChatState, error: NodeError, kit: Kit) -> Command[str]:
    """What a failed node leaves behind, so that an honest answer still comes. Its run stays marked as failed."""
    node, reason = error.node, f"{type(error.error).__name__}: {error.error}"[:500]
    emit({"type": "error", "node": node, "error_type": type(error.error).__name__, "message": reason})
    if node == "intent":
        update = nodes.intent_update(state, "general", 0.0)
        return Command(update=update, goto=after_intent({**state, **update}))  # type: ignore[typeddict-item]
    if node == "vision":
        return Command(update={"vision_error": reason}, goto="router")
    if node in CONTEXT_OF:
        return Command(update={CONTEXT_OF[node]: failed(node, reason)}, goto=_after(node, kit))
    if node == "feedback":
        report = {"score": 0.0, "grade": "none", "fallback": "general_knowledge", "error": reason}
        return Command(update={"rag_feedback": report}, goto="aggregator")
    if node == "answer":
        said = error.error.partial if isinstance(error.error, AnswerBrokenError) else ""
        apology = f"\n\n{APOLOGY}" if said else APOLOGY
        emit({"type": "token", "node": "answer", "text": apology})
        return Command(update=nodes.answer_update(state, said + apology), goto=END)
    return Command(goto=_after(node, kit))
