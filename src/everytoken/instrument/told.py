"""Which responses have told their usage: a response that is read again, or whose batch file is, counts once."""

import json
import uuid
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from everytoken.core.extract import Extraction
from everytoken.instrument.attempt import Attempt, Parentage
from everytoken.instrument.endpoint import BATCH_RESULTS

REMEMBERED_MAX = 10_000
"""Responses remembered. A background response read again after so many others is counted anew, in its own trace."""
BATCH_LINES_MAX = 100_000
"""Lines of one output file; OpenAI's batches end at 50,000."""


class Told:
    """Server and response id → where its request hangs, and whether its usage is known.

    Used by the recorder's thread alone.
    """

    def __init__(self) -> None:
        self._by_id: OrderedDict[tuple[str | None, str], tuple[Parentage, bool]] = OrderedDict()

    def is_news(self, attempt: Attempt, answer: Any, found: Extraction) -> bool:
        """False for a read that tells nothing new. One that does is hung beside the request it tells of."""
        response_id = found.response_id or attempt.response_name
        named = (attempt.server, response_id or "")
        if not attempt.endpoint.is_poll:
            if response_id:
                self._remember(named, _beside(attempt), found.usage is not None)
            return True
        if found.usage is None or response_id is None:
            return False
        known = self._by_id.get(named)
        if known is None:
            # Only of a background response may nobody have told the usage before.
            if attempt.response_name is None and not _is_background(answer):
                return False
        elif known[1]:
            return False
        else:
            attempt.parentage = known[0]
        self._remember(named, attempt.parentage, True)
        return True

    def _remember(self, named: tuple[str | None, str], parentage: Parentage, told: bool) -> None:
        self._by_id[named] = (parentage, told)
        self._by_id.move_to_end(named)
        if len(self._by_id) > REMEMBERED_MAX:
            self._by_id.popitem(last=False)


def batch_results(attempt: Attempt, body: bytes) -> Iterator[Attempt]:
    """A record for each line of a downloaded file that is an answer of a batch; none for any other file."""
    for number, line in enumerate(body.splitlines()):
        if number >= BATCH_LINES_MAX:
            return
        try:
            told = json.loads(line)
        except ValueError:
            return
        if not isinstance(told, Mapping) or "custom_id" not in told or "response" not in told:
            return
        response = told["response"] or {}
        answer = response.get("body") or {}
        model = answer.get("model")
        if response.get("status_code") != 200:
            continue
        kind = _BATCHED.get(str(answer.get("object")).partition(".")[0], "chat")
        one = Attempt(
            endpoint=replace(BATCH_RESULTS, operation=f"{kind}.batch"),
            provider=attempt.provider,
            model=model if isinstance(model, str) else None,
            request={"custom_id": told["custom_id"]},
            streamed=False,
            parentage=attempt.parentage,
            server=attempt.server,
            on_end=_nowhere,
            # The same line read by another process is the same run.
            run_id=uuid.uuid5(uuid.NAMESPACE_URL, f"openai:{told.get('id')}"),
        )
        one.body, one.status_code, one.response_name = line, 200, str(told.get("id"))
        one.end("success")
        yield one


_BATCHED: Mapping[str, str] = {"chat": "chat", "response": "responses", "list": "embeddings"}


def _nowhere(attempt: Attempt) -> None:
    """A record that is made whole is sent by who made it."""


def _is_background(answer: Any) -> bool:
    if isinstance(answer, list):
        return any(_is_background(event.get("response")) for event in answer if isinstance(event, Mapping))
    return isinstance(answer, Mapping) and answer.get("background") is True


def _beside(attempt: Attempt) -> Parentage:
    """Where a later read of the same response hangs: under the same parent, or under a request that has none."""
    parent = attempt.parentage
    if parent.trace_id is not None:
        return parent
    return replace(parent, trace_id=attempt.run_id, run_id=attempt.run_id, dotted_order=attempt.own_order)
