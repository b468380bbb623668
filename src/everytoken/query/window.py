"""The time window of a question, and the instants people and programs write into it."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

MIN_US = -62_135_596_800_000_000
"""0001-01-01, the first instant `datetime` knows."""
MAX_US = 253_402_300_799_999_999
"""The end of the year 9999, the last one."""
MS_FROM = 10**11  # milliseconds since 1973-03; a smaller number is seconds or a mistake, and we do not guess
US_FROM = 10**14  # microseconds since 1973-03; as milliseconds this would be the year 5138

_BLANK_OFFSET = re.compile(r"(T.*) (\d\d:?\d\d)$")


@dataclass(frozen=True, slots=True)
class Window:
    """From (inclusive) to (exclusive), UTC microseconds; `None` is open."""

    from_us: int | None = None
    to_us: int | None = None

    def params(self) -> dict[str, int]:
        """Bound parameters `from_us` and `to_us` of every windowed query."""
        return {
            "from_us": MIN_US if self.from_us is None else self.from_us,
            "to_us": MAX_US if self.to_us is None else self.to_us,
        }


def parse_instant(text: str) -> int:
    """UTC microseconds of an ISO-8601 time (UTC when it names no offset) or of epoch milli- or microseconds.

    Raises:
        ValueError: neither; the message says what would be right.
    """
    wanted = "write ISO-8601 such as 2026-11-22T09:30:00Z, or epoch milliseconds or microseconds"
    text = text.strip()
    if re.fullmatch(r"\d{1,17}", text):
        number = int(text)
        if number < MS_FROM:
            raise ValueError(f"{text} is too small for epoch milliseconds: {wanted}")
        return number if number >= US_FROM else number * 1000
    try:
        # A plus sign that was not percent-encoded arrives as a blank; RFC 3339 allows a small z.
        moment = datetime.fromisoformat(_BLANK_OFFSET.sub(r"\1+\2", text.replace("z", "Z")))
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not a time: {wanted}") from error
    since = utc - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
