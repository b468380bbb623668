"""The fields of a run on LangSmith's wire: which are read, as what, and what is wrong with a value that cannot be."""

import re
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

from everytoken.core.run import RUN_TYPES
from everytoken.wire.addresses import read_address
from everytoken.wire.operations import RunFields
from everytoken.wire.times import read_time

STATUSES = frozenset({"pending", "success", "error", "interrupted", "cancelled"})
MAX_NAME = 1_000
"""Characters of a name, a tag or a project; a longer one is a payload in the wrong field and is cut."""

MAX_ORDER = 64 * 1024
"""Characters of a `dotted_order`: 1,110 levels, more than a program calls itself."""

MAX_ID = 60
"""Characters of the longest spelling of a UUID that is read (45, as a URN), and some to show of a wrong one."""

_NO_ID = "{!r} is not a UUID; send 36 characters, or 32 hexadecimal digits"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class FieldError(ValueError):
    """One field cannot be read."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


ATTACHMENT = "attachment."
"""Begins the keys of `extra` that say where a run's attachments lie. Those are ours to write: whatever stands there, of
any project, gets a signed address."""


def read_id(value: Any) -> str:
    """Lower-case UUID text with dashes; 32 hexadecimal digits are read too.

    Raises:
        ValueError: it is not a UUID.
    """
    if isinstance(value, str) and len(value) <= MAX_ID:
        return _read_id(value)
    raise ValueError(_NO_ID.format(str(value)[:60]))


@lru_cache(maxsize=16_384)  # a trace's id stands in each of its runs, and a run's in each of its parts
def _read_id(text: str) -> str:
    if _UUID.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError(_NO_ID.format(text)) from None


def read_run(wire: Any) -> RunFields:
    """The fields of one run object; unknown, `null` and empty ones are left out.

    Raises:
        FieldError: the first field that cannot be read.
    """
    if not isinstance(wire, dict):
        raise FieldError("", "a run must be a JSON object")
    fields: dict[str, Any] = {}
    for key, value in wire.items():
        rule = _RULES.get(key)
        if rule is None or value is None:
            continue
        name, read = rule
        try:
            known = read(value)
        except ValueError as error:
            if value == "":  # what senders write that have nothing to say
                continue
            raise FieldError(key, str(error)) from error
        if known or known == 0 or key in _PAYLOADS:  # an empty name, error or list of tags says nothing
            fields[name] = known
    return _sorted_out(fields, wire)


def _sorted_out(fields: dict[str, Any], wire: dict[str, Any]) -> RunFields:
    """Take metadata out of `extra`, and keep the wire's side fields in it."""
    extra = fields.get("extra")
    if extra is not None:
        metadata = extra.pop("metadata", None)
        if metadata is not None and not isinstance(metadata, dict):
            raise FieldError("extra.metadata", "must be a JSON object")
        if metadata:
            fields["metadata"] = metadata
        for name in [name for name in extra if name.startswith(ATTACHMENT)]:
            del extra[name]
        if not extra:
            del fields["extra"]
    for key in _KEPT_IN_EXTRA:
        if wire.get(key):
            fields.setdefault("extra", {})[key] = wire[key]
    if wire.get("run_type") and wire["run_type"] != fields["run_type"]:
        fields.setdefault("extra", {})["run_type_sent"] = wire["run_type"]
    return fields  # type: ignore[return-value]  # its keys are those of _RULES, which are RunFields' own


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {type(value).__name__}")
    return value[:MAX_NAME]


def _run_type(value: Any) -> str:
    known = _text(value).lower()
    return known if known in RUN_TYPES or not known else "chain"


def _status(value: Any) -> str:
    known = _text(value).lower()
    return known if known in STATUSES else ""


def _error(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"must be a JSON object, not {type(value).__name__}")
    return value


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError("must be a list of texts")
    return tuple(tag[:MAX_NAME] for tag in value)


def _events(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(event, dict) for event in value):
        raise ValueError("must be a list of JSON objects")
    return value


def _order(value: Any) -> str:
    """What is none is derived, from the run's parents."""
    return value if isinstance(value, str) and len(value) <= MAX_ORDER else ""


def _anything(value: Any) -> Any:
    return value


_RULES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "trace_id": ("trace_id", read_id),
    "parent_run_id": ("parent_run_id", read_id),
    "dotted_order": ("dotted_order", _order),
    "session_name": ("project", _text),
    "session_id": ("project_id", read_id),
    "address": ("project", read_address),
    "name": ("name", _text),
    "run_type": ("run_type", _run_type),
    "start_time": ("start_us", read_time),
    "end_time": ("end_us", read_time),
    "first_token_time": ("first_token_us", read_time),
    "status": ("status", _status),
    "error": ("error", _error),
    "tags": ("tags", _tags),
    "extra": ("extra", _object),
    "inputs": ("inputs", _anything),
    "outputs": ("outputs", _anything),
    "events": ("events", _events),
}
_PAYLOADS = frozenset({"inputs", "outputs"})
_KEPT_IN_EXTRA = ("serialized", "reference_example_id")
"""Fields without a column of their own that a reader may still ask for."""

PART_FIELDS = frozenset({"inputs", "outputs", "events", "extra", "error", "serialized"})
"""Fields that travel as parts of their own in a multipart body."""
