"""LangSmith's ingest bodies to operations: `/runs/multipart`, `/runs/batch`, `POST /runs` and `PATCH /runs/{id}`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from everytoken.wire.body import BodyUnreadableError
from everytoken.wire.feedback import check_feedback
from everytoken.wire.fields import PART_FIELDS, FieldError, read_id, read_run
from everytoken.wire.json_text import JsonError, check_depth, load_deep_json, load_json, may_be_deep
from everytoken.wire.multipart import Part, read_parts
from everytoken.wire.operations import Attachment, Decoded, Feedback, Operation, OperationKind, Rejection

MAX_ATTACHMENTS = 2_000
"""Of one body: 20 for each of the SDKs' 100 runs. Each is a file of its own on the disk."""
MAX_FEEDBACK = 1_000
"""Of one body: the SDKs send at most 100 operations. Each is looked up before it is kept."""
FLAG_PART_UNREADABLE = "part_unreadable"
"""One field of the run could not be read; the rest was kept."""


@dataclass(slots=True)
class _Draft:
    """The parts of one operation, until the body ends or the same run is posted again."""

    kind: OperationKind
    run_id: str
    part: str
    wire: dict[str, Any] = field(default_factory=dict)
    size_bytes: int = 0
    has_main: bool = False
    damaged: bool = False
    refused: bool = False


def decode_multipart(body: bytes, boundary: bytes, received_us: int) -> Decoded:
    """Everything the parts hold, one operation for each `post` or `patch` of a run.

    Raises:
        BodyError: the parts cannot be told apart, or are too many.
    """
    return _MultipartReader(received_us).read(read_parts(body, boundary))


class _MultipartReader:
    def __init__(self, received_us: int) -> None:
        self._received_us = received_us
        self._drafts: list[_Draft] = []
        self._open: dict[tuple[str, str], _Draft] = {}
        self._feedback: list[Feedback] = []
        self._attachments: list[Attachment] = []
        self._rejections: list[Rejection] = []

    def read(self, parts: Iterable[Part]) -> Decoded:
        for part in parts:
            self._take(part)
        operations = [
            operation
            for index, draft in enumerate(self._drafts)
            if (operation := self._finish(draft, index)) is not None
        ]
        return Decoded(tuple(operations), tuple(self._feedback), tuple(self._attachments), tuple(self._rejections))

    def _take(self, part: Part) -> None:
        # An attachment's name may hold anything, dots included: only the first two separate.
        event, _, rest = part.name.partition(".")
        owner, _, name = rest.partition(".")
        try:
            owner_id = read_id(owner)
        except ValueError as error:
            self._reject(part, "name", part.fault or f"the second piece of the part's name is no run id: {error}")
            return
        if event in ("post", "patch"):
            self._take_run(cast("OperationKind", event), owner_id, name, part)
        elif part.fault:
            self._reject(part, name, part.fault)
        elif event == "attachment" and len(self._attachments) == MAX_ATTACHMENTS:
            self._reject(part, "", f"a request holds at most {MAX_ATTACHMENTS} attachments; send fewer runs in one")
        elif event == "attachment":
            self._attachments.append(
                Attachment(owner_id, name, part.mime_type or "application/octet-stream", part.data, self._received_us)
            )
        elif event == "feedback":
            self._take_feedback(owner_id, part)
        else:
            self._reject(part, "name", "a part's name starts with post, patch, feedback or attachment")

    def _take_run(self, kind: OperationKind, run_id: str, name: str, part: Part) -> None:
        key = (kind, run_id)
        draft = self._open.get(key)
        if draft is None or (not name and draft.has_main):
            draft = self._open[key] = _Draft(kind, run_id, part.name)
            self._drafts.append(draft)
        if name and name not in PART_FIELDS:
            self._reject(part, name, f"not a field of a run; known are {', '.join(sorted(PART_FIELDS))}")
            return
        try:
            value = load_json(part.data) if not part.fault else self._json(part)
            if not name:
                draft.has_main = True
                _check_main(value, run_id)
        except (JsonError, FieldError) as error:
            self._reject(part, name or getattr(error, "field", ""), str(error))
            draft.damaged = True
            draft.refused = draft.refused or not name
            if name == "error":  # that the run failed is not lost with how
                draft.wire[name] = part.data.decode("utf-8", "replace")
            return
        draft.size_bytes += len(part.data)
        if name:
            draft.wire[name] = value
        else:
            draft.wire |= value

    def _take_feedback(self, feedback_id: str, part: Part) -> None:
        if len(self._feedback) == MAX_FEEDBACK:
            self._reject(part, "", f"a request holds at most {MAX_FEEDBACK} pieces of feedback; send fewer in one")
            return
        try:
            body = self._json(part)
            if not isinstance(body, dict):
                raise FieldError("", "feedback must be a JSON object")
            check_feedback(body)
        except (JsonError, FieldError) as error:
            self._reject(part, getattr(error, "field", ""), str(error))
            return
        self._feedback.append(Feedback(feedback_id, body, self._received_us))

    def _json(self, part: Part) -> Any:
        if part.fault:
            raise JsonError(part.fault)
        return load_json(part.data)

    def _finish(self, draft: _Draft, index: int) -> Operation | None:
        if draft.refused:
            return None
        try:
            fields = read_run(draft.wire)
        except FieldError as error:
            self._rejections.append(Rejection(draft.part, error.field, str(error)))
            return None
        if draft.damaged:
            fields["flags"] = (FLAG_PART_UNREADABLE,)
        return Operation(draft.kind, draft.run_id, fields, self._received_us, index, draft.size_bytes)

    def _reject(self, part: Part, field_name: str, reason: str) -> None:
        self._rejections.append(Rejection(part.name[:200], field_name, reason))


def _check_main(value: Any, run_id: str) -> None:
    if not isinstance(value, dict):
        raise FieldError("", "a run must be a JSON object")
    if value.get("id") is not None and _own_id(value) != run_id:
        raise FieldError("id", f"{str(value['id'])[:60]!r} differs from the id in the part's name")


def _own_id(wire: Any) -> str:
    if not isinstance(wire, dict):
        raise FieldError("", "a run must be a JSON object")
    try:
        return read_id(wire.get("id"))
    except ValueError as error:
        raise FieldError("id", str(error)) from error


def decode_batch(body: bytes, received_us: int) -> Decoded:
    """The runs of `{"post": [...], "patch": [...]}`; either list may be absent.

    Raises:
        BodyUnreadableError: it is not a JSON object.
    """
    batch = _load_body(body, load_deep_json)
    deep = may_be_deep(body)
    if not isinstance(batch, dict):
        raise BodyUnreadableError('the body must be a JSON object {"post": [...], "patch": [...]}')
    operations: list[Operation] = []
    rejections: list[Rejection] = []
    for kind in ("post", "patch"):
        runs = batch.get(kind)
        if runs is None:
            continue
        if not isinstance(runs, list):
            rejections.append(Rejection(kind, "", f"must be a list of runs, not {type(runs).__name__}"))
            continue
        size_bytes = len(body) // max(len(runs), 1)
        for position, wire in enumerate(runs):
            try:
                run_id = _own_id(wire)
                fields = read_run(wire)
                if deep:
                    check_depth(wire)
            except (FieldError, JsonError) as error:
                rejections.append(Rejection(f"{kind}[{position}]", getattr(error, "field", ""), str(error)))
                continue
            operations.append(Operation(kind, run_id, fields, received_us, len(operations), size_bytes))
    return Decoded(operations=tuple(operations), rejections=tuple(rejections))


def decode_run(body: bytes, received_us: int, *, patch_run_id: str | None = None) -> Decoded:
    """The one run of `POST /runs`, or of `PATCH /runs/{id}` when the route gives its id.

    Raises:
        BodyUnreadableError: the body is not JSON.
    """
    wire = _load_body(body)
    kind: OperationKind = "post" if patch_run_id is None else "patch"
    try:
        run_id = _own_id(wire) if patch_run_id is None else _path_id(patch_run_id)
        fields = read_run(wire)
    except FieldError as error:
        return Decoded(rejections=(Rejection(kind, error.field, str(error)),))
    return Decoded(operations=(Operation(kind, run_id, fields, received_us, 0, len(body)),))


def _path_id(text: str) -> str:
    try:
        return read_id(text)
    except ValueError as error:
        raise FieldError("run_id", str(error)) from error


def _load_body(body: bytes, load: Callable[[bytes], Any] = load_json) -> Any:
    try:
        return load(body)
    except JsonError as error:
        raise BodyUnreadableError(f"the body is {error}") from error
