"""The command as a person starts it, and the time its answers take as a client measures it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from everytoken.simulator.pacing import Pace, read_pace
from everytoken.simulator.serve import Simulator

QUESTION: list[Any] = [{"role": "user", "content": "강남역 근처 페트병 분리수거함 어디있어?"}]
PLACE: Any = {
    "type": "function",
    "function": {"name": "search_kakao_place", "parameters": {"type": "object", "properties": {}}},
}
INTENT: Any = {"type": "json_schema", "json_schema": {"name": "intent", "schema": {"type": "object", "properties": {}}}}
TRIES = 20
RUN = [sys.executable, "-c", "from everytoken.cli import main; main()", "simulator"]


def test_command_prints_its_addresses_and_answers_there() -> None:
    with subprocess.Popen(
        [*RUN, "--json", "--latency", "none"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        try:
            told = httpx.get(urls["ledger"], timeout=10)
        finally:
            process.terminate()
    assert set(urls) == {"openai", "gemini", "kakao", "kma", "mois", "keco", "images", "langsmith", "ledger"}
    assert told.json()["responses"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scenario", "nowhere"], "no scenario 'nowhere'"),
        (["--latency", "fast"], "latency must be real, none or x"),
    ],
)
def test_what_can_not_be_started_says_why_in_one_line(arguments: list[str], message: str) -> None:
    done = subprocess.run([*RUN, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_taken_port_is_told(simulator: Simulator) -> None:
    port = simulator.origin.rsplit(":", 1)[1]
    done = subprocess.run([*RUN, "--port", port], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "cannot listen on" in done.stderr) == (2, True)


@pytest.fixture(scope="module")
def paced() -> Iterator[tuple[Simulator, openai.OpenAI]]:
    with Simulator("reference") as simulator, openai.OpenAI(base_url=simulator.urls["openai"], api_key="s") as client:
        client.models.list()  # the first connection is no part of the measure
        yield simulator, client


def takes(measure: Callable[[], list[float]], expected: list[float]) -> bool:
    """The quickest of some tries is as expected: a busy machine makes a call longer, never shorter."""
    tries: list[list[float]] = []
    while len(tries) < TRIES:
        tries.append(measure())
        if [min(times) for times in zip(*tries, strict=True)] == pytest.approx(expected, abs=0.08):
            return True
    return False


def test_reference_calls_take_the_time_of_the_trace(paced: tuple[Simulator, openai.OpenAI]) -> None:
    simulator, client = paced

    def measure() -> list[float]:
        marks = [time.perf_counter()]
        client.chat.completions.create(model="gpt-5.2", messages=QUESTION, response_format=INTENT)
        marks.append(time.perf_counter())
        client.chat.completions.create(model="gpt-5.2", messages=QUESTION, tools=[PLACE], tool_choice="required")
        httpx.get(
            f"{simulator.urls['kakao']}/v2/local/search/keyword.json",
            params={"query": "강남역 페트병 수거함"},
            headers={"Authorization": "KakaoAK s"},
        )
        marks.append(time.perf_counter())
        list(client.chat.completions.create(model="gpt-5.2", messages=QUESTION, stream=True))
        marks.append(time.perf_counter())
        return [end - start for start, end in pairwise(marks)]

    assert takes(measure, [0.20, 0.60, 0.40])


def test_searched_answer_begins_at_a_quarter_of_its_time(paced: tuple[Simulator, openai.OpenAI]) -> None:
    _, client = paced
    search: Any = [{"type": "web_search"}]

    def measure() -> list[float]:
        begun = time.perf_counter()
        events = client.responses.create(model="gpt-5.2", input=QUESTION[0]["content"], tools=search, stream=True)
        seen = [time.perf_counter() - begun for event in events if event.type == "response.output_text.delta"]
        return [seen[0], seen[-1]]

    assert takes(measure, [0.30, 1.20])


@pytest.mark.parametrize(("text", "pace"), [("real", Pace(1.0)), ("none", Pace(0.0)), ("x0.25", Pace(0.25))])
def test_latency_is_read_from_text(text: str, pace: Pace) -> None:
    assert read_pace(text) == pace


@pytest.mark.parametrize("text", ["", "0.5", "x-1", "xnan", "slow"])
def test_other_latencies_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="latency must be"):
        read_pace(text)


def test_scenario_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text('[[rule]]\nreply = { text = "하나", usage = { input = 3, output = 1 } }\n')
    with (
        Simulator(path, latency="none") as simulator,
        openai.OpenAI(base_url=simulator.urls["openai"], api_key="s") as client,
    ):
        response = client.chat.completions.create(model="any", messages=QUESTION)
    assert response.choices[0].message.content == "하나"
