"""openai-agents under LangSmith's tracing processor: its response and generation runs are enriched.

Without that processor the attempts hang under the current run, as those of any application do.
"""

import functools
from collections.abc import Callable
from typing import Any

from everytoken.instrument.framework import CALL, FrameworkCalls
from everytoken.instrument.guard import guarded
from everytoken.instrument.patch import Patches
from everytoken.instrument.recorder import Recorder


def patch(patches: Patches, recorder: Recorder) -> None:
    """Wrap the processor's hooks around a span."""
    from langsmith.integrations.openai_agents_sdk._openai_agents import OpenAIAgentsTracingProcessor

    if not hasattr(OpenAIAgentsTracingProcessor, "on_span_start"):
        return  # without the Agents SDK the class only says so
    calls = FrameworkCalls.of(recorder)
    patches.replace(OpenAIAgentsTracingProcessor, "on_span_start", functools.partial(_wrap_start, calls))
    patches.replace(OpenAIAgentsTracingProcessor, "on_span_end", functools.partial(_wrap_end, calls))


def _wrap_start(calls: FrameworkCalls, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def on_span_start(processor: Any, span: Any) -> Any:
        original(processor, span)
        guarded(_begin)(calls, processor, span)

    return on_span_start


def _wrap_end(calls: FrameworkCalls, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def on_span_end(processor: Any, span: Any) -> Any:
        guarded(_end)(calls, processor, span)
        return original(processor, span)

    return on_span_end


def _begin(calls: FrameworkCalls, processor: Any, span: Any) -> None:
    run = processor._runs.get(span.span_id)
    if run is not None and run.run_type == "llm":
        calls.begin(run, processor.client)


def _end(calls: FrameworkCalls, processor: Any, span: Any) -> None:
    run = processor._runs.get(span.span_id)
    if run is None or run.run_type != "llm":
        return
    found = calls.end(run)
    CALL.set(None)
    if found is None:
        return

    def post(*args: Any, **kwargs: Any) -> Any:
        # The processor has just written its own count, which is all zeros where the SDK asked for no usage.
        del run.__dict__["post"]
        run.extra.setdefault("metadata", {}).update(found)
        return run.post(*args, **kwargs)

    run.__dict__["post"] = post
