"""What an image in a prompt counts for, by model family. Rules as published or measured, read 2026-11.

OpenAI: https://platform.openai.com/docs/guides/images-vision. Gemini: https://ai.google.dev/gemini-api/docs/tokens and
https://ai.google.dev/gemini-api/docs/media-resolution. Multipliers of the newer patch models are measured ones.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from math import ceil, floor, sqrt

ASSUMED_SIZE = (1024, 1024)
"""Pixels of an image that is only linked to."""
HEADER_CHARS = 65_536
"""Base64 characters in which the size must stand: behind a JPEG's embedded preview at the latest."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """512 px tiles after fitting into 2048 px and bringing the short side to 768 px."""

    base: int
    per_tile: int


@dataclass(frozen=True, slots=True)
class _Patches:
    """32 px patches, scaled down to a budget, times the model's factor."""

    factor: float
    budget: int | None


_OPENAI: tuple[tuple[str, _Tiles | _Patches], ...] = (
    ("gpt-4o-mini", _Tiles(2833, 5667)),
    ("gpt-4.1-mini", _Patches(1.62, 1536)),
    ("gpt-4.1-nano", _Patches(2.46, 1536)),
    ("gpt-4", _Tiles(85, 170)),
    ("o4-mini", _Patches(1.72, 1536)),
    ("o1", _Tiles(75, 150)),
    ("o3", _Tiles(75, 150)),
    ("computer-use", _Tiles(65, 129)),
    ("gpt-5-mini", _Patches(1.2, 1536)),
    ("gpt-5-nano", _Patches(1.5, 1536)),
    ("gpt-5.2", _Patches(1.2, 1536)),
    ("gpt-5.3", _Patches(1.2, 1536)),
    ("gpt-5.5", _Patches(1.2, 10_000)),
    ("gpt-5.", _Patches(1.2, 2500)),
    ("gpt-5", _Tiles(70, 140)),
    ("gpt-6", _Patches(1.2, None)),
)
"""First prefix that fits. `gpt-5.` stands before `gpt-5`, and the small models before their families."""

_GEMINI_3 = {"low": 280, "medium": 560, "high": 1120, "ultra_high": 2240}


def image_tokens(model: str | None, width: int, height: int, detail: str = "auto") -> int:
    """Input tokens of one image of `width` by `height` pixels. An unknown model counts as the current OpenAI family.

    `detail` is OpenAI's `low`, `high`, `auto`, or Gemini's media resolution.
    """
    name = (model or "").lower().removeprefix("models/").rpartition("/")[2]
    width, height = max(width, 1), max(height, 1)
    if name.startswith(("gemini-1", "gemini-2")):
        small = width <= 384 and height <= 384
        return 258 if small else 258 * ceil(width / 768) * ceil(height / 768)
    if name.startswith("gemini"):
        return _GEMINI_3.get(detail.lower().removeprefix("media_resolution_"), _GEMINI_3["high"])
    rule = next((rule for prefix, rule in _OPENAI if name.startswith(prefix)), _Patches(1.2, None))
    if isinstance(rule, _Tiles):
        return rule.base if detail == "low" else _tiled(rule, width, height)
    budget = 2500 if detail == "high" and name.startswith(("gpt-5.5", "gpt-6")) else rule.budget
    return ceil(round(_patches(width, height, budget) * rule.factor, 6))


def _tiled(rule: _Tiles, width: int, height: int) -> int:
    fit = min(1.0, 2048 / max(width, height))
    fit *= min(1.0, 768 / (min(width, height) * fit))
    return rule.base + rule.per_tile * ceil(round(width * fit, 6) / 512) * ceil(round(height * fit, 6) / 512)


def _patches(width: int, height: int, budget: int | None) -> int:
    count = ceil(width / 32) * ceil(height / 32)
    if budget is None or count <= budget:
        return count
    # Shrink to the budget, then so that a whole number of patches fits across and down.
    fit = sqrt(32 * 32 * budget / (width * height))
    across, down = width * fit / 32, height * fit / 32
    fit *= min(floor(across) / across or 1.0, floor(down) / down or 1.0)
    return min(ceil(round(width * fit / 32, 6)) * ceil(round(height * fit / 32, 6)), budget)


def size_of_data_url(url: str) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP image in a data URL or bare base64; `None` if they can't be read."""
    encoded = url[:HEADER_CHARS]
    if encoded.startswith("data:"):
        encoded = encoded.partition(",")[2]
    elif encoded.startswith(("http:", "https:", "gs:", "file:")):
        return None
    try:
        head = base64.b64decode(encoded[: len(encoded) // 4 * 4], validate=False)
        return _size_of(head)
    except (binascii.Error, struct.error, ValueError, IndexError):
        return None


def _size_of(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp_size(head)
    return _jpeg_size(head) if head.startswith(b"\xff\xd8") else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    """The size stands in the first start-of-frame segment (0xC0 to 0xCF without C4, C8 and CC)."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None
