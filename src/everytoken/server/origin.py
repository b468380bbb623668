"""Where a request comes from, as far as a browser tells: against pages of strangers that call a server on loopback.

A page may send requests to 127.0.0.1, and with a name of its own that resolves there (DNS rebinding) it may read the
answers. So an unguarded server on loopback answers only to its own names, and what changes something must come from
our own page, unless it carries a key, which no stranger's page has.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from everytoken.server.listen import is_loopback

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_HOST = "*"


def allowed_hosts(setting: str) -> frozenset[str]:
    """The names of the setting, lower-case."""
    return frozenset(name.strip().lower() for name in setting.split(",") if name.strip())


def is_known_host(header: str, hosts: frozenset[str]) -> bool:
    """Whether the `Host` header holds a name of ours, or one that can only be loopback."""
    name = _hostname(f"//{header}")
    return ANY_HOST in hosts or name in hosts or is_loopback(name) or name.endswith(".localhost")


def is_own_page(headers: Mapping[str, str], hosts: frozenset[str], *, must_tell: bool) -> bool:
    """Whether the request is from our page, or from no page at all.

    `must_tell` asks for a word of the browser: with a cookie it is one, and it says where the request was made.
    """
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() or _hostname(origin) in hosts
    site = headers.get("sec-fetch-site")
    return site in ("same-origin", "none") if site is not None else not must_tell


def _hostname(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""
