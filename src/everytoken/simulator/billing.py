"""What a provider would have billed: token classes of one response, and the bounded ledger of all responses."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

MAX_ENTRIES = 100_000
"""Responses kept in the ledger. Beyond it the oldest leave and are counted as `forgotten`."""

INPUT_PARTS = ("cached", "cache_write", "tool_use", "input_image", "input_audio", "input_video", "input_document")
OUTPUT_PARTS = ("reasoning", "output_image", "output_audio", "rejected_prediction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """Token classes and meters of one response. Totals are inclusive: every part is contained in its total."""

    input: int = 0
    """Everything billed as input: prompt, cached, written to the cache, tool-use prompt, every modality."""
    cached: int = 0
    """Read from the provider's cache. Part of `input`."""
    cache_write: int = 0
    """Written to the provider's cache. Part of `input`."""
    tool_use: int = 0
    """Results of hosted tools fed back to the model (Gemini's `toolUsePromptTokenCount`). Part of `input`."""
    input_image: int = 0
    input_audio: int = 0
    input_video: int = 0
    input_document: int = 0
    output: int = 0
    """Everything billed as output: text, reasoning, every modality, rejected predictions."""
    reasoning: int = 0
    """OpenAI's reasoning, Gemini's thoughts. Part of `output`."""
    output_image: int = 0
    output_audio: int = 0
    accepted_prediction: int = 0
    rejected_prediction: int = 0
    web_search: int = 0
    """Hosted searches that are billed by the call. A meter, no tokens."""
    images: int = 0
    """Pictures made. A meter."""
    characters: int = 0
    """Characters read aloud. A meter."""
    seconds: float = 0.0
    """Seconds of audio heard. A meter."""

    def __post_init__(self) -> None:
        """Raises ValueError: a count is negative, or the parts of a total add up to more than the total."""
        for name, value in asdict(self).items():
            if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
                raise ValueError(f"usage.{name} must be a number of at least 0, not {value!r}")
        if self.cached + self.cache_write + self.tool_use > self.input:
            raise ValueError("usage: cached, cache_write and tool_use are parts of input, and add up to more")
        if self.input_image + self.input_audio + self.input_video + self.input_document > self.input:
            raise ValueError("usage: the modalities are parts of input, and add up to more")
        if sum(getattr(self, part) for part in OUTPUT_PARTS) > self.output:
            raise ValueError("usage: reasoning, output_image, output_audio and rejected_prediction are parts of output")

    @property
    def total(self) -> int:
        return self.input + self.output

    def generated(self, share: float) -> "Billed":
        """The bill when only `share` (0 to 1) of the visible output was generated. Reasoning comes first."""
        if share >= 1:
            return self
        visible = self.output - self.reasoning
        kept = {name: int(getattr(self, name) * share) for name in OUTPUT_PARTS if name != "reasoning"}
        accepted = int(self.accepted_prediction * share)
        return replace(self, output=self.reasoning + int(visible * share), accepted_prediction=accepted, **kept)

    def plus(self, other: "Billed") -> "Billed":
        return Billed(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


def billed_from(table: Mapping[str, Any]) -> Billed:
    """Read a `usage` table of a scenario. Raises ValueError: an unknown class, or counts that can't be."""
    known = {f.name for f in fields(Billed)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(f"usage: unknown class {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return Billed(**table)


@dataclass(slots=True)
class Entry:
    """One response in the ledger. It changes while the response is being sent, and is final once `open` is false."""

    response_id: str
    provider: str
    model: str
    api: str
    stream: bool
    tier: str
    """Served tier: `default`, `standard`, `flex`, `priority`, `batch`, ..."""
    billed: Billed
    usage_sent: bool = False
    """Whether the wire carried exactly the usage that is billed."""
    aborted: bool = False
    """Whether the client went away, or the connection was cut, before the end of the response."""
    request_id: str | None = None
    attempt: int | None = None
    """1 for the first try, 2 for its first retry; `None` where the client doesn't say (Gemini)."""
    rule: str | None = None
    """Name of the scenario rule that answered; `None` for an invented answer."""
    fault: str | None = None
    open: bool = True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Ledger:
    """Every billed response, oldest first, and how many requests were refused unbilled."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self.forgotten = 0
        self.refused = 0
        """Requests answered by an error status: nothing was generated, nothing is billed."""

    def add(self, entry: Entry) -> Entry:
        if len(self._entries) == self._entries.maxlen:
            self.forgotten += 1
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        self._entries.clear()
        self.forgotten = 0
        self.refused = 0

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def is_settled(self) -> bool:
        return not any(entry.open for entry in self._entries)

    def as_json(self) -> dict[str, Any]:
        total = Billed()
        for entry in self._entries:
            total = total.plus(entry.billed)
        return {
            "responses": [entry.as_json() for entry in self._entries],
            "total": {"responses": len(self._entries), **asdict(total)},
            "refused": self.refused,
            "forgotten": self.forgotten,
        }
