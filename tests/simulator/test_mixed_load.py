"""Two hundred mixed requests, twenty at a time, with faults: what clients were told never exceeds what was billed."""

import asyncio
from typing import Any

import openai

from everytoken.simulator.faults import read_switch
from everytoken.simulator.serve import Simulator

FAULTS = (("429:0", 0.05), ("500", 0.05), ("drop", 0.05), ("cut:3", 0.1), ("no_usage", 0.05), ("malformed", 0.03))


async def one_call(client: openai.AsyncOpenAI, number: int) -> tuple[str, int, int] | None:
    """Id and usage as the client was told, or None where it was told nothing."""
    text = f"{number}번째 질문: 유리병은 어떻게 버려?"
    messages: list[Any] = [{"role": "user", "content": text}]
    try:
        match number % 4:
            case 0:
                plain = await client.chat.completions.create(model="gpt-5.2", messages=messages)
                usage = plain.usage
                return (plain.id, usage.prompt_tokens, usage.completion_tokens) if usage else None
            case 1:
                chunks = await client.chat.completions.create(
                    model="gpt-4.1", messages=messages, stream=True, stream_options={"include_usage": True}
                )
                last = [chunk async for chunk in chunks][-1]
                return (last.id, last.usage.prompt_tokens, last.usage.completion_tokens) if last.usage else None
            case 2:
                events = await client.responses.create(model="gpt-5.2", input=text, stream=True)
                end: Any = [event async for event in events][-1]
                if end.type != "response.completed" or end.response.usage is None:
                    return None
                return end.response.id, end.response.usage.input_tokens, end.response.usage.output_tokens
            case _:
                await client.embeddings.create(model="text-embedding-3-small", input=text, dimensions=8)
                return None
    except (openai.OpenAIError, ValueError):
        return None


async def test_ledger_and_clients_agree_under_load_and_faults() -> None:
    with Simulator("eco2", seed=7, latency="x0.01") as simulator:
        for text, rate in FAULTS:
            simulator.world.faults.add(read_switch({"fault": text, "rate": rate}))
        gate = asyncio.Semaphore(20)

        async def gated(client: openai.AsyncOpenAI, number: int) -> tuple[str, int, int] | None:
            async with gate:
                return await one_call(client, number)

        async with openai.AsyncOpenAI(base_url=simulator.urls["openai"], api_key="s", max_retries=0) as client:
            told = [answer for answer in await asyncio.gather(*(gated(client, n) for n in range(200))) if answer]
        entries = simulator.ledger()
        refused = simulator.world.ledger.refused
    billed = {entry["response_id"]: (entry["billed"]["input"], entry["billed"]["output"]) for entry in entries}
    sent = {entry["response_id"] for entry in entries if entry["usage_sent"] and entry["api"] != "embeddings"}
    assert len(entries) + refused == 200
    assert len(billed) == len(entries)
    assert 5 < refused < 40
    assert {response_id for response_id, _, _ in told} == sent
    assert all(billed[response_id] == (inputs, outputs) for response_id, inputs, outputs in told)
    assert any(entry["aborted"] for entry in entries)
