"""Which projects the request at hand may see. Everything that reads the stores for it keeps to this.

Set once where a request comes in, and read by `Control`, by `Ledger.select` and by what finds control data by id, so
that a route cannot forget it. Work that belongs to no request, such as the flusher's, sees everything.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_projects: ContextVar[frozenset[str] | None] = ContextVar("visible_projects", default=None)


def visible_projects() -> frozenset[str] | None:
    """Names of the projects; `None` for all of them."""
    return _projects.get()


def is_visible(project: str) -> bool:
    seen = _projects.get()
    return seen is None or project in seen


@contextmanager
def only(projects: Iterable[str] | None) -> Iterator[None]:
    """See these projects, or all, until the context ends."""
    token = _projects.set(None if projects is None else frozenset(projects))
    try:
        yield
    finally:
        _projects.reset(token)


def row_filter(tables: Iterable[str]) -> str | None:
    """ClickHouse's `additional_table_filters` for these tables; `None` when everything is visible.

    The engine adds it to whatever a query reads from them, subqueries included. The setting takes no bound parameters:
    names are written as hexadecimal, so that nothing in a name can be read as SQL.
    """
    seen = _projects.get()
    if seen is None:
        return None
    names = ",".join(f"unhex(\\'{name.encode('utf-8', 'surrogatepass').hex()}\\')" for name in sorted(seen))
    condition = f"project IN ({names})" if names else "0"
    return "{" + ",".join(f"'{table}':'{condition}'" for table in tables) + "}"
