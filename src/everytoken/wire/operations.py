"""Operations: what one request says about runs, whichever protocol and route carried it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

OperationKind = Literal["post", "patch"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One create or update of one run, not yet merged with the others."""

    kind: OperationKind
    run_id: str
    """Lower-case UUID text with dashes."""
    body: Mapping[str, Any]
    """The run's wire fields; only those that the operation names."""
    received_us: int
    """UTC microseconds at which the body was accepted; the same again when the journal replays it."""


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
