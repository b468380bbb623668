"""Errors as OTLP wants them: `google.rpc.Status`, with a `RetryInfo` where the same request may be sent again.

Five fields are not worth a dependency (https://github.com/googleapis/googleapis `google/rpc/status.proto`,
`google/rpc/error_details.proto`).
"""

RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
MAX_MESSAGE_BYTES = 2_000


def status(code: int, message: str, *, retry_s: int | None = None) -> bytes:
    """A `Status` in protobuf: code, message and, where there is one, the wait as its detail."""
    text = message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore").encode()
    encoded = bytes((0x08, code)) + _field(2, text)
    if retry_s is None:
        return encoded
    return encoded + _field(3, _field(1, RETRY_INFO.encode()) + _field(2, retry_info(retry_s)))


def retry_info(seconds: int) -> bytes:
    """A `RetryInfo`: a duration of whole seconds."""
    return _field(1, b"\x08" + _varint(seconds))


def _field(number: int, value: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
