"""`everytoken demo`, as a person starts it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.world import answers
from tests.ports import free_port

PROJECTS = ("eco2-chat-worker", "eco2-before")
DEMO = [sys.executable, "-m", "everytoken.cli", "demo"]


def run_demo(*options: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*DEMO, *options], capture_output=True, text=True, timeout=240, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    folder = tmp_path_factory.mktemp("demo")
    return run_demo("--exit", "--json", "--port", str(free_port()), "--data", str(folder / "data"), cwd=folder)


@pytest.fixture(scope="module")
def result(finished: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert finished.returncode == 0, finished.stderr
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


# node → (calls, input, output, dollars) of the 39 messages: calls × the scenario's counts, at gpt-5.2's list price of
# $1.75 and $14 per million, worked out by hand
NODES = {
    "intent": (39, 1_833, 468, "0.00975975"),  # 39 × (47, 12)
    "web_search": (39, 3_471, 19_968, "0.28562625"),  # 39 × (89, 512)
    "answer": (39, 9_984, 3_888, "0.071904"),  # 27 × (256, 100) and 12 × (256, 99)
    "location": (35, 4_480, 4_480, "0.07056"),  # 35 × (128, 128)
    "weather": (1, 120, 29, "0.000616"),
}
PATHS = (
    "openai.chat", "openai.chat.stream", "openai.chat.tools", "openai.agents.search", "gemini.generate",
    "gemini.generate.stream", "gemini.generate.tools", "gemini.generate.structured", "gemini.generate.search",
    "gemini.generate.vision", "gemini.generate.image",
)  # fmt: skip


def test_json_holds_the_whole_traffic_at_its_top(result: dict[str, Any]) -> None:
    assert {key: result[key] for key in ("project", "traces", "llm_calls", "input_tokens", "output_tokens")} == {
        "project": "eco2-chat-worker",
        "traces": 39,
        "llm_calls": 153,
        "input_tokens": 19_888,
        "output_tokens": 28_833,
    }
    assert (result["total_tokens"], result["cost_usd"]) == (48_721, "0.438466")
    assert result["quality"] == {"exact": 153, "partial": 0, "estimated": 0, "missing": 0}
    assert result["url"].endswith("/projects/eco2-chat-worker")


def test_json_holds_every_node_of_the_traffic(result: dict[str, Any]) -> None:
    keys = ("llm_calls", "input_tokens", "output_tokens", "cost_usd")
    assert {name: tuple(result["nodes"][name][key] for key in keys) for name in NODES} == NODES
    assert {name for name, node in result["nodes"].items() if not node["llm_calls"]} == {
        "router",
        "aggregator",
        "summarize",
    }


def test_before_is_the_same_traffic_with_nothing_told(result: dict[str, Any]) -> None:
    before = result["before"]
    assert {key: before[key] for key in ("traces", "llm_calls", "total_tokens", "cost_usd")} == {
        "traces": 39,
        "llm_calls": 153,
        "total_tokens": 0,
        "cost_usd": "0",
    }
    assert before["quality"] == {"exact": 0, "partial": 0, "estimated": 0, "missing": 153}
    assert {name: node["executions"] for name, node in before["nodes"].items()} == {
        name: node["executions"] for name, node in result["nodes"].items()
    }
    assert {(node["total_tokens"], node["cost_usd"]) for node in before["nodes"].values()} == {(0, "0")}


def test_json_holds_the_reference_trace(result: dict[str, Any]) -> None:
    reference = result["reference"]
    keys = ("traces", "llm_calls", "input_tokens", "output_tokens", "total_tokens", "cost_usd")
    assert tuple(reference[key] for key in keys) == (1, 4, 520, 741, 1261, "0.011284")
    assert reference["nodes"]["web_search"]["cost_usd"] == "0.00732375"
    assert reference["nodes"]["location"]["end_ms"] < reference["nodes"]["web_search"]["end_ms"]
    assert reference["trace_id"] in reference["url"]


def test_coverage_has_every_call_path_of_both_providers_exact(result: dict[str, Any]) -> None:
    assert result["coverage"] == {
        path: {"calls": 1, "exact": 1, "partial": 0, "estimated": 0, "missing": 0} for path in PATHS
    }


@pytest.fixture
def staying(tmp_path: Path) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """A demo that stays up, and its URL."""
    port = free_port()
    process = subprocess.Popen(
        [*DEMO, "--port", str(port), "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
    )
    yield process, f"http://127.0.0.1:{port}"
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_demo_stays_up_with_its_agent_and_ctrl_c_stops_everything_it_started(
    staying: "tuple[subprocess.Popen[str], str]", tmp_path: Path
) -> None:
    process, url = staying
    assert process.stdout is not None
    printed = ""
    while "stays up" not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    for shown in ("1,261", "0.011284", "∥", f"{url}/projects/eco2-reference/traces/"):  # the reference trace
        assert shown in printed
    for shown in ("before", "Run count", "$0.00", "after", "48,721", "$0.438466", "11 of 11 call paths exact"):
        assert shown in printed
    runs = [httpx.get(f"{url}/everytoken/v1/projects/{name}/summary").json()["runs"] for name in PROJECTS]
    assert runs[0] == runs[1] > 39  # nothing but the usage was left out
    page = httpx.get(f"{url}/")
    assert page.status_code == 200
    assert "<title>everytoken</title>" in page.text
    assert f"{url}/eco2" in printed
    assert httpx.get(f"{url}/everytoken/v1/health").json()["agent"] == {"project": "eco2-chat-worker"}
    sent = httpx.post(f"{url}/everytoken/v1/agent/chat/c1/messages", json={"message": "안녕"})
    assert sent.status_code == 202
    agent_url = (tmp_path / "data" / "agent.log").read_text().split()[2]  # "eco2 on http://…"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not answers(f"{url}/ok")
    assert not answers(f"{agent_url}/healthz")


def test_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_demo("--exit", "--port", str(port), "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"everytoken: port {port} is in use",
        f"hint: stop what listens there, or choose another: --port {port + 1}",
    ]


def test_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = run_demo("--exit", "--port", str(free_port()), "--data", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert "holds something that is not the demo's" in done.stderr
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_file_in_the_place_of_the_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run_demo("--exit", "--port", str(free_port()), "--data", str(tmp_path / "file" / "data"), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"everytoken: cannot write to {tmp_path / 'file' / 'data'}: ")
    assert "hint: name another folder" in done.stderr
