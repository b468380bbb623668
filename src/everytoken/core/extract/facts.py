"""Who answered, which model, by which API: what a run says about its request beside the usage."""

from collections.abc import Mapping

from everytoken.core.charge import Layer
from everytoken.core.extract.reading import dig, first, get, items, text
from everytoken.core.run import Run

OPENAI = frozenset({"openai", "azure-openai"})
GOOGLE = frozenset({"google", "google-vertex"})
FRAMEWORKS = frozenset(
    {"agno", "autogen", "crewai", "dspy", "haystack", "langchain", "langgraph", "litellm", "llama_index", "llamaindex",
     "mastra", "pydantic-ai", "pydantic_ai", "semantic_kernel", "smolagents", "strands", "strands-agents", "traceloop"}
)  # fmt: skip
"""Orchestrators that tracers name where the provider belongs, as langsmith's OpenTelemetry mode does (0.15.0) and
Strands does of itself (1.62); the model's name then says who serves it."""

_PROVIDERS = {
    "azure": "azure-openai",
    "azure_openai": "azure-openai",
    "azure.ai.openai": "azure-openai",
    "az.ai.openai": "azure-openai",
    "az.ai.inference": "azure-openai",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "google_genai": "google",
    "google-genai": "google",
    "google_ai": "google",
    "gemini": "google",
    "gcp.vertex_ai": "google-vertex",
    "google_vertexai": "google-vertex",
    "google-vertexai": "google-vertex",
    "vertex_ai": "google-vertex",
    "vertexai": "google-vertex",
}
"""Spellings of LangChain's `ls_provider`, OpenTelemetry's `gen_ai.provider.name` and OpenInference's `llm.provider`."""

_MODEL_PROVIDERS = (
    (("gpt-oss",), None),
    (("gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-3", "text-embedding-ada"), "openai"),
    (("dall-e", "omni-moderation", "sora-", "tts-", "whisper-"), "openai"),
    (("gemini-", "models/gemini-", "imagen-", "gemini-embedding"), "google"),
    (("claude-",), "anthropic"),
)  # fmt: skip

_SDK_RUN_NAMES = frozenset({"ChatOpenAI", "AzureChatOpenAI", "OpenAI", "ChatGoogleGenerativeAI", "ChatAnthropic"})


SCOPE = "otel.scope.name"
"""Metadata that names the instrumentation which made a span."""
SILENT_ON_CACHE = frozenset(
    {
        "opentelemetry.instrumentation.openai_v2",
        "openinference.instrumentation.openai_agents",
        "openinference.instrumentation.smolagents",
    }
)
"""Instrumentations that leave out how much was cached, for all calls or for those of the chat API: seen in 2.4b0, 2.6.0
and 0.1.43. What they leave out is not known to be zero."""
MIN_CACHED = 1024
"""Tokens of the shortest prompt that is cached (https://platform.openai.com/docs/guides/prompt-caching, 2026-11)."""


def attributes_of(run: Run) -> Mapping[str, object]:
    """The OpenTelemetry attributes as they came, or nothing."""
    attributes = get(run.extra.get("otel"), "attributes")
    return attributes if isinstance(attributes, Mapping) else {}


def provider_of(run: Run, models: tuple[str | None, ...]) -> str | None:
    """The provider in our words: as reported, else as the model's name tells."""
    attributes = attributes_of(run)
    reported = text(run.metadata.get("ls_provider"))
    for key in ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"):
        word = text(attributes.get(key))
        reported = reported or (word if word and word.lower() not in FRAMEWORKS else None)
    if reported:
        return known_provider(reported)
    return next((name for model in models if (name := provider_of_model(model))), None)


def known_provider(word: str) -> str:
    """A reported provider in our words; a class name such as `langchainopenairunnable` still names its provider."""
    word = word.lower()
    if word in _PROVIDERS:
        return _PROVIDERS[word]
    for part, provider in (
        ("azure", "azure-openai"),
        ("vertex", "google-vertex"),
        ("openai", "openai"),
        ("gemini", "google"),
    ):
        if part in word:
            return provider
    return "google" if word.startswith("google") or word.endswith("google") else word


def provider_of_model(model: str | None) -> str | None:
    if model:
        for prefixes, provider in _MODEL_PROVIDERS:
            if model.lower().startswith(prefixes):
                return provider
    return None


def request_model_of(run: Run) -> str | None:
    attributes = attributes_of(run)
    places = (
        run.metadata.get("ls_model_name"),
        attributes.get("gen_ai.request.model"),
        attributes.get("llm.model_name"),
        attributes.get("embedding.model_name"),
        first(run.extra.get("invocation_params"), "model", "model_name", "model_id"),
        first(run.inputs, "model", "model_name"),
        get(run.extra.get("metrics"), "model"),
    )
    return next((model for place in places if (model := text(place))), None)


def layer_of(run: Run) -> Layer:
    metadata = run.metadata
    if attributes_of(run):
        return "otel"
    if metadata.get("openai_span_id") or metadata.get("openai_trace_id"):
        return "agents"
    if get(run.outputs, "generations") is not None:
        return "framework"
    # Runs below LangChain's may inherit its metadata; what `traceable` made is not LangChain's own.
    is_langchains = metadata.get("lc_versions") or str(metadata.get("ls_integration") or "").startswith("langchain")
    if is_langchains and metadata.get("ls_method") != "traceable":
        return "framework"
    wrapped = "ls_invocation_params" in metadata or run.name in _SDK_RUN_NAMES
    return "sdk" if wrapped and metadata.get("ls_model_type") else "manual"


def call_path_of(run: Run, provider: str | None, searched: bool, response_id: str | None = None) -> str:
    """Provider × API × mode, as far as the run tells; `<provider>.unknown` as the last resort."""
    if provider in GOOGLE:
        return _gemini_path(run, searched)
    family = "openai" if provider in OPENAI else provider or "unknown"
    # Many tracers call a request of either API a chat; the id of the answer is one of the API that gave it.
    api = "responses" if response_id and response_id.startswith("resp_") else _openai_api(run)
    if api in {"unknown", "embeddings"}:
        return f"{family}.{api}"
    return f"{family}.{api}.stream" if is_streamed(run) else f"{family}.{api}"


def _gemini_path(run: Run, searched: bool) -> str:
    if run.run_type == "embedding":
        return "gemini.embed"
    if run.run_type != "llm":
        return "gemini.unknown"
    path = "gemini.stream" if is_streamed(run) else "gemini.generate"
    return f"{path}.search" if searched or _asks_google(run) else path


def _asks_google(run: Run) -> bool:
    asked = (
        dig(run.inputs, "config", "tools"),
        get(run.extra.get("invocation_params"), "tools"),
        get(run.inputs, "tools"),
    )
    return any(
        get(tool, "google_search") is not None or get(tool, "google_search_retrieval") is not None
        for tools in asked
        for tool in items(tools)
    )


def _openai_api(run: Run) -> str:
    attributes = attributes_of(run)
    operation = text(attributes.get("gen_ai.operation.name")) or text(attributes.get("llm.request.type")) or ""
    if run.run_type == "embedding" or operation.startswith("embedding"):
        return "embeddings"
    kind = text(get(run.outputs, "object")) or ""
    asked = (run.metadata.get("ls_invocation_params"), run.extra.get("invocation_params"))
    if kind.startswith("response") or any(get(params, "use_responses_api") for params in asked):
        return "responses"
    if run.metadata.get("openai_span_id") and get(run.outputs, "output") is not None:
        return "responses"
    if "input_tokens_details" in (text(attributes.get("gen_ai.usage.raw")) or ""):  # the chat API has prompt tokens
        return "responses"
    if (
        kind.startswith("text_completion")
        or run.metadata.get("ls_model_type") == "llm"
        or operation == "text_completion"
    ):
        return "completions"
    is_chat = kind.startswith("chat.completion") or run.metadata.get("ls_model_type") == "chat" or operation == "chat"
    if is_chat or get(run.inputs, "messages") is not None:
        return "chat"
    return "unknown"


def is_streamed(run: Run) -> bool:
    if any(get(event, "name") == "new_token" for event in run.events):
        return True
    if get(run.outputs, "object") == "chat.completion.chunk" or get(run.inputs, "stream") is True:
        return True
    params = run.extra.get("invocation_params")
    if get(params, "stream") is True or get(params, "streaming") is True:
        return True
    attributes = attributes_of(run)
    if not attributes:
        return False
    if any(attributes.get(key) is True for key in ("llm.is_streaming", "gen_ai.is_streaming", "gen_ai.request.stream")):
        return True
    # Spans have a first token only where their tracer saw chunks come.
    return run.first_token_us is not None or run.name.endswith("ContentStream") or _is_of_chunks(run)


def _is_of_chunks(run: Run) -> bool:
    """Whether the outputs are LangChain's, put together of chunks: OpenInference says it nowhere else."""
    first_batch = _first_of(get(run.outputs, "generations"))
    return (text(get(_first_of(first_batch), "type")) or "").endswith("Chunk")


def _first_of(value: object) -> object:
    return next(iter(items(value)), None)
