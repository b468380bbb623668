"""What is in a file or folder to import, told by its content, and its rows one after another.

Bodies that a client could not send (`LANGSMITH_FAILED_TRACES_DIR`) and OTLP files go on as they are; rows become runs.
"""

import base64
import csv
import gzip
import io
import json
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

import pyarrow.parquet as pq

from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.columns import COLUMNS, What, from_text, rows_of
from everytoken.cli.exchange.exporting import NOTES, read_notes
from everytoken.store.columns import load

Kind = Literal["own-runs", "own-charges", "langsmith", "failed-trace", "otlp-json", "otlp-protobuf"]
SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet", ".csv", ".pb", ".bin", ".otlp", ".proto")
MAX_WHOLE_BYTES = 512 * 1024**2
"""A file that is one JSON value is read as a whole; larger ones must be JSON Lines."""
BATCH_ROWS = 200
SNIFF_BYTES = 1024**2

csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True, slots=True)
class Source:
    path: Path
    kind: Kind
    name: str
    """Its place in the folder, under which it is noted how far it is sent."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request that is sent as it is."""

    path: str
    """Of the ingest route."""
    data: bytes
    headers: Mapping[str, str]


def find_sources(path: Path) -> list[Source]:
    """Everything under `path` that can be imported, in the order of its names.

    Raises:
        CommandError: there is nothing, or an export that was not finished.
    """
    if not path.exists():
        raise CommandError(f"{path} is not there", hint="name a file or a folder")
    if path.is_file():
        return [Source(path, _kind(path), path.name)]
    if (path / NOTES).exists() and not all(one.done for one in read_notes(path).progress.values()):
        raise CommandError(f"the export in {path} is not complete", hint="run its `everytoken export` again first")
    files = [file for file in sorted(path.rglob("*")) if file.is_file() and _suffix(file) in SUFFIXES]
    found = [Source(file, _kind(file), str(file.relative_to(path))) for file in files if file.name != NOTES]
    if not found:
        raise CommandError(
            f"nothing to import in {path}", hint=f"files end in {', '.join(SUFFIXES)}, or these with .gz"
        )
    return found


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _kind(path: Path) -> Kind:
    suffix = _suffix(path)
    if suffix in (".pb", ".bin", ".otlp", ".proto"):
        return "otlp-protobuf"
    try:
        if suffix == ".parquet":
            names = set(pq.read_schema(path).names)
        elif suffix == ".csv":
            with _open(path) as file:
                names = set(file.readline().decode("utf-8-sig").strip().split(","))
        else:
            first = next(_json_values(path), None)
            names = set(first) if isinstance(first, dict) else set()
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    for kind, needed in _TOLD_BY:
        if needed <= names:
            return kind
    raise CommandError(
        f"{path} holds nothing that is known",
        hint="known are exports of everytoken and LangSmith, failed traces of langsmith, and OTLP",
    )


_TOLD_BY: tuple[tuple[Kind, set[str]], ...] = (
    ("failed-trace", {"endpoint", "body_base64"}),
    ("otlp-json", {"resourceSpans"}),
    ("otlp-json", {"resource_spans"}),
    ("own-charges", {"charge_key", "trace_id"}),
    ("own-runs", {"run_id", "trace_id", "start_us"}),
    ("langsmith", {"id", "run_type", "start_time"}),
)


def rows(source: Source) -> Iterator[dict[str, Any]]:
    """The rows of a file of runs or charges.

    Raises:
        CommandError: the file is damaged.
    """
    try:
        suffix = _suffix(source.path)
        if suffix == ".parquet":
            yield from _parquet(source)
        elif suffix == ".csv":
            yield from _csv(source)
        else:
            for value in _json_values(source.path):
                if not isinstance(value, dict):
                    raise CommandError(f"{source.path} holds something that is no object")
                yield value
    except (OSError, ValueError) as error:
        raise CommandError(f"{source.path} cannot be read: {error}") from error


def _what(source: Source) -> What:
    return "charges" if source.kind == "own-charges" else "runs"


def _parquet(source: Source) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(source.path) as file:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            yield from batch.to_pylist() if source.kind == "langsmith" else rows_of(_what(source), batch)


def _csv(source: Source) -> Iterator[dict[str, Any]]:
    with _open(source.path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        unknown = set(reader.fieldnames or ()) - set(COLUMNS[_what(source)])
        if unknown and source.kind == "langsmith":
            yield from ({k: v or None for k, v in row.items()} for row in reader)
            return
        for row in reader:
            yield from_text(_what(source), row)


def _json_values(path: Path) -> Iterator[Any]:
    """A value a line; a file that is one value (or one list, or one page of an API) is read as a whole."""
    with _open(path) as file:
        first = file.readline()
        try:
            value = load(first.decode("utf-8-sig")) if first.strip() else None
        except ValueError:
            yield from _whole(path)
            return
        if isinstance(value, list):
            yield from value
            return
        yield from _unpaged(value)
        for line in file:
            if line.strip():
                yield load(line.decode())


def _whole(path: Path) -> Iterator[Any]:
    with _open(path) as file:
        data = file.read(MAX_WHOLE_BYTES + 1)
    if len(data) > MAX_WHOLE_BYTES:
        raise CommandError(f"{path} is one JSON value of more than 512 MiB", hint="write it as JSON Lines: jq -c '.[]'")
    value = json.loads(data)
    yield from value if isinstance(value, list) else _unpaged(value)


def _unpaged(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and isinstance(value.get("runs"), list) and "id" not in value:
        yield from value["runs"]
    elif value is not None:
        yield value


def bodies(source: Source, project: str | None) -> Iterator[Body]:
    """The requests that a file holds.

    Raises:
        CommandError: the file is damaged.
    """
    try:
        if source.kind == "failed-trace":
            yield _failed_trace(source.path)
        elif source.kind == "otlp-json":
            for value in _json_values(source.path):
                yield _otlp(json.dumps(value).encode(), "application/json", project)
        else:
            with _open(source.path) as file:
                data = file.read()
            for message in _messages(data):
                yield _otlp(message, "application/x-protobuf", project)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{source.path} cannot be read: {error}") from error


def _failed_trace(path: Path) -> Body:
    """What the langsmith SDK saves: endpoint, headers and body of the request that failed (0.15, `client.py`)."""
    held = json.loads(path.read_text(encoding="utf-8"))
    endpoint = str(held["endpoint"])  # `runs/multipart`, without a server
    found = "/" + "/".join(endpoint.rstrip("/").split("/")[-2:])
    if found not in ("/runs/multipart", "/runs/batch"):
        raise ValueError(f"endpoint {endpoint[:200]!r} is no ingest route")
    kept = {name: value for name, value in held["headers"].items() if name.lower().startswith("content-")}
    kept = {name: value for name, value in kept.items() if name.lower() != "content-length"}
    return Body(found, base64.b64decode(held["body_base64"], validate=True), kept)


def _otlp(data: bytes, content_type: str, project: str | None) -> Body:
    named = {"langsmith-project": project.encode().decode("latin-1")} if project else {}
    return Body("/v1/traces", data, {"content-type": content_type, **named})


def _messages(data: bytes) -> Iterator[bytes]:
    """The messages of a file: each behind its length in four bytes, as the collector writes them, or one alone."""
    cut: list[bytes] = []
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        cut.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    yield from cut if cut and at == len(data) else [data]
