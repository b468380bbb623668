"""Asking the agent and reading what came of it."""

from collections.abc import Sequence
from typing import Any

from eco2.agent import Agent, Ask, Event, Request, nobody_answers


async def take_turn(agent: Agent, message: str, ask: Ask = nobody_answers, **request: Any) -> list[Event]:
    """All events of one turn."""
    job_id = request.pop("job_id", "job_test")
    return [event async for event in agent.turn(Request(job_id=job_id, message=message, **request), ask)]


async def ask_agent(agent: Agent, message: str, ask: Ask = nobody_answers, **request: Any) -> dict[str, Any]:
    """The `done` of one turn."""
    return done_of(await take_turn(agent, message, ask, **request))


def done_of(events: Sequence[Event]) -> dict[str, Any]:
    assert events[-1].type == "done"
    return events[-1].data


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.data["text"] for event in events if event.type == "token")
