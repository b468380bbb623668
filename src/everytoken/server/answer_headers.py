"""Headers of every answer that has none of its own: data is never taken for a page, framed or kept by a cache."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

GUARDS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
"""The page, its files and attachments bring their own policy, and say how long they keep."""


def guarded(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """These headers, which are written in lower case, and what they leave out."""
    found = list(headers)
    named = {name for name, _ in found}
    return [*found, *(guard for guard in GUARDS if guard[0] not in named)]
