"""An application that traces with the langsmith SDK, and is told by its environment to send OpenTelemetry."""

import contextlib

import httpx2
import openai
from langsmith import Client, traceable
from langsmith.wrappers import wrap_openai
from opentelemetry import trace

ANSWER = {
    "id": "chatcmpl-abc1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 400},
    },
}
transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=ANSWER))
model = wrap_openai(openai.OpenAI(api_key="none", http_client=httpx2.Client(transport=transport)))
client = Client()


@traceable(run_type="llm", metadata={"ls_provider": "openai", "ls_model_name": "gpt-4o"}, client=client)
def own_call(_question: str) -> dict[str, object]:
    return {"content": "x", "usage_metadata": {"input_tokens": 500, "output_tokens": 50, "total_tokens": 550}}


@traceable(client=client)
def repeats_it(question: str) -> dict[str, object]:
    return own_call(question)


@traceable(client=client)
def fails() -> None:
    raise ValueError("bad thing")


@traceable(name="agent", client=client, metadata={"thread_id": "t-1"}, tags=["a", "b"])
def agent(question: str) -> str:
    model.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": question}])
    repeats_it(question)
    with contextlib.suppress(ValueError):
        fails()
    return "done"


agent("hello")
client.flush()
trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]  # the SDK's provider has it
