"""What the worker knows by itself."""

import pytest

from eco2.tables import Characters, Disposal, Fees, ScrapPrices, content_words


@pytest.fixture(scope="module")
def disposal() -> Disposal:
    return Disposal()


def test_there_are_twenty_six_items_each_complete_and_with_public_sources(disposal: Disposal) -> None:
    assert len(disposal.items) == 26
    for item in disposal.items:
        assert item["names"], item["id"]
        assert item["category"], item["id"]
        assert item["steps"], item["id"]
        assert item["do_not"], item["id"]
        assert item["where"], item["id"]
        assert item["differs"], item["id"]
        assert all(source["name"] and source["url"].startswith("http") for source in item["sources"])


def test_no_name_belongs_to_two_items(disposal: Disposal) -> None:
    names = [name for item in disposal.items for name in item["names"]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("query", "item"),
    [
        ("페트병 어떻게 버려?", "clear_pet"),
        ("유색 페트병은?", "plastic"),
        ("우유팩 버리는 법", "carton"),
        ("깨진 접시", "broken_glass"),
        ("보조배터리 부풀었어", "lithium_battery"),
        ("먹다 남은 약은 어떻게 해?", "medicine"),
        ("캔도 헹궈야 해?", "can"),
        ("김치냉장고", "large_appliance"),
        ("책상 버릴래", "furniture"),
    ],
)
def test_the_longest_name_in_the_question_decides(disposal: Disposal, query: str, item: str) -> None:
    found = disposal.find(query)
    assert found is not None
    assert found["id"] == item


@pytest.mark.parametrize("query", ["환경 정책 알려줘", "이거 어떻게 버려?", "코끼리 버리는 법", "", "🐘🐘"])
def test_what_is_not_in_the_table_is_not_found(disposal: Disposal, query: str) -> None:
    assert disposal.find(query) is None


def test_the_picture_is_believed_before_the_words(disposal: Disposal) -> None:
    seen = {"minor_category": "생수병", "middle_category": "무색페트병", "situation_tags": ["라벨 부착"]}
    found = disposal.find("이 책 옆에 있는 건?", seen)
    assert found is not None
    assert found["id"] == "clear_pet"
    assert found["for_this_situation"] == ["라벨은 절취선을 따라 떼어 비닐류로 배출합니다."]


def test_score_is_a_tenth_for_nothing_and_one_for_everything(disposal: Disposal) -> None:
    assert disposal.score("페트병", None) == 0.1
    # 0.3 present + 0.2 by name + 0.2 steps + 0.3 × 1/1 words
    assert disposal.score("페트병 버려", disposal.find("페트병")) == pytest.approx(1.0)
    # words 페트병 and 코끼리: one of two
    assert disposal.score("페트병 코끼리", disposal.find("페트병")) == pytest.approx(0.85)
    # found by a word of its text alone
    assert disposal.score("라벨 코끼리", disposal.find("라벨 코끼리")) == pytest.approx(0.65)


@pytest.mark.parametrize(
    ("score", "grade"),
    [(0.9, "excellent"), (0.89, "good"), (0.7, "good"), (0.4, "partial"), (0.2, "poor"), (0.1, "none")],
)
def test_grades(score: float, grade: str) -> None:
    assert Disposal.grade(score) == grade


def test_content_words_lose_their_particles_and_the_words_of_asking() -> None:
    assert content_words("페트병은 어떻게 버리나요?") == ["페트병"]


def test_a_character_is_named_by_its_name_and_not_by_its_material() -> None:
    characters = Characters()
    assert len(characters.labels) == 12
    assert characters.named_in("투명이는 누구야?") == "무색페트병"
    assert characters.named_in("캔 버리는 법") is None
    assert characters.find(" 금속캔. ") == characters.find("깡통이")
    assert characters.find("코끼리") is None


def test_fees_are_marked_as_samples() -> None:
    found = Fees().find("3인용 소파")
    assert [fee["won"] for fee in found["fees"]] == [5000, 8000, 12000]
    assert found["sample"] is True
    assert "견본" in found["note"]
    assert Fees().find("구름")["fees"] == []


def test_scrap_prices_by_sort_and_region_and_marked_as_samples() -> None:
    prices = ScrapPrices()
    one = prices.find("metal", "알루미늄캔", "부산은 경남")
    assert [price["won_per_kg"] for price in one["prices"]] == [{"경남": 1683}]
    assert one["sample"] is True
    assert len(prices.find("metal", None, None)["prices"]) == 5
    assert len(prices.find("paper", "없는 종이", "달나라")["prices"][0]["won_per_kg"]) == 9
    assert prices.find("wood", None, None)["prices"] == []
