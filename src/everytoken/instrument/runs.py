"""An attempt as a standard LangSmith run, sent in batches through the client that its parent run uses.

Batches are sent from the recorder's thread and not by langsmith's own: those threads hold the exit of a process for
minutes when the server is down, keep what waits without a bound on its bytes, and do not live on in a forked child.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from everytoken.core.projections import to_langsmith
from everytoken.instrument.answer import Answer, base_metadata, outputs, usage_metadata
from everytoken.instrument.attempt import DROPPED, Attempt
from everytoken.instrument.batches import send_runs
from everytoken.instrument.content import ContentPolicy
from everytoken.instrument.merged import hosted_facts

BATCH_RUNS = 100
BATCH_BYTES = 8 * 1024**2
"""A batch leaves when it holds so much; servers take bodies of 20 MiB."""


class LangSmithRuns:
    """Sends runs: a post for a short call, a post and a patch for one whose start was shown."""

    def __init__(self, make_client: Callable[[], Any], *, alone: bool = False) -> None:
        """`alone`: no other client may send in this process, the child of a fork."""
        from langsmith.env import get_runtime_environment

        # Asked for here, where forks wait for us: it imports LangChain to tell its version. langsmith keeps the answer.
        get_runtime_environment()
        self.client = make_client()
        """For attempts without a parent, and where the parent's client would leave runs out by sampling."""
        self.lost = 0
        self.untold = 0
        """Losses that lost runs were to tell of."""
        self._alone = alone
        self._posts: dict[int, tuple[Any, list[dict[str, Any]], list[dict[str, Any]]]] = {}
        self._waiting = self._waiting_bytes = 0

    def start(self, attempt: Attempt, content: ContentPolicy) -> None:
        """Show a call that is still open."""
        self._put(attempt, {**_post(attempt, content), "extra": {"metadata": base_metadata(attempt)}}, update=False)

    def end(self, attempt: Attempt, answer: Answer, content: ContentPolicy, extra: dict[str, Any]) -> None:
        """Send the whole record."""
        facts: dict[str, Any] = {
            "outputs": _outputs(answer, content),
            "error": content.text(answer.error),
            "extra": {"metadata": {**base_metadata(attempt), **usage_metadata(attempt, answer.found), **extra}},
            "events": _events(attempt),
            "end_time": attempt.started + timedelta(seconds=attempt.duration_s or 0),
            "status": attempt.outcome,
        }
        known = (
            {**_identity(attempt), "tags": list(attempt.parentage.tags)} if attempt.posted else _post(attempt, content)
        )
        self._put(attempt, known | facts, update=attempt.posted)

    def send(self, *, now: bool) -> None:
        """Send what waits, if that is enough, or `now`."""
        due = self._waiting >= BATCH_RUNS or self._waiting_bytes >= BATCH_BYTES
        if not self._posts or not (now or due):
            return
        batches, self._posts = list(self._posts.values()), {}
        self._waiting = self._waiting_bytes = 0
        for client, created, updated in batches:
            lost = send_runs(client, created, updated)
            if lost:
                self.lost += lost
                self.untold += sum(_told_lost(run) for run in (*created, *updated))

    def flush(self, timeout_s: float) -> None:
        """Let the clients that frameworks send through finish as well: their runs hold usage of ours."""
        from langsmith import run_trees

        deadline = time.monotonic() + timeout_s
        for client in {id(one): one for one in (self.client, run_trees._CLIENT) if one is not None}.values():
            client.flush(timeout=max(deadline - time.monotonic(), 0.05))

    def _put(self, attempt: Attempt, run: dict[str, Any], *, update: bool) -> None:
        client = self._client(attempt)
        _, created, updated = self._posts.setdefault(id(client), (client, [], []))
        (updated if update else created).append(run)
        self._waiting += 1
        self._waiting_bytes += attempt.size_bytes

    def _client(self, attempt: Attempt) -> Any:
        client = self.client if self._alone else attempt.parentage.client or self.client
        rate = getattr(client, "tracing_sample_rate", None)
        return client if rate is None or rate >= 1 else self.client


def _told_lost(run: dict[str, Any]) -> int:
    lost: int = run["extra"]["metadata"].get(DROPPED, 0)
    return lost


def _post(attempt: Attempt, content: ContentPolicy) -> dict[str, Any]:
    from langsmith.utils import get_tracer_project

    return {
        **_identity(attempt),
        "name": attempt.endpoint.name,
        "inputs": content.clean(attempt.request or {}),
        "run_type": attempt.endpoint.run_type,
        "session_name": attempt.parentage.project or get_tracer_project(),
        "tags": list(attempt.parentage.tags),
        "start_time": attempt.started,
    }


def _identity(attempt: Attempt) -> dict[str, Any]:
    parent, own = attempt.parentage, attempt.own_order
    return {
        "id": attempt.run_id,
        "trace_id": parent.trace_id or attempt.run_id,
        "parent_run_id": parent.run_id,
        "dotted_order": f"{parent.dotted_order}.{own}" if parent.dotted_order else own,
    }


def _outputs(answer: Answer, content: ContentPolicy) -> dict[str, Any]:
    told = outputs(answer)
    shown: dict[str, Any] = content.clean(told) or (hosted_facts(told) if answer.found.children else {})
    if answer.found.usage is not None and answer.found.usage.source != "estimated":
        shown["usage_metadata"] = to_langsmith(answer.found.usage)
    return shown


def _events(attempt: Attempt) -> list[dict[str, Any]]:
    if attempt.first_token_s is None or not attempt.streamed:
        return []
    when = attempt.started + timedelta(seconds=attempt.first_token_s)
    return [{"name": "new_token", "time": when.isoformat()}]
