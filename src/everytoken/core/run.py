"""A run: one timed unit of work, as the ledger keeps it, whichever protocol brought it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any
"""Decoded JSON. `Any` ends where `core.extract` turns it into evidence."""

RunType = Literal["llm", "embedding", "tool", "chain", "retriever", "prompt", "parser"]
RunStatus = Literal["pending", "success", "error", "interrupted", "cancelled"]

RUN_TYPES: tuple[RunType, ...] = ("llm", "embedding", "tool", "chain", "retriever", "prompt", "parser")
USAGE_RUN_TYPES: frozenset[str] = frozenset({"llm", "embedding"})
"""Run types that stand for a provider request of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All that is known of one run once its posts and patches are merged.

    Times are UTC integer microseconds. Ids are lower-case UUID text. `None` means not (yet) known.
    """

    run_id: str
    trace_id: str
    project: str
    parent_run_id: str | None = None
    name: str = ""
    run_type: str = "chain"
    """One of `RUN_TYPES`; an unknown type is translated to `chain` at the edge."""
    start_us: int
    end_us: int | None = None
    first_token_us: int | None = None
    status: str = "pending"
    """One of `RunStatus`, derived from error and end at the edge."""
    error: str | None = None
    dotted_order: str = ""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    """`extra.metadata` of LangSmith's wire, or the translated attributes of OpenTelemetry."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """The rest of `extra`: `invocation_params`, `metrics`, `runtime`, ... without `metadata`."""
    inputs: Json = None
    outputs: Json = None
    events: Sequence[Mapping[str, Json]] = ()
    flags: tuple[str, ...] = ()
    """Warning codes of decoding and folding, such as `dotted_order_derived`."""

    @property
    def is_root(self) -> bool:
        return self.parent_run_id is None

    @property
    def duration_us(self) -> int | None:
        return None if self.end_us is None else max(self.end_us - self.start_us, 0)


def without_payload(run: Run) -> Run:
    """The same run without inputs, outputs, events and `extra`: what its place in a trace and in a tree needs."""
    return Run(  # every field by name: `dataclasses.replace` takes twice as long, and every run passes here
        run_id=run.run_id,
        trace_id=run.trace_id,
        project=run.project,
        parent_run_id=run.parent_run_id,
        name=run.name,
        run_type=run.run_type,
        start_us=run.start_us,
        end_us=run.end_us,
        first_token_us=run.first_token_us,
        status=run.status,
        error=run.error,
        dotted_order=run.dotted_order,
        tags=run.tags,
        metadata=run.metadata,
        flags=run.flags,
    )
