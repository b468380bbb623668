"""What runs, as real tracers sent them, say about billed requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from everytoken.core.extract import evidence_of
from everytoken.core.run import Run

DATA = Path(__file__).parents[3] / "data" / "langsmith"
WRAPPED: dict[str, dict[str, Any]] = {
    run["case"]: run for run in json.loads((DATA / "py_wrappers_runs.json").read_text())
}


def run_of(sent: dict[str, Any]) -> Run:
    extra = dict(sent.get("extra") or {})
    return Run(
        run_id="00000000-0000-0000-0000-000000000001",
        trace_id="00000000-0000-0000-0000-000000000001",
        project="p",
        name=sent.get("name", ""),
        run_type=sent.get("run_type", "llm"),
        start_us=1,
        end_us=2,
        metadata=extra.pop("metadata", {}),
        extra=extra,
        inputs=sent.get("inputs"),
        outputs=sent.get("outputs"),
        events=sent.get("events") or (),
    )


@pytest.mark.parametrize(
    ("case", "call_path", "input_tokens", "output_tokens", "tier"),
    [
        ("t_chat", "openai.chat", 100, 50, None),
        ("t_tier", "openai.chat", 100, 50, "flex"),
        ("t_stream_usage", "openai.chat.stream", 100, 50, None),
        ("t_resp", "openai.responses", 100, 50, None),
        ("t_resp_stream", "openai.responses.stream", 100, 50, None),
        ("g_stream", "gemini.stream", 100, 20, None),
        # wrap_gemini says 50 output and 20 reasoning beside it, 170 in total: 70 are billed.
        ("g_sync", "gemini.generate", 100, 70, None),
        ("g_async", "gemini.generate", 100, 70, None),
    ],
)
def test_a_wrapped_sdk_call_is_one_piece_of_evidence(
    case: str, call_path: str, input_tokens: int, output_tokens: int, tier: str | None
) -> None:
    (evidence,) = evidence_of(run_of(WRAPPED[case]))
    assert evidence.usage is not None
    assert (evidence.usage.input_tokens, evidence.usage.output_tokens) == (input_tokens, output_tokens)
    assert (evidence.call_path, evidence.usage.tier, evidence.layer) == (call_path, tier, "sdk")
    assert evidence.place == "metadata.usage_metadata"


def test_renamed_tier_details_are_read_as_what_they_are() -> None:
    (evidence,) = evidence_of(run_of(WRAPPED["t_tier"]))
    assert evidence.usage is not None
    assert evidence.usage.input_token_details == {"cache_read": 40, "audio": 0}
    assert evidence.usage.output_token_details == {"reasoning": 20, "audio": 0}


def test_a_stream_without_usage_is_a_request_whose_usage_is_missing() -> None:
    (evidence,) = evidence_of(run_of(WRAPPED["t_stream_nousage"]))
    assert (evidence.usage, evidence.place, evidence.response_id) == (None, "", "c")


def test_the_metrics_of_the_eco2_post_count() -> None:
    (evidence,) = evidence_of(run_of(WRAPPED["metrics_llm"]))
    assert evidence.usage is not None
    assert (evidence.usage.input_tokens, evidence.usage.output_tokens) == (11, 7)
    assert (evidence.place, evidence.layer, evidence.request_model) == ("extra.metrics", "manual", "m")


def test_a_tool_run_with_a_cost_alone_is_no_evidence() -> None:
    assert evidence_of(run_of(WRAPPED["tool_cost"])) == ()
