"""`everytoken doctor` as a command, against a real server; P5 with a real process that ends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langsmith import Client
from langsmith.run_trees import RunTree
from tests.store.serving import Server, environment, serving

from everytoken.doctor.versions import check_flush

PROJECT = "shop"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("doctor") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def traces(server: Server) -> dict[str, str]:
    """One trace whose call reports usage, one whose call does not."""
    client = Client(api_url=server.url, api_key="local")
    ids = {}
    for name, usage in {
        "counted": {"usage_metadata": {"input_tokens": 47, "output_tokens": 12, "total_tokens": 59}},
        "zero": {},
    }.items():
        run = RunTree(
            name="ChatOpenAI", run_type="llm", inputs={}, project_name=f"{PROJECT}-{name}", ls_client=client,
            extra={"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-5.2"}},
        )  # fmt: skip
        run.post()
        run.end(outputs={"answer": "ok", **usage})
        run.patch()
        ids[name] = str(run.trace_id)
    client.flush()
    client.close()
    server.flush()
    return ids


def doctor(*arguments: str, stdin: str = "", **more: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings. No kubectl: a developer's own cluster is not for tests."""
    path = f"{Path(sys.executable).parent}"
    command = [sys.executable, "-m", "everytoken.cli", "doctor", "--json", *arguments]
    env = {**environment(), "PATH": path, **more}
    done = subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    answer = json.loads(done.stdout)
    assert answer["exit"] == done.returncode
    return done.returncode, answer["findings"]


def verdicts(findings: list[dict[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in findings:
        found.setdefault(finding["id"], set()).add(finding["verdict"])
    return found


def test_a_sender_and_a_server_in_order_are_well(server: Server, traces: dict[str, str]) -> None:
    code, findings = doctor(
        "--manifests", str(Path(__file__).parents[2] / "deploy/k8s"),
        LANGSMITH_ENDPOINT=server.url, LANGSMITH_TRACING="true", LANGSMITH_PROJECT=PROJECT,
    )  # fmt: skip
    found = verdicts(findings)
    # The list of prices grows old by itself, and is then a problem of the day on which this runs.
    problems = [one for one in findings if one["verdict"] != "ok" and one["what"] != "The price list is young"]
    assert {one["verdict"] for one in problems} == {"skipped"}, problems
    assert code in (0, 1)
    eleven = next(one for one in findings if one["id"] == "P1")
    assert eleven["evidence"] == "11 paths, 11 calls, every one as the simulator billed it"
    assert {check for check, verdict in found.items() if verdict == {"skipped"}} == {
        "E2", "N2", "K1", "K2", "K3", "K4", "S2",
    }  # fmt: skip
    assert {"E1", "E3", "E4", "E5", "N1", "M1", "M5", "P1", "P2", "P4", "P5", "V1"} <= set(found)
    assert {"S1", "S3", "S4", "S5", "S6", "S7"} <= set(found)


def test_a_sender_that_is_off_and_a_server_that_is_not_there_are_found() -> None:
    twice = "kind: Secret\nmetadata: {name: a}\nmetadata: {name: b}\n"
    code, findings = doctor("--quick", "--manifests", "-", stdin=twice, LANGSMITH_ENDPOINT="http://127.0.0.1:9")
    found = verdicts(findings)
    assert found["M2"] == {"problem"}
    assert code == 1
    assert found["E1"] == found["E3"] == found["N1"] == {"problem"}
    assert found["S1"] == {"unknown"}


def test_a_zero_is_explained_from_the_real_server(server: Server, traces: dict[str, str]) -> None:
    code, findings = doctor("--url", server.url, "--trace", traces["zero"])
    assert (code, [finding["verdict"] for finding in findings]) == (1, ["problem"])
    assert findings[0]["id"] == "P3"
    assert findings[0]["cure"]
    code, findings = doctor("--url", server.url, "--project", f"{PROJECT}-zero")
    assert (code, [finding["verdict"] for finding in findings]) == (1, ["problem"])
    assert traces["zero"] in findings[0]["evidence"]


def test_what_is_counted_needs_no_explanation(server: Server, traces: dict[str, str]) -> None:
    assert doctor("--url", server.url, "--trace", traces["counted"])[0] == 0
    assert doctor("--url", server.url, "--project", f"{PROJECT}-counted")[0] == 0


def test_without_a_server_an_explanation_could_not_be_given() -> None:
    assert doctor("--url", "http://127.0.0.1:9", "--trace", "t")[0] == 2


def test_a_short_process_gets_its_run_out() -> None:
    assert check_flush(dict(os.environ)).verdict == "ok"


def test_a_run_that_is_sampled_away_does_not_arrive() -> None:
    finding = check_flush({**os.environ, "LANGSMITH_TRACING_SAMPLING_RATE": "0"})
    assert finding.verdict == "problem"
    assert finding.evidence.startswith("0 of 1 run arrived, exit 0")


def test_fixing_tells_first_and_the_second_time_there_is_nothing_left(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "worker.env"
    command = [sys.executable, "-m", "everytoken.cli", "doctor", "--quick", "--fix", "--env-file", str(file), "--json"]
    env = {**environment(), "PATH": f"{Path(sys.executable).parent}", "LANGSMITH_ENDPOINT": server.url}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.index("will change:") < done.stderr.index("wrote ")
    assert [one["id"] for one in json.loads(done.stdout)["fixed"]] == ["E"]
    assert file.read_text() == "LANGSMITH_TRACING=true\nLANGSMITH_PROJECT=eco2-chat-worker\n"
    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert "nothing to fix" in again.stderr
    assert json.loads(again.stdout)["fixed"] == []
