"""LangChain and LangGraph: where their tracer has opened an llm run, that run is enriched; no second is opened.

The tracer's start and end hooks run inline, in the context of the call, so a context variable tells an HTTP attempt
which llm run it is made for. When that run ends it takes over what its last answered attempt found; every other attempt
that may have been billed becomes a child run.
"""

import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from everytoken.instrument.answer import Answer, read_answer, usage_metadata
from everytoken.instrument.attempt import CANCELLED, Attempt
from everytoken.instrument.budget import BUDGETS
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder

ATTEMPTS_MAX = 1_000
"""Attempts kept for one llm run; what is beyond it is sent on its own."""


class Call:
    """One llm run of the tracer that is open, and the attempts made for it."""

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


CALL: ContextVar[Call | None] = ContextVar("everytoken_langchain_call", default=None)


class LangChainCalls:
    """The open calls of the tracer; one of it stands between the recorder and the hooks."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: dict[str, Call] = {}
        self._settled: dict[str, dict[str, Any]] = {}

    @classmethod
    def of(cls, recorder: Recorder) -> "LangChainCalls":
        """The one of this recorder."""
        if not isinstance(recorder.framework, cls):
            recorder.framework = cls(recorder)
        return recorder.framework

    def patch_tracer(self, patches: Patches) -> None:
        """Wrap the tracer's hooks around an llm run."""
        from langchain_core.tracers.langchain import LangChainTracer

        patches.replace(LangChainTracer, "_on_chat_model_start", functools.partial(self._wrap_start, is_chat=True))
        patches.replace(LangChainTracer, "_on_llm_start", functools.partial(self._wrap_start, is_chat=False))
        patches.replace(LangChainTracer, "_on_llm_end", self._wrap_end)
        patches.replace(LangChainTracer, "_on_llm_error", self._wrap_end)
        patches.replace(LangChainTracer, "_update_run_single", self._wrap_update)

    def patch_models(self, patches: Patches) -> None:
        """Wrap what a batch calls once for each of its runs, which have all begun by then."""
        from langchain_core.language_models.chat_models import BaseChatModel

        patches.replace(BaseChatModel, "_generate_with_cache", self._wrap_generate)
        patches.replace(BaseChatModel, "_agenerate_with_cache", self._wrap_agenerate)

    def claim(self, attempt: Attempt) -> bool:
        """Whether the attempt belongs to an open llm run, which then reports it."""
        call = CALL.get()
        return call is not None and call.claim(attempt)

    def _wrap_start(self, original: Callable[..., Any], *, is_chat: bool) -> Callable[..., Any]:
        @functools.wraps(original)
        def on_start(tracer: Any, run: Any) -> Any:
            self._begin(tracer, run, is_chat)
            return original(tracer, run)

        return on_start

    @guarded
    def _begin(self, tracer: Any, run: Any, is_chat: bool) -> None:
        rate = getattr(tracer.client, "tracing_sample_rate", None)
        if run.extra.get("__disabled") or (rate is not None and rate < 1) or self._recorder.settings.export == "otel":
            return
        here = CALL.get()
        if not is_chat and here is not None and here.is_open and not here.is_chat and not here.attempts:
            return  # several prompts of one completion request: LangChain reports them on the first run
        call = Call(run, is_chat=is_chat)
        self._open[str(run.id)] = call
        CALL.set(call)

    def _wrap_end(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def on_end(tracer: Any, run: Any) -> Any:
            call = self._open.pop(str(run.id), None)
            settled = None if call is None else self._settle(call, run)
            if settled is not None:
                self._settled[str(run.id)] = settled
            return original(tracer, run)

        return on_end

    def _wrap_update(self, original: Callable[..., Any]) -> Any:
        @functools.wraps(original)
        def update(run: Any) -> Any:
            # The tracer has just written its own count of the usage: ours is nearer to the provider and replaces it.
            settled = self._settled.pop(str(run.id), None)
            if settled is not None:
                run.extra.setdefault("metadata", {}).update(settled)
            return original(run)

        return staticmethod(update)

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
        return usage_metadata(own, answer.found)

    def _read(self, attempt: Attempt) -> Answer:
        attempt.end(CANCELLED)  # a stream whose reader stopped is still open here
        return read_answer(attempt)

    def _wrap_generate(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def generate(model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            self._enter(run_manager)
            return original(model, messages, stop=stop, run_manager=run_manager, **kwargs)

        return generate

    def _wrap_agenerate(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        async def generate(model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            self._enter(run_manager)
            return await original(model, messages, stop=stop, run_manager=run_manager, **kwargs)

        return generate

    @guarded
    def _enter(self, run_manager: Any) -> None:
        CALL.set(self._open.get(str(run_manager.run_id)) if run_manager is not None else None)


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
