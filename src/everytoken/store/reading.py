"""How the ledger is read: the text of a query, its limits, the projects it sees, and what is said of a failure."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from everytoken.store.errors import ReadTimeoutError, ReadTooLargeError, StoreUnavailableError
from everytoken.store.visible import row_filter

READ_TIMEOUT_S = 30
MAX_ROWS = 100_000
MAX_RESULT_BYTES = 512 * 1024**2
TABLES = ("run_versions", "charge_versions")
"""All tables with a `project`; a read sees the rows of visible projects alone."""
SHARED_PARTS = ("totals", "charge_sums", "latency", "traces_found")
"""Files of `sql/` that stand in others as `/*name*/`: what is counted, and what it is grouped by, is said once."""
TIMEOUT_CODE, ROWS_CODE, MEMORY_CODE = 159, 396, 241

READ_LIMITS = {
    "max_execution_time": READ_TIMEOUT_S,
    "timeout_overflow_mode": "throw",
    "max_result_rows": MAX_ROWS,
    "max_result_bytes": MAX_RESULT_BYTES,
    "result_overflow_mode": "throw",
    "readonly": 2,
}


def sql_text(name: str, fragments: Mapping[str, str] | None = None) -> str:
    """The text of `sql/<name>.sql` with these fragments in it."""
    text = _text(name)
    for mark, fragment in (fragments or {}).items():
        text = text.replace(f"/*{mark}*/", fragment)
    return text


@cache
def _text(name: str) -> str:
    folder = resources.files("everytoken.store") / "sql"
    text = (folder / f"{name}.sql").read_text()
    for shared in SHARED_PARTS:
        text = text.replace(f"/*{shared}*/", (folder / f"{shared}.sql").read_text())
    return text


def read_settings() -> dict[str, Any]:
    # On a cluster a read names the distributed table, and its shards the one that holds the rows.
    seen = row_filter((*TABLES, *(f"{table}_local" for table in TABLES)))
    return READ_LIMITS if seen is None else {**READ_LIMITS, "additional_table_filters": seen}


def as_read_error(error: Exception) -> Exception:
    code = getattr(error, "code", None)
    if code == TIMEOUT_CODE:
        return ReadTimeoutError(f"the answer took longer than {READ_TIMEOUT_S} s", hint="ask for a shorter window")
    if code in (ROWS_CODE, MEMORY_CODE):
        return ReadTooLargeError("the answer is too large", hint="ask for a shorter window or a smaller page")
    if code is None:  # the engine gives every refusal a code; without one, nobody answered
        return StoreUnavailableError("the ledger does not answer", hint="ask again")
    return StoreUnavailableError("the ledger refused a read; the server's log says why", hint="ask again")


def first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
