"""`eco2` as a person starts it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.eco2.capture import Capture, listening, usage_of
from typer.testing import CliRunner

from eco2.cli import app, parse_location
from everytoken.simulator.serve import Simulator

KEYS = ("OPENAI_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY")
QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"


@pytest.fixture
def server() -> Iterator[Capture]:
    with listening() as capture:
        yield capture


@pytest.fixture
def env(simulator: Simulator, server: Capture, tmp_path: Path) -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("LANGSMITH_", "LANGCHAIN_", "ECO2_"))
    }
    return {
        **kept,
        "OPENAI_BASE_URL": simulator.urls["openai"],
        "OPENAI_API_KEY": "simulated",
        "GOOGLE_GEMINI_BASE_URL": simulator.urls["gemini"],
        "GOOGLE_API_KEY": "simulated",
        "KAKAO_BASE_URL": simulator.urls["kakao"],
        "KAKAO_REST_API_KEY": "simulated",
        "ECO2_IMAGES_DIR": str(tmp_path),
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": server.url,
        "LANGSMITH_API_KEY": "local",
        "LANGSMITH_PROJECT": "eco2-chat-worker",
    }


def eco2(env: dict[str, str], *arguments: str, said: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "eco2", *arguments]
    return subprocess.run(command, env=env, input=said, capture_output=True, text=True, timeout=60, check=False)


def test_ask_prints_one_object_and_sends_its_runs_before_it_ends(env: dict[str, str], server: Capture) -> None:
    done = eco2(env, "ask", QUESTION, "--job", "job_abc123", "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert (answer["job_id"], answer["intent"]) == ("job_abc123", "location")
    assert answer["usage"]["total_tokens"] == 1261
    root = server.named("chat-job_abc123")
    assert answer["trace_id"] == root["run_id"]
    assert [run["name"] for run in server.settled() if "end_us" not in run] == []
    assert sum(usage_of(run)["total_tokens"] for run in server.llm()) == 1261
    assert {run["project"] for run in server.settled()} == {"eco2-chat-worker"}


def test_ask_streams_the_answer(env: dict[str, str]) -> None:
    done = eco2(env, "ask", QUESTION)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("강남역에서 가장 가까운 곳은")


def test_chat_keeps_the_conversation_and_says_what_it_cost(env: dict[str, str]) -> None:
    done = eco2(env, "chat", "--session", "s1", said=f"{QUESTION}\n가까운 가게 어디 있어?\n강남역\n\n")
    assert done.returncode == 0, done.stderr
    assert "4 calls, 1,261 tokens, $0.011284" in done.stderr
    assert "어느 곳에서 찾을까요?" in done.stderr
    assert done.stdout.startswith("강남역에서 가장 가까운 곳은")


def test_paths_cover_all_eleven(env: dict[str, str]) -> None:
    done = eco2(env, "paths", "--json")
    assert done.returncode == 0, done.stderr
    coverage = json.loads(done.stdout)
    assert [row["path"] for row in coverage.values()] == list(range(1, 12))
    assert all((row["calls"], row["exact"]) == (1, 1) for row in coverage.values())


@pytest.mark.parametrize(("provider", "key"), [("openai", "OPENAI_API_KEY"), ("google", "GOOGLE_API_KEY")])
def test_a_missing_key_is_one_clear_line(provider: str, key: str) -> None:
    done = CliRunner().invoke(app, ["ask", "안녕", "--provider", provider], env=dict.fromkeys(KEYS))
    assert (done.exit_code, done.stderr) == (2, f"eco2: {key} is not set\n")


def test_an_empty_question_is_one_clear_line(simulator: Simulator) -> None:
    env = {"OPENAI_API_KEY": "simulated", "OPENAI_BASE_URL": simulator.urls["openai"]}
    done = CliRunner().invoke(app, ["ask", " "], env=env)
    assert (done.exit_code, done.stderr) == (2, "eco2: 메시지가 비어 있습니다.\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("37.5,127.0", {"latitude": 37.5, "longitude": 127.0}),
        ("0,0", {"latitude": 0.0, "longitude": 0.0}),
        (" 강남역 ", {"address": "강남역"}),
        ("서울, 강남", {"address": "서울, 강남"}),
        ("", None),
    ],
)
def test_a_location_is_coordinates_or_a_name(text: str, expected: object) -> None:
    assert parse_location(text) == expected
