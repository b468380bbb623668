"""Lines of the log: one entry is one line, and what a client named cannot write to the terminal that shows it."""

import logging

VISIBLE = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
"""Control characters, as they are shown: written out, they move the cursor, colour the screen or begin a new entry."""


class LineFormatter(logging.Formatter):
    """Shows control characters in an entry; a traceback behind it keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        return super().formatMessage(record).translate(VISIBLE)
