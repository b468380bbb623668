"""Tables that are kept in memory whole, and read again so that what another server changed is seen."""

import logging
import time
from abc import ABC, abstractmethod

from sqlalchemy.exc import SQLAlchemyError

from everytoken.store.errors import StoreError

REFRESH_S = 2.0
"""How long another server's change may go unseen. A change made through this one holds at once."""

log = logging.getLogger("everytoken.store")


class Reread(ABC):
    """A table in memory. Who asks for it looks at `is_stale` and calls `refresh` beside the request."""

    _what: str
    """Its rows, in a sentence of the log."""

    def __init__(self) -> None:
        self._read_at = 0.0

    @property
    def is_stale(self) -> bool:
        return time.monotonic() - self._read_at > REFRESH_S

    def refresh(self) -> None:
        """Take over what other servers changed. What is known stays when it fails."""
        self._read_at = time.monotonic()
        try:
            self._renew()
        except (SQLAlchemyError, StoreError) as error:
            log.warning("the %s could not be read again; those known are used: %s", self._what, error)

    @abstractmethod
    def _renew(self) -> None:
        """Read the table again.

        Raises:
            SQLAlchemyError, StoreError: the database is away.
        """
