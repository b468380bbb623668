"""OTLP trace requests to operations: one complete run a span, whichever convention its attributes follow."""

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote

from everytoken.wire.body import BodyEncodingError
from everytoken.wire.operations import Decoded, Operation, Rejection
from everytoken.wire.otlp_json import read_json
from everytoken.wire.otlp_protobuf import read_protobuf
from everytoken.wire.otlp_run import project_of, run_of
from everytoken.wire.otlp_spans import Span

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
DEFAULT_PROJECT = "default"

_PROJECT = re.compile(r';\s*project="([^"]*)"')
_ENCODINGS = {PROTOBUF: PROTOBUF, "application/protobuf": PROTOBUF, JSON: JSON}


def encoding_of(content_type: str) -> str:
    """`PROTOBUF` or `JSON`.

    Raises:
        BodyEncodingError: it is neither.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _ENCODINGS:
        return _ENCODINGS[media_type]
    raise BodyEncodingError(
        f"Content-Type {media_type[:60]!r} is not read here; send {PROTOBUF} or {JSON}; "
        "OTLP/gRPC has a port of its own",
        field="Content-Type",
    )


def content_type_for(encoding: str, project: str | None) -> str:
    """What the journal keeps beside the body: the encoding, and the project that the request named in a header."""
    return f'{encoding}; project="{quote(project, safe="")}"' if project else encoding


def decode_otlp(body: bytes, content_type: str, received_us: int) -> Decoded:
    """The runs of an `ExportTraceServiceRequest`. `content_type` is as `content_type_for` writes it.

    Raises:
        BodyError: nothing of the body can be used.
    """
    spans = read_protobuf(body) if encoding_of(content_type) == PROTOBUF else read_json(body)
    named = _PROJECT.search(content_type)
    return _decoded(spans, unquote(named[1]) if named else DEFAULT_PROJECT, received_us)


def _decoded(found: Iterator[Span | Rejection], project: str, received_us: int) -> Decoded:
    spans: list[Span] = []
    rejections: list[Rejection] = []
    for one in found:
        if isinstance(one, Span):
            spans.append(one)
        else:
            rejections.append(one)
    # A project set on the root alone is meant for the whole trace; those above it in the request say it for the rest.
    stated = {span.trace_id: name for span in reversed(spans) if (name := project_of(span))}
    operations = []
    for index, span in enumerate(spans):
        run_id, fields = run_of(span)
        if "project_id" not in fields:
            fields["project"] = (project_of(span) or stated.get(span.trace_id) or project)[:1_000]
        size_bytes = span.size_bytes + sum(len(str(v)) for v in span.origin.resource.values() if isinstance(v, str))
        operations.append(Operation("post", run_id, fields, received_us, index, size_bytes))
    return Decoded(operations=tuple(operations), rejections=tuple(rejections))
