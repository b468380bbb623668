"""Operations: what one request says about runs, whichever protocol and route carried it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

OperationKind = Literal["post", "patch"]


class RunFields(TypedDict, total=False):
    """What an operation may say of a run, already read: a key that is absent says nothing, and none is `None`."""

    trace_id: str
    parent_run_id: str
    dotted_order: str
    """As sent; not yet compared with the ids."""
    project: str
    project_id: str
    """LangSmith's `session_id`, from senders that name a project by its id."""
    name: str
    run_type: str
    """One of `RUN_TYPES`; unknown types arrive as `chain`."""
    start_us: int
    end_us: int
    status: str
    error: str
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    extra: dict[str, Any]
    """Without `metadata`."""
    inputs: Any
    outputs: Any
    events: list[dict[str, Any]]
    first_token_us: int
    """From protocols that say so outright; LangSmith's is read off the events."""
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One create or update of one run, not yet merged with the others."""

    kind: OperationKind
    run_id: str
    """Lower-case UUID text with dashes."""
    body: RunFields
    received_us: int
    """UTC microseconds at which the body was accepted; the same again when the journal replays it."""
    index: int = 0
    """Position among the operations of the same body."""
    size_bytes: int = 0
    """Length of the JSON it was read from: what it may take in memory, within a small factor."""
    allowed: frozenset[str] | None = None
    """Names and ids of the projects that its sender writes to; `None` for all."""

    @property
    def order(self) -> tuple[bool, int, int]:
        """Who overwrites whom: a patch its post, whichever came first; else the later arrival the earlier."""
        return self.kind == "patch", self.received_us, self.index


@dataclass(frozen=True, slots=True)
class Feedback:
    """A `feedback.<id>` part: one score or comment on a run or a trace."""

    feedback_id: str
    body: Mapping[str, Any]
    received_us: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """An `attachment.<run>.<name>` part: raw bytes that belong to a run."""

    run_id: str
    name: str
    """Free text without a dot."""
    mime_type: str
    data: bytes
    received_us: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """One part of a body that cannot be read, however often it is sent. Its neighbours are stored."""

    part: str
    """The part's name, or its path in a JSON body, such as `post[3]`."""
    field: str
    reason: str
    """What is wrong and what would be right, in one sentence."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Everything one body held, in wire order."""

    operations: tuple[Operation, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    allowed: frozenset[str] | None = None
    """Names and ids of the projects that its sender writes to; `None` for all."""

    @property
    def operation_count(self) -> int:
        return len(self.operations)

    @property
    def is_empty(self) -> bool:
        """True when nothing in it is worth keeping."""
        return not (self.operations or self.feedback or self.attachments)

    @property
    def size_bytes(self) -> int:
        """What it may take in memory, within a small factor."""
        return sum(o.size_bytes for o in self.operations) + sum(len(a.data) for a in self.attachments)

    def unpack(self) -> "Decoded":
        """Itself: it is the packed one of another process that has to be."""
        return self
