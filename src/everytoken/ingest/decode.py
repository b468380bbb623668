"""An accepted body to its operations: the same at acceptance and when the journal replays it."""

from everytoken.ingest.restricting import allowed_in, restrict
from everytoken.store.journal import Entry
from everytoken.wire.body import decompress
from everytoken.wire.json_values import MAX_VALUES, check_values, count_values, too_many_values
from everytoken.wire.langsmith import decode_batch, decode_multipart, decode_run
from everytoken.wire.multipart import boundary_of, read_parts
from everytoken.wire.operations import Decoded
from everytoken.wire.otlp import JSON, decode_otlp, encoding_of


def decode(entry: Entry, limit_bytes: int) -> Decoded:
    """Everything the body holds.

    Raises:
        BodyError: nothing of the body can be used.
    """
    decoded = _decoded(entry, limit_bytes)
    allowed = allowed_in(entry.content_type)
    return decoded if allowed is None else restrict(decoded, allowed)


def _decoded(entry: Entry, limit_bytes: int) -> Decoded:
    boundary = boundary_of(entry.content_type) if entry.route == "multipart" else b""
    body = decompress(entry.data, entry.encoding, limit_bytes)
    if entry.route == "multipart":
        _check_parts(body, boundary)
    elif entry.route != "otlp" or encoding_of(entry.content_type) == JSON:
        check_values(body)
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


def _check_parts(body: bytes, boundary: bytes) -> None:
    """Attachments are no JSON and may hold any bytes; all other parts together hold so many values."""
    if len(body) <= MAX_VALUES:
        return
    total = 0
    for part in read_parts(body, boundary):
        if not part.name.startswith("attachment."):
            total += count_values(part.data)
        if total > MAX_VALUES:
            raise too_many_values()
