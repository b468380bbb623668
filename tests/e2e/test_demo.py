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
from tests.e2e.world import answers, free_port

DEMO = [sys.executable, "-m", "everytoken.cli", "demo"]


def run_demo(*options: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*DEMO, *options], capture_output=True, text=True, timeout=240, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    folder = tmp_path_factory.mktemp("demo")
    return run_demo("--exit", "--json", "--port", str(free_port()), "--data", str(folder / "data"), cwd=folder)


def test_demo_prints_one_json_object_with_the_reference_numbers(
    finished: "subprocess.CompletedProcess[str]",
) -> None:
    assert finished.returncode == 0, finished.stderr
    result: dict[str, Any] = json.loads(finished.stdout)
    assert {key: result[key] for key in ("project", "traces", "llm_calls", "input_tokens", "output_tokens")} == {
        "project": "eco2-chat-worker",
        "traces": 1,
        "llm_calls": 4,
        "input_tokens": 520,
        "output_tokens": 741,
    }
    assert (result["total_tokens"], result["cost_usd"]) == (1261, "0.011284")
    assert result["nodes"]["web_search"]["cost_usd"] == "0.00732375"
    assert result["nodes"]["location"]["end_ms"] < result["nodes"]["web_search"]["end_ms"]
    assert result["trace_id"] in result["url"]


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


def test_demo_stays_up_and_ctrl_c_stops_everything_it_started(
    staying: "tuple[subprocess.Popen[str], str]",
) -> None:
    process, url = staying
    assert process.stdout is not None
    printed = ""
    while "stays up" not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    for shown in ("1,261", "0.011284", "∥", f"{url}/projects/eco2-chat-worker/traces/"):
        assert shown in printed
    page = httpx.get(f"{url}/")
    assert page.status_code == 200
    assert "<title>everytoken</title>" in page.text
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not answers(f"{url}/ok")


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
