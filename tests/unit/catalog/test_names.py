"""Names of providers and models as gateways and tracers write them, in our words."""

import subprocess
import sys

import pytest

from everytoken.catalog.names import canonical_model, canonical_provider


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("openai", "openai"), ("OpenAI", "openai"), ("azure-openai", "azure"), ("az.ai.openai", "azure"),
        ("azure_openai", "azure"), ("google", "google"), ("google_genai", "google"), ("gcp.gemini", "google"),
        ("google_vertexai", "google-vertex"), ("gcp.vertex_ai", "google-vertex"), ("google-vertex", "google-vertex"),
        ("aws.bedrock", "aws"), ("xai", "x-ai"), ("mistral_ai", "mistral"), ("my gateway", "my-gateway"),
        ("openai-compatible-proxy", "openai-compatible-proxy"), (None, None), (" ", None),
    ],
)  # fmt: skip
def test_a_provider_has_one_word(written: str | None, ours: str | None) -> None:
    assert canonical_provider(written) == ours


@pytest.mark.parametrize(
    ("provider", "written", "ours"),
    [
        ("google", "models/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("google-vertex", "projects/a/locations/b/publishers/google/models/gemini-2.5-pro",
         ("google-vertex", "gemini-2.5-pro")),
        ("azure", "openai/gpt-5.2", ("azure", "gpt-5.2")),
        ("openrouter", "openai/gpt-5.2", ("openrouter", "openai/gpt-5.2")),  # its own list names models so
        (None, "gemini/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        (None, "vertex_ai/gemini-2.5-pro", ("google-vertex", "gemini-2.5-pro")),
        (None, "my/gemini-2.5-pro", (None, "my/gemini-2.5-pro")),
        (None, "anthropic/claude-opus-4-8", ("anthropic", "claude-opus-4-8")),
        (None, "o3-mini", ("openai", "o3-mini")),
        (None, "o3o", (None, "o3o")),
        (None, "ft:gpt-4o-2024-08-06:org::id", ("openai", "ft:gpt-4o-2024-08-06:org::id")),
        (None, "text-embedding-3-small", ("openai", "text-embedding-3-small")),
        (None, "text-embedding-004", (None, "text-embedding-004")),
        (None, "llama-4", (None, "llama-4")),
    ],
)  # fmt: skip
def test_a_model_is_bare_and_its_provider_is_inferred_only_from_names_one_company_has(
    provider: str | None, written: str, ours: tuple[str | None, str]
) -> None:
    assert canonical_model(provider, written) == ours


def test_importing_the_catalog_does_not_import_the_price_library() -> None:
    program = "import sys, everytoken.catalog as c; c.PriceBook(); print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
