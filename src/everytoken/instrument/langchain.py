"""LangChain and LangGraph: where their tracer has opened an llm run, that run is enriched; no second is opened.

The tracer's start and end hooks run inline, in the context of the call.
"""

import functools
from collections.abc import Callable
from typing import Any

from everytoken.instrument.framework import FrameworkCalls
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder


def patch_tracer(patches: Patches, recorder: Recorder) -> None:
    """Wrap the tracer's hooks around an llm run."""
    from langchain_core.tracers.langchain import LangChainTracer

    calls, settled = FrameworkCalls.of(recorder), dict[str, dict[str, Any]]()
    patches.replace(LangChainTracer, "_on_chat_model_start", functools.partial(_wrap_start, calls, True))
    patches.replace(LangChainTracer, "_on_llm_start", functools.partial(_wrap_start, calls, False))
    patches.replace(LangChainTracer, "_on_llm_end", functools.partial(_wrap_end, calls, settled))
    patches.replace(LangChainTracer, "_on_llm_error", functools.partial(_wrap_end, calls, settled))
    patches.replace(LangChainTracer, "_update_run_single", functools.partial(_wrap_update, settled))


def patch_models(patches: Patches, recorder: Recorder) -> None:
    """Wrap what a batch calls once for each of its runs, which have all begun by then."""
    from langchain_core.language_models.chat_models import BaseChatModel

    calls = FrameworkCalls.of(recorder)
    patches.replace(BaseChatModel, "_generate_with_cache", functools.partial(_wrap_generate, calls))
    patches.replace(BaseChatModel, "_agenerate_with_cache", functools.partial(_wrap_agenerate, calls))


def _wrap_start(calls: FrameworkCalls, is_chat: bool, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def on_start(tracer: Any, run: Any) -> Any:
        guarded(calls.begin)(run, tracer.client, is_chat=is_chat)
        return original(tracer, run)

    return on_start


def _wrap_end(
    calls: FrameworkCalls, settled: dict[str, dict[str, Any]], original: Callable[..., Any]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def on_end(tracer: Any, run: Any) -> Any:
        found = guarded(calls.end)(run)
        if found is not None:
            settled[str(run.id)] = found
        return original(tracer, run)

    return on_end


def _wrap_update(settled: dict[str, dict[str, Any]], original: Callable[..., Any]) -> Any:
    @functools.wraps(original)
    def update(run: Any) -> Any:
        # The tracer has just written its own count of the usage: ours is nearer to the provider and replaces it.
        found = settled.pop(str(run.id), None)
        if found is not None:
            run.extra.setdefault("metadata", {}).update(found)
        return original(run)

    return staticmethod(update)


def _wrap_generate(calls: FrameworkCalls, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def generate(model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        guarded(calls.enter)(getattr(run_manager, "run_id", None))
        return original(model, messages, stop=stop, run_manager=run_manager, **kwargs)

    return generate


def _wrap_agenerate(calls: FrameworkCalls, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def generate(model: Any, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        guarded(calls.enter)(getattr(run_manager, "run_id", None))
        return await original(model, messages, stop=stop, run_manager=run_manager, **kwargs)

    return generate
