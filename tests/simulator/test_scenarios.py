"""Scenario files: which rule answers, what it leaves to invention, and the two shipped traffics to the token."""

from pathlib import Path
from typing import Any

import openai
import pytest

from everytoken.simulator.ask import Ask, Function
from everytoken.simulator.billing import Billed
from everytoken.simulator.scenario import Rule, ScenarioError, load_scenario, shipped_scenarios
from everytoken.simulator.serve import Simulator

REFERENCE = "강남역 근처 페트병 분리수거함 어디있어?"
PLACE: Any = {
    "type": "function",
    "function": {"name": "search_kakao_place", "parameters": {"type": "object", "properties": {}}},
}
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}
INTENT: Any = {
    "type": "json_schema",
    "json_schema": {"name": "intent", "schema": {"type": "object", "properties": {"intent": {"type": "string"}}}},
}


def ask(**told: Any) -> Ask:
    return Ask(**{"provider": "openai", "api": "chat", "model": "gpt-5.2", "digest": "d", **told})


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return path


def name_of(rule: Rule | None) -> str | None:
    return rule.name if rule else None


def test_first_rule_that_fits_answers(tmp_path: Path) -> None:
    scenario = load_scenario(
        written(
            tmp_path,
            """
            [[rule]]
            name = "streams"
            when = { stream = true, model = "gpt-5*" }
            [[rule]]
            name = "search"
            when = { search = true }
            [[rule]]
            name = "function"
            when = { function = ["find_*", "search_*"] }
            [[rule]]
            name = "words"
            when = { user = ["유리", "병"], unless = "화병", system = "짧게" }
            """,
        )
    )
    found = [
        name_of(scenario.choose(wanted))
        for wanted in (
            ask(stream=True, searches=True),
            ask(stream=True, searches=True, model="gpt-4.1"),
            ask(functions=(Function("find_box", {}), Function("other", {}))),
            ask(functions=(Function("find_box", {}), Function("other", {})), forced="other"),
            ask(user="유리컵", system="짧게 답하세요"),
            ask(user="화병", system="짧게 답하세요"),
        )
    ]
    assert found == ["streams", "search", "function", None, "words", None]


def test_calls_choose_by_number_once_or_in_a_cycle(tmp_path: Path) -> None:
    scenario = load_scenario(
        written(
            tmp_path,
            """
            [[rule]]
            name = "second"
            when = { user = "한 번", calls = 2 }
            [[rule]]
            name = "two of three"
            when = { user = "돌아", calls = "1-2/3" }
            """,
        )
    )
    assert [name_of(scenario.choose(ask(user="한 번"))) for _ in range(3)] == [None, "second", None]
    seen = [name_of(scenario.choose(ask(user="돌아"))) for _ in range(6)]
    assert seen == ["two of three", "two of three", None] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[rule]]\nwhen = { modell = 'x' }", "unknown key modell"),
        ("[[rule]]\nreply = { usage = { inputs = 1 } }", "unknown class inputs"),
        ("[[rule]]\nreply = { usage = { input = 5, cached = 9 } }", "parts of input"),
        ("[[rule]]\nreply = { usage = { input = -5 } }", "at least 0"),
        ("[[rule]]\nreply = { fault = 'earthquake' }", "unknown fault"),
        ("[[rule]]\nname = 'a'\n[[rule]]\nname = 'a'", "two rules are named 'a'"),
        ("extends = 'nowhere'", "no scenario 'nowhere'"),
        ("rule = ", "Invalid value"),
    ],
)
def test_a_file_that_can_not_be_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        load_scenario(written(tmp_path, text))


def test_scenario_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(f"extends = '{path}'")
    with pytest.raises(ScenarioError, match="circle"):
        load_scenario(path)


def test_shipped_scenarios_can_be_read() -> None:
    assert shipped_scenarios() == ["eco2", "project39", "reference"]
    assert [len(load_scenario(name).traffic) for name in shipped_scenarios()] == [0, 39, 1]


def run_turn(client: openai.OpenAI, message: str, *, place: bool, weather: bool) -> None:
    """The model calls of one turn of the agent, in the shapes it makes them."""
    messages: list[Any] = [{"role": "user", "content": message}]
    client.chat.completions.create(model="gpt-5.2", messages=messages, response_format=INTENT)
    for tool, wanted in ((PLACE, place), (WEATHER, weather)):
        if wanted:
            client.chat.completions.create(model="gpt-5.2", messages=messages, tools=[tool], tool_choice="required")
    list(client.responses.create(model="gpt-5.2", input=message, tools=[{"type": "web_search"}], stream=True))
    list(client.chat.completions.create(model="gpt-5.2", messages=messages, stream=True))


@pytest.fixture(scope="module")
def day() -> list[dict[str, Any]]:
    with Simulator("project39", latency="none") as simulator:
        client = openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated")
        for turn in load_scenario("project39").traffic:
            run_turn(client, turn["message"], place="근처" in turn["message"], weather="날씨" in turn["message"])
        run_turn(client, REFERENCE, place=True, weather=False)
        client.close()
        return simulator.ledger()


def test_day_of_39_traces_adds_up_to_the_token(day: list[dict[str, Any]]) -> None:
    traffic = day[:-4]
    assert len(traffic) == 153
    assert sum(entry["billed"]["input"] for entry in traffic) == 19_888
    assert sum(entry["billed"]["output"] for entry in traffic) == 28_833
    by_rule: dict[str, int] = {}
    for entry in traffic:
        kind = "intent" if entry["rule"].endswith("intent") else entry["rule"].removeprefix("project39: ")
        by_rule[kind] = by_rule.get(kind, 0) + 1
    assert by_rule == {
        "intent": 39, "web search": 39, "location": 35, "weather": 1, "longer answer": 27, "shorter answer": 12,
    }  # fmt: skip


def test_reference_trace_keeps_its_counts_beside_the_day(day: list[dict[str, Any]]) -> None:
    assert [(entry["billed"]["input"], entry["billed"]["output"]) for entry in day[-4:]] == [
        (47, 12),
        (128, 128),
        (89, 512),
        (256, 89),
    ]


def test_parts_of_a_bill_are_cut_with_its_output() -> None:
    whole = Billed(input=100, cached=40, output=60, reasoning=20, output_image=10)
    assert whole.generated(0.5) == Billed(input=100, cached=40, output=40, reasoning=20, output_image=5)
    assert whole.generated(1.0) is whole
