"""One request to a simulated model, in one form for every provider: what rules match on and answers are made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from everytoken.simulator.billing import Billed

KOREAN_TOKENS_PER_CHARACTER = 0.7
"""Hangul and Han characters; measured on o200k_base with Korean prose it lies between 0.6 and 0.8."""
OTHER_TOKENS_PER_CHARACTER = 0.27
MESSAGE_TOKENS = 4
"""What a chat message adds for its role and separators."""
OPENAI_IMAGE_TOKENS = 765
"""A 1024 × 1024 picture at high detail. https://platform.openai.com/docs/guides/images-vision, read 2026-11-22."""
GEMINI_IMAGE_TOKENS = 258
"""A picture up to 384 pixels. https://ai.google.dev/gemini-api/docs/tokens, read 2026-11-22."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function the client offers, with the JSON schema of its arguments."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What the client wants, whatever its dialect."""

    provider: str
    """`openai` or `google`; `kakao`, `kma`, `mois` or `keco` for the public services, which bill nothing."""
    api: str
    """`chat`, `responses`, `generate`, `embeddings`, `embed`, `images`, `transcription`, ..."""
    model: str
    digest: str
    """Names the request: the same body, model and api give the same digest. All invention starts here."""
    stream: bool = False
    system: str = ""
    user: str = ""
    """Text of the last user message."""
    input_tokens: int = 0
    """What the input would plausibly count, pictures and sounds included."""
    image_tokens: int = 0
    audio_tokens: int = 0
    video_tokens: int = 0
    document_tokens: int = 0
    pictures: int = 0
    """Pictures the client sent."""
    functions: tuple[Function, ...] = ()
    forced: str | None = None
    """Function the client demands; `*` means any."""
    has_tool_result: bool = False
    """The last message is the result of a function: the model answers in words."""
    schema_name: str | None = None
    schema: Mapping[str, Any] | None = None
    json_mode: bool = False
    searches: bool = False
    """The client offers the provider's own web search."""
    wants_picture: bool = False
    choices: int = 1
    limit: int | None = None
    """Most output tokens the client allows."""
    tier: str = "default"
    usage: Billed | None = None
    """What the answer costs where no words are made: vectors, pictures, sound."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What one dialect alone needs to answer."""

    @property
    def wanted_function(self) -> Function | None:
        """The function that an invented answer calls, or None when it answers in words."""
        if not self.functions or (self.forced is None and self.has_tool_result):
            return None
        return next((f for f in self.functions if f.name == self.forced), self.functions[0])


def tokens_of(text: str) -> int:
    """A plausible token count; the simulator's own, no tokenizer's."""
    korean = sum(1 for character in text if "\u1100" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3")
    return max(1, round(korean * KOREAN_TOKENS_PER_CHARACTER + (len(text) - korean) * OTHER_TOKENS_PER_CHARACTER))
