"""What of prompts and answers leaves the process: all, masked, or numbers only. Media go as references."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 64
"""Levels of JSON that are looked into; what lies deeper is left out."""
MIN_MEDIA_CHARS = 256
"""Shorter texts are never taken for encoded media."""
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\s*\Z")
_MEDIA_KEYS = frozenset(
    {"data", "b64_json", "result", "partial_image_b64", "file_data", "audio", "bytesBase64Encoded", "image_bytes"}
)

_CHECKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "key",
        re.compile(
            r"\b(?:sk|pk|rk|lsv2|ghp|gho|xox[abps])[-_][A-Za-z0-9_-]{16,}|\bAIza[0-9A-Za-z_-]{30,}"
            r"|\bAKIA[0-9A-Z]{16}\b|\bBearer\s+[A-Za-z0-9._~+/-]{16,}=*"
        ),
    ),
    ("email", re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    # Birth date, then a digit for century and sex, then six more: https://en.wikipedia.org/wiki/Resident_registration_number
    ("rrn", re.compile(r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-\s]?[1-8]\d{6}(?!\d)")),
    ("phone", re.compile(r"(?<![\d-])(?:\+82[-\s]?|0)(?:1[016-9]|2|[3-6][1-5]|70)[-\s.]?\d{3,4}[-\s.]?\d{4}(?![\d-])")),
)  # fmt: skip
"""What `masked` takes out: API keys, e-mail addresses, Korean resident registration and phone numbers."""


class ContentPolicy:
    """One mode with its patterns; cleaning never changes what it is given."""

    def __init__(self, mode: str, patterns: tuple[re.Pattern[str], ...] = ()) -> None:
        self.mode = mode
        self._checks = (*_CHECKS, *(("custom", pattern) for pattern in patterns)) if mode == "masked" else ()

    def clean(self, value: Any) -> Any:
        """`value` as it may leave; an empty dict when nothing may."""
        return {} if self.mode == "none" else self._clean(value, "", MAX_DEPTH)

    def text(self, text: str | None) -> str | None:
        """A sentence such as an error, masked; without content only its first word is kept."""
        if text is None or self.mode == "full":
            return text
        return self._masked(text) if self.mode == "masked" else re.split(r"[(:]", text, maxsplit=1)[0]

    def _clean(self, value: Any, key: str, depth: int) -> Any:
        if depth == 0:
            return None
        if isinstance(value, str):
            return _media(value, key) or self._masked(value)
        if isinstance(value, Mapping):
            return {str(name): self._clean(one, str(name), depth - 1) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(one, key, depth - 1) for one in value]
        if isinstance(value, bytes | bytearray | memoryview):
            return _reference("application/octet-stream", bytes(value))
        if value is None or isinstance(value, bool | int | float):
            return value
        dump = getattr(value, "model_dump", None)
        if callable(dump) and not isinstance(value, type):
            return self._clean(dump(mode="json", exclude_none=True), key, depth - 1)
        return f"<{type(value).__name__}>"

    def _masked(self, text: str) -> str:
        for name, pattern in self._checks:
            text = pattern.sub(f"[{name}]", text)
        return text


def _media(text: str, key: str) -> dict[str, Any] | None:
    """The reference that stands for `text`, if it is encoded media."""
    if len(text) < MIN_MEDIA_CHARS:
        return None
    found = _DATA_URL.match(text)
    if found:
        return _reference(found.group(1) or "application/octet-stream", _decoded(text[found.end() :]))
    if key in _MEDIA_KEYS and _BASE64.match(text):
        return _reference("application/octet-stream", _decoded(text))
    return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        return text.encode()


def _reference(kind: str, data: bytes) -> dict[str, Any]:
    return {"type": kind, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
