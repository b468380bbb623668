"""The state of a turn: who writes which key, and the one rule by which parallel answers merge."""

from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages

INTENTS = (
    "waste", "character", "location", "bulk_waste", "recyclable_price",
    "collection_point", "weather", "image_generation", "web_search", "general",
)  # fmt: skip
CONTEXT_OF = {
    "waste_rag": "disposal_rules",
    "character": "character_context",
    "location": "location_context",
    "bulk_waste": "bulk_waste_context",
    "recyclable_price": "recyclable_price_context",
    "weather": "weather_context",
    "collection_point": "collection_point_context",
    "web_search": "web_search_results",
    "image_generation": "image_generation_context",
}
"""Gathering node → the state key it owns. `feedback` may also write `web_search_results`."""
GATHERING_NODES = (*CONTEXT_OF, "general")


class Context(TypedDict, total=False):
    """What one node found out: all keys, or none for a node that has not run.

    `success` false means it could not look; `found` false means it looked in vain.
    """

    producer: str
    success: bool
    found: bool
    fallback: bool
    error: str | None
    data: dict[str, Any]


def gathered(producer: str, data: dict[str, Any], *, found: bool = True, fallback: bool = False) -> Context:
    return Context(producer=producer, success=True, found=found, fallback=fallback, error=None, data=data)


def failed(producer: str, error: str) -> Context:
    return Context(producer=producer, success=False, found=False, fallback=False, error=error, data={})


RESET: dict[str, bool] = {"reset": True}
"""Sent for every context when a turn begins, because a checkpoint carries the last turn's."""


def merge_context(old: Context, new: Any) -> Context:
    """The newest answer, except that a failure never replaces a success."""
    if new == RESET:
        return Context()
    merged: Context = old if old and old["success"] and not new["success"] else new
    return merged


Gathered = Annotated[Context, merge_context]


class UserLocation(TypedDict, total=False):
    latitude: float
    longitude: float
    address: str


class ChatState(TypedDict, total=False):
    # request: written once, by the caller
    job_id: str
    session_id: str
    user_id: str
    message: str
    image_url: str | None
    user_location: UserLocation | None
    # intent
    intent: str
    intent_confidence: float
    additional_intents: list[str]
    has_multi_intent: bool
    decomposed_queries: dict[str, str]
    """Intent → the part of the message that is about it."""
    intent_history: list[str]
    detected_character: str | None
    # vision
    classification_result: dict[str, Any] | None
    vision_error: str | None
    # gathering nodes, one key each
    disposal_rules: Gathered
    character_context: Gathered
    location_context: Gathered
    bulk_waste_context: Gathered
    recyclable_price_context: Gathered
    weather_context: Gathered
    collection_point_context: Gathered
    web_search_results: Gathered
    image_generation_context: Gathered
    # feedback
    rag_feedback: dict[str, Any] | None
    # aggregator
    missing_contexts: list[str]
    # summarize, answer
    summary: str
    answer: str
    messages: Annotated[list[AnyMessage], add_messages]


def fresh_turn(
    *, job_id: str, session_id: str, user_id: str, message: str, image_url: str | None, location: UserLocation | None
) -> dict[str, Any]:
    """The input of a turn: the request, and everything of the last turn forgotten but the conversation."""
    return {
        "job_id": job_id,
        "session_id": session_id,
        "user_id": user_id,
        "message": message,
        "image_url": image_url,
        "user_location": location,
        "classification_result": None,
        "vision_error": None,
        "rag_feedback": None,
        "missing_contexts": [],
        "answer": "",
        **dict.fromkeys(CONTEXT_OF.values(), RESET),
    }
