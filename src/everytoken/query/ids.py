"""Ids in a request."""

import uuid

from everytoken.query.errors import NotFoundError


def as_uuid(text: str, *, field: str) -> str:
    """Lower-case UUID text.

    Raises:
        NotFoundError: not a UUID, so nothing can have it.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise NotFoundError(f"{text[:100]!r} is not an id", field=field, hint="ids are UUIDs") from error
