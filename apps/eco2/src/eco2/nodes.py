"""The seventeen nodes. Each reads the state, writes the keys it owns alone, and leaves errors to the graph's policy."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.types import interrupt

from eco2 import answers, prompts
from eco2.kit import Kit
from eco2.llm import Prompt
from eco2.places import asks_nearby, coordinates, district_of
from eco2.routing import Rules
from eco2.services import ServiceError
from eco2.services.kma import disposal_tips
from eco2.state import CONTEXT_OF, INTENTS, ChatState, Context, failed, gathered
from eco2.summary import keep_within_window
from eco2.telemetry import emit

HISTORY_FOR_INTENT = 6
HISTORY_FOR_ANSWER = 10
MAX_INTENT_HISTORY = 20
MAX_SEARCH_CHARS = 50_000
SEOUL_CITY_HALL = (37.5665, 126.9780)
REQUIRED = {
    "waste": "disposal_rules",
    "bulk_waste": "bulk_waste_context",
    "location": "location_context",
    "collection_point": "collection_point_context",
}
"""Intent → the context without which the answer has to say that something is missing."""
DROP_OFF = {
    "clothes": "의류수거함",
    "battery": "폐건전지 수거함",
    "fluorescent_lamp": "폐형광등 수거함",
    "phone": "폐휴대폰 수거함",
}

Update = dict[str, Any]


class AnswerBrokenError(Exception):
    """The answer's stream ended before its time; `partial` is what the user has already read."""

    def __init__(self, partial: str, why: Exception) -> None:
        super().__init__(f"{type(why).__name__}: {why}")
        self.partial = partial


async def intent(state: ChatState, kit: Kit) -> Update:
    """What the message asks for, in one structured call."""
    prompt = Prompt(
        node="intent",
        system=prompts.INTENT,
        user=state["message"],
        history=history(state.get("messages", []), HISTORY_FOR_INTENT),
        temperature=0.1,
        max_tokens=300,
    )
    answer = await kit.chat("intent").structured(prompt, "intent", answers.IntentAnswer)
    primary = answer["intent"] if answer["intent"] in INTENTS else "general"
    further = [name for name in dict.fromkeys(answer["additional_intents"]) if name in INTENTS and name != primary]
    return {
        **intent_update(state, primary, answer["confidence"]),
        "additional_intents": further,
        "has_multi_intent": bool(further),
        "decomposed_queries": {
            query["intent"]: query["query"] for query in answer["queries"] if query["query"].strip()
        },
        "detected_character": kit.characters.named_in(state["message"]),
    }


def intent_update(state: ChatState, primary: str, confidence: float) -> Update:
    """Every key of the intent node, with nothing but a primary intent known."""
    return {
        "intent": primary,
        "intent_confidence": confidence,
        "additional_intents": [],
        "has_multi_intent": False,
        "decomposed_queries": {},
        "intent_history": [*state.get("intent_history", []), primary][-MAX_INTENT_HISTORY:],
        "detected_character": None,
    }


async def vision(state: ChatState, kit: Kit) -> Update:
    """What the picture shows."""
    image = await kit.images.fetch(state.get("image_url") or "")
    prompt = Prompt(
        node="vision",
        system=prompts.VISION,
        user=state["message"] or "이 물건은 어떻게 버리나요?",
        temperature=0.1,
        max_tokens=1024,
    )
    answer = await kit.chat("vision").see(prompt, image, "vision", answers.VisionAnswer)
    return {"classification_result": answer}


async def router(state: ChatState, kit: Kit) -> Update:
    """The fan-out point. It asks the user for a place if one is needed: here no call has to be paid for twice."""
    targets = Rules.of(kit.settings).targets(state)
    wants_place = {"location", "collection_point"} & set(targets)
    if not wants_place or state.get("user_location") or not asks_nearby(state["message"]):
        return {}
    reply = interrupt({"input_type": "location", "message": "어느 곳에서 찾을까요? 동네나 역 이름을 알려 주세요."})
    return {"user_location": reply["user_location"]}


async def waste_rag(state: ChatState, kit: Kit) -> Update:
    """The disposal rule for the thing asked about, from our own table."""
    with kit.telemetry.tool("disposal_rules", {"query": query_of(state, "waste")}) as run:
        match = kit.disposal.find(query_of(state, "waste"), state.get("classification_result"))
        run["match"] = match
    return {"disposal_rules": gathered("waste_rag", match or {}, found=match is not None)}


async def feedback(state: ChatState, kit: Kit) -> Update:
    """Grade the rule that was found; a poor one is backed up by a web search."""
    query, rules = query_of(state, "waste"), state.get("disposal_rules")
    found = rules["data"] if rules and rules["found"] else None
    score = kit.disposal.score(query, found)
    if kit.settings.grader and found and score < 0.7:
        prompt = Prompt(
            node="feedback",
            system=prompts.GRADER,
            user=json.dumps({"question": query, "rule": found}, ensure_ascii=False),
            temperature=0.0,
            max_tokens=100,
        )
        graded = await kit.chat("feedback").structured(prompt, "grade", answers.GradeAnswer)
        score = max(score, graded["score"])
    report = {"score": round(score, 2), "grade": kit.disposal.grade(score), "fallback": None}
    already = state.get("web_search_results")
    if score >= 0.4 or (already and already["success"]):
        return {"rag_feedback": report}
    searched = await _search(kit, "feedback", f"{query} 분리수거 방법", fallback=True)
    return {"rag_feedback": {**report, "fallback": "web_search"}, "web_search_results": searched}


async def character(state: ChatState, kit: Kit) -> Update:
    """The character of the material that the message is about."""
    name = state.get("detected_character")
    if name is None:
        labels = ", ".join(kit.characters.labels)
        prompt = Prompt(
            node="character",
            system=prompts.CHARACTER.format(labels=labels),
            user=query_of(state, "character"),
            temperature=0.1,
            max_tokens=20,
        )
        name = (await kit.chat("character").complete(prompt)).strip()
    with kit.telemetry.tool("character_match", {"match_label": name}) as run:
        match = kit.characters.find(name)
        run["character"] = match
    return {"character_context": gathered("character", match or {}, found=match is not None)}


async def location(state: ChatState, kit: Kit) -> Update:
    """Places on the map."""
    wish = await kit.chat("location").call_function(_function_prompt("location", state), answers.SEARCH_PLACE)
    if wish is None:
        return {"location_context": failed("location", "the model named no place to look for")}
    address = (state.get("user_location") or {}).get("address")
    query = f"{address} {wish['query']}" if address and address not in wish["query"] else wish["query"]
    places = await kit.kakao.search(
        query,
        category=wish["category_code"] if wish["search_type"] == "category" else None,
        near=coordinates(state),
        radius_m=wish["radius"],
    )
    return {"location_context": gathered("location", {"query": query, "places": places}, found=bool(places))}


async def bulk_waste(state: ChatState, kit: Kit) -> Update:
    """How to get rid of a large thing, and what it costs."""
    wish = await kit.chat("bulk_waste").call_function(_function_prompt("bulk_waste", state), answers.SEARCH_BULK_WASTE)
    if wish is None:
        return {"bulk_waste_context": failed("bulk_waste", "the model named nothing to get rid of")}
    region = wish["region"] or district_of(state)
    rules, error = [], None
    if region:
        try:
            rules = await kit.mois.rules(region)
        except (ServiceError, httpx.HTTPError) as caught:  # the fee table still helps
            error = f"{type(caught).__name__}: {caught}"
    fees = kit.fees.find(wish["item_name"])
    data = {"item": wish["item_name"], "region": region, "district_rules": rules, "fees": fees, "error": error}
    return {"bulk_waste_context": gathered("bulk_waste", data, found=bool(rules or fees["fees"]))}


async def recyclable_price(state: ChatState, kit: Kit) -> Update:
    """What scrap is worth, from our table of sample prices."""
    wish = await kit.chat("recyclable_price").call_function(
        _function_prompt("recyclable_price", state), answers.GET_PRICE
    )
    if wish is None:
        return {"recyclable_price_context": failed("recyclable_price", "the model named no material")}
    with kit.telemetry.tool("scrap_prices", wish) as run:
        prices = kit.prices.find(wish["material"], wish["detail_type"], wish["region"])
        run["prices"] = prices
    return {"recyclable_price_context": gathered("recyclable_price", prices, found=bool(prices["prices"]))}


async def weather(state: ChatState, kit: Kit) -> Update:
    """The weather where the user is, and what it means for putting things out."""
    wish = await kit.chat("weather").call_function(_function_prompt("weather", state), answers.GET_WEATHER)
    if wish is None or not wish["needs_weather"]:
        return {"weather_context": gathered("weather", {"skipped": True}, found=False)}
    place = wish["place"] or (state.get("user_location") or {}).get("address")
    where = (await kit.kakao.locate(place) if wish["place"] and place else None) or coordinates(state)
    if where is None and place:
        where = await kit.kakao.locate(place)
    current = await kit.kma.current(*(where or SEOUL_CITY_HALL))
    food = "음식" in f"{wish['waste_category'] or ''}{state['message']}"
    data = {"place": place or ("현재 위치" if where else "서울 (위치를 몰라 서울을 기준으로 함)"), **current}
    return {"weather_context": gathered("weather", {**data, "tips": disposal_tips(current, food=food)})}


async def collection_point(state: ChatState, kit: Kit) -> Update:
    """Drop-off boxes by address from the public list, by position from the map."""
    wish = await kit.chat("collection_point").call_function(
        _function_prompt("collection_point", state), answers.FIND_COLLECTION_POINTS
    )
    if wish is None:
        return {"collection_point_context": failed("collection_point", "the model named nothing to drop off")}
    label = DROP_OFF[wish["item_type"]]
    address = wish["place"] or district_of(state) or (state.get("user_location") or {}).get("address")
    here = coordinates(state)
    points = await kit.keco.near(address) if address else []
    places: list[dict[str, Any]] = []
    if here or not points:
        places = await kit.kakao.search(
            label if here else f"{address or ''} {label}".strip(),
            near=here,
            radius_m=round(wish["search_radius_km"] * 1000),
        )
    data = {"item": label, "address": address, "points": points, "places": places}
    return {"collection_point_context": gathered("collection_point", data, found=bool(points or places))}


async def web_search(state: ChatState, kit: Kit) -> Update:
    """What the web says today."""
    return {"web_search_results": await _search(kit, "web_search", query_of(state, "web_search"))}


async def image_generation(state: ChatState, kit: Kit) -> Update:
    """A picture, drawn by Gemini whoever serves the rest, and kept on disk."""
    if not kit.settings.image_generation or kit.painter is None:
        return {"image_generation_context": failed("image_generation", "image generation is switched off")}
    known = kit.characters.find(state.get("detected_character") or "")
    look = f"\n등장하는 캐릭터: {known['name']}, {known['look']}" if known else ""
    prompt = Prompt(
        node="image_generation", system=prompts.IMAGE, user=query_of(state, "image_generation") + look, temperature=1.0
    )
    picture = await kit.painter.paint(prompt, "1:1", "1K")
    if picture is None:
        return {"image_generation_context": failed("image_generation", "the model drew no picture")}
    link = await kit.images.keep(picture)
    data = {"image_url": link, "description": picture.description, "size": "1K", "synthid": True}
    return {"image_generation_context": gathered("image_generation", data)}


async def general(_state: ChatState, _kit: Kit) -> Update:
    """Nothing to gather: the answer needs the conversation alone."""
    return {}


async def aggregator(state: ChatState, _kit: Kit) -> Update:
    """The join: what should be there and is not."""
    intents = [state.get("intent", "general"), *state.get("additional_intents", [])]
    required = {REQUIRED[name] for name in intents if name in REQUIRED}
    missing = [key for key in CONTEXT_OF.values() if _is_missing(state.get(key), required=key in required)]
    if state.get("image_url") and not state.get("classification_result"):
        missing.append("classification_result")
    return {"missing_contexts": missing}


def _is_missing(context: Any, *, required: bool) -> bool:
    if not context:
        return required
    return not context["success"] or (required and not context["found"])


async def summarize(state: ChatState, kit: Kit) -> Update:
    """Nothing, as long as the conversation fits the model's window."""
    return await keep_within_window(state, kit)


async def answer(state: ChatState, kit: Kit) -> Update:
    """The reply, word by word to the user."""
    found: dict[str, Any] = {}
    for key in CONTEXT_OF.values():
        context: Context | None = state.get(key)  # type: ignore[assignment]  # keys of CONTEXT_OF hold contexts
        if context and context["found"]:
            found[key] = context["data"]
    if classified := state.get("classification_result"):
        found["classification_result"] = classified
    facts = prompts.facts(found, state.get("missing_contexts", []), state.get("summary", ""))
    prompt = Prompt(
        node="answer",
        system=f"{prompts.ANSWER}\n\n{facts}",
        user=state["message"],
        history=history(state.get("messages", []), HISTORY_FOR_ANSWER),
        temperature=0.7,
    )
    pieces: list[str] = []
    try:
        async for piece in kit.chat("answer").stream(prompt):
            pieces.append(piece)
            emit({"type": "token", "node": "answer", "text": piece})
    except Exception as error:
        raise AnswerBrokenError("".join(pieces), error) from error
    return answer_update(state, "".join(pieces))


def answer_update(state: ChatState, text: str) -> Update:
    return {"answer": text, "messages": [HumanMessage(state["message"]), AIMessage(text)]}


def query_of(state: ChatState, intent: str) -> str:
    """The part of the message that is about `intent`, else all of it."""
    return state.get("decomposed_queries", {}).get(intent) or state["message"]


def history(messages: Sequence[AnyMessage], limit: int) -> tuple[tuple[str, str], ...]:
    """The last messages of the conversation as (role, text); a summary in it goes to the prompt by itself."""
    spoken = [message for message in messages if message.type in ("human", "ai")]
    return tuple(("user" if message.type == "human" else "assistant", str(message.text)) for message in spoken[-limit:])


def _function_prompt(intent: str, state: ChatState) -> Prompt:
    return Prompt(node=intent, system=prompts.FUNCTION, user=query_of(state, intent), temperature=0.0, max_tokens=300)


async def _search(kit: Kit, node: str, query: str, *, fallback: bool = False) -> Context:
    prompt = Prompt(node=node, system=prompts.WEB_SEARCH, user=query)
    result = await kit.chat(node).search(prompt)
    data = {"query": query, "text": result.text[:MAX_SEARCH_CHARS], "sources": result.sources}
    return gathered(node, data, found=bool(result.text.strip()), fallback=fallback)
