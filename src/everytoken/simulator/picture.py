"""Pictures the simulated models draw: small PNG files, another for every seed and request."""

import struct
import zlib
from functools import lru_cache

from everytoken.simulator.chance import Chance

SIDES = {"1:1": (512, 512), "3:2": (624, 416), "2:3": (416, 624), "4:3": (592, 448), "3:4": (448, 592),
         "16:9": (672, 384), "9:16": (384, 672), "4:5": (464, 576), "5:4": (576, 464), "21:9": (784, 336)}  # fmt: skip
"""Pixels by aspect ratio."""
SKIES = ((120, 190, 235), (250, 200, 160), (170, 205, 240), (200, 225, 215))
HILLS = ((70, 140, 90), (95, 150, 70), (60, 120, 110))


@lru_cache(maxsize=64)
def draw(subject: str, width: int = 512, height: int = 512) -> bytes:
    """A landscape with sun and hill as a PNG file, colours and shapes drawn from `subject`."""
    chance = Chance("picture", subject)
    palette = _palette(chance)
    sun_x, sun_y, sun_r = (
        chance.between(width // 5, width * 4 // 5),
        height // 4,
        chance.between(height // 14, height // 9),
    )
    hill_top = height * chance.between(58, 70) // 100
    rows = bytearray()
    for y in range(height):
        row = (
            bytearray([min(199, y * 200 // hill_top) if y < hill_top else 200 + min(54, (y - hill_top) * 54 // height)])
            * width
        )
        reach = sun_r**2 - (y - sun_y) ** 2
        if reach > 0 and y < hill_top:
            half = int(reach**0.5)
            row[max(0, sun_x - half) : min(width, sun_x + half)] = b"\xff" * (
                min(width, sun_x + half) - max(0, sun_x - half)
            )
        rows += b"\x00" + row
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _palette(chance: Chance) -> bytes:
    """200 shades of sky, 55 of hill, one of sun."""
    sky, hill = chance.pick(SKIES), chance.pick(HILLS)
    shades = [tuple(min(255, part + n // 5) for part in sky) for n in range(200)]
    shades += [tuple(max(0, part - n) for part in hill) for n in range(55)]
    return bytes(part for shade in [*shades, (255, 236, 150)] for part in shade)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
