"""Usage: the counts reported for one billed provider request, in one normal form.

Totals are inclusive (`cache_read` is part of the input, `reasoning` part of the output); details are subsets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

UsageSource = Literal["provider", "partial", "estimated"]
"""`provider`: reported and complete. `partial`: the last running total of a stream that was cut, or one side only."""

INPUT_DETAILS = (
    "cache_read", "cache_creation", "cache_creation_30m", "cache_creation_12h",
    "audio", "image", "video", "cache_read_audio", "cache_read_image", "cache_read_video", "tool_use",
)  # fmt: skip
OUTPUT_DETAILS = ("reasoning", "audio", "image", "video", "prediction_accepted", "prediction_rejected")


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int = 0
    """Everything sent: plain, cached, written to the cache, and the tool-use prompt."""
    output_tokens: int = 0
    """Everything generated: text, reasoning, audio, image, rejected predictions."""
    input_token_details: Mapping[str, int] = field(default_factory=dict)
    """Subsets of `input_tokens`, keys of `INPUT_DETAILS`; only non-zero or explicitly reported ones."""
    output_token_details: Mapping[str, int] = field(default_factory=dict)
    """Subsets of `output_tokens`, keys of `OUTPUT_DETAILS`."""
    meters: Mapping[str, Decimal] = field(default_factory=dict)
    """What is billed but is not a token: `web_search` calls, `audio_seconds`, `images`, `characters`, ..."""
    requests: int = 1
    source: UsageSource = "provider"
    tier: str | None = None
    """Served tier: `standard`, `flex`, `priority`, `batch`, `ultrafast`, `provisioned`, or the provider's own word."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The provider's usage object, unaltered."""
    warnings: tuple[str, ...] = ()
    """Codes such as `usage_clamped`, `usage_bad_field`, `usage_total_mismatch`."""

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens
