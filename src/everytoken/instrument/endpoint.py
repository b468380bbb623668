"""Which HTTP requests are billed calls: one table from URL to call path, response shape and run type."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One billed operation of a provider's API."""

    operation: str
    """Middle of the call path: `chat` in `openai.chat.stream`."""
    shape: str
    """Shape of its plain answer, for `core.extract.extract_usage`."""
    stream_shape: str | None = None
    """Shape of the list of its stream's events; `None` when it does not stream."""
    run_type: str = "llm"
    name: str = ""
    """Name of the run."""
    is_poll: bool = False
    """A read of what an earlier call made: no request of its own, recorded only when it tells a usage nobody told."""


_OPENAI_POST: Mapping[str, Endpoint] = {
    "/chat/completions": Endpoint("chat", "openai.chat", "openai.chat.stream", name="ChatOpenAI"),
    "/completions": Endpoint("completions", "openai.chat", "openai.chat.stream", name="OpenAI"),
    "/responses": Endpoint("responses", "openai.responses", "openai.responses.stream", name="OpenAIResponses"),
    "/responses/compact": Endpoint("responses_compact", "openai.responses", name="OpenAIResponsesCompact"),
    "/embeddings": Endpoint("embeddings", "openai.embeddings", run_type="embedding", name="OpenAIEmbeddings"),
    "/images/generations": Endpoint("images", "openai.images", "openai.images.stream_completed", name="OpenAIImages"),
    "/images/edits": Endpoint("images_edit", "openai.images", "openai.images.stream_completed", name="OpenAIImages"),
    "/audio/transcriptions": Endpoint(
        "transcription", "openai.transcription", "openai.transcription", name="OpenAITranscription"
    ),
    "/audio/translations": Endpoint("translation", "openai.translation", name="OpenAITranslation"),
    "/audio/speech": Endpoint("speech", "openai.speech", name="OpenAISpeech"),
    "/moderations": Endpoint("moderation", "openai.moderation", name="OpenAIModeration"),
}
_RESPONSES_POLL = Endpoint(
    "responses", "openai.responses", "openai.responses.stream", name="OpenAIResponses", is_poll=True
)
BATCH_RESULTS = Endpoint("batch", "openai.batch_line", name="OpenAIBatch", is_poll=True)
"""A downloaded file: one record a line, if it turns out to be the output of a batch."""

_GEMINI: Mapping[str, Endpoint] = {
    "generateContent": Endpoint("generate", "gemini.generate_content", name="ChatGoogleGenerativeAI"),
    "streamGenerateContent": Endpoint(
        "stream", "gemini.generate_content", "gemini.stream", name="ChatGoogleGenerativeAI"
    ),
    "embedContent": Endpoint("embed", "gemini.embed_content", run_type="embedding", name="GoogleEmbeddings"),
    "batchEmbedContents": Endpoint("embed", "gemini.embed_content", run_type="embedding", name="GoogleEmbeddings"),
    "predict": Endpoint("imagen", "gemini.imagen", name="GoogleImagen"),
}
_INTERACTION = Endpoint("interactions", "gemini.interactions", "gemini.interactions", name="GoogleInteractions")
_INTERACTION_POLL = Endpoint(
    "interactions", "gemini.interactions", "gemini.interactions", name="GoogleInteractions", is_poll=True
)


def openai_endpoint(method: str, path: str) -> Endpoint | None:
    """The operation behind an OpenAI request; `None` for what bills nothing. Azure's deployment prefix is skipped."""
    path = path.rstrip("/")
    if method == "POST":
        for depth in (2, 1):
            found = _OPENAI_POST.get("/" + "/".join(path.split("/")[-depth:]))
            if found is not None:
                return found
        return _RESPONSES_POLL if path.endswith("/cancel") and "/responses/" in path else None
    parts = path.split("/")
    if method != "GET" or len(parts) < 3:
        return None
    if parts[-2] == "responses":
        return _RESPONSES_POLL
    return BATCH_RESULTS if parts[-3] == "files" and parts[-1] == "content" else None


def gemini_endpoint(path: str) -> tuple[Endpoint, str] | None:
    """The operation and the model behind a Gemini path such as `…/models/gemini-3-pro:generateContent?alt=sse`."""
    target, _, verb = path.split("?", 1)[0].rpartition(":")
    model = target.rpartition("/")[2]
    found = _GEMINI["embedContent"] if verb == "predict" and "embedding" in model else _GEMINI.get(verb)
    return (found, model) if found is not None else None


def interaction_endpoint(method: str, path: str) -> Endpoint | None:
    """The operation behind a request of the Interactions API, `None` for what bills nothing."""
    parts = path.rstrip("/").split("/")
    if method == "POST":
        return _INTERACTION if parts[-1] == "interactions" else None
    return _INTERACTION_POLL if method == "GET" and len(parts) > 1 and parts[-2] == "interactions" else None
