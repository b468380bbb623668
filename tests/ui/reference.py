"""The reference question as an app sends it through the real `langsmith` client, times and counts fixed by hand."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from langsmith import Client

QUESTION = "강남역 근처 페트병 분리수거함 어디있어?"
ANSWER = "강남역 11번 출구 앞 재활용정거장에 무색 페트병 수거함이 있습니다."
SYSTEM = "당신은 분리배출 안내 도우미입니다. 모르는 것은 모른다고 답합니다."
MODEL = "gpt-5.2"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One run: when it ran, in ms from the start of the trace, and what it used."""

    name: str
    start_ms: float
    end_ms: float
    run_type: Literal["chain", "llm", "tool"] = "chain"
    node: str | None = None
    step: int = 1
    """Of the graph, for a node."""
    tokens: tuple[int, int] | None = None
    """Input and output tokens of an llm run."""
    cached: int = 0
    """Part of the input."""
    reasoning: int = 0
    """Part of the output."""
    model: str = MODEL
    first_token_ms: float | None = None
    reports: bool = True
    """False for a provider that sends no usage."""
    children: Sequence["Step"] = field(default_factory=tuple)


def llm(start_ms: float, end_ms: float, tokens: tuple[int, int], first_token_ms: float) -> Step:
    return Step(
        name="ChatOpenAI",
        run_type="llm",
        start_ms=start_ms,
        end_ms=end_ms,
        tokens=tokens,
        first_token_ms=first_token_ms,
    )


def node(name: str, start_ms: float, end_ms: float, *children: Step, step: int = 1) -> Step:
    return Step(name=name, node=name, step=step, start_ms=start_ms, end_ms=end_ms, children=children)


REFERENCE = Step(
    name="chat-job_abc123",
    start_ms=0,
    end_ms=1820,
    children=(
        node("intent", 0, 200, llm(2, 198, (47, 12), 90)),
        node("router", 200, 210, step=2),
        node(
            "location",
            210,
            810,
            llm(212, 640, (128, 128), 400),
            Step(name="kakao_place_search", run_type="tool", start_ms=645, end_ms=805),
            step=3,
        ),
        node("web_search", 210, 1410, llm(220, 1400, (89, 512), 650), step=3),
        node("aggregator", 1410, 1420, step=4),
        node("answer", 1420, 1820, llm(1422, 1818, (256, 89), 1540), step=5),
    ),
)


def send(
    client: Client,
    project: str,
    root: Step,
    *,
    began: datetime,
    finish: bool = True,
    error: str | None = None,
    question: str = QUESTION,
    user: str = "user-7",
    thread: str = "session-1",
    release: str | None = None,
) -> str:
    """Send `root` and all beneath it; the last step is left running unless `finish`. Returns the trace's id."""
    return str(_Sender(client, project, began, finish, error, question, user, thread, release).run(root, None, ""))


@dataclass(frozen=True)
class _Sender:
    client: Client
    project: str
    began: datetime
    finish: bool
    error: str | None
    question: str
    user: str
    thread: str
    release: str | None
    """`None`: what the SDK finds, the commit of this checkout."""

    def at(self, ms: float) -> datetime:
        return self.began + timedelta(milliseconds=ms)

    def run(
        self, step: Step, parent: uuid.UUID | None, order: str, trace: uuid.UUID | None = None, node: str = ""
    ) -> uuid.UUID:
        run_id = uuid.uuid4()
        trace = trace or run_id
        node = step.node or node
        stamp = f"{self.at(step.start_ms):%Y%m%dT%H%M%S%fZ}{run_id}"
        order = f"{order}.{stamp}" if order else stamp
        self.client.create_run(
            step.name,
            self.inputs(step),
            step.run_type,
            project_name=self.project,
            id=run_id,
            trace_id=trace,
            parent_run_id=parent,
            dotted_order=order,
            start_time=self.at(step.start_ms),
            extra={"metadata": self.metadata(step, node)},
            tags=self.tags(step, parent),
        )
        for child in step.children:
            self.run(child, run_id, order, trace, node)
        if self.finish or step.end_ms < REFERENCE.end_ms - 10:
            self.client.update_run(
                run_id,
                trace_id=trace,
                dotted_order=order,
                parent_run_id=parent,
                end_time=self.at(step.end_ms),
                outputs=self.outputs(step),
                error=self.error if parent is None else None,
                events=self.events(step),
                extra={"metadata": self.metadata(step, node)},  # whole: of a run sent at once, the SDK keeps this
            )
        return run_id

    def inputs(self, step: Step) -> dict[str, Any]:
        if step.tokens is None:
            return {"message": self.question}
        return {"messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": self.question}]}

    def outputs(self, step: Step) -> dict[str, Any]:
        if step.tokens is None:
            return {"answer": ANSWER}
        given, made = step.tokens
        answer = {
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": ANSWER}}]
        }
        if not step.reports:
            return answer
        return {
            **answer,
            "usage_metadata": {
                "input_tokens": given,
                "output_tokens": made,
                "total_tokens": given + made,
                "input_token_details": {"cache_read": step.cached},
                "output_token_details": {"reasoning": step.reasoning},
            },
        }

    def metadata(self, step: Step, node: str) -> Mapping[str, Any]:
        shared = {"thread_id": self.thread, "user_id": self.user, **self.released}
        placed = {"langgraph_node": node, "langgraph_step": step.step} if node else {}
        model = {"ls_provider": "openai", "ls_model_name": step.model, "ls_model_type": "chat"} if step.tokens else {}
        return {**shared, **placed, **model}

    @property
    def released(self) -> dict[str, str]:
        """Told when a run begins and when it ends: where it is not, the SDK adds what it finds."""
        return {} if self.release is None else {"revision_id": self.release}

    def tags(self, step: Step, parent: uuid.UUID | None) -> list[str]:
        """LangGraph tags the execution of a node with its step; an app tags its root."""
        if parent is None:
            return ["chat-worker", "intent:location"]
        return [f"graph:step:{step.step}"] if step.node else []

    def events(self, step: Step) -> list[dict[str, Any]]:
        if step.first_token_ms is None:
            return []
        return [{"name": "new_token", "time": self.at(step.first_token_ms).isoformat()}]


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
