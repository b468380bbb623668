"""openai: what is asked, what comes back to the application, and what is recorded, over a transport in memory."""

import asyncio
import gc
import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest

import everytoken
from everytoken.instrument import openai as hook

from .conftest import Sent

MESSAGES: Any = [{"role": "user", "content": "hello"}]
USAGE = {"prompt_tokens": 13, "completion_tokens": 87, "total_tokens": 100}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hi"}}],
    "usage": USAGE,
}
RESPONSE = {"id": "resp_1", "object": "response", "model": "gpt-4o", "output": []}
Handler = Callable[[httpx2.Request], httpx2.Response]


def client_of(handler: Handler, **options: Any) -> openai.OpenAI:
    http = httpx2.Client(transport=httpx2.MockTransport(handler))
    return openai.OpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http, **options)


def chunk(text: str | None, usage: dict[str, int] | None = None) -> dict[str, Any]:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}}]
    facts = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    return {**facts, "choices": choices, "usage": usage}


def events(*bodies: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(body)}\n\n".encode() for body in bodies) + b"data: [DONE]\n\n"


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that arrives seven bytes at a time."""

    def __init__(self, body: bytes) -> None:
        self._pieces = [body[at : at + 7] for at in range(0, len(body), 7)]

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def sse(body: bytes, **headers: str) -> httpx2.Response:
    return httpx2.Response(200, stream=Pieces(body), headers={"content-type": "text/event-stream", **headers})


def streaming_server(request: httpx2.Request) -> httpx2.Response:
    """Sends usage as OpenAI does: when asked for, in a chunk without choices."""
    asked = json.loads(request.content).get("stream_options") or {}
    last = [chunk(None, USAGE)] if asked.get("include_usage") else []
    return sse(events(chunk("h"), chunk("i"), *last))


def test_a_plain_call_is_one_exact_charge(sent: Sent) -> None:
    client_of(lambda _: httpx2.Response(200, json=COMPLETION)).chat.completions.create(
        model="gpt-4o", messages=MESSAGES
    )
    (charge,) = sent.charges
    assert charge.usage is not None
    assert (charge.usage.input_tokens, charge.usage.output_tokens, charge.quality) == (13, 87, "exact")
    assert (charge.call_path, charge.response_id) == ("openai.chat", "chatcmpl-1")


def test_nothing_is_recorded_once_uninstrumented(sent: Sent) -> None:
    everytoken.uninstrument()
    client_of(lambda _: httpx2.Response(200, json=COMPLETION)).chat.completions.create(
        model="gpt-4o", messages=MESSAGES
    )
    assert sent.runs == []
    assert openai._base_client.SyncAPIClient._send_request.__module__ == "openai._base_client"


def test_a_stream_that_asked_for_no_usage_is_exact_and_shows_no_extra_chunk(sent: Sent) -> None:
    stream = client_of(streaming_server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert [one.choices[0].delta.content for one in stream] == ["h", "i"]
    (charge,) = sent.charges
    assert charge.usage is not None
    assert (charge.usage.input_tokens, charge.usage.output_tokens) == (13, 87)
    assert sent.runs[0].inputs == {"messages": MESSAGES, "model": "gpt-4o", "stream": True}


def test_a_stream_that_asked_for_usage_gets_its_chunk(sent: Sent) -> None:
    client = client_of(streaming_server)
    for extra in (
        {"stream_options": {"include_usage": True}},
        {"extra_body": {"stream_options": {"include_usage": True}}},
    ):
        stream = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True, **extra)
        assert [len(one.choices) for one in stream] == [1, 1, 0]


def test_the_extra_chunk_is_hidden_from_a_server_that_compresses_against_our_wish(sent: Sent) -> None:
    def server(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["accept-encoding"] == "identity"
        plain = events(chunk("h"), chunk(None, USAGE))
        return sse(gzip.compress(plain), **{"content-encoding": "gzip"})

    stream = client_of(server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert [one.choices[0].delta.content for one in stream] == ["h"]
    assert [charge.quality for charge in sent.charges] == ["exact"]


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_that_rejects_stream_options_is_asked_again_without_and_never_with(sent: Sent, status: int) -> None:
    bodies: list[dict[str, Any]] = []

    def server(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        if "stream_options" in bodies[-1]:
            return httpx2.Response(status, json={"error": {"message": "unknown parameter stream_options"}})
        return sse(events(chunk("h")))

    client = client_of(server)
    hook._rejecting_servers.clear()
    for _ in range(2):
        assert len(list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))) == 1
    assert ["stream_options" in body for body in bodies] == [True, False, False]
    assert [charge.quality for charge in sent.charges] == ["missing", "missing"]
    hook._rejecting_servers.clear()


def test_the_extra_chunk_is_hidden_where_the_transport_read_the_body_itself(sent: Sent) -> None:
    def server(request: httpx2.Request) -> httpx2.Response:
        body = events(chunk("h"), chunk(None, USAGE))
        return httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})

    stream = client_of(server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert [one.choices[0].delta.content for one in stream] == ["h"]
    assert [charge.quality for charge in sent.charges] == ["exact"]


def test_usage_on_every_chunk_is_passed_on_and_counted_once(sent: Sent) -> None:
    partial = {"prompt_tokens": 13, "completion_tokens": 1, "total_tokens": 14}
    body = events(chunk("h", partial), chunk("i", USAGE))
    stream = client_of(lambda _: sse(body)).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert len(list(stream)) == 2
    (charge,) = sent.charges
    assert charge.usage is not None
    assert (charge.usage.input_tokens, charge.usage.output_tokens) == (13, 87)


def test_a_compressed_answer_read_by_the_application_piece_by_piece_is_exact(sent: Sent) -> None:
    body = gzip.compress(json.dumps(COMPLETION).encode())
    client = client_of(lambda _: httpx2.Response(200, content=body, headers={"content-encoding": "gzip"}))
    with client.chat.completions.with_streaming_response.create(model="gpt-4o", messages=MESSAGES) as response:
        assert json.loads(b"".join(response.iter_bytes()))["id"] == "chatcmpl-1"
    assert [charge.quality for charge in sent.charges] == ["exact"]


def test_a_refused_attempt_is_a_run_and_no_charge(sent: Sent) -> None:
    answers: Iterator[httpx2.Response] = iter(
        [httpx2.Response(429, headers={"retry-after-ms": "1"}), httpx2.Response(200, json=COMPLETION)]
    )
    client_of(lambda _: next(answers)).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert [run.status for run in sent.runs] == ["error", "success"]
    assert [run.metadata["everytoken"].get("billed") for run in sent.runs] == [False, None]
    assert [charge.quality for charge in sent.charges] == ["exact"]


def test_an_answer_lost_after_generation_is_a_charge_whose_usage_is_missing(sent: Sent) -> None:
    calls = 0

    def server(request: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise httpx2.ReadTimeout("too late", request=request)
        return httpx2.Response(200, json=COMPLETION)

    client_of(server).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert sorted(charge.quality for charge in sent.charges) == ["exact", "missing"]
    assert sorted(run.metadata["everytoken"].get("retry", 0) for run in sent.runs) == [0, 1]


def test_a_request_that_never_left_is_no_charge(sent: Sent) -> None:
    def server(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused", request=request)

    with pytest.raises(openai.APIConnectionError):
        client_of(server, max_retries=0).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert [run.status for run in sent.runs] == ["error"]
    assert sent.charges == []


def test_a_closed_stream_is_cancelled_and_its_usage_missing(sent: Sent) -> None:
    stream = client_of(streaming_server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    stream.close()
    assert [run.status for run in sent.runs] == ["cancelled"]
    assert [charge.quality for charge in sent.charges] == ["missing"]


def test_a_reader_that_stops_at_the_last_event_has_read_it_all(sent: Sent) -> None:
    response = {**RESPONSE, "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}}
    body = f"data: {json.dumps({'type': 'response.completed', 'sequence_number': 1, 'response': response})}\n\n"
    stream = client_of(lambda _: sse(body.encode())).responses.create(model="gpt-4o", input="hi", stream=True)
    for event in stream:
        if event.type == "response.completed":
            break
    stream.close()
    assert [run.status for run in sent.runs] == ["success"]
    assert [charge.quality for charge in sent.charges] == ["exact"]


def background_server() -> Handler:
    states = iter(["queued", "in_progress", "completed", "completed"])

    def server(request: httpx2.Request) -> httpx2.Response:
        state = next(states)
        usage = {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12} if state == "completed" else None
        return httpx2.Response(200, json={**RESPONSE, "background": True, "status": state, "usage": usage})

    return server


def test_a_background_response_is_one_charge_however_often_it_is_read(sent: Sent) -> None:
    client = client_of(background_server())
    made = client.responses.create(model="gpt-4o", input="hi", background=True)
    for _ in range(3):
        client.responses.retrieve(made.id)
    (charge,) = sent.charges
    assert charge.usage is not None
    assert (charge.usage.input_tokens, charge.usage.output_tokens, charge.quality) == (5, 7, "exact")
    assert len(sent.runs) == 2
    assert [run.metadata["everytoken"].get("attempt") is None for run in sent.runs] == [False, True]


def test_reading_a_finished_response_of_another_process_is_no_charge(sent: Sent) -> None:
    body = {
        "id": "resp_9",
        "object": "response",
        "model": "m",
        "output": [],
        "usage": {"input_tokens": 5, "output_tokens": 7},
    }
    client_of(lambda _: httpx2.Response(200, json=body)).responses.retrieve("resp_9")
    assert sent.runs == []


def test_a_batch_file_counts_each_line_once(sent: Sent) -> None:
    answers = [{"status_code": 200, "body": {**COMPLETION, "id": f"chatcmpl-{n}"}} for n in range(3)]
    lines = [{"id": f"batch_req_{n}", "custom_id": f"c{n}", "response": answers[n]} for n in range(3)]
    text = "\n".join(json.dumps(line) for line in lines)
    client = client_of(lambda _: httpx2.Response(200, content=text.encode()))
    client.files.content("file-1")
    client.files.content("file-1")
    assert [(c.call_path, c.quality, c.usage.tier if c.usage else None) for c in sent.charges] == [
        ("openai.chat.batch", "exact", "batch")
    ] * 3


def test_any_other_file_is_nothing(sent: Sent) -> None:
    client = client_of(lambda _: httpx2.Response(200, content=b'{"messages": []}\n{"messages": []}\n'))
    client.files.content("file-1")
    assert sent.runs == []


def test_a_multipart_request_names_its_model(sent: Sent) -> None:
    answer = {"text": "hi", "usage": {"type": "tokens", "input_tokens": 10, "output_tokens": 24, "total_tokens": 34}}
    client = client_of(lambda _: httpx2.Response(200, json=answer))
    client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", b"RIFF"))
    (charge,) = sent.charges
    assert (charge.call_path, charge.request_model, charge.quality) == (
        "openai.transcription",
        "gpt-4o-transcribe",
        "exact",
    )


def test_azure_clients_are_counted_for_azure(sent: Sent) -> None:
    http = httpx2.Client(transport=httpx2.MockTransport(streaming_server))
    client = openai.AzureOpenAI(api_key="k", api_version="1", azure_endpoint="http://azure.test", http_client=http)
    stream = client.chat.completions.create(model="my-deployment", messages=MESSAGES, stream=True)
    assert [one.choices[0].delta.content for one in stream] == ["h", "i"]
    assert [(c.provider, c.call_path, c.quality) for c in sent.charges] == [
        ("azure-openai", "azure-openai.chat.stream", "exact")
    ]


def test_copies_with_other_options_and_async_clients_are_counted(sent: Sent) -> None:
    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(streaming_server))
        async with openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http) as client:
            made = client.with_options(max_retries=0).chat.completions
            async for one in await made.create(model="gpt-4o", messages=MESSAGES, stream=True):
                assert len(one.choices) == 1

    asyncio.run(main())
    assert [charge.quality for charge in sent.charges] == ["exact"]


def test_a_cancelled_task_leaves_a_cancelled_run(sent: Sent) -> None:
    async def never(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(30)
        raise AssertionError("was not cancelled")

    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(never))
        async with openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http) as client:
            task = asyncio.create_task(client.chat.completions.create(model="gpt-4o", messages=MESSAGES))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert [run.status for run in sent.runs] == ["cancelled"]
    assert [charge.quality for charge in sent.charges] == ["missing"]


def test_two_servers_of_one_machine_are_asked_each_for_itself(sent: Sent) -> None:
    asked: list[tuple[int | None, bool]] = []

    def server(request: httpx2.Request) -> httpx2.Response:
        wants = "stream_options" in json.loads(request.content)
        asked.append((request.url.port, wants))
        if wants and request.url.port == 8001:
            return httpx2.Response(400, json={"error": {"message": "unknown parameter stream_options"}})
        return streaming_server(request)

    hook._rejecting_servers.clear()
    http = httpx2.Client(transport=httpx2.MockTransport(server))
    for port in (8001, 8001, 8002):
        client = openai.OpenAI(api_key="k", base_url=f"http://127.0.0.1:{port}/v1", http_client=http)
        list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    assert asked == [(8001, True), (8001, False), (8001, False), (8002, True)]
    assert [charge.quality for charge in sent.charges] == ["missing", "missing", "exact"]
    hook._rejecting_servers.clear()


def test_an_id_that_two_servers_give_names_two_responses(sent: Sent) -> None:
    answers = [background_server(), background_server()]
    for number, handler in enumerate(answers):
        http = httpx2.Client(transport=httpx2.MockTransport(handler))
        client = openai.OpenAI(api_key="k", base_url=f"http://127.0.0.1:{8001 + number}/v1", http_client=http)
        made = client.responses.create(model="gpt-4o", input="hi", background=True)
        for _ in range(3):
            client.responses.retrieve(made.id)
    assert [charge.quality for charge in sent.charges] == ["exact", "exact"]


def test_a_stream_that_is_dropped_is_recorded_when_python_collects_it(sent: Sent) -> None:
    stream = client_of(streaming_server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    for _ in stream:
        break
    assert sent.runs == []  # it may still be read on
    del stream
    gc.collect()  # openai's Stream holds itself: its generator refers to it
    assert [run.status for run in sent.runs] == ["cancelled"]


def test_a_response_that_is_dropped_unread_is_recorded_at_once(sent: Sent) -> None:
    create = client_of(streaming_server).chat.completions.with_streaming_response.create
    gc.disable()
    try:
        with create(model="gpt-4o", messages=MESSAGES, stream=True) as response:
            next(response.iter_bytes())
        assert [run.status for run in sent.runs] == ["cancelled"]
    finally:
        gc.enable()


def test_an_async_stream_that_is_dropped_is_recorded_when_python_collects_it(sent: Sent) -> None:
    async def main() -> None:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(streaming_server))
        async with openai.AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", http_client=http) as client:
            stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
            async for _ in stream:
                break
            del stream
            for _turn in range(10):  # the loop closes the generators that were let go, one after the other
                await asyncio.sleep(0)
                gc.collect()
        assert [run.status for run in sent.runs] == ["cancelled"]

    asyncio.run(main())


def test_a_stream_that_nobody_lets_go_is_recorded_when_recording_ends(sent: Sent) -> None:
    stream = client_of(streaming_server).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    next(stream)
    everytoken.uninstrument()
    assert [run["status"] for run in sent.by_id.values()] == ["cancelled"]
    stream.close()
