"""Bodies are undone within a bound: what a client sent comes back, and a bomb costs no more than the limit."""

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard

from everytoken.wire.body import (
    BodyEncodingError,
    BodyError,
    BodyTooLargeError,
    BodyUnreadableError,
    decompress,
)

MIB = 1024**2
TEXT = b"every token, counted once; " * 4000


def streamed_zstd(data: bytes) -> bytes:
    """As the Python SDK writes it: without the content size in the frame header."""
    writer = zstandard.ZstdCompressor().compressobj()
    return writer.compress(data) + writer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("GZIP", gzip.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
        ("zstd", streamed_zstd(TEXT)),
        ("zstd", streamed_zstd(TEXT[:100]) + streamed_zstd(TEXT[100:])),
        ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
    ],
)
def test_a_body_comes_back_as_it_was_written(encoding: str, body: bytes) -> None:
    assert decompress(body, encoding, MIB) == TEXT


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_body_cut_at_any_point_is_unreadable(encoding: str) -> None:
    whole = streamed_zstd(TEXT) if encoding == "zstd" else gzip.compress(TEXT)
    for kept in range(1, len(whole), 7):
        with pytest.raises(BodyUnreadableError):
            decompress(whole[:kept], encoding, MIB)


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_body_of_noise_is_unreadable(encoding: str) -> None:
    with pytest.raises(BodyUnreadableError, match="not a readable"):
        decompress(b"not compressed at all", encoding, MIB)


def test_an_unknown_encoding_is_named_with_the_known_ones() -> None:
    with pytest.raises(BodyEncodingError, match="'br' is not read here; send zstd, gzip, deflate or") as caught:
        decompress(TEXT, "br", MIB)
    assert caught.value.field == "Content-Encoding"


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    for encoding, pack in (("", bytes), ("gzip", gzip.compress), ("zstd", streamed_zstd)):
        assert len(decompress(pack(b"x" * 5000), encoding, 5000)) == 5000
        with pytest.raises(BodyTooLargeError):
            decompress(pack(b"x" * 5001), encoding, 5000)


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_bomb_of_a_gigabyte_is_refused_in_the_memory_of_the_limit(encoding: str) -> None:
    zeros = bytes(MIB)
    if encoding == "zstd":
        writer = zstandard.ZstdCompressor(level=19).compressobj()
        bomb = b"".join(writer.compress(zeros) for _ in range(1024)) + writer.flush()
    else:
        packer = zlib.compressobj(9, wbits=31)
        bomb = b"".join(packer.compress(zeros) for _ in range(1024)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLargeError):
            decompress(bomb, encoding, 8 * MIB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * MIB


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_nothing_but_empty_frames_is_refused_soon(encoding: str) -> None:
    """64 MB of empty gzip members took more than an hour, each copying what was left of the body."""
    empty = gzip.compress(b"") if encoding == "gzip" else streamed_zstd(b"")
    body = empty * (8 * MIB // len(empty))
    began = time.process_time()
    with pytest.raises(BodyTooLargeError, match="more than 10000 pieces"):
        decompress(body, encoding, 64 * MIB)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", streamed_zstd)])
def test_a_body_packed_in_pieces_by_a_parallel_tool_is_read(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    text = bytes(range(256)) * 256
    assert decompress(pack(text) * 100, encoding, 64 * MIB) == text * 100


def test_a_bomb_inside_a_bomb_is_undone_once() -> None:
    inner = gzip.compress(bytes(8 * MIB))
    assert decompress(gzip.compress(inner), "gzip", MIB) == inner
    with pytest.raises(BodyEncodingError):
        decompress(gzip.compress(inner), "gzip, gzip", MIB)


def test_a_frame_that_asks_for_a_huge_window_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(19, window_log=27)
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BodyError):
        decompress(writer.compress(TEXT) + writer.flush(), "zstd", MIB)


def test_deflate_is_undone_within_the_bound_and_refused_when_it_is_cut() -> None:
    packed = zlib.compress(b"spans" * 1_000)
    assert decompress(packed, "Deflate", 5_000) == b"spans" * 1_000
    with pytest.raises(BodyTooLargeError):
        decompress(packed, "deflate", 4_999)
    with pytest.raises(BodyUnreadableError, match="the deflate stream ends early"):
        decompress(packed[:-1], "deflate", 5_000)
    with pytest.raises(BodyUnreadableError, match="not a readable deflate stream"):
        decompress(b"spans", "deflate", 5_000)
