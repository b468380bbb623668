"""P2: usage stands on the runs that called a model, and on no step above them."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from everytoken.doctor.finding import Finding, ok

CURE = """# write usage to the run of the model call, not to the step around it:
import everytoken

everytoken.instrument()  # does so for openai and google-genai; then take your own usage_metadata out of chain runs"""

FLAGS = {
    "repeated_on_chain": "A chain run repeats the usage of the model runs below it. It is counted once here; LangSmith "
    "and other tools add both, so their total is too high.",
    "on_chain_run": "The usage stands on a chain or tool run alone. It is counted, but the call behind it is unknown: "
    "no call path, no model, and a second report of the same call could not be recognised.",
}
"""Flag of a charge → why it is one."""


def check_placement(project: str, charges: Iterable[dict[str, Any]]) -> Finding:
    """Whether a project's charges come from model runs; the first trace of each fault is named."""
    what = f"Usage stands on model runs alone ({project})"
    seen: Counter[str] = Counter()
    example: dict[str, str] = {}
    total = 0
    for charge in charges:
        total += 1
        for flag in FLAGS:
            if flag in (charge["flags"] or ()):
                seen[flag] += 1
                example.setdefault(flag, charge["trace_id"])
    if not seen:
        return ok("P2", what, f"{total:,} charges")
    evidence = "; ".join(f"{count:,} × {flag}, trace {example[flag]}" for flag, count in seen.most_common())
    return Finding("P2", "problem", what, evidence, FLAGS[seen.most_common(1)[0][0]], CURE)
