"""How many tokens one generated image is: what turns a price per token into a price per image."""

from collections.abc import Mapping

_GEMINI_3_PRO = {"default": 1_120, "1K": 1_120, "2K": 1_120, "4K": 2_000}
_GEMINI_2_5 = {"default": 1_290, "1K": 1_290}
_GPT_IMAGE = {
    "low": 272,
    "medium": 1_056,
    "high": 4_160,
    "low 1024x1024": 272,
    "medium 1024x1024": 1_056,
    "high 1024x1024": 4_160,
    "low 1024x1536": 408,
    "medium 1024x1536": 1_584,
    "high 1024x1536": 6_240,
    "low 1536x1024": 400,
    "medium 1536x1024": 1_568,
    "high 1536x1024": 6_208,
}

IMAGE_TOKENS: Mapping[str, Mapping[str, int]] = {
    "gemini-3-pro-image": _GEMINI_3_PRO,
    "gemini-3-pro-image-preview": _GEMINI_3_PRO,
    "gemini-2.5-flash-image": _GEMINI_2_5,
    "gemini-2.5-flash-image-preview": _GEMINI_2_5,
    "gpt-image-1": _GPT_IMAGE,
    "gpt-image-1-mini": _GPT_IMAGE,
    "gpt-image-1.5": _GPT_IMAGE,
}
"""Model → size (for OpenAI quality, then size) → output tokens of one image, as transcribed publicly from the pages
https://ai.google.dev/gemini-api/docs/pricing (2026-09-20: "$0.134 per 1K/2K image and $0.24 per 4K image") and
https://platform.openai.com/docs/guides/image-generation; the pages themselves were not read again.
gpt-image-2 counts by a formula of its own: it is not here, so its price per image is unknown."""


def sizes_of(model: str) -> Mapping[str, int]:
    return IMAGE_TOKENS.get(model, {})


def tokens_per_image(model: str, size: str) -> int | None:
    """Output tokens of one image, whatever the case of `size`; `None` when unknown."""
    wanted = size.strip().lower()
    return next((tokens for name, tokens in sizes_of(model).items() if name.lower() == wanted), None)
