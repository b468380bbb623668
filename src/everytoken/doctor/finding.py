"""What a check found: one row of the doctor's report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Verdict = Literal["ok", "problem", "unknown", "skipped"]

SHOWN = 4
"""Characters of a secret that may be shown: its kind (`lsv2`, `sk-p`), not itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    id: str
    """Of the check, such as `E1`. A check may find several things."""
    verdict: Verdict
    """`unknown`: could not be checked. `skipped`: does not apply here, and the evidence says why."""
    what: str
    evidence: str
    cause: str | None = None
    cure: str | None = None
    """To paste."""


def ok(check: str, what: str, evidence: str) -> Finding:
    return Finding(check, "ok", what, evidence)


def skipped(check: str, what: str, why: str) -> Finding:
    return Finding(check, "skipped", what, why)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 when there is a problem, else 2 when something could not be checked, else 0."""
    verdicts = {finding.verdict for finding in findings}
    return 1 if "problem" in verdicts else 2 if "unknown" in verdicts else 0


def redact(secret: str) -> str:
    """The first characters alone; a secret too short to hide the rest is not shown at all."""
    return f"{secret[:SHOWN]}…" if len(secret) > 2 * SHOWN else "…"


def bare(url: str) -> str:
    """The address without a user, a password or a query, where credentials stand."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is not a URL"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
