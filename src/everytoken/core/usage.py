"""Usage: the counts reported for one billed provider request, in one normal form.

Totals are inclusive (`cache_read` is part of the input, `reasoning` part of the output); details are subsets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar

UsageSource = Literal["provider", "partial", "estimated"]
"""`provider`: reported and complete. `partial`: the last running total of a stream that was cut, or one side only."""

INPUT_DETAILS = (
    "cache_read", "cache_creation", "cache_creation_30m", "cache_creation_12h",
    "audio", "image", "video", "cache_read_audio", "cache_read_image", "cache_read_video", "tool_use",
)  # fmt: skip
OUTPUT_DETAILS = ("reasoning", "audio", "image", "video", "prediction_accepted", "prediction_rejected")
MODALITIES = ("audio", "image", "video")
"""Text is never stored: it is what the other modalities leave of the total."""

MAX_COUNT = 10**12
"""The largest believable count of one request. Beyond it a sum over charges could leave 64 bits."""

WARNINGS: dict[str, str] = {
    "usage_bad_field": "A count was negative, a boolean, a fraction or text; that field was left out.",
    "usage_huge": "A count was larger than any request can bill (10^12); that field was left out.",
    "usage_clamped": "A detail was larger than what it is a part of; it was cut down to it.",
    "usage_total_mismatch": "The provider's own total differs from input plus output; input and output were kept.",
    "usage_reasoning_added": "The output was reported without reasoning; the total proved it, and it was added.",
    "usage_output_from_total": "The output left out tokens that the total contains; output is total minus input.",
    "usage_cache_untold": "The tracer leaves out how much of the input was cached; where some was, the cost is less.",
    "usage_tool_use_untold": "The model could search by itself, and the report has no count of what that fetched; the "
    "counts are a lower bound.",
    "usage_side_missing": "Only one of input and output was reported; the other counts as 0 and the usage as partial.",
    "usage_stream_cut": "The stream ended before its last chunk; the last running total was kept.",
    "usage_merged_hops": "The counts are a sum over several requests of one SDK call; no per-request tier applies.",
    "usage_hidden_requests": "The SDK made further billed requests in the same call whose usage it did not return.",
    "usage_cache_added": "The input was reported without cached tokens; they were added.",
    "cache_modality_assumed": "It is not known which cached tokens were audio, image or video; text was assumed first.",
    "estimate_lower_bound": "The model reasons before it answers; reasoning can't be estimated and is not included.",
    "estimate_by_bytes": "No tokeniser is installed; tokens were estimated from the length in bytes.",
    "estimate_image_size": "An image was only linked to; 1024 by 1024 pixels were assumed.",
}
"""Every warning code a usage can carry, with the sentence that explains it."""


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
    """Served tier: `standard`, `flex`, `priority`, `batch`, `ultrafast`, `provisioned`, or the provider's own word;
    `mixed` in a sum over different ones."""
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The provider's usage object, unaltered. Its spelling does not make two usages differ. Empty in a sum."""
    warnings: tuple[str, ...] = ()
    """Codes of `WARNINGS`, sorted."""

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """The usage of both requests together. Cost is not a function of it: price each request, then add."""
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            input_token_details=_added(self.input_token_details, other.input_token_details),
            output_token_details=_added(self.output_token_details, other.output_token_details),
            meters=_added(self.meters, other.meters),
            requests=self.requests + other.requests,
            source=max(self.source, other.source, key=_WORST_LAST.index),
            tier=_joined_tier(self, other),
            warnings=tuple(sorted({*self.warnings, *other.warnings})),
        )


ZERO = Usage(requests=0)
"""No request at all: the neutral element of addition."""

_WORST_LAST: tuple[UsageSource, ...] = ("provider", "partial", "estimated")


def total_usage(usages: Iterable[Usage]) -> Usage:
    """The sum over requests; `ZERO` for none."""
    return sum(usages, ZERO)


_Amount = TypeVar("_Amount", int, Decimal)


def _added(left: Mapping[str, _Amount], right: Mapping[str, _Amount]) -> dict[str, _Amount]:
    return {**left, **{key: left[key] + amount if key in left else amount for key, amount in right.items()}}


def _joined_tier(left: Usage, right: Usage) -> str | None:
    if right.requests == 0 or left.tier == right.tier:
        return left.tier
    return right.tier if left.requests == 0 else "mixed"


@dataclass(slots=True)
class Draft:
    """Counts as they are read, before the algebra holds. `finish` turns them into a `Usage`, or into nothing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    """The provider's own total, for the cross-check only."""
    inputs: dict[str, int | None] = field(default_factory=dict)
    outputs: dict[str, int | None] = field(default_factory=dict)
    meters: dict[str, Decimal] = field(default_factory=dict)
    requests: int = 1
    source: UsageSource = "provider"
    tier: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    warnings: set[str] = field(default_factory=set)
    largest: int = MAX_COUNT
    """A count beyond it is left out; larger where sums over requests are read back."""
    one_sided: bool = False
    """True where an absent side means zero: embeddings, and Gemini, which leaves zeros out."""

    def count(self, value: object) -> int | None:
        """`value` as a count of tokens. `None` if it is absent, or bad and then warned about."""
        if value is None:
            return None
        if type(value) is not int or value < 0:
            self.warnings.add("usage_bad_field")
            return None
        if value > self.largest:
            self.warnings.add("usage_huge")
            return None
        return value

    def add_missing_reasoning(self) -> None:
        """Gemini behind an OpenAI-compatible endpoint may leave reasoning out of its output; the total proves it."""
        reasoning = self.outputs.get("reasoning")
        if not reasoning or self.input_tokens is None or self.output_tokens is None:
            return
        if self.total_tokens == self.input_tokens + self.output_tokens + reasoning:
            self.output_tokens += reasoning
            self.warnings.add("usage_reasoning_added")

    def meter(self, name: str, amount: object) -> None:
        """Add a non-token amount; zero and absence add nothing, nonsense warns."""
        if amount is None:
            return
        if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
            self.warnings.add("usage_bad_field")
            return
        if not 0 <= amount <= MAX_COUNT:  # false for NaN as well
            self.warnings.add("usage_bad_field")
        elif amount:
            # Through text: 7.9 seconds are billed as 7.9, not as the binary fraction nearest to it.
            self.meters[name] = self.meters.get(name, Decimal(0)) + Decimal(str(amount))

    @property
    def is_empty(self) -> bool:
        return self.input_tokens is None and self.output_tokens is None and not self.meters

    def finish(self) -> Usage:
        """Make the invariants hold, changing no number that is consistent with the totals."""
        bad = bool(self.warnings & {"usage_bad_field", "usage_huge"})
        self._check_sides(bad)
        inputs, outputs = self._input_details(self.input_tokens or 0), self._output_details(self.output_tokens or 0)
        return Usage(
            input_tokens=self.input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            input_token_details=inputs,
            output_token_details=outputs,
            meters=self.meters,
            requests=self.requests,
            source=self.source,
            tier=self.tier,
            raw=self.raw,
            warnings=tuple(sorted(self.warnings)),
        )

    def _check_sides(self, bad: bool) -> None:
        known = [side for side in (self.input_tokens, self.output_tokens) if side is not None]
        total = self.total_tokens
        if len(known) == 1 and (bad or not self.one_sided) and total != known[0]:
            self.warnings.add("usage_side_missing")
            if self.source == "provider":
                self.source = "partial"
        if known and total is not None and total != sum(known):
            self.warnings.add("usage_total_mismatch")

    def _input_details(self, total: int) -> dict[str, int]:
        d = {key: value for key in INPUT_DETAILS if (value := self.inputs.get(key)) is not None}
        ttl = d.get("cache_creation_30m", 0) + d.get("cache_creation_12h", 0)
        if ttl and "cache_creation" not in d:
            d["cache_creation"] = ttl
        self._share(d, ("cache_read", "cache_creation"), total)
        self._share(d, ("cache_creation_30m", "cache_creation_12h"), d.get("cache_creation", 0))
        self._share(d, MODALITIES, total)
        self._share(d, ("tool_use",), total)
        for m in MODALITIES:
            self._share(d, (f"cache_read_{m}",), d.get(m, 0))
        self._share(d, tuple(f"cache_read_{m}" for m in MODALITIES), d.get("cache_read", 0))
        self._place_cache(d, total)
        return d

    def _output_details(self, total: int) -> dict[str, int]:
        d = {key: value for key in OUTPUT_DETAILS if (value := self.outputs.get(key)) is not None}
        self._share(d, MODALITIES, total)
        self._share(d, ("reasoning", "prediction_accepted", "prediction_rejected"), total)
        return d

    def _share(self, details: dict[str, int], parts: tuple[str, ...], whole: int) -> None:
        """Cut `parts`, in order, so that together they fit into `whole`."""
        for part in parts:
            if part in details:
                if details[part] > whole:
                    details[part] = whole
                    self.warnings.add("usage_clamped")
                whole -= details[part]

    def _place_cache(self, d: dict[str, int], total: int) -> None:
        """Cached tokens of unknown modality are text while there is text, then audio, image, video."""
        present = [m for m in MODALITIES if d.get(m)]
        cached = d.get("cache_read", 0)
        if not present or not cached:
            return
        if any(f"cache_read_{m}" not in d for m in present):
            self.warnings.add("cache_modality_assumed")
        text = max(total - sum(d[m] for m in present) - d.get("cache_creation", 0), 0)
        homeless = cached - sum(d.get(f"cache_read_{m}", 0) for m in present) - text
        for m in present:
            if homeless > 0:
                known = d.get(f"cache_read_{m}", 0)
                taken = min(homeless, d[m] - known)
                d[f"cache_read_{m}"] = known + taken
                homeless -= taken
                self.warnings.add("cache_modality_assumed")
