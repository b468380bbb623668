"""From files to a server, through its ingest routes: the same ids each time, so that a repetition changes nothing."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from everytoken.cli.errors import CommandError
from everytoken.cli.exchange.charges import ChargeBook, restored, stand_ins
from everytoken.cli.exchange.foreign import RowError, WireRun, langsmith_run, own_run
from everytoken.cli.exchange.sources import Body, Source, bodies, rows
from everytoken.cli.progress import Advance
from everytoken.store.columns import dump

BATCH_RUNS = 100
BATCH_BYTES = 8 * 1024**2
"""Of one request; what the SDKs send is of the same order."""
MAX_REASONS = 5
REST = "charges without runs"
"""Under which it is noted how far the runs for them are sent."""


class Api(Protocol):
    def ingest(self, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response: ...


@dataclass(slots=True)
class Outcome:
    """What one import did."""

    sent: int = 0
    """Runs, or bodies of files that go on as they are."""
    skipped: int = 0
    """Sent by an earlier start of the same import."""
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, reason: str, count: int = 1) -> None:
        self.rejected += count
        if len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason)


class Mark:
    """How far each source is sent, in a file; in memory alone when that cannot be written."""

    def __init__(self, path: Path | None, server: str) -> None:
        self._path, self._server = path, server
        self._done: dict[str, int] = {}
        if path is not None and path.exists():
            try:
                held = json.loads(path.read_text(encoding="utf-8"))
                self._done = dict(held["done"]) if held["server"] == server else {}
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise CommandError(f"{path} is not the state of an import", hint=f"rm {path}") from error

    def done(self, name: str) -> int:
        return self._done.get(name, 0)

    def note(self, name: str, count: int) -> None:
        self._done[name] = count
        if self._path is None:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps({"server": self._server, "done": self._done}, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._path)


def send_all(api: Api, sources: list[Source], mark: Mark, *, project: str | None, advance: Advance) -> Outcome:
    """Send everything that is not sent yet."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        book = ChargeBook(Path(folder))
        try:
            book.fill(row for source in sources if source.kind == "own-charges" for row in rows(source))
            for source in sources:
                if source.kind == "own-charges":
                    continue
                if source.kind in ("own-runs", "langsmith"):
                    runs = _runs_of(source, book, project, outcome)
                    _send_runs(api, source.name, runs, mark, outcome, advance)
                else:
                    _send_bodies(api, source, mark, outcome, advance, project)
            left = (([*stand_ins(charges, project)]) for charges in book.rest())
            _send_runs(api, REST, left, mark, outcome, advance)
        finally:
            book.close()
    return outcome


def _runs_of(source: Source, book: ChargeBook, project: str | None, outcome: Outcome) -> Iterator[list[WireRun]]:
    """The runs to send for each row of a file; none for a row that is no run."""
    for number, row in enumerate(rows(source), 1):
        try:
            if source.kind == "langsmith":
                yield [langsmith_run(row, project)]
            else:
                wire = own_run(row, project)
                yield restored(row, book.take(wire["id"]), wire, project)
        except RowError as error:
            outcome.reject(f"{source.name}, row {number}: {error}")
            yield []


def _send_runs(
    api: Api, name: str, groups: Iterable[list[WireRun]], mark: Mark, outcome: Outcome, advance: Advance
) -> None:
    """Send groups of runs in requests of bounded size. What was sent before is passed over."""
    before = mark.done(name)
    batch: list[str] = []
    size = count = 0
    for count, group in enumerate(groups, 1):
        if count <= before:
            outcome.skipped += len(group)
            advance(len(group))
            continue
        for wire in group:
            batch.append(dump(wire))
            size += len(batch[-1])
        if len(batch) >= BATCH_RUNS or size >= BATCH_BYTES:
            _post(api, name, batch, outcome, advance)
            mark.note(name, count)
            batch, size = [], 0
    if batch:
        _post(api, name, batch, outcome, advance)
    if count > before:
        mark.note(name, count)


def _post(api: Api, name: str, batch: list[str], outcome: Outcome, advance: Advance) -> None:
    body = f'{{"post":[{",".join(batch)}]}}'.encode()
    response = api.ingest("/runs/batch", body, {"content-type": "application/json"})
    if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE and len(batch) > 1:
        half = len(batch) // 2
        _post(api, name, batch[:half], outcome, advance)
        _post(api, name, batch[half:], outcome, advance)
        return
    refused = _rejections(response)
    if not response.is_success and not refused:
        raise refusal(response, name)
    outcome.sent += len(batch) - len(refused)
    for reason in refused:
        outcome.reject(f"{name}: {reason}")
    advance(len(batch))


def _send_bodies(api: Api, source: Source, mark: Mark, outcome: Outcome, advance: Advance, project: str | None) -> None:
    before = mark.done(source.name)
    for count, body in enumerate(bodies(source, project), 1):
        advance(1)
        if count <= before:
            outcome.skipped += 1
            continue
        _send_body(api, source, body, outcome)
        mark.note(source.name, count)


def _send_body(api: Api, source: Source, body: Body, outcome: Outcome) -> None:
    response = api.ingest(body.path, body.data, body.headers)
    if response.status_code in (401, 403):
        raise refusal(response, source.name)
    if not response.is_success:
        outcome.reject(f"{source.name}: {response.status_code} {_said(response)}")
        return
    outcome.sent += 1
    for reason in _rejections(response):
        outcome.reject(f"{source.name}: {reason}")


def _rejections(response: httpx.Response) -> list[str]:
    """What of a request the server will never take."""
    try:
        told: Any = response.json()
    except ValueError:
        return []
    if not isinstance(told, dict):
        return []
    partial = told.get("partialSuccess") or {}
    if int(partial.get("rejectedSpans") or 0):
        return [partial.get("errorMessage") or "rejected"] * int(partial["rejectedSpans"])
    return [f"{one['part']}: {one['field']}: {one['reason']}" for one in told.get("rejected") or ()]


def _said(response: httpx.Response) -> str:
    try:
        told = response.json()
        return str(told.get("error") or told.get("message") or response.reason_phrase)
    except ValueError:
        return response.reason_phrase


def refusal(response: httpx.Response, name: str) -> CommandError:
    hint = "set EVERYTOKEN_API_KEY to a key with the scope ingest" if response.status_code in (401, 403) else None
    return CommandError(f"{name}: {response.status_code} {_said(response)}", hint=hint)
