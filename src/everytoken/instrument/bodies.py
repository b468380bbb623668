"""Compressed answers: what was captured as bytes on the wire becomes readable, as far as it came."""

import importlib
import zlib
from collections.abc import Callable, Iterable
from typing import Any

_PLAIN = frozenset({"", "identity"})


def is_compressed(encoding: str | None) -> bool:
    """True when a `content-encoding` header names more than plain bytes."""
    return (encoding or "").strip().lower() not in _PLAIN


def decompressor(encoding: str | None) -> Callable[[bytes], bytes] | None:
    """A function from the next compressed bytes to the plain ones so far; `None` for an encoding nobody here knows."""
    name = (encoding or "").strip().lower()
    if name in _PLAIN:
        return bytes
    if name in ("gzip", "x-gzip"):
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress
    if name == "deflate":
        return _deflate()
    if name == "br":
        brotli = _first_module("brotli", "brotlicffi")
        return None if brotli is None else _brotli(brotli.Decompressor())
    if name == "zstd":
        zstandard = _first_module("zstandard")
        return None if zstandard is None else zstandard.ZstdDecompressor().decompressobj().decompress
    return None


def decompressed(pieces: Iterable[bytes], encoding: str | None) -> bytes:
    """The plain bytes of a body, up to where it was cut or broken; empty when its encoding is not known."""
    decompress = decompressor(encoding)
    if decompress is None:
        return b""
    plain: list[bytes] = []
    try:
        plain.extend(decompress(piece) for piece in pieces)
    except Exception:  # noqa: BLE001 each library has errors of its own; what came before the fault is readable
        return b"".join(plain)
    return b"".join(plain)


def _deflate() -> Callable[[bytes], bytes]:
    """Servers send `deflate` with and without its zlib header: the first bytes tell."""
    chosen: list[Any] = []

    def decompress(data: bytes) -> bytes:
        if chosen:
            return bytes(chosen[0].decompress(data))
        chosen.append(zlib.decompressobj())
        try:
            return bytes(chosen[0].decompress(data))
        except zlib.error:
            chosen[0] = zlib.decompressobj(-zlib.MAX_WBITS)
            return bytes(chosen[0].decompress(data))

    return decompress


def _first_module(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


def _brotli(state: Any) -> Callable[[bytes], bytes]:
    """`brotli` calls it process, `brotlicffi` decompress."""
    decompress: Callable[[bytes], bytes] = getattr(state, "process", None) or state.decompress
    return decompress
