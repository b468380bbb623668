"""Runs that a framework opened for a model call: they take over what the attempts made for them found.

A context variable tells an HTTP attempt for which open run it is made. When that run ends it says what its last
answered attempt found; every other attempt that may have been billed becomes a child run.
"""

import threading
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from everytoken.instrument.answer import Answer, read_answer, usage_metadata
from everytoken.instrument.attempt import CANCELLED, Attempt
from everytoken.instrument.budget import BUDGETS
from everytoken.instrument.guard import guarded
from everytoken.instrument.recorder import Recorder

ATTEMPTS_MAX = 1_000
"""Attempts kept for one llm run; what is beyond it is sent on its own."""


class Call:
    """One llm run of a framework that is open, and the attempts made for it."""

    def __init__(self, run: Any, *, is_chat: bool) -> None:
        self.run = run
        self.is_chat = is_chat
        self.attempts: list[Attempt] = []
        self._lock = threading.Lock()
        self.is_open = True

    def claim(self, attempt: Attempt) -> bool:
        """Take an attempt that begins; False when the run has ended or holds too many."""
        with self._lock:
            if not self.is_open or len(self.attempts) >= ATTEMPTS_MAX:
                return False
            self.attempts.append(attempt)
            return True

    def close(self) -> list[Attempt]:
        """Nothing is claimed any more; what was."""
        with self._lock:
            self.is_open = False
            return self.attempts


CALL: ContextVar[Call | None] = ContextVar("everytoken_call", default=None)


class FrameworkCalls:
    """The calls that are open, by id of the framework's run."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: dict[str, Call] = {}

    @classmethod
    def of(cls, recorder: Recorder) -> "FrameworkCalls":
        """The one of this recorder."""
        if not isinstance(recorder.framework, cls):
            recorder.framework = cls(recorder)
        return recorder.framework

    def claim(self, attempt: Attempt) -> bool:
        """Whether the attempt belongs to an open llm run, which then reports it."""
        call = CALL.get()
        return call is not None and call.claim(attempt)

    def begin(self, run: Any, client: Any, *, is_chat: bool = True) -> None:
        """Attempts made in this context from now on are made for `run`, if that will be sent."""
        rate = getattr(client, "tracing_sample_rate", None)
        if run.extra.get("__disabled") or (rate is not None and rate < 1) or self._recorder.settings.export == "otel":
            return
        here = CALL.get()
        if not is_chat and here is not None and here.is_open and not here.is_chat and not here.attempts:
            return  # several prompts of one completion request: LangChain reports them on the first run
        call = Call(run, is_chat=is_chat)
        self._open[str(run.id)] = call
        CALL.set(call)

    def enter(self, run_id: Any) -> None:
        """Attempts made in this context from now on are made for a run that has begun, or for none."""
        CALL.set(self._open.get(str(run_id)))

    def end(self, run: Any) -> dict[str, Any] | None:
        """Metadata that the ending run is to carry; `None` when no attempt was made for it."""
        call = self._open.pop(str(run.id), None)
        return None if call is None else self._settle(call, run)

    @guarded
    def _settle(self, call: Call, run: Any) -> dict[str, Any] | None:
        """What the run is to say; its other billed attempts are sent as its children."""
        attempts = call.close()
        if not attempts:
            return None
        read = {attempt.run_id: self._read(attempt) for attempt in attempts}
        own = _answering(attempts, run, read)
        for attempt in attempts:
            if attempt is not own and not attempt.refused:
                attempt.parentage = replace(
                    attempt.parentage,
                    client=run.ls_client,
                    project=run.session_name,
                    trace_id=run.trace_id,
                    run_id=run.id,
                    dotted_order=run.dotted_order,
                )
                self._recorder.take(attempt)
        answer = read[own.run_id]
        BUDGETS.settle(own, answer.found)
        return {**usage_metadata(own, answer.found), **self._recorder.losses()}

    def _read(self, attempt: Attempt) -> Answer:
        attempt.end(CANCELLED)  # a stream whose reader stopped is still open here
        return read_answer(attempt)


def _answering(attempts: list[Attempt], run: Any, read: dict[Any, Answer]) -> Attempt:
    """The attempt whose answer the run returned: by response id, else the last that was answered, else the last."""
    named = _response_ids(run)
    for attempt in reversed(attempts):
        if read[attempt.run_id].found.response_id in named:
            return attempt
    billed = [attempt for attempt in attempts if not attempt.refused]
    told = [attempt for attempt in billed if read[attempt.run_id].found.usage is not None]
    return (told or billed or attempts)[-1]


def _response_ids(run: Any) -> set[str]:
    ids: set[str] = set()
    for batch in (run.outputs or {}).get("generations") or ():
        for generation in batch:
            fields = ((generation or {}).get("message") or {}).get("kwargs") or {}
            details = fields.get("response_metadata") or {}
            ids |= {str(one) for one in (fields.get("id"), details.get("id"), details.get("response_id")) if one}
    return ids
