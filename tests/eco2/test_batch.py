"""`eco2 batch`: many messages, a bounded number at a time."""

import asyncio
from typing import Any

import pytest
from tests.eco2.conftest import switch_on

from eco2.agent import Agent, RequestError
from eco2.batch import answer_all, read_lines
from everytoken.simulator.serve import Simulator


async def answered(agent: Agent, *lines: str, at_once: int = 10) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    await answer_all(agent, read_lines(lines), told.append, at_once=at_once)
    return told


async def test_every_line_is_answered_under_its_own_name(agent: Agent) -> None:
    told = await answered(agent, '{"message": "안녕", "job_id": "a"}', "", '{"message": "고마워", "job_id": "b"}')
    assert {done["job_id"]: done["intent"] for done in told} == {"a": "general", "b": "general"}


async def test_lines_of_one_session_are_answered_in_order_and_remember(agent: Agent) -> None:
    lines = [f'{{"message": "질문 {number}", "job_id": "job_{number}", "session_id": "s"}}' for number in range(3)]
    told = await answered(agent, *lines)
    assert [done["job_id"] for done in told] == ["job_0", "job_1", "job_2"]
    said = [message.text for message in (await agent.state("s"))["messages"] if message.type == "human"]
    assert said == ["질문 0", "질문 1", "질문 2"]


async def test_no_more_turns_are_under_way_than_allowed(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, most = 0, 0
    turn = agent.turn

    async def watched(request: Any) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            async for event in turn(request):
                yield event
                await asyncio.sleep(0)
        finally:
            under_way -= 1

    monkeypatch.setattr(agent, "turn", watched)
    await answered(agent, *(f'{{"message": "질문 {number}"}}' for number in range(6)), at_once=2)
    assert most == 2


async def test_a_refused_message_is_told_and_the_others_go_on(agent: Agent) -> None:
    told = await answered(agent, '{"message": " ", "job_id": "empty"}', '{"message": "안녕", "job_id": "fine"}')
    by_job = {done["job_id"]: done for done in told}
    assert by_job["empty"]["error"] == "메시지가 비어 있습니다."
    assert "error" not in by_job["fine"]


async def test_a_failed_provider_is_an_apology_and_no_error_of_the_batch(agent: Agent, simulator: Simulator) -> None:
    switch_on(simulator, "500", times=20)
    (done,) = await answered(agent, '{"message": "안녕"}')
    assert "error" not in done
    assert done["nodes"]["answer"]["status"] == "failed"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hello", "line 1: the line: "),
        ('{"mesage": "안녕"}', "line 1: mesage: "),
        ('{"message": "안녕", "user_location": {"latitude": 91, "longitude": 0}}', "line 1: user_location.latitude: "),
    ],
)
def test_a_line_that_is_no_message_is_named(line: str, problem: str) -> None:
    with pytest.raises(RequestError, match="line 1") as caught:
        read_lines([line])
    assert str(caught.value).startswith(problem)
