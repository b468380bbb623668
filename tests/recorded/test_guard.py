"""The checks themselves: without the instrumentation, or with a wrong number, they fail."""

from dataclasses import replace
from typing import Any

import pytest
from tests.recorded.matrix import load, measure
from tests.recorded.paths.context import UNCHANGED, program
from tests.recorded.verdict import judge
from tests.recorded.world import World, opened

from everytoken.core.charge import Charge
from everytoken.core.usage import Usage

UNSEEN = (
    "openai: chat (sync)",
    "openai: chat stream, usage not asked for (sync)",
    "openai: responses (sync)",
    "google-genai: generate (sync)",
    "google-genai: generate on Vertex AI (sync)",
    "openai-agents: run (async)",
    "langchain-openai: stream, custom base URL (sync)",
)
"""One scenario of each SDK. A LangChain call that streams is recorded by its own tracer, but without the usage."""
NOTHING = dict.fromkeys(
    (
        "input", "cached", "cache_write", "tool_use", "input_image", "input_audio", "input_video", "input_document",
        "output", "reasoning", "output_image", "output_audio", "accepted_prediction", "rejected_prediction",
        "web_search", "images", "characters", "seconds",
    ),
    0,
)  # fmt: skip


def billed(response_id: str, **counts: int) -> dict[str, Any]:
    return {
        "response_id": response_id, "provider": "openai", "api": "chat", "usage_sent": True,
        "billed": {**NOTHING, **counts},
    }  # fmt: skip


def charge(response_id: str, **counts: Any) -> Charge:
    return Charge(
        charge_key=response_id,
        project="p",
        trace_id="t",
        run_id=response_id,
        call_path="openai.chat",
        response_id=response_id,
        quality="exact",
        usage=Usage(**counts),
    )


def test_without_instrumentation_every_scenario_fails() -> None:
    by_key = {scenario.key: scenario for scenario in load()}
    with opened(instrumented=False) as world:
        passed = [key for key in UNSEEN if not measure(world, by_key[key]).losses]
    assert passed == []


def test_without_everytoken_run_an_unchanged_program_is_a_loss() -> None:
    def plain(world: World) -> None:
        program(world, UNCHANGED + 'ask("페트병은?")')

    (recorded,) = [one for one in load() if one.name == "everytoken run app.py, code unchanged"]
    with opened() as world:
        (loss, _) = measure(world, replace(recorded, action=plain)).losses
    assert loss.startswith("not recorded: openai chat")


def test_a_right_charge_passes() -> None:
    assert judge([billed("a", input=7, output=5)], [charge("a", input_tokens=7, output_tokens=5)]).losses == ()


def test_one_token_too_few_is_a_loss() -> None:
    verdict = judge([billed("a", input=7, output=5)], [charge("a", input_tokens=7, output_tokens=4)])
    assert verdict.losses == ("openai.chat: output is 4, billed were 5", "sum of output is 4, billed were 5")


def test_a_class_that_is_left_out_is_a_loss() -> None:
    verdict = judge([billed("a", input=7, output=5, reasoning=3)], [charge("a", input_tokens=7, output_tokens=5)])
    assert verdict.losses == ("openai.chat: reasoning is 0, billed were 3", "sum of reasoning is 0, billed were 3")


def test_a_request_without_a_charge_is_a_loss() -> None:
    assert judge([billed("a", input=7)], []).losses == ("not recorded: openai chat a {'input': 7}",)


def test_a_request_with_two_charges_is_a_loss() -> None:
    twice = [charge("a", input_tokens=7), replace(charge("a", input_tokens=7), charge_key="b")]
    (loss,) = judge([billed("a", input=7)], twice).losses
    assert loss.startswith("recorded, not billed: openai.chat exact")


@pytest.mark.parametrize(("said", "losses"), [(5, 0), (6, 1)])
def test_a_part_may_be_less_than_the_bill_and_never_more(said: int, losses: int) -> None:
    part = replace(charge("a", input_tokens=7, output_tokens=said), quality="partial")
    assert len(judge([billed("a", input=7, output=5)], [part]).losses) == losses
