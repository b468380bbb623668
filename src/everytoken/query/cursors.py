"""Opaque cursors: the sorting key of the last row seen, so that new rows never shift a page."""

import base64
import binascii
import uuid

import orjson

from everytoken.query.errors import CursorError

MAX_CURSOR_CHARS = 4096
FIRST_PAGE_US = 2**63 - 1
FIRST_PAGE_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def write_cursor(at_us: int, row_id: str, key: str = "") -> str:
    return base64.urlsafe_b64encode(orjson.dumps([at_us, row_id, key])).rstrip(b"=").decode()


def read_cursor(cursor: str | None) -> tuple[int, str, str]:
    """Time, id and key to continue after; those of the first page for `None`.

    Raises:
        CursorError: not one of ours.
    """
    if not cursor:
        return FIRST_PAGE_US, FIRST_PAGE_ID, ""
    if len(cursor) > MAX_CURSOR_CHARS:
        raise CursorError("the cursor is too long to be ours")
    try:
        at_us, row_id, key = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), "-_", validate=True))
        if not (isinstance(at_us, int) and abs(at_us) < 2**63 and isinstance(key, str)):
            raise CursorError("the cursor is not one of ours")
        return at_us, str(uuid.UUID(row_id)), key
    except (ValueError, TypeError, AttributeError, binascii.Error) as error:
        raise CursorError("the cursor is not one of ours") from error
