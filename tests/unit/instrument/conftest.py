"""A client that keeps what it is given, and an instrumented process that is restored after each test."""

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest

import everytoken
from everytoken.core.charge import Charge
from everytoken.core.run import Run
from everytoken.core.settle import settle


class Sent:
    """Stands for `langsmith.Client`: runs by id, posts and patches merged."""

    tracing_sample_rate: float | None = None
    tracing_queue = None
    otel_exporter = None

    def __init__(self) -> None:
        self.by_id: dict[str, dict[str, Any]] = {}
        self.posts = 0
        self._lock = threading.Lock()

    def create_run(self, name: str, inputs: Any, run_type: str, **facts: Any) -> None:
        self.posts += 1
        self._merge(str(facts.pop("id")), {"name": name, "inputs": inputs, "run_type": run_type, **facts})

    def update_run(self, run_id: Any, **facts: Any) -> None:
        self._merge(str(run_id), facts)

    def multipart_ingest(self, create: Sequence[dict[str, Any]] = (), update: Sequence[dict[str, Any]] = ()) -> None:
        for run in create:
            self.create_run(**run)
        for run in update:
            self.update_run(run["id"], **run)

    def flush(self, timeout: float | None = None) -> None:
        """Everything is here already."""

    def _merge(self, run_id: str, facts: dict[str, Any]) -> None:
        with self._lock:
            known = self.by_id.setdefault(run_id, {})
            known.update({key: value for key, value in facts.items() if value is not None})

    @property
    def runs(self) -> list[Run]:
        everytoken.flush(5)
        return [_run(run_id, facts) for run_id, facts in self.by_id.items()]

    @property
    def charges(self) -> list[Charge]:
        traces: dict[str, list[Run]] = {}
        for run in self.runs:
            traces.setdefault(run.trace_id, []).append(run)
        return [charge for runs in traces.values() for charge in settle(runs).charges]


def _run(run_id: str, facts: dict[str, Any]) -> Run:
    extra = dict(facts.get("extra") or {})
    metadata = extra.pop("metadata", {})
    ended = facts.get("end_time")
    parent = facts.get("parent_run_id")
    return Run(
        run_id=run_id,
        trace_id=str(facts.get("trace_id") or run_id),
        project="tests",
        parent_run_id=str(parent) if parent else None,
        name=facts["name"],
        run_type=facts["run_type"],
        start_us=_us(facts["start_time"]),
        end_us=_us(ended) if ended else None,
        status=facts.get("status") or ("error" if facts.get("error") else "success" if ended else "pending"),
        error=facts.get("error"),
        tags=tuple(facts.get("tags") or ()),
        metadata=metadata,
        extra=extra,
        inputs=facts.get("inputs"),
        outputs=facts.get("outputs"),
    )


def _us(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000)


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERYTOKEN_STRICT", "1")
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sent() -> Iterator[Sent]:
    client = Sent()
    everytoken.instrument(client)
    yield client
    everytoken.uninstrument()
