"""Many messages, a bounded number at a time: what `eco2 batch` reads and answers."""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from eco2.agent import Agent, Request, RequestError
from eco2.messages import NewMessage

Tell = Callable[[dict[str, Any]], None]


class Line(NewMessage):
    """One line of the input: a JSON object."""

    model_config = ConfigDict(extra="forbid")

    job_id: str = Field(default="", max_length=100)
    session_id: str = Field(default="", max_length=100)

    def as_request(self) -> Request:
        return Request(
            job_id=self.job_id or f"job_{uuid.uuid4().hex[:8]}",
            message=self.message,
            session_id=self.session_id,
            user_id=self.user_id,
            image_url=self.image_url,
            location=self.user_location.as_state() if self.user_location else None,
        )


def read_lines(lines: Iterable[str]) -> list[Request]:
    """Requests of a JSON-lines text; blank lines are passed over.

    Raises:
        RequestError: a line is no such object; the message names the line and the field.
    """
    requests = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            requests.append(Line.model_validate_json(line).as_request())
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, problem["loc"])) or "the line"
            raise RequestError(f"line {number}: {where}: {problem['msg']}") from error
    return requests


async def answer_all(agent: Agent, requests: Iterable[Request], tell: Tell, *, at_once: int) -> None:
    """Tell the `done` of every request as it ends, or its `error`. Requests of one session are answered in order."""
    sessions: dict[str, list[Request]] = {}
    for request in requests:
        sessions.setdefault(request.thread, []).append(request)
    places = asyncio.Semaphore(at_once)

    async def conversation(turns: list[Request]) -> None:
        for request in turns:
            async with places:
                tell(await _done(agent, request))

    async with asyncio.TaskGroup() as group:
        for turns in sessions.values():
            group.create_task(conversation(turns))


async def _done(agent: Agent, request: Request) -> dict[str, Any]:
    done: dict[str, Any] = {"job_id": request.job_id}
    try:
        async for event in agent.turn(request):
            if event.type == "done":
                done = event.data
    except Exception as error:  # noqa: BLE001  one turn that breaks must not take the others with it
        done["error"] = str(error) if isinstance(error, RequestError) else f"{type(error).__name__}: {error}"
    return done
