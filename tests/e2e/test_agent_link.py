"""The agent under the server's origin: messages, events, pictures, and what is refused."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.e2e.world import answers
from tests.ports import free_port

from eco2.paths import PIXEL
from everytoken.cli.demo_agent import Eco2, simulated
from everytoken.cli.processes import running
from everytoken.simulator.serve import Simulator

PROJECT = "eco2-chat-worker"
AGENT = "/everytoken/v1/agent"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an agent attached."""
    folder = tmp_path_factory.mktemp("attached")
    port, agent_port = free_port(), free_port()
    url, agent_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{agent_port}"
    serve = ["everytoken.cli", "serve", "--port", str(port), "--data", str(folder / "data")]
    attached = {**os.environ, "EVERYTOKEN_AGENT_URL": agent_url, "EVERYTOKEN_AGENT_PROJECT": PROJECT}
    with (
        Simulator("reference", latency="none") as simulator,
        running("the server", serve, log=folder / "server.log", ready=lambda: answers(f"{url}/ok"), env=attached),
    ):
        services = {**simulated(simulator), "ECO2_IMAGES_DIR": str(folder / "images")}
        agent = Eco2(url=url, provider="openai", services=services)
        arguments, log = ["eco2", "serve", "--port", str(agent_port)], folder / "agent.log"
        ready = f"{agent_url}/healthz"
        with running("the agent", arguments, log=log, ready=lambda: answers(ready), env=agent.env(PROJECT)):
            yield url


def events_of(url: str, job_id: str, **headers: str) -> list[tuple[str, dict[str, Any]]]:
    answer = httpx.get(f"{url}{AGENT}/chat/{job_id}/events", headers=headers, timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.splitlines() for block in answer.text.strip().split("\n\n")]
    fields = [dict(line.split(": ", 1) for line in lines if not line.startswith(":")) for lines in blocks]
    return [(found["event"], json.loads(found["data"])) for found in fields if found]


def send(url: str, **body: Any) -> str:
    answer = httpx.post(f"{url}{AGENT}/chat/c1/messages", json=body)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def finished(url: str, trace_id: str) -> dict[str, Any]:
    """The trace, once the agent's client has sent all of it."""
    deadline = time.monotonic() + 20
    while True:
        httpx.post(f"{url}/everytoken/v1/flush", timeout=30)
        answer = httpx.get(f"{url}/everytoken/v1/traces/{trace_id}")
        if answer.is_success and answer.json()["trace"]["status"] != "pending":
            found: dict[str, Any] = answer.json()
            return found
        assert time.monotonic() < deadline, answer.text[:200]
        time.sleep(0.1)


def test_health_says_that_an_agent_is_attached(url: str) -> None:
    assert httpx.get(f"{url}/everytoken/v1/health").json()["agent"] == {"project": PROJECT}


def test_a_turn_goes_through_the_server_and_its_trace_is_there(url: str) -> None:
    job_id = send(url, message="강남역 근처 페트병 분리수거함 어디있어?")
    events = events_of(url, job_id)
    assert events[-1][0] == "done"
    text = "".join(data["text"] for kind, data in events if kind == "token")
    assert text == events[-1][1]["answer"]
    trace_id = next(data["trace_id"] for kind, data in events if kind == "stage")
    view = finished(url, trace_id)
    assert (view["trace"]["project"], view["trace"]["total_tokens"]) == (PROJECT, 1261)
    assert events_of(url, job_id, **{"last-event-id": str(len(events) - 1)}) == events[-1:]


def test_the_whole_graph_is_known_though_a_part_was_taken(url: str) -> None:
    events = events_of(url, send(url, message="안녕"))
    trace_id = events[-1][1]["trace_id"]
    finished(url, trace_id)
    topology = httpx.get(f"{url}/everytoken/v1/traces/{trace_id}/topology").json()
    assert topology["source"] == "compiled"
    assert len(topology["nodes"]) == 17 + 2  # and the two ends


def test_a_picture_is_kept_shown_and_looked_at(url: str) -> None:
    sent = httpx.post(f"{url}{AGENT}/images", content=PIXEL.content, headers={"content-type": "image/png"})
    assert sent.status_code == 201
    link = sent.json()["image_url"]
    shown = httpx.get(f"{url}{AGENT}{link}")
    assert (shown.content, shown.headers["content-type"]) == (PIXEL.content, "image/png")
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    events = events_of(url, send(url, message="이거 어떻게 버려?", image_url=link))
    assert events[-1][1]["nodes"]["vision"]["status"] == "completed"


def test_a_question_is_answered_through_the_server(url: str) -> None:
    job_id = send(url, message="가까운 제로웨이스트 가게 어디 있어?")
    with httpx.stream("GET", f"{url}{AGENT}/chat/{job_id}/events", timeout=60) as stream:
        for line in stream.iter_lines():
            if line == "event: needs_input":
                answer = httpx.post(f"{url}{AGENT}/chat/{job_id}/input", json={"address": "서울역"})
                assert answer.status_code == 202
            if line == "event: done":
                break
    assert [kind for kind, _ in events_of(url, job_id)].count("needs_input") == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/chat/c1/messages", b"{", 422),
        ("POST", "/chat/c1/messages", b'{"message": " "}', 422),
        ("GET", "/chat/job_nobody/events", None, 404),
        ("POST", "/images", b"x" * (11 * 1024**2 + 1), 413),
        ("GET", "/images/..%2F..%2Fsecret.png", None, 404),
        ("GET", "/images/.hidden", None, 400),
        ("GET", "/chat/a%20b/events", None, 400),
    ],
)
def test_what_cannot_be_passed_on_is_refused(url: str, method: str, path: str, body: bytes | None, status: int) -> None:
    answer = httpx.request(method, f"{url}{AGENT}{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json")
