"""Rows about the server itself: what was wrong with a request, and how the server is."""

from dataclasses import dataclass

from everytoken.query.problem_codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The body of every 4xx and 5xx answer of the product API."""

    error: str
    """What happened, in one sentence."""
    code: Code
    """Its stable name; the reference lists them."""
    field: str | None = None
    """The request field at fault, such as `query.from`."""
    hint: str | None = None
    """What to do about it."""
    position: int | None = None
    """Of a filter, the characters before the fault, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """Everything acknowledged before the request is visible to reads."""

    flushed: bool
    waited_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedAgent:
    project: str
    """Where its traces go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the server knows about itself. A count that is not 0 where it should be is shown, never hidden."""

    status: str
    """`ok`, or `starting` before ingest works."""
    version: str
    schema_version: int
    uptime_ms: float
    projects: int
    agent: AttachedAgent | None
    """The chat agent that the page may talk to; usually there is none."""
    counters: dict[str, int]
    """Since the start: bodies accepted, refused, rejected and dropped, runs and charges written, what waits where."""
