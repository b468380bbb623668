"""What of prompts and answers leaves the process: all, masked, or numbers only. Media go as references."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_DEPTH = 64
"""Levels of JSON that are looked into; what lies deeper is left out."""
MIN_MEDIA_CHARS = 256
"""Shorter texts are never taken for encoded media."""
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,")
_INLINE_MEDIA = re.compile(_DATA_URL.pattern + rf"([A-Za-z0-9+/_-]{{{MIN_MEDIA_CHARS},}}={{0,2}})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\s*\Z")
_MEDIA_KEYS = frozenset(
    {"data", "b64_json", "result", "partial_image_b64", "file_data", "audio", "bytesBase64Encoded", "image_bytes"}
)

_Check = tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool] | None]


def _is_registration_number(found: re.Match[str]) -> bool:
    """With a separator its form is its own; thirteen bare digits may as well be an order number or a time in ms.

    Then the check digit decides, except for people registered since October 2020, whose numbers have none:
    https://en.wikipedia.org/wiki/Resident_registration_number, read 2026-11.
    """
    digits = [int(one) for one in found.group() if one.isdecimal()]
    if len(digits) < len(found.group()):
        return True
    if digits[6] in (3, 4, 7, 8) and digits[:4] >= [2, 0, 1, 0]:
        return True
    weighed = sum(digit * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False))
    return digits[12] == ((11 if digits[6] < 5 else 13) - weighed % 11) % 10


_CHECKS: tuple[_Check, ...] = (
    (
        "key",
        re.compile(
            r"\b(?:sk|pk|rk|lsv2|gh[opsu]|github_pat|xox[abps])[-_](?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}"
            r"|\bAIza[0-9A-Za-z_-]{30,}|\bA[KS]IA[0-9A-Z]{16}\b|\b(?i:bearer)\s+[A-Za-z0-9._~+/-]{16,}=*"
            r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
            r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[A-Za-z0-9+/=\s:,-]{0,20000}-----END [A-Z ]{0,30}PRIVATE KEY-----"
        ),
        None,
    ),
    # Its last label is letters: `react@18.2.0` is a version. Begins at a border, or a long word would be read n² times.
    (
        "email",
        re.compile(r"(?<![\w.%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}", re.ASCII),
        None,
    ),
    # Birth date, then a digit for century and sex, then six more.
    (
        "rrn",
        re.compile(r"(?<!\d)(?<!\d-)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-\s]?[1-8]\d{6}(?!\d|-\d)"),
        _is_registration_number,
    ),
    (
        "phone",
        re.compile(
            r"(?<!\d)(?<!\d[.-])(?:\+82[-\s]?(?:\(0\)\s?)?|0)(?:1[016-9]|2|[3-6][1-5]|70)\)?[-–\s.]{0,2}"
            r"\d{3,4}[-–\s.]?\d{4}(?!\d|-\d)"
        ),
        None,
    ),
)
"""What `masked` takes out: API keys, e-mail addresses, Korean resident registration and phone numbers."""


class ContentPolicy:
    """One mode with its patterns; cleaning never changes what it is given."""

    def __init__(self, mode: str, patterns: tuple[re.Pattern[str], ...] = ()) -> None:
        self.mode = mode
        self._checks = (*_CHECKS, *(("custom", pattern, None) for pattern in patterns)) if mode == "masked" else ()

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
            return _media(value, key) or self._masked(_without_inline_media(value))
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
        for name, pattern, is_meant in self._checks:
            text = pattern.sub(_replacement(name, is_meant), text)
        return text


def _replacement(name: str, is_meant: Callable[[re.Match[str]], bool] | None) -> str | Callable[[re.Match[str]], str]:
    """What stands in place of a find; a function where each must be looked at."""
    if is_meant is None:
        return f"[{name}]"
    return lambda found: f"[{name}]" if is_meant(found) else found.group()


def _media(text: str, key: str) -> dict[str, Any] | None:
    """The reference that stands for `text`, if it is encoded media."""
    if len(text) < MIN_MEDIA_CHARS:
        return None
    found = _DATA_URL.match(text)
    if found and _BASE64.match(text, found.end()):
        return _reference(found.group(1) or "application/octet-stream", _decoded(text[found.end() :]))
    if key in _MEDIA_KEYS and _BASE64.match(text):
        return _reference("application/octet-stream", _decoded(text))
    return None


def _without_inline_media(text: str) -> str:
    """Text with a picture in it, such as Markdown: the picture becomes a word with its size and hash."""
    if len(text) < MIN_MEDIA_CHARS or ";base64," not in text:
        return text
    return _INLINE_MEDIA.sub(_reference_word, text)


def _reference_word(found: re.Match[str]) -> str:
    told = _reference(found.group(1) or "application/octet-stream", _decoded(found.group(2)))
    return f"[{told['type']} {told['size_bytes']} bytes sha256:{told['sha256']}]"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/") + "==")
    except (binascii.Error, ValueError):
        return text.encode()


def _reference(kind: str, data: bytes) -> dict[str, Any]:
    return {"type": kind, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
