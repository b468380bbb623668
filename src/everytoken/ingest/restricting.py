"""Bodies sent with a key for some projects: what they may touch, from acceptance through the journal to the fold.

A body says which project a run belongs to, or says nothing and leaves it to the run's trace. So a key's projects are
checked twice: what names another project is rejected when the body is read, and what would land in another project's
trace is dropped where that is found out, in the fold.
"""

import re
from collections.abc import Collection
from dataclasses import replace
from urllib.parse import quote, unquote

from everytoken.wire.operations import Decoded, Feedback, Operation, Rejection

FEEDBACK_FIELD = "everytoken_allowed"
"""In the body of feedback that waits in the journal: the projects whose runs it may be about."""

_ALLOWED = re.compile(r'; everytoken-allowed="([^"]*)"\Z')


def restricted_type(content_type: str, allowed: Collection[str] | None) -> str:
    """What the journal keeps beside the body: its content type, and the projects (names and ids) it may write to.

    It stands last, so that nothing a client writes there counts.
    """
    if allowed is None:
        return content_type
    return f'{content_type}; everytoken-allowed="{",".join(quote(name, safe="") for name in sorted(allowed))}"'


def allowed_in(content_type: str) -> frozenset[str] | None:
    found = _ALLOWED.search(content_type)
    return frozenset(unquote(name) for name in found[1].split(",") if name) if found else None


def restrict(decoded: Decoded, allowed: frozenset[str]) -> Decoded:
    """The same, without what names another project, and marked for the fold."""
    kept: list[Operation] = []
    rejections = list(decoded.rejections)
    for operation in decoded.operations:
        named = operation.body.get("project") or operation.body.get("project_id")
        if named is None or named in allowed:
            kept.append(replace(operation, allowed=allowed))
        else:
            field = "session_name" if operation.body.get("project") else "session_id"
            reason = f"this key does not write to project {named[:100]!r}; use one that does"
            rejections.append(Rejection(f"{operation.kind}.{operation.run_id}", field, reason))
    feedback = tuple(
        Feedback(given.feedback_id, {**given.body, FEEDBACK_FIELD: sorted(allowed)}, given.received_us)
        for given in decoded.feedback
    )
    return replace(decoded, operations=tuple(kept), feedback=feedback, rejections=tuple(rejections), allowed=allowed)


def may_touch(operation: Operation, project: str) -> bool:
    """Whether the key that sent the operation writes to the project in which its run turned out to be."""
    return operation.allowed is None or project in operation.allowed
