"""A LangSmith server in this process that keeps what the client half sends, and settles it as everytoken would."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests import langsmith_server

from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.core.settle import settle
from everytoken.ingest.merge import Place, build_run, merge, order_of, parent_of, start_of, trace_of
from everytoken.wire.langsmith import decode_multipart
from everytoken.wire.multipart import boundary_of
from everytoken.wire.operations import Operation


@dataclass
class Receiver:
    """The operations that arrived since the last `clear`, and what they amount to."""

    url: str = ""
    operations: list[Operation] = field(default_factory=list)
    rejections: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.operations.clear()
        self.rejections.clear()

    def read(self, body: bytes, content_type: str) -> None:
        decoded = decode_multipart(body, boundary_of(content_type), len(self.operations))
        self.operations.extend(decoded.operations)
        self.rejections.extend(rejection.reason for rejection in decoded.rejections)

    def runs(self) -> list[Run]:
        by_id: dict[str, list[Operation]] = {}
        for operation in list(self.operations):
            by_id.setdefault(operation.run_id, []).append(operation)
        return [_run(run_id, operations) for run_id, operations in by_id.items()]

    def charges(self) -> list[Charge]:
        """Settled charges of all traces."""
        traces: dict[str, list[Run]] = {}
        for run in self.runs():
            traces.setdefault(run.trace_id, []).append(run)
        return [charge for runs in traces.values() for charge in settle(runs).charges]


def _run(run_id: str, operations: Sequence[Operation]) -> Run:
    fields = merge(operations)
    order = order_of(run_id, fields)
    posted = any(operation.kind == "post" for operation in operations)
    trace_id = trace_of(run_id, fields, order, posted=posted) or run_id
    is_root = parent_of(fields, order) is None
    return build_run(run_id, trace_id, Place("recorded", start_of(fields, order) or 0, is_root), fields, None)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    receiver = Receiver()
    with langsmith_server.listening(receiver.read) as url:
        receiver.url = url
        yield receiver
