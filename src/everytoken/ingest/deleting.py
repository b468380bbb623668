"""What comes of traces and runs that were deleted: late parts of them stay away."""

from collections.abc import Collection

from everytoken.ingest.merge import order_of
from everytoken.wire.operations import Operation


def is_about(operation: Operation, gone: Collection[str]) -> bool:
    """Whether the operation is on a run in `gone`, below one, or in a trace in `gone`, as far as it tells."""
    fields = operation.body
    if operation.run_id in gone or fields.get("trace_id") in gone or fields.get("parent_run_id") in gone:
        return True
    order = order_of(operation.run_id, fields)
    return order is not None and order.trace_id in gone
