"""`everytoken.context()`: who a call is for, and what of it may be recorded, for all calls made inside."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from everytoken.instrument.settings import CONTENT_MODES

CONTENT: ContextVar[str | None] = ContextVar("everytoken_content", default=None)
"""Content mode of the calls made in this context; `None` is what the settings say."""


@contextmanager
def context(
    *,
    thread_id: str | None = None,
    user_id: str | None = None,
    tags: Sequence[str] = (),
    metadata: Mapping[str, Any] | None = None,
    content: str | None = None,
) -> Iterator[None]:
    """Name the conversation, the user, tags and metadata of every run that starts inside; also a decorator.

    `content` is `full`, `masked` or `none` for these calls alone. Runs of LangChain and `traceable` inside inherit the
    names too. What an outer context said stays in force unless it is said anew.

    Raises:
        ValueError: `content` is no mode.
    """
    if content is not None and content not in CONTENT_MODES:
        raise ValueError(f"content must be one of {', '.join(CONTENT_MODES)}, not {content!r}")
    from langsmith.run_helpers import get_tracing_context, tracing_context

    outer = get_tracing_context()
    named = {"thread_id": thread_id, "user_id": user_id}
    known = {key: value for key, value in named.items() if value is not None}
    merged = {
        **outer,
        "tags": [*(outer["tags"] or ()), *tags],
        "metadata": {**(outer["metadata"] or {}), **(metadata or {}), **known},
    }
    token = CONTENT.set(content if content is not None else CONTENT.get())
    try:
        with tracing_context(**merged):
            yield
    finally:
        CONTENT.reset(token)
