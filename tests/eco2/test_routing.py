"""Which nodes a message fans out to."""

import pytest

from eco2.places import asks_nearby, district_of
from eco2.routing import Rules, after_intent, node_of
from eco2.state import ChatState

ALL_ON = Rules()
SEOUL = {"latitude": 37.5665, "longitude": 126.9780}


def targets(rules: Rules = ALL_ON, **state: object) -> list[str]:
    return rules.targets(ChatState(**{"message": "", "intent_confidence": 0.9, **state}))  # type: ignore[typeddict-item]


def test_two_requests_in_one_message_and_the_weather_for_waste() -> None:
    message = "종이 어떻게 버려? 그리고 수거함도 알려줘"
    found = targets(message=message, intent="waste", additional_intents=["collection_point"])
    assert found == ["waste_rag", "collection_point", "weather"]


def test_a_place_is_enriched_by_a_web_search() -> None:
    found = targets(message="강남역 근처 페트병 분리수거함 어디있어?", intent="location")
    assert found == ["location", "web_search"]


def test_an_unsure_general_message_is_searched_for() -> None:
    assert targets(intent="general", intent_confidence=0.6) == ["general", "web_search"]
    assert targets(intent="general", intent_confidence=0.75) == ["general"]


def test_weather_needs_weather_alone() -> None:
    assert targets(intent="weather", user_location=SEOUL) == ["weather"]


def test_a_live_word_adds_a_web_search_except_for_pictures_and_characters() -> None:
    assert targets(message="최근 고철 시세", intent="recyclable_price") == ["recyclable_price", "web_search"]
    assert targets(message="오늘 그림 그려줘", intent="image_generation") == ["image_generation"]
    assert targets(message="오늘 캐릭터", intent="character") == ["character"]


def test_a_known_place_adds_the_weather() -> None:
    assert targets(intent="recyclable_price", user_location=SEOUL) == ["recyclable_price", "weather"]
    assert targets(intent="character", user_location=SEOUL) == ["character"]


def test_unknown_intents_are_general_or_dropped() -> None:
    assert node_of("quantum") == "general"
    assert targets(intent="quantum", additional_intents=["teleport", "weather"]) == ["general", "weather"]


def test_each_target_runs_once() -> None:
    found = targets(message="오늘", intent="location", additional_intents=["web_search", "location", "weather"])
    assert found == ["location", "web_search", "weather"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(multi_intent=False), ["waste_rag", "weather", "web_search"]),
        (Rules(enrichment=False), ["waste_rag", "collection_point", "web_search"]),
        (Rules(conditional=False), ["waste_rag", "collection_point", "weather"]),
    ],
)
def test_each_kind_of_rule_can_be_switched_off(rules: Rules, expected: list[str]) -> None:
    assert targets(rules, message="오늘", intent="waste", additional_intents=["collection_point"]) == expected


def test_dynamic_router_sends_the_whole_state() -> None:
    state = ChatState(message="날씨", intent="weather")
    (send,) = ALL_ON.dynamic_router(state)
    assert (send.node, send.arg) == ("weather", state)


def test_a_picture_is_looked_at_once() -> None:
    assert after_intent(ChatState(image_url="http://x/y.png")) == "vision"
    assert (
        after_intent(ChatState(image_url="http://x/y.png", classification_result={"major_category": "a"})) == "router"
    )
    assert after_intent(ChatState(image_url=None)) == "router"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("근처 페트병 수거함 어디야?", True),
        ("혹시 근처에 수거함 있어?", True),
        ("우리 동네 의류수거함", True),
        ("강남역 근처 페트병 분리수거함 어디있어?", False),
        ("서울시청 주변 제로웨이스트 가게", False),
        ("페트병 어떻게 버려?", False),
    ],
)
def test_only_a_message_without_a_named_place_asks_for_one(message: str, *, expected: bool) -> None:
    assert asks_nearby(message) is expected


def test_a_district_is_read_from_the_message_or_the_address() -> None:
    assert district_of(ChatState(message="강남구 소파 버리는 법")) == "강남구"
    assert district_of(ChatState(message="가구 버리는 법")) is None
    assert district_of(ChatState(message="소파", user_location={"address": "서울 마포구 어딘가"})) == "마포구"
