"""The stable names of what can go wrong: a page says each in its reader's language, a program decides by it."""

from typing import Literal, get_args

Code = Literal[
    "agent_busy",
    "agent_missing",
    "agent_silent",
    "body_large",
    "body_slow",
    "bucket_wrong",
    "busy",
    "conflict",
    "cursor_unknown",
    "field_wrong",
    "filter_wrong",
    "flush_late",
    "host_unknown",
    "key_needed",
    "key_wrong",
    "login_locked",
    "login_wrong",
    "method_wrong",
    "not_allowed",
    "not_found",
    "other_site",
    "overrides_full",
    "price_wrong",
    "project_not_found",
    "read_large",
    "read_slow",
    "request_wrong",
    "rules_full",
    "run_not_found",
    "scope_missing",
    "server_failed",
    "starting",
    "store_down",
    "time_wrong",
    "time_zone_wrong",
    "too_many_requests",
    "too_many_watchers",
    "trace_not_found",
    "window_wrong",
]

MEANINGS: dict[Code, str] = {
    "agent_busy": "Too many talk to the attached agent at once.",
    "agent_missing": "No agent is attached to this server.",
    "agent_silent": "The attached agent does not answer.",
    "body_large": "The request's body is larger than this route takes.",
    "body_slow": "The request's body did not arrive in time.",
    "bucket_wrong": "The window has too many buckets of this length.",
    "busy": "The server cannot take more now; it can again soon.",
    "conflict": "What is there already does not allow it.",
    "cursor_unknown": "The cursor was not given out by this server.",
    "field_wrong": "A field of the request is missing or has a value that cannot be taken; `field` names it.",
    "filter_wrong": "The filter cannot be understood; `position` says where.",
    "flush_late": "Not everything that was accepted became visible in time. Nothing is lost.",
    "host_unknown": "The host in the request is no name of this server.",
    "key_needed": "The server asks for a key or a login.",
    "key_wrong": "The key is unknown, has expired or was revoked.",
    "login_locked": "Too many wrong logins; the answer says how long to wait.",
    "login_wrong": "Name, password or key is wrong.",
    "method_wrong": "The route does not know this method.",
    "not_allowed": "The caller may not do this.",
    "not_found": "There is no such thing, or the caller may not see it.",
    "other_site": "The request comes from a page of another site.",
    "overrides_full": "There are as many price overrides as there may be.",
    "price_wrong": "The prices cannot be read; the answer says in which line.",
    "project_not_found": "There is no such project, or the caller may not see it.",
    "read_large": "The answer would be larger than a read may be; a smaller window helps.",
    "read_slow": "The read took longer than it may; a smaller window helps.",
    "request_wrong": "The request cannot be answered as it stands.",
    "rules_full": "There are as many alert rules as there may be.",
    "run_not_found": "The trace has no such run.",
    "scope_missing": "The key or the user lacks a scope that this needs.",
    "server_failed": "The server failed; its log says why, under the id of the request.",
    "starting": "The server is starting.",
    "store_down": "The store does not answer. What was accepted is kept and written later.",
    "time_wrong": "A time cannot be read.",
    "time_zone_wrong": "There is no time zone of this name.",
    "too_many_requests": "The key sends more requests a minute than it may.",
    "too_many_watchers": "Too many connections watch the live feed.",
    "trace_not_found": "There is no such trace, or the caller may not see it.",
    "window_wrong": "The window ends before it begins, or has no beginning where one is needed.",
}
"""For programs and the reference; the page has its own sentence for each, in each language."""

CODES: tuple[Code, ...] = get_args(Code)

_BY_STATUS: dict[int, Code] = {
    401: "key_needed",
    403: "not_allowed",
    404: "not_found",
    405: "method_wrong",
    408: "body_slow",
    409: "conflict",
    413: "body_large",
    429: "too_many_requests",
    502: "agent_silent",
    503: "busy",
}

_BY_NAME: dict[str, Code] = {
    "project": "project_not_found",
    "trace_id": "trace_not_found",
    "run_id": "run_not_found",
}


def code_of_status(status: int) -> Code:
    """The code of an answer that says no more than its status."""
    return _BY_STATUS.get(status, "server_failed" if status >= 500 else "request_wrong")


def code_of_missing(field: str) -> Code:
    """The code for what a field such as `path.trace_id` named in vain."""
    return _BY_NAME.get(field.rpartition(".")[2], "not_found")
