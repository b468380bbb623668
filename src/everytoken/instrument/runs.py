"""An attempt as a standard LangSmith run, sent through the client that its parent run uses."""

import time
from datetime import timedelta
from typing import Any

from everytoken.core.projections import to_langsmith
from everytoken.instrument.answer import Answer, base_metadata, outputs, usage_metadata
from everytoken.instrument.attempt import Attempt
from everytoken.instrument.content import ContentPolicy

ROOM = 500
"""Runs waiting in the `langsmith` client at which ours wait before it, where their bytes are bounded and counted."""
WAIT_S = 0.02


class LangSmithRuns:
    """Sends runs: a post for a short call, a post and a patch for one whose start was shown."""

    def __init__(self, client: Any, *, alone: bool = False) -> None:
        """`alone`: no other client sends in this process, the child of a fork."""
        self.client = client
        """For attempts without a parent, and where the parent's client would leave runs out by sampling."""
        self._alone = alone

    def start(self, attempt: Attempt, content: ContentPolicy) -> None:
        """Show a call that is still open."""
        self._client(attempt).create_run(
            attempt.endpoint.name,
            content.clean(attempt.request or {}),
            attempt.endpoint.run_type,
            project_name=attempt.parentage.project,
            extra={"metadata": base_metadata(attempt)},
            tags=list(attempt.parentage.tags),
            start_time=attempt.started,
            **_identity(attempt),
        )

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
        client, identity = self._client(attempt), _identity(attempt)
        tags = list(attempt.parentage.tags)
        if attempt.posted:
            client.update_run(identity.pop("id"), tags=tags, **identity, **facts)
            return
        client.create_run(
            attempt.endpoint.name,
            content.clean(attempt.request or {}),
            attempt.endpoint.run_type,
            project_name=attempt.parentage.project,
            tags=tags,
            start_time=attempt.started,
            **identity,
            **facts,
        )

    def has_room(self, attempt: Attempt, patience_s: float) -> bool:
        """Wait until the client has sent enough to take one more; False when it did not in time."""
        waiting = getattr(self._client(attempt), "tracing_queue", None)
        deadline = time.monotonic() + patience_s
        while waiting is not None and waiting.qsize() >= ROOM:
            if time.monotonic() >= deadline:
                return False
            time.sleep(WAIT_S)
        return True

    def flush(self, timeout_s: float) -> None:
        self.client.flush(timeout=timeout_s)

    def _client(self, attempt: Attempt) -> Any:
        client = self.client if self._alone else attempt.parentage.client or self.client
        rate = getattr(client, "tracing_sample_rate", None)
        return client if rate is None or rate >= 1 else self.client


def _identity(attempt: Attempt) -> dict[str, Any]:
    parent, own = attempt.parentage, attempt.own_order
    return {
        "id": attempt.run_id,
        "trace_id": parent.trace_id or attempt.run_id,
        "parent_run_id": parent.run_id,
        "dotted_order": f"{parent.dotted_order}.{own}" if parent.dotted_order else own,
    }


def _outputs(answer: Answer, content: ContentPolicy) -> dict[str, Any]:
    shown: dict[str, Any] = content.clean(outputs(answer))
    if answer.found.usage is not None and answer.found.usage.source != "estimated":
        shown["usage_metadata"] = to_langsmith(answer.found.usage)
    return shown


def _events(attempt: Attempt) -> list[dict[str, Any]]:
    if attempt.first_token_s is None or not attempt.streamed:
        return []
    when = attempt.started + timedelta(seconds=attempt.first_token_s)
    return [{"name": "new_token", "time": when.isoformat()}]
