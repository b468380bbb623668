"""How much was known when a row was settled: among servers that share a ledger, what knows more wins.

A version is, from its highest bit down: 1, the number of operations that settlement saw (21 bits), and the time of the
write in milliseconds (42 bits, enough until the year 2109). Of two settlements of a trace the one that saw more wins,
whichever was written later; of two that saw the same, which say the same, the later
one does, and with it a later price.
"""

MARK = 1 << 63
"""Above every version of a server that was alone: those are times in microseconds."""
COUNT_BITS, TIME_BITS = 21, 42
MAX_COUNT = (1 << COUNT_BITS) - 1
"""Two million operations; a trace of more keeps this, and is ordered by time."""


def version_of(count: int, at_ms: int) -> int:
    """The version of rows that were settled from `count` operations and written at `at_ms` of the epoch."""
    return MARK | min(count, MAX_COUNT) << TIME_BITS | at_ms & ((1 << TIME_BITS) - 1)


def count_in(version: int) -> int:
    """The number of operations behind a version; 0 for one of a server that was alone."""
    return version >> TIME_BITS & MAX_COUNT if version & MARK else 0
