"""Choices that look arbitrary and are not: the same seed and request give the same choice on every machine."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of choices drawn from a hash of its parts."""

    def __init__(self, *parts: object) -> None:
        self._key = blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=32).digest()
        self._drawn = 0

    def _draw(self) -> int:
        self._drawn += 1
        block = blake2b(self._drawn.to_bytes(8, "big"), key=self._key, digest_size=8)
        return int.from_bytes(block.digest(), "big")

    def share(self) -> float:
        """From 0 up to, not including, 1."""
        return (self._draw() >> 11) / 2**53

    def between(self, low: int, high: int) -> int:
        """From `low` up to and including `high`."""
        return low + self._draw() % (high - low + 1)

    def pick(self, options: Sequence[T]) -> T:
        return options[self._draw() % len(options)]

    def token(self, length: int) -> str:
        """Letters and digits, as providers make their ids."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.pick(alphabet) for _ in range(length))

    def hex(self, length: int) -> str:
        return "".join(self.pick("0123456789abcdef") for _ in range(length))
