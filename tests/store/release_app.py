"""An application that names its release as LangSmith's SDK has it, and calls a model by that SDK and by everytoken."""

import sys

import httpx2
import langsmith
import openai

import everytoken

COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_795_348_800,
    "model": "gpt-5.2-2025-12-11",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
}


langsmiths = langsmith.Client()


@langsmith.traceable(run_type="llm", client=langsmiths, metadata={"ls_provider": "openai", "ls_model_name": "gpt-5.2"})
def model(question: str) -> dict[str, object]:
    return {"content": question, "usage_metadata": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}}


def call() -> None:
    """A call that only the instrumentation sees."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=COMPLETION))
    client = openai.OpenAI(api_key="none", http_client=httpx2.Client(transport=transport))
    client.chat.completions.create(model="gpt-5.2", messages=[{"role": "user", "content": "hello"}])


if sys.argv[1] == "langsmith":
    model("hello")
    langsmiths.flush()
else:
    everytoken.instrument(export=sys.argv[1].removeprefix("everytoken-"))
    call()
    assert everytoken.flush(30)
