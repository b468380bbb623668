"""Estimation: what a request probably counted for when its usage never came. Marked, and outside billed totals.

One vocabulary, OpenAI's o200k, for every model, with a factor per family; it ships with the package and nothing is ever
downloaded. Without `tiktoken` (extra `estimate`) the length in bytes has to do. Never the length in characters: it
halves Korean. Measured accuracy: `tests/bench/estimate.py`.
"""

import base64
import gzip
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from everytoken.catalog.image_tokens import ASSUMED_SIZE, image_tokens, size_of_data_url
from everytoken.core.run import Run
from everytoken.core.usage import Usage

O200K_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""Of the uncompressed vocabulary, as tiktoken 0.14 expects it."""
MAX_COUNTED_CHARS = 200_000
"""Characters that are tokenised of one text; what is longer is scaled up, or one prompt would hold the thread."""
MAX_NESTING = 8
"""Levels of a message that are looked through for text and images."""
REPLY_PRIMING = 3
PER_MESSAGE = 3
"""Tokens around each chat message and before the reply (https://cookbook.openai.com, how to count tokens, 2026-11)."""
TOOL_SCHEMA_FACTOR = 0.9
"""Tokens of a tool's schema over those of its JSON. Unverified: the wire form is not published."""
SYMBOL_SHARE = 0.15
"""Above it a text is data: JSON has 0.29 of its characters in brackets and quotes, Python 0.07, prose 0.02."""

FAMILY_FACTORS: Mapping[str, float] = {"google": 1.12}
"""o200k counts to the family's own: Gemma 3 makes 3 to 23% more of English, code and JSON, 6% less of Korean prose."""

_PATTERN = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
"""How o200k cuts a text into words: https://github.com/openai/tiktoken, `tiktoken_ext/openai_public.py`."""

_REASONING = ("o1", "o3", "o4", "gpt-5", "gpt-6", "gpt-oss", "gemini-2.5", "gemini-3")
_NOT_REASONING = ("gpt-5-chat", "gemini-2.5-flash-image")

log = logging.getLogger("everytoken.estimate")


class Encoding(Protocol):
    def encode_ordinary(self, text: str) -> list[int]: ...


@cache
def load_encoding() -> Encoding | None:
    """o200k from the package's own data; `None` without tiktoken, or when the data is not what it should be."""
    try:
        import tiktoken
    except ImportError:
        return None
    try:
        packed = (files("everytoken.catalog") / "data" / "o200k_base.tiktoken.gz").read_bytes()
        vocabulary = gzip.decompress(packed)
    except OSError as problem:
        log.warning("the tokeniser's data can't be read, estimating by bytes: %s", problem)
        return None
    if hashlib.sha256(vocabulary).hexdigest() != O200K_SHA256:
        log.warning("the tokeniser's data is damaged, estimating by bytes: reinstall everytoken")
        return None
    pairs = (line.split() for line in vocabulary.splitlines() if line)
    ranks = {base64.b64decode(token): int(rank) for token, rank in pairs}
    return tiktoken.Encoding("everytoken_o200k", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={})


def estimate_tokens(text: str, provider: str | None = None, encoding: Encoding | None = None) -> int:
    """Tokens of `text` for a model of `provider`, by `encoding` or, without one, by its length in UTF-8 bytes."""
    if not text:
        return 0
    counted = text[:MAX_COUNTED_CHARS]
    tokens: float = len(encoding.encode_ordinary(counted)) if encoding else _tokens_by_bytes(counted)
    return max(round(tokens * len(text) / len(counted) * _factor(provider)), 1)


def _tokens_by_bytes(text: str) -> float:
    symbols = sum(map(text.count, '{}[]":,'))
    return len(text.encode(errors="replace")) / (3 if symbols > SYMBOL_SHARE * len(text) else 4)


def _factor(provider: str | None) -> float:
    return FAMILY_FACTORS.get((provider or "").partition("-")[0], 1.0)


def is_reasoning(model: str | None) -> bool:
    """Whether `model` may reason before it answers, so that an estimated output is a lower bound."""
    name = (model or "").lower().rpartition("/")[2]
    return name.startswith(_REASONING) and not name.startswith(_NOT_REASONING)


def estimate_usage(
    *,
    provider: str | None,
    model: str | None,
    prompt: object,
    answer: object = None,
    tools: Sequence[object] = (),
    encoding: Encoding | None = None,
) -> Usage:
    """The usage that a request with `prompt` and an `answer` so far probably has, with source `estimated`.

    `prompt` is a text, a list of chat messages, or of Gemini contents; `answer` a text or a message. Its warnings say
    `estimate_by_bytes`, `estimate_lower_bound` or `estimate_image_size`. Never raises.
    """
    sent, said = _Content(), _Content()
    sent.read(prompt)
    said.read(answer)
    warnings = set()
    if encoding is None:
        warnings.add("estimate_by_bytes")
    if is_reasoning(model):
        warnings.add("estimate_lower_bound")
    if any(image.size is None for image in sent.images):
        warnings.add("estimate_image_size")
    pictures = sum(image_tokens(model, *(image.size or ASSUMED_SIZE), image.detail) for image in sent.images)
    schemas = sum(estimate_tokens(_json(tool), provider, encoding) for tool in tools)
    words = sum(estimate_tokens(text, provider, encoding) for text in sent.texts)
    around = 0 if _factor(provider) != 1.0 else PER_MESSAGE * _message_count(prompt) + REPLY_PRIMING
    return Usage(
        input_tokens=words + pictures + round(schemas * TOOL_SCHEMA_FACTOR) + around,
        output_tokens=sum(estimate_tokens(text, provider, encoding) for text in said.texts),
        input_token_details={"image": pictures} if pictures else {},
        source="estimated",
        warnings=tuple(sorted(warnings)),
    )


def estimate_run(
    run: Run, *, provider: str | None, model: str | None, encoding: Encoding | None = None
) -> Usage | None:
    """The estimated usage of the request that `run` stands for, from what it carries; `None` when it hides its prompt.

    Reads what OpenAI's, Google's and LangChain's calls look like in a run. An answer that is not there counts as empty.
    """
    prompt = _first_of(run.inputs, _PROMPTS)
    if not prompt:
        return None
    instructions = _first_of(run.inputs, ("instructions", "system_instruction", "system"))
    config, params = _first_of(run.inputs, ("config",)), run.extra.get("invocation_params")
    tools = _first_of(run.inputs, ("tools",)) or _first_of(config, ("tools",)) or _first_of(params, ("tools",))
    return estimate_usage(
        provider=provider,
        model=model,
        prompt=[instructions, prompt] if instructions else prompt,
        answer=_first_of(run.outputs, _ANSWERS) if run.run_type == "llm" else None,
        tools=tools if isinstance(tools, list) else (),
        encoding=encoding,
    )


_PROMPTS = ("messages", "contents", "input", "prompt", "prompts")
_ANSWERS = ("choices", "generations", "candidates", "output", "content", "text", "message")


def _first_of(record: object, keys: Iterable[str]) -> object:
    return next((record[key] for key in keys if record.get(key)), None) if isinstance(record, Mapping) else None


def _message_count(prompt: object, depth: int = 0) -> int:
    """Messages of a chat; LangChain wraps them in a list of prompts."""
    if isinstance(prompt, list) and depth < MAX_NESTING:
        return sum(_message_count(item, depth + 1) for item in prompt)
    return 1 if prompt else 0


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError, RecursionError):
        return ""


@dataclass(frozen=True, slots=True)
class _Image:
    size: tuple[int, int] | None
    detail: str


class _Content:
    """Texts and images of a prompt in any of the shapes that chat APIs take."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images: list[_Image] = []

    def read(self, value: object, depth: int = 0) -> None:
        if isinstance(value, str):
            self.texts.append(value)
        elif depth >= MAX_NESTING:
            return
        elif isinstance(value, list | tuple):
            for item in value:
                self.read(item, depth + 1)
        elif isinstance(value, Mapping):
            self._read_record(value, depth)

    def _read_record(self, record: Mapping[Any, Any], depth: int) -> None:
        image = _image_in(record)
        if image is not None:
            self.images.append(image)
            return
        for call in _calls(record):
            self.texts.append(_json(call))
        for key in ("text", "content", "parts", "kwargs", "message", "delta"):
            if record.get(key) is not None:
                self.read(record[key], depth + 1)
                return


def _calls(record: Mapping[Any, Any]) -> Iterable[object]:
    """Tool calls and their results, which are billed as the JSON they are."""
    calls = record.get("tool_calls")
    yield from calls if isinstance(calls, list) else ()
    for key in ("functionCall", "function_call", "functionResponse", "function_response"):
        if isinstance(record.get(key), Mapping):
            yield record[key]
    if record.get("type") == "function_call":
        yield {"name": record.get("name"), "arguments": record.get("arguments")}


def _image_in(part: Mapping[Any, Any]) -> _Image | None:
    """The image of a content part: OpenAI's `image_url` or `input_image`, Gemini's `inline_data` or `file_data`."""
    linked = part.get("image_url")
    if linked is not None:
        url = linked.get("url") if isinstance(linked, Mapping) else linked
        detail = linked.get("detail") if isinstance(linked, Mapping) else part.get("detail")
        return _Image(size_of_data_url(url) if isinstance(url, str) else None, str(detail or "auto"))
    for key in ("inline_data", "inlineData", "file_data", "fileData"):
        data = part.get(key)
        if isinstance(data, Mapping):
            kind = data.get("mime_type") or data.get("mimeType") or ""
            encoded = data.get("data")
            if str(kind).startswith("image/"):
                return _Image(size_of_data_url(encoded) if isinstance(encoded, str) else None, "auto")
    return None
