"""Names at the edge of the catalog: who bills, and what the model is called once gateways' prefixes are gone."""

import re

PROVIDERS: dict[str, str] = {
    "azure-ai-inference": "azure",
    "azure-openai": "azure",
    "azureopenai": "azure",
    "az-ai-inference": "azure",
    "az-ai-openai": "azure",
    "amazon-bedrock": "aws",
    "aws-bedrock": "aws",
    "bedrock": "aws",
    "gcp-gemini": "google",
    "gcp-gen-ai": "google",
    "gemini": "google",
    "google-ai": "google",
    "google-ai-studio": "google",
    "google-genai": "google",
    "google-gla": "google",
    "gcp-vertex-ai": "google-vertex",
    "google-anthropic-vertex": "google-vertex",
    "google-vertexai": "google-vertex",
    "vertex": "google-vertex",
    "vertex-ai": "google-vertex",
    "vertexai": "google-vertex",
    "mistralai": "mistral",
    "mistral-ai": "mistral",
    "xai": "x-ai",
}
"""What LangChain (`ls_provider`), OpenTelemetry (`gen_ai.provider.name`) and gateways call a provider → our word.
A name that is neither here nor an id of the price library is a provider of its own: it has no list price."""

_PATH = re.compile(r"^(?:projects/[^/]+/locations/[^/]+/)?(?:publishers/[^/]+/)?models/", re.IGNORECASE)
_PREFIXES = {
    "openai": ("openai",),
    "azure": ("azure", "azure_ai", "openai"),
    "google": ("google", "gemini"),
    "anthropic": ("anthropic",),
    "google-vertex": ("vertex_ai", "google-vertex", "google", "gemini", "anthropic"),
}
"""What gateways put before a model's name, by the provider it is stripped for; the first that has it owns it."""

_INFERRED = (
    (
        re.compile(
            r"(ft:)?(gpt-(?!oss)|chatgpt-|o[134](-|$)|codex-|computer-use|text-embedding-(3|ada)|"
            r"(omni|text)-moderation|whisper-1|tts-1|dall-e-|sora-)"
        ),
        "openai",
    ),
    (re.compile(r"gemini-|imagen-|veo-"), "google"),
    (re.compile(r"claude-"), "anthropic"),
)
"""Models that one company alone names so. Open-weight models say nothing about who bills."""


def canonical_provider(provider: str | None) -> str | None:
    """Our word for a provider, or `None` if nothing was said."""
    if not provider or not provider.strip():
        return None
    name = re.sub(r"[\s_.]+", "-", provider.strip().lower())
    return PROVIDERS.get(name, name)


def canonical_model(provider: str | None, model: str) -> tuple[str | None, str]:
    """Provider and bare lower-case model; the provider is read off the model's name when nobody stated it."""
    name = _PATH.sub("", model.strip()).lower()
    if provider is None:
        provider, name = _from_prefix(name)
    for prefix in _PREFIXES.get(provider or "", ()):
        name = name.removeprefix(f"{prefix}/")
    if provider is None:
        provider = next((owner for pattern, owner in _INFERRED if pattern.match(name)), None)
    return provider, name.removesuffix("@default")


def _from_prefix(name: str) -> tuple[str | None, str]:
    head, slash, tail = name.partition("/")
    if slash:
        for provider, prefixes in _PREFIXES.items():
            if head in prefixes:
                return provider, tail
    return None, name
