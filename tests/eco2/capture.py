"""A LangSmith server that keeps what it is sent, merged to whole runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import langsmith
from tests import langsmith_server

from everytoken.wire.langsmith import decode_multipart
from everytoken.wire.multipart import boundary_of

Run = dict[str, Any]


@dataclass
class Capture:
    """The runs that arrived, by id."""

    runs: dict[str, Run] = field(default_factory=dict)
    client: "langsmith.Client | None" = None
    url: str = ""

    def settled(self) -> list[Run]:
        """All runs, once everything traced so far has arrived, in the order in which they began."""
        if self.client is not None:
            self.client.flush()
        return sorted(self.runs.values(), key=lambda run: str(run.get("dotted_order", "")))

    def llm(self) -> list[Run]:
        return [run for run in self.settled() if run["run_type"] == "llm"]

    def named(self, name: str) -> Run:
        (found,) = [run for run in self.settled() if run["name"] == name]
        return found

    def under(self, name: str) -> list[Run]:
        """The runs directly below the run of that name."""
        parent = self.named(name)["run_id"]
        return [run for run in self.settled() if run.get("parent_run_id") == parent]

    def read(self, body: bytes, content_type: str) -> None:
        for operation in decode_multipart(body, boundary_of(content_type), 0).operations:
            known = self.runs.get(operation.run_id, {"run_id": operation.run_id})
            told = {key: value for key, value in operation.body.items() if value is not None}
            # The client sends from several threads: a patch, which is later, may come before its post.
            self.runs[operation.run_id] = {**told, **known} if operation.kind == "post" else {**known, **told}


def usage_of(run: Run) -> dict[str, Any]:
    usage: dict[str, Any] = run["metadata"].get("usage_metadata") or {}
    return usage


@contextmanager
def listening() -> Iterator[Capture]:
    capture = Capture()
    with langsmith_server.listening(capture.read) as url:
        capture.url = url
        yield capture
