"""What a body held, as another process wrote it: bytes until the flusher's turn.

As Python objects it takes four times as much memory, for as long as it waits, and in pieces so small that Python keeps
them when they are free.
"""

import pickle
from dataclasses import dataclass

from everytoken.wire.operations import Decoded, Operation, Rejection


@dataclass(frozen=True, slots=True)
class Packed:
    """A `Decoded` of our own second process, with what an answer needs to know of it."""

    operation_count: int
    is_empty: bool
    rejections: tuple[Rejection, ...]
    data: bytes

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        return len(self.data)

    def unpack(self) -> Decoded:
        operations, *rest = pickle.loads(self.data)  # noqa: S301 - our own process
        return Decoded(tuple(Operation(*operation) for operation in operations), *rest)


def pack(decoded: Decoded) -> Packed:
    """Operations as tuples: as they are, each takes three times as long to read."""
    operations = [
        (o.kind, o.run_id, o.body, o.received_us, o.index, o.size_bytes, o.allowed) for o in decoded.operations
    ]
    data = pickle.dumps((operations, decoded.feedback, decoded.attachments, decoded.rejections, decoded.allowed))
    return Packed(len(operations), decoded.is_empty, decoded.rejections, data)
