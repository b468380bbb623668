"""Logfire's own instrumentations of model SDKs: one streamed call is two spans, and only the second knows its usage.

The first ends with the head of the answer; the second, a log without a length of its own, is written when the stream
ends, in a trace of its own where the application is in none (`_internal/integrations/llm_providers`, logfire 5.2).
"""

from collections.abc import Mapping
from typing import Any

MAX_DURATION_S = 86_400
"""Of a stream; more is no duration."""
_ANSWERED = ("gen_ai.response.id", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.output.messages",
             "response_data")  # fmt: skip


def opens_stream(attributes: Mapping[str, Any]) -> bool:
    """Whether a span that did not fail is the first of the two: it holds what was asked, and nothing of an answer."""
    return (
        _is_logfires(attributes)
        and attributes.get("logfire.span_type") == "span"
        and not any(key in attributes for key in _ANSWERED)
    )


def waited_us(attributes: Mapping[str, Any]) -> int | None:
    """How long the stream took that a log tells of; `None` for any other span."""
    seconds = attributes.get("duration")
    if not _is_logfires(attributes) or attributes.get("logfire.span_type") != "log":
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_DURATION_S:
        return None
    return round(seconds * 1_000_000)


def _is_logfires(attributes: Mapping[str, Any]) -> bool:
    tags = attributes.get("logfire.tags")
    return isinstance(tags, list) and "LLM" in tags and "request_data" in attributes
