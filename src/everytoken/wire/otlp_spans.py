"""A span as OTLP carries it, whichever encoding it came in, with what is wrong with one that cannot be read."""

import base64
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from everytoken.wire.fields import FieldError
from everytoken.wire.times import MAX_US

MAX_SPANS = 50_000
"""Spans, scopes and resources of one request; exporters send 512 at a time, collectors 8,192."""
MAX_ATTRIBUTES = 4_096
"""Attributes kept of one span: a conversation of 500 flattened messages. What counts tokens is kept beyond it."""
MAX_READ = 200_000
"""Attributes looked at to find those worth keeping: a fifth of a second. 16 MiB could hold eight million empty ones."""
MAX_COUNTING = 256
"""Attributes kept beyond `MAX_ATTRIBUTES` because they may count tokens, or name the call."""
MAX_VALUES = 100_000
"""Values inside lists and maps of one span; what comes after is left out."""
MAX_EVENTS = 1_000
MAX_LINKS = 128
COUNTING = ("gen_ai.usage.", "llm.token_count.", "llm.usage.", "ai.usage.", "langsmith.", "gen_ai.re", "openinference.")

_T = TypeVar("_T")

STATUS_OK = 1
STATUS_ERROR = 2


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened at one moment of a span."""

    name: str
    time_us: int | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made a span: its resource and its instrumentation scope."""

    resource: Mapping[str, Any] = field(default_factory=dict)
    scope: str = ""
    scope_version: str = ""
    scope_attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One span with decoded values. Ids are lower-case hexadecimal, times UTC microseconds."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    start_us: int
    end_us: int | None
    attributes: Mapping[str, Any]
    origin: Origin
    kind: int = 0
    events: tuple[SpanEvent, ...] = ()
    links: tuple[dict[str, str], ...] = ()
    status_code: int = 0
    status_message: str = ""
    dropped_attributes: int = 0
    """Left out by the sender or, beyond the bounds, here."""
    size_bytes: int = 0
    """Length of what it was read from."""


class Values:
    """Counts down the values that lists and maps of one span may hold."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_VALUES) -> None:
        self.left = left

    def within(self, members: Iterable[_T]) -> Iterator[_T]:
        """As many of the members as may still be read."""
        for member in members:
            if self.left <= 0:
                return
            self.left -= 1
            yield member


def kept_attributes(attributes: Sequence[_T], read: Callable[[_T], tuple[str, Any]]) -> tuple[dict[str, Any], int]:
    """The attributes within the bounds, later ones replacing earlier ones, and how many were left out."""
    kept: dict[str, Any] = {}
    extra, dropped = 0, max(len(attributes) - MAX_READ, 0)
    for key, value in map(read, islice(attributes, MAX_READ)):
        if len(kept) < MAX_ATTRIBUTES or key in kept:
            kept[key] = _count(key, value)
        elif extra < MAX_COUNTING and key.startswith(COUNTING):
            kept[key] = _count(key, value)
            extra += 1
        else:
            dropped += 1
    return kept, dropped


def _count(key: str, value: Any) -> Any:
    """Token counts are whole; senders whose language has one kind of number write 12.0."""
    if isinstance(value, float) and value.is_integer() and key.startswith(COUNTING):
        return int(value)
    return value


def span_uuid(span_id: str) -> str:
    """A span id as a UUID, filled with zeros on the left, as LangSmith makes them."""
    return dashed(span_id.zfill(32))


def dashed(digits: str) -> str:
    """32 hexadecimal digits as UUID text."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def finite(value: float) -> float | None:
    """JSON knows neither NaN nor infinities."""
    return value if math.isfinite(value) else None


def byte_text(value: bytes) -> str:
    """Bytes as OTLP's JSON writes them."""
    return base64.b64encode(value).decode()


def read_hex(value: str, size: int, name: str) -> str:
    """A trace or span id.

    Raises:
        FieldError: it is not `size` bytes in hexadecimal, or all zeros.
    """
    known = value.lower()
    if len(known) != 2 * size or not all(c in "0123456789abcdef" for c in known):
        raise FieldError(name, f"{value[:60]!r} is not {size} bytes; send {2 * size} hexadecimal digits")
    if not known.strip("0"):
        raise FieldError(name, "is all zeros, which OpenTelemetry calls invalid; send the span's own id")
    return known


def read_nanos(value: int, name: str) -> int:
    """Microseconds of nanoseconds since 1970.

    Raises:
        FieldError: it is not set, or beyond the year 2286.
    """
    micros = value // 1000
    if not 0 < micros <= MAX_US:
        raise FieldError(name, f"{str(value)[:30]} is not a time; send nanoseconds since 1970")
    return micros


def read_moment(value: int) -> int | None:
    """The same where a time may be missing; one that cannot be read says nothing."""
    micros = value // 1000
    return micros if 0 < micros <= MAX_US else None
