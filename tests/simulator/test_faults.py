"""Faults as clients meet them, and what the provider bills all the same."""

import asyncio
import contextlib
from typing import Any

import httpx
import openai
import pytest
from google import genai
from google.genai import errors, types

from everytoken.simulator.faults import Fault, read_fault, read_switch
from everytoken.simulator.serve import Simulator

REFERENCE: list[Any] = [{"role": "user", "content": "강남역 근처 페트병 분리수거함 어디있어?"}]
MODEL = "gpt-5.2"
USAGE: Any = {"include_usage": True}


def fault(text: str) -> dict[str, str]:
    return {"x-simulator-fault": text}


def stream(client: openai.OpenAI, text: str, **options: Any) -> list[Any]:
    return list(
        client.chat.completions.create(
            model=MODEL, messages=REFERENCE, stream=True, stream_options=USAGE, extra_headers=fault(text), **options
        )
    )


def bill(simulator: Simulator) -> tuple[int, int, bool, bool]:
    (entry,) = simulator.ledger()
    return entry["billed"]["input"], entry["billed"]["output"], entry["usage_sent"], entry["aborted"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("429:0", openai.RateLimitError), ("500", openai.InternalServerError), ("401", openai.AuthenticationError)],
)
def test_refused_request_is_not_billed(
    simulator: Simulator, client: openai.OpenAI, text: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        client.chat.completions.create(model=MODEL, messages=REFERENCE, extra_headers=fault(text))
    assert simulator.ledger() == []
    assert simulator.world.ledger.refused == 1


def test_rate_limit_says_when_to_come_back(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model=MODEL, messages=REFERENCE, extra_headers=fault("429:2.5"))
    assert caught.value.response.headers["retry-after"] == "2.5"
    assert caught.value.code == "rate_limit_exceeded"


def test_stream_cut_after_chunks_bills_what_was_generated(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIError):
        stream(client, "cut:10")
    # Ten of thirty pieces of 89 tokens.
    assert bill(simulator) == (256, 29, False, True)


def test_connection_dropped_after_generation_bills_all(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model=MODEL, messages=REFERENCE, extra_headers=fault("drop"))
    entry = simulator.ledger()[0]
    assert entry["billed"]["output"] > 0
    assert (entry["usage_sent"], entry["aborted"]) == (False, True)


def test_dropped_stream_bills_all(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIError):
        stream(client, "drop")
    assert bill(simulator) == (256, 89, False, True)


def test_retry_after_a_dropped_answer_is_billed_twice(simulator: Simulator) -> None:
    simulator.world.faults.add(read_switch({"fault": "drop", "times": 1}))
    with openai.OpenAI(base_url=simulator.urls["openai"], api_key="simulated", max_retries=1) as client:
        response = client.chat.completions.create(model=MODEL, messages=REFERENCE)
    first, second = simulator.ledger()
    assert (first["attempt"], first["aborted"], second["attempt"], second["aborted"]) == (1, True, 2, False)
    assert second["response_id"] == response.id
    assert first["billed"] == second["billed"]


def test_malformed_body_can_not_be_parsed_and_is_billed(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(ValueError, match=r"(?i)json|unterminated|expecting"):
        client.chat.completions.create(model=MODEL, messages=REFERENCE, extra_headers=fault("malformed"))
    entry = simulator.ledger()[0]
    assert (entry["billed"]["output"] > 0, entry["usage_sent"]) == (True, False)


def test_stream_that_turns_malformed_bills_what_was_made(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(ValueError, match=r"(?i)json|unterminated|expecting|delimiter"):
        stream(client, "malformed")
    # The middle of 34 frames: after the role, the seventeenth of thirty pieces of 89 tokens.
    assert bill(simulator) == (256, 50, False, False)


def test_answer_without_usage_is_billed(simulator: Simulator, client: openai.OpenAI) -> None:
    response = client.chat.completions.create(model=MODEL, messages=REFERENCE, extra_headers=fault("no_usage"))
    assert response.usage is None
    assert simulator.ledger()[0]["usage_sent"] is False


def test_usage_of_nulls_says_nothing(simulator: Simulator, client: openai.OpenAI) -> None:
    chunks = stream(client, "null_usage")
    assert chunks[-1].usage.model_dump(exclude_none=True) == {}
    assert bill(simulator) == (256, 89, False, False)


def test_usage_on_every_chunk_ends_at_the_bill(simulator: Simulator, client: openai.OpenAI) -> None:
    counts = [chunk.usage.completion_tokens for chunk in stream(client, "usage_every_chunk")]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 89)
    assert bill(simulator) == (256, 89, True, False)


def test_client_timeout_is_billed(simulator: Simulator, client: openai.OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=MODEL, messages=REFERENCE, extra_headers=fault("timeout"), timeout=0.2)
    entry = simulator.ledger()[0]
    assert (entry["billed"]["output"] > 0, entry["usage_sent"], entry["aborted"]) == (True, False, True)


async def test_client_that_leaves_a_stream_pays_for_what_was_generated() -> None:
    with Simulator("reference") as simulator:
        async with openai.AsyncOpenAI(base_url=simulator.urls["openai"], api_key="simulated") as client:
            chunks = await client.chat.completions.create(model=MODEL, messages=REFERENCE, stream=True)
            seen = 0
            async for chunk in chunks:
                seen += bool(chunk.choices and chunk.choices[0].delta.content)
                if seen == 10:
                    break
            await chunks.close()
            entry = simulator.ledger()[0]
    assert entry["aborted"]
    assert not entry["usage_sent"]
    # 89 tokens in 30 pieces 10 ms apart: ten pieces were read, and few more were made before the close was seen.
    assert 29 <= entry["billed"]["output"] < 60


async def test_cancelled_call_is_billed_whole() -> None:
    with Simulator("reference") as simulator:
        async with openai.AsyncOpenAI(base_url=simulator.urls["openai"], api_key="simulated") as client:
            call = asyncio.create_task(client.chat.completions.create(model=MODEL, messages=REFERENCE))
            await asyncio.sleep(0.15)
            call.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await call
            entry = simulator.ledger()[0]
    assert (entry["aborted"], entry["usage_sent"], entry["billed"]["output"] > 0) == (True, False, True)


def test_slow_first_byte_comes_late(simulator: Simulator, client: openai.OpenAI) -> None:
    simulator.world.pace = type(simulator.world.pace)(1.0)
    try:
        loop_s = httpx.get(simulator.urls["ledger"]).elapsed.total_seconds()
        raw = httpx.get(f"{simulator.origin}/images/a.png", headers=fault("slow:300"), params={"width": 8, "height": 8})
    finally:
        simulator.world.pace = type(simulator.world.pace)(0.0)
    assert raw.elapsed.total_seconds() > loop_s + 0.3


def test_gemini_error_is_worded_as_google_words_it(simulator: Simulator) -> None:
    options = types.HttpOptions(base_url=simulator.urls["gemini"], headers=fault("429:1"))
    with genai.Client(api_key="simulated", http_options=options) as client, pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="gemini-3-flash-preview", contents="안녕")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")


def test_cut_gemini_stream_said_what_it_billed(simulator: Simulator) -> None:
    options = types.HttpOptions(base_url=simulator.urls["gemini"], headers=fault("cut:10"))
    seen: list[Any] = []
    with genai.Client(api_key="simulated", http_options=options) as client, contextlib.suppress(Exception):
        seen.extend(
            client.models.generate_content_stream(model="gemini-3-flash-preview", contents=REFERENCE[0]["content"])
        )
    entry = simulator.ledger()[0]
    assert (entry["billed"]["output"], entry["aborted"], entry["usage_sent"]) == (29, True, True)


def test_switches_strike_at_their_rate_and_the_same_every_time(simulator: Simulator) -> None:
    def refusals() -> list[bool]:
        httpx.delete(f"{simulator.origin}/_faults")
        told = httpx.post(f"{simulator.origin}/_faults", json={"fault": "500", "rate": 0.3, "provider": "kakao"})
        assert told.json()["faults"][0]["rate"] == 0.3
        url, key = f"{simulator.origin}/v2/local/search/keyword.json", {"Authorization": "KakaoAK k"}
        with httpx.Client(headers=key) as client:
            return [client.get(url, params={"query": f"강남역 카페 {n}"}).is_error for n in range(100)]

    first, second = refusals(), refusals()
    assert first == second
    assert 15 < sum(first) < 45


def test_bad_switch_is_refused_with_the_reason(simulator: Simulator) -> None:
    for wrong in ({}, {"fault": "500", "rate": 2}, {"fault": "rain"}, {"fault": "500", "often": 1}):
        answer = httpx.post(f"{simulator.origin}/_faults", json=wrong)
        assert (answer.status_code, bool(answer.json()["error"]["message"])) == (400, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cut:7", Fault("cut", 7.0)),
        ("cut", Fault("cut", 3.0)),
        ("No-Usage", Fault("no_usage")),
        ("429", Fault("429", 1.0)),
    ],
)
def test_faults_are_read_from_text(text: str, expected: Fault) -> None:
    assert read_fault(text) == expected
