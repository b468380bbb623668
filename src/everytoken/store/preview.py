"""One line of what a run was asked or answered, kept beside the run so that lists never load payloads."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

PREVIEW_CHARS = 200
MAX_DEPTH = 12  # deeper than any message format nests; a hostile body must not recurse us to death

TEXT_KEYS = (
    "content", "text", "message", "input", "question", "query", "prompt", "output", "answer", "result", "completion",
)  # fmt: skip
NO_TEXT_KEYS = frozenset({"id", "type", "lc", "role"})
LIST_KEYS = ("messages", "input", "contents", "prompts", "choices", "generations", "candidates", "parts", "output")


def preview(value: Any) -> str:
    """The last message, the named text, or the first text found; at most `PREVIEW_CHARS` characters on one line."""
    text = _text(value, MAX_DEPTH) or ""
    line = " ".join(text[: 4 * PREVIEW_CHARS].split())
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"


def _text(value: Any, depth: int) -> str | None:
    if depth == 0 or value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    if type(value) is dict or isinstance(value, Mapping):  # the exact type first: the check for Mapping is slow
        return _text_of_mapping(value, depth - 1)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return _first(reversed(value[-50:]), depth - 1)
    return None


def _text_of_mapping(value: Mapping[Any, Any], depth: int) -> str | None:
    for key in LIST_KEYS:
        held = value.get(key)
        if isinstance(held, list | tuple) and held and (found := _text(held, depth)):
            return found
    for key in TEXT_KEYS:
        if (held := value.get(key)) and (found := _text(held, depth)):
            return found
    # LangChain's serialised messages keep their text one level down; ids and types are no text.
    return _first([held for key, held in islice(value.items(), 50) if key not in NO_TEXT_KEYS], depth)


def _first(values: Iterable[Any], depth: int) -> str | None:
    for held in values:
        if found := _text(held, depth):
            return found
    return None
