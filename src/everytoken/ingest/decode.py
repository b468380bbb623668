"""An accepted body to its operations: the same at acceptance and when the journal replays it."""

from everytoken.store.journal import Entry
from everytoken.wire.body import decompress
from everytoken.wire.langsmith import decode_batch, decode_multipart, decode_run
from everytoken.wire.multipart import boundary_of
from everytoken.wire.operations import Decoded
from everytoken.wire.otlp import decode_otlp


def decode(entry: Entry, limit_bytes: int) -> Decoded:
    """Everything the body holds.

    Raises:
        BodyError: nothing of the body can be used.
    """
    boundary = boundary_of(entry.content_type) if entry.route == "multipart" else b""
    body = decompress(entry.data, entry.encoding, limit_bytes)
    match entry.route:
        case "multipart":
            return decode_multipart(body, boundary, entry.received_us)
        case "batch":
            return decode_batch(body, entry.received_us)
        case "post":
            return decode_run(body, entry.received_us)
        case "patch":
            return decode_run(body, entry.received_us, patch_run_id=entry.run_id)
        case "otlp":
            return decode_otlp(body, entry.content_type, entry.received_us)
        case other:
            raise ValueError(f"no decoder reads the route {other!r}")
