"""A provider's own response as an application returned it from a traced function: which shape it is, and its usage."""

from collections.abc import Callable, Mapping

from everytoken.core.extract import anthropic, gemini, openai_chat, openai_responses
from everytoken.core.extract.reading import first, get, items, text
from everytoken.core.extract.result import Context, Extraction, nothing

Extractor = Callable[[object, Context], Extraction]
_MARKS = frozenset({"object", "type", "usage", "usage_metadata", "usageMetadata"})
"""One of these is in every response; most outputs of a trace have none, and need no closer look."""


def raw_response(outputs: object) -> object:
    """The response inside a run's outputs: the outputs themselves, or what a tracer put under `output`."""
    if shape_of(outputs) is not None:
        return outputs
    for name in ("output", "outputs"):
        inner = get(outputs, name)
        if shape_of(inner) is not None:
            return inner
    return None


def from_outputs(outputs: object, context: Context) -> Extraction:
    response = raw_response(outputs)
    extractor = shape_of(response)
    return nothing("absent") if extractor is None else extractor(response, context)


def shape_of(value: object) -> Extractor | None:
    """How to read `value`, judged by marks that no application's own data bears by chance."""
    if isinstance(value, list | tuple):
        return _shape_of_chunks(value)
    if not isinstance(value, Mapping):
        return None
    if type(value) is dict and value.keys().isdisjoint(_MARKS):
        return None
    kind = text(value.get("object")) or ""
    if kind.startswith(("chat.completion", "text_completion")):
        return openai_chat.chat
    if kind == "response" or kind.startswith("response.") or _is_response_event(value):
        return openai_responses.responses
    if kind == "list" and get(value, "usage") is not None:
        return openai_chat.embeddings
    if first(get(value, "usage_metadata"), "prompt_token_count", "total_token_count") is not None:
        return gemini.embed_content if get(value, "embeddings") is not None else gemini.generate_content
    return _shape_of_usage(get(value, "usage"))


def _shape_of_usage(usage: object) -> Extractor | None:
    if first(usage, "cache_read_input_tokens", "cache_creation_input_tokens") is not None:
        return anthropic.messages
    if first(usage, "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens") is not None:
        return openai_chat.chat
    return None


def _shape_of_chunks(chunks: list[object] | tuple[object, ...]) -> Extractor | None:
    sample = [chunk for chunk in (*chunks[:1], *chunks[-1:]) if isinstance(chunk, Mapping)]
    for chunk in sample:
        if text(chunk.get("object")) == "chat.completion.chunk":
            return openai_chat.chat_stream
        if _is_response_event(chunk):
            return openai_responses.responses_stream
        if first(chunk, "usage_metadata", "candidates") is not None and not items(get(chunk, "messages")):
            return gemini.stream
    return None


def _is_response_event(value: object) -> bool:
    return (text(get(value, "type")) or "").startswith("response.")
