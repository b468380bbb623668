"""What clients of the simulator stored and may ask for again: responses, files, batches. Bounded, oldest out first."""

from collections import OrderedDict
from typing import Any

MAX_ITEMS = 2_000
MAX_BYTES = 256 * 1024**2
"""Of file contents; beyond it the oldest files go."""


class Shelf:
    """Stored things by id, whatever their kind."""

    def __init__(self, limit: int = MAX_ITEMS, limit_bytes: int = MAX_BYTES) -> None:
        self._items: OrderedDict[str, Any] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._limit = limit
        self._limit_bytes = limit_bytes

    def put(self, key: str, item: Any, size_bytes: int = 0) -> None:
        self._items[key] = item
        self._sizes[key] = size_bytes
        while len(self._items) > self._limit or sum(self._sizes.values()) > self._limit_bytes:
            oldest, _ = self._items.popitem(last=False)
            del self._sizes[oldest]

    def get(self, key: str) -> Any:
        """The thing, or None."""
        return self._items.get(key)

    def take(self, key: str) -> Any:
        """The thing, which is gone afterwards; or None."""
        self._sizes.pop(key, None)
        return self._items.pop(key, None)

    def all(self, prefix: str) -> list[Any]:
        """Everything whose id begins so, newest first."""
        return [item for key, item in reversed(self._items.items()) if key.startswith(prefix)]
