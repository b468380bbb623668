"""Times and orders of LangSmith's wire to UTC integer microseconds."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_US = 10_000_000_000_000_000
"""November 2286; a larger figure is not a time in milliseconds, and DateTime64 ends in 2299."""
_MICROSECOND = timedelta(microseconds=1)

SEGMENT = 58
"""Length of one `dotted_order` segment: a 22-character time and a 36-character run id."""
_DOTTED = re.compile(r"\d{8}T\d{12}Z[0-9a-fA-F-]{36}(?:\.\d{8}T\d{12}Z[0-9a-fA-F-]{36})*")


def read_time(value: Any) -> int:
    """Microseconds of an ISO-8601 text (without an offset: UTC) or of a number of milliseconds since 1970.

    Raises:
        ValueError: it is neither, or outside 1970 to 2286.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            result = (moment - EPOCH) // _MICROSECOND
        elif isinstance(value, int | float) and not isinstance(value, bool):
            result = round(value * 1000)
        else:
            result = -1
    except (ValueError, OverflowError):
        result = -1
    if not 0 <= result <= MAX_US:
        raise ValueError(f"{str(value)[:60]!r} is not a time; send ISO 8601 in UTC or milliseconds since 1970")
    return result


def write_segment(start_us: int, run_id: str) -> str:
    """The `dotted_order` segment of one run."""
    moment = EPOCH + timedelta(microseconds=start_us)
    return f"{moment:%Y%m%dT%H%M%S%f}Z{run_id}"


class DottedOrder:
    """The ids and the start that a well-formed `dotted_order` carries."""

    __slots__ = ("parent_run_id", "run_id", "start_us", "trace_id")

    def __init__(self, text: str) -> None:
        """Raises ValueError when the text is not segments of a time and a run id joined by dots."""
        if not _DOTTED.fullmatch(text):
            raise ValueError("not segments of a time and a run id joined by dots")
        last = len(text) - SEGMENT
        self.start_us = _segment_time(text[last : last + 8], text[last + 9 : last + 21])
        self.run_id = text[-36:].lower()
        self.trace_id = text[22:58].lower()
        self.parent_run_id = text[last - 37 : last - 1].lower() if last else None


def _segment_time(date: str, clock: str) -> int:
    hours, minutes, seconds = int(clock[:2]), int(clock[2:4]), int(clock[4:6])
    return _date_us(date) + ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + int(clock[6:])


@lru_cache(maxsize=64)
def _date_us(date: str) -> int:
    return (datetime(int(date[:4]), int(date[4:6]), int(date[6:]), tzinfo=UTC) - EPOCH) // _MICROSECOND
