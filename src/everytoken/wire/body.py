"""Request bodies: content encodings undone within a bound, and the ways in which a body can be refused as a whole."""

import zlib

import zstandard

MAX_WINDOW_BYTES = 32 * 1024**2
"""A zstd frame may ask for a larger window, and takes that memory before its first byte; the SDKs ask for 2 MiB."""
MAX_ZSTD_EXPANSION = 32 * 1024
"""A block of 128 KiB takes at least 4 bytes (RFC 8878, section 3.1.1.2)."""
MIN_STEP_BYTES = 16
GZIP_STEP_BYTES = 256 * 1024
"""What is fed at a time: behind each member its rest is copied, all of it if all of it was fed."""
MAX_FRAMES = 10_000
"""Frames of zstd or members of gzip in one body. Clients send one, tools that pack in parallel one for 64 KiB or more;
a body of empty ones yields nothing and would keep a core busy for half a minute."""


class BodyError(ValueError):
    """The whole body is refused: nothing of it was kept."""

    def __init__(self, reason: str, *, field: str = "body") -> None:
        super().__init__(reason)
        self.field = field


class BodyUnreadableError(BodyError):
    """Not what its headers say it is."""


class BodyEncodingError(BodyError):
    """A content type or content encoding that no decoder here reads."""


class BodyTooLargeError(BodyError):
    """Beyond a limit of size, parts or depth."""


def decompress(data: bytes, encoding: str, limit_bytes: int) -> bytes:
    """The body as the client wrote it, at most `limit_bytes` long. Takes memory for the limit and no more.

    Raises:
        BodyEncodingError: the encoding is not zstd, gzip, deflate or identity.
        BodyUnreadableError: the data is not a complete stream of that encoding.
        BodyTooLargeError: decoded, it is longer than the limit.
    """
    match encoding.strip().lower():
        case "" | "identity":
            decoded = data
        case "zstd":
            decoded = _zstd(data, limit_bytes)
        case "gzip" | "x-gzip":
            decoded = _zlib(data, limit_bytes, "gzip", wbits=31)
        case "deflate":  # OpenTelemetry's exporter for Python can send it
            decoded = _zlib(data, limit_bytes, "deflate", wbits=15)
        case other:
            raise BodyEncodingError(
                f"Content-Encoding {other[:40]!r} is not read here; send zstd, gzip, deflate or identity",
                field="Content-Encoding",
            )
    if len(decoded) > limit_bytes:
        raise BodyTooLargeError(f"the decoded body is larger than {limit_bytes} bytes; send fewer runs in one request")
    return decoded


def _zstd(data: bytes, limit_bytes: int) -> bytes:
    # The SDK's frames carry no content size, so one-shot decompression fails. A streaming decoder returns all that its
    # input yields, so it is fed only as much as can expand to what is left of the limit.
    decoded = bytearray()
    frame: zstandard.ZstdDecompressionObj | None = None
    position = frames = 0
    try:
        while position < len(data) and len(decoded) <= limit_bytes:
            if frame is None:
                frame = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).decompressobj()
                frames = _one_more(frames)
            step = max(MIN_STEP_BYTES, (limit_bytes - len(decoded)) // MAX_ZSTD_EXPANSION)
            decoded += frame.decompress(data[position : position + step])
            position += step
            if frame.eof:
                position = min(position, len(data)) - len(frame.unused_data)
                frame = None
    except zstandard.ZstdError as error:
        raise BodyUnreadableError(f"the body is not a readable zstd stream: {error}") from error
    if frame is not None and len(decoded) <= limit_bytes:
        raise BodyUnreadableError("the zstd stream ends early; send the body again")
    return bytes(decoded)


def _zlib(data: bytes, limit_bytes: int, name: str, *, wbits: int) -> bytes:
    decoded = bytearray()
    member = None
    position = members = 0
    try:
        while position < len(data) and len(decoded) <= limit_bytes:
            if member is None:
                member = zlib.decompressobj(wbits=wbits)
                members = _one_more(members)
            piece = data[position : position + GZIP_STEP_BYTES]
            decoded += member.decompress(piece, limit_bytes + 1 - len(decoded))
            position += len(piece) - len(member.unused_data) - len(member.unconsumed_tail)
            if member.eof:
                member = None
    except zlib.error as error:
        raise BodyUnreadableError(f"the body is not a readable {name} stream: {error}") from error
    if member is not None and len(decoded) <= limit_bytes:
        raise BodyUnreadableError(f"the {name} stream ends early; send the body again")
    return bytes(decoded)


def _one_more(frames: int) -> int:
    if frames == MAX_FRAMES:
        raise BodyTooLargeError(f"the body is packed in more than {MAX_FRAMES} pieces; pack it in one")
    return frames + 1
