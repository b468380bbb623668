"""What LangSmith's read routes share: the stores, the reader over them, and the shape of their errors."""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import secrets
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from everytoken.catalog.book import PriceBook
from everytoken.ingest.attachments import AttachmentStore
from everytoken.ingest.masking import compile_masks, masked_value
from everytoken.ingest.pipeline import Pipeline
from everytoken.ingest.restricting import FEEDBACK_FIELD
from everytoken.query.errors import CursorError, NotFoundError
from everytoken.query.filter.errors import FilterError
from everytoken.query.filter.feedback import FeedbackTest
from everytoken.query.langsmith_rows import RunWriter
from everytoken.query.langsmith_runs import RunReader
from everytoken.query.langsmith_stats import GroupError
from everytoken.query.window import parse_instant
from everytoken.server.beside import beside
from everytoken.server.errors import RequestError
from everytoken.server.feedback_body import as_feedback
from everytoken.server.langsmith_json import LangSmithRequest
from everytoken.store.columns import dump
from everytoken.store.control import Control, Project, ProjectExistsError
from everytoken.store.errors import StoreError
from everytoken.store.journal import Journal
from everytoken.store.ledger import Ledger
from everytoken.store.price_overrides import PriceOverrides
from everytoken.store.rereading import REFRESH_S
from everytoken.store.retention import Retention
from everytoken.store.visible import only, visible_projects

MAX_OFFSET = 10**9
"""Nothing we list is longer; the stores refuse numbers beyond 64 bits."""
ABSORB_EVERY_S = 2.0
"""How long feedback stays in the journal of the server that received it."""
MASKED_OF_FEEDBACK = ("comment", "value", "correction", "extra", "feedback_source")
log = logging.getLogger("everytoken.server")
ABSORBED_AT_ONCE = 500
"""Feedback whose runs are looked for with one question: each by itself took 30 s a thousand."""
_ABSORBING = threading.Lock()
URL_LIFETIME_S = 3_600
"""How long a signed address works; clients fetch at once."""


@dataclass(frozen=True, slots=True)
class LangSmith:
    """The stores behind the read API."""

    ledger: Ledger
    control: Control
    pipeline: Pipeline
    journal: Journal
    attachments: Path
    """The folder that holds attachments under the hash of their content."""
    book: PriceBook
    overrides: PriceOverrides

    @property
    def reader(self) -> RunReader:
        return RunReader(self.ledger, self.control, self.feedback_runs)

    @property
    def writer(self) -> RunWriter:
        self.absorb_feedback()
        return RunWriter(self.control, self.sign)

    def absorb_feedback(self) -> None:
        """Take over the feedback that arrived as parts of ingest bodies: durable here before the journal forgets it."""
        with _ABSORBING, only(None):  # whoever reads first takes over what all others sent, and the others wait for it
            rows = self.journal.feedback().result()
            for first in range(0, len(rows), ABSORBED_AT_ONCE):
                self._absorb(rows[first : first + ABSORBED_AT_ONCE])

    def _absorb(self, rows: Sequence[tuple[str, int, bytes]]) -> None:
        told = [(orjson.loads(data), received_us) for _, received_us, data in rows]
        read = [(wire, as_feedback(wire, at_us=received_us)) for wire, received_us in told]
        places = self._places([body["run_id"] for _, body in read if body is not None and body["run_id"]])
        bodies = [self._absorbed(wire, body, places) for wire, body in read if body is not None]
        self.control.annotations.put_feedback([body for body in bodies if body is not None])
        self.journal.forget_feedback([(feedback_id, received_us) for feedback_id, received_us, _ in rows]).result()

    def _places(self, run_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Project and trace of each of these runs that is stored."""
        wanted = list(dict.fromkeys(run_ids))
        found = self.ledger.select("langsmith_run_places", run_ids=wanted, limit=len(wanted)) if wanted else []
        return {str(row["run_id"]): (row["project"], str(row["trace_id"])) for row in found}

    def _absorbed(
        self, wire: dict[str, Any], body: dict[str, Any], places: Mapping[str, tuple[str, str]]
    ) -> dict[str, Any] | None:
        """Feedback as it is kept; `None` when it is about what its sender's key does not write to."""
        body = self.kept(body, places)
        allowed = wire.get(FEEDBACK_FIELD)
        if allowed is None:
            return body
        with only(allowed):
            known = self.control.annotations.feedback(body["id"])
            return body if self.sees(body) and (known is None or self.sees(known)) else None

    def sees(self, body: Mapping[str, Any]) -> bool:
        """Whether feedback is about a project that the request at hand may see, and about no other."""
        if visible_projects() is None:
            return True
        session, run_id = body.get("session_id"), body.get("run_id")
        in_session = session is not None and self.control.project_by_id(session) is not None
        if run_id is None:
            return in_session
        return (session is None or in_session) and self.ledger.locate_run(run_id) is not None

    def kept(self, body: dict[str, Any], places: Mapping[str, tuple[str, str]] | None = None) -> dict[str, Any]:
        """Feedback as it is stored: located, and without what its project's masks match in what a person wrote.

        Feedback may come before its run. Which project it is of is unknown then, and the masks of all of them hold.
        """
        body = self.located(body, places)
        session = body.get("session_id")
        held = [self.control.settings.get(session)] if session else [*self.control.settings.all().values()]
        masks = dict.fromkeys(name for settings in held for name in settings.masks)
        patterns = dict.fromkeys(pattern for settings in held for pattern in settings.mask_patterns)
        if not masks and not patterns:
            return body
        compiled = compile_masks(tuple(masks), tuple(patterns))
        return {**body, **{name: masked_value(body.get(name), compiled) for name in MASKED_OF_FEEDBACK}}

    def located(self, body: dict[str, Any], places: Mapping[str, tuple[str, str]] | None = None) -> dict[str, Any]:
        """Feedback with the trace and the project of its run, where they are not said and the run is stored.

        `places` are those of the runs that are stored, when they were asked for together.
        """
        if body.get("run_id") and not (body.get("session_id") and body.get("trace_id")):
            run_id = body["run_id"]
            found = self.ledger.locate_run(run_id) if places is None else places.get(run_id)
            if found is not None:
                project = self.control.project(found[0])
                body["trace_id"] = body.get("trace_id") or found[1]
                body["session_id"] = body.get("session_id") or (project.project_id if project else None)
        return body

    async def delete_traces(self, project: Project, trace_ids: Sequence[str], *, keep_charges: bool = False) -> int:
        """Delete these traces, or make their charges nobody's and delete the rest; how many attachments went.

        What was accepted of them first reaches the ledger, then leaves it; what comes later is not stored.
        """
        wanted = frozenset(trace_ids)
        retention, began_us = Retention(self.ledger), now_us()
        await self.pipeline.flush()
        run_ids = await run_in_threadpool(retention.runs_of, project.name, trace_ids)
        await run_in_threadpool(self.control.deleted.add, [*trace_ids, *run_ids], began_us)
        if self.ledger.is_shared:
            await asyncio.sleep(REFRESH_S)  # until all servers know that nothing more of them is to be stored
        await self.pipeline.flush()  # of what was under way meanwhile
        self.pipeline.forget(lambda trace_id, name: trace_id in wanted and name in (None, project.name))
        take_away = retention.erase if keep_charges else retention.delete
        gone = await run_in_threadpool(take_away, project.name, trace_ids)
        await run_in_threadpool(self._forget_runs, run_ids)
        return await run_in_threadpool(self.drop_attachments, gone.attachments, began_us)

    def _forget_runs(self, run_ids: Sequence[str]) -> None:
        self.absorb_feedback()
        self.control.annotations.forget_runs(run_ids)

    def drop_attachments(self, hashes: Sequence[str], before_us: int) -> int:
        """Remove attachments that nothing names any more, for all servers; how many."""
        if hashes and self.ledger.is_shared:
            self.ledger.forget_attachments(hashes, before_us)
        AttachmentStore(self.attachments).drop(hashes, before_us / 1_000_000)
        return len(hashes)

    async def delete_project(self, project: Project) -> None:
        """Delete a project with its runs, charges and feedback."""
        await self.pipeline.flush()
        self.pipeline.forget(lambda _trace_id, name: name == project.name)
        began_us = now_us()
        gone = await run_in_threadpool(Retention(self.ledger).delete_project, project.name)
        await run_in_threadpool(self.drop_attachments, gone.attachments, began_us)
        await run_in_threadpool(self.control.annotations.forget_session, project.project_id)
        await run_in_threadpool(self.control.delete_project, project)

    def fetch(self, sha256: str, file: Path) -> bool:
        """Take over an attachment that another server received; whether there was one."""
        data = self.ledger.attachment(sha256) if self.ledger.is_shared else None
        if data is None:
            return False
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = file.with_suffix(f".{secrets.token_hex(4)}")
        fresh.write_bytes(data)
        fresh.replace(file)
        return True

    def sign(self, where: Mapping[str, Any]) -> str:
        """A path, relative to the mount, that serves this attachment for `URL_LIFETIME_S`."""
        expires = int(time.time()) + URL_LIFETIME_S
        mime_type = str(where.get("mime_type") or "application/octet-stream")
        signature = self._signature(str(where["sha256"]), mime_type, str(expires))
        query = urlencode({"mime_type": mime_type, "expires": expires, "signature": signature})
        return f"/attachments/{where['sha256']}?{query}"

    def is_signed(self, sha256: str, mime_type: str, expires: str, signature: str) -> bool:
        """True for an address that `sign` gave out and that has not run out."""
        known = self._signature(sha256, mime_type, expires)
        alike = hmac.compare_digest(known.encode(), signature.encode("utf-8", "replace"))
        return alike and expires.isdigit() and int(expires[:15]) >= time.time()

    def _signature(self, sha256: str, mime_type: str, expires: str) -> str:
        text = "\n".join((sha256, mime_type, expires)).encode("utf-8", "replace")
        return hmac.new(self._secret(), text, hashlib.sha256).hexdigest()

    def _secret(self) -> bytes:
        held = self.control.annotations.keep_first("secret", "attachments", {"hex": secrets.token_hex(32)})
        return bytes.fromhex(held["hex"])

    def feedback_runs(self, tests: Sequence[FeedbackTest], *more: tuple[str, str, Any]) -> Sequence[str]:
        """Ids of the runs with one piece of feedback that passes all the tests, and `more` of its columns."""
        self.absorb_feedback()
        asked = [(test.name, test.operator, test.value) for test in tests]
        return self.control.annotations.runs_with_feedback([*asked, *more])

    def reader_of_feedback(self, from_us: int | None, to_us: int | None) -> RunReader:
        """A reader whose filters find feedback changed in this time alone."""
        bounds = [("modified_us", "gte", from_us), ("modified_us", "lt", to_us)]
        more = [bound for bound in bounds if bound[2] is not None]
        return RunReader(self.ledger, self.control, lambda tests: self.feedback_runs(tests, *more))


def check_run(use: LangSmith, run_id: uuid.UUID) -> None:
    """For a key of some projects: whether the run is in one of them.

    Raises:
        NotFoundError: it is in none.
    """
    if visible_projects() is not None and use.ledger.locate_run(str(run_id)) is None:
        raise NotFoundError(f"no run {run_id}", field="path.run_id")


class LangSmithRoute(APIRoute):
    """Errors as LangSmith's clients print them: `detail` for v1, problem fields for v2, both in one body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(LangSmithRequest(request.scope, request.receive))
            except FilterError as error:
                told = problem(400, str(error), position=error.position, suggestion=error.suggestion, field="filter")
            except NotFoundError as error:
                told = problem(404, str(error), field=error.field, remedy=error.hint)
            except (CursorError, GroupError) as error:
                told = problem(400, str(error))
            except ProjectExistsError as error:
                told = problem(409, f"a project of the name {str(error)[:200]!r}, or of this id, is there already")
            except RequestError as error:
                told = problem(error.status, str(error), field=error.problem.field, remedy=error.problem.hint)
            except RequestValidationError as error:
                first = error.errors()[0]
                field = ".".join(str(step) for step in first["loc"])
                told = problem(422, f"{field}: {first['msg']}", field=field)
            return told

        return handler


def problem(status: int, detail: str, **more: Any) -> Response:
    return answer(problem_body(status, detail, **more), status)


def problem_body(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """`detail` is what v1's clients print; the rest are v2's problem details (RFC 9457) and what we add to them."""
    title = HTTPStatus(status).phrase
    body = {"detail": detail, "error": detail, "type": "about:blank", "title": title, "status": status}
    return {**body, **{name: value for name, value in more.items() if value is not None}}


def answer(body: object, status: int = 200) -> Response:
    return Response(dump(body), status, media_type="application/json")


@contextlib.asynccontextmanager
async def absorbing(use: LangSmith) -> AsyncIterator[None]:
    """Take over feedback from this server's journal again and again, so that other servers see it."""

    async def work() -> None:
        while True:
            await asyncio.sleep(ABSORB_EVERY_S)
            try:
                await run_in_threadpool(use.absorb_feedback)
            except StoreError as error:  # it stays in the journal until the database is back
                log.warning("feedback could not be taken over, trying again: %s", error)

    async with beside(work()):
        yield


def router() -> APIRouter:
    return APIRouter(include_in_schema=False, route_class=LangSmithRoute)


def instant(value: str | int | None, field: str) -> int | None:
    """Microseconds of a time in a request.

    Raises:
        RequestError: it is not a time.
    """
    if value is None:
        return None
    try:
        return parse_instant(str(value))
    except ValueError as error:
        raise RequestError(f"{field}: {error}", field=field, status=422) from error


def now_us() -> int:
    return time.time_ns() // 1000
