"""Extraction: every provider's response shape, and every tracer's run, to one `Usage`. One module a shape family."""

from collections.abc import Callable, Mapping

from everytoken.core.extract import (
    agents,
    anthropic,
    everytoken,
    gemini,
    langchain,
    openai_chat,
    openai_media,
    openai_responses,
    otel,
)
from everytoken.core.extract.langsmith import usage_metadata
from everytoken.core.extract.result import REASONS, ChildUsage, Context, Extraction
from everytoken.core.extract.run_evidence import evidence_of

__all__ = ["REASONS", "SHAPES", "ChildUsage", "Context", "Extraction", "evidence_of", "extract_usage"]

_EXTRACTORS: dict[str, Callable[[object, Context], Extraction]] = {
    "openai.chat": openai_chat.chat,
    "openai.chat.stream": openai_chat.chat_stream,
    "openai.responses": openai_responses.responses,
    "openai.responses.stream": openai_responses.responses_stream,
    "openai.embeddings": openai_chat.embeddings,
    "openai.images": openai_media.images,
    "openai.images.stream_completed": openai_media.images_stream_completed,
    "openai.transcription": openai_media.transcription,
    "openai.translation": openai_media.translation,
    "openai.speech": openai_media.speech,
    "openai.moderation": openai_media.moderation,
    "openai.realtime.response_done": openai_media.realtime,
    "openai.live": openai_media.live,
    "openai.video": openai_media.video,
    "openai.batch_line": openai_media.batch_line,
    "agents.response": agents.response,
    "agents.usage": agents.usage,
    "agents.span": agents.span,
    "agents.realtime": agents.realtime,
    "gemini.generate_content": gemini.generate_content,
    "gemini.stream": gemini.stream,
    "gemini.requests": gemini.requests,
    "gemini.embed_content": gemini.embed_content,
    "gemini.imagen": gemini.imagen,
    "gemini.live": gemini.live,
    "gemini.interactions": gemini.interactions,
    "gemini.batch_line": gemini.batch_line,
    "anthropic.messages": anthropic.messages,
    "langchain.message": langchain.message,
    "langchain.result": langchain.result,
    "langsmith.usage_metadata": usage_metadata,
    "otel.gen_ai": otel.genai,
    "openinference": otel.openinference,
    "openllmetry": otel.genai,
    "everytoken": everytoken.entry,
}

SHAPES: tuple[str, ...] = tuple(_EXTRACTORS)


def extract_usage(shape: str, raw: object, context: Mapping[str, object] | None = None) -> Extraction:
    """The usage in `raw`, a response of `shape`, or the reason why there is none. Never raises on `raw`.

    `raw` is an SDK object, its dump, the REST JSON or any Mapping; for streams and `gemini.requests` a list of them.
    `context` carries facts of the request that the response lacks.

    Raises:
        ValueError: `shape` is none of `SHAPES`.
    """
    extractor = _EXTRACTORS.get(shape)
    if extractor is None:
        raise ValueError(f"unknown shape {shape!r}; known: {', '.join(SHAPES)}")
    try:
        return extractor(raw, context or {})
    except Exception:  # noqa: BLE001 a foreign object may raise from any attribute; the reason is counted downstream
        return Extraction(usage=None, reason="unreadable")
