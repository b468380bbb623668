"""What runs, as real tracers sent them, say about billed requests."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from everytoken.core.charge import Evidence
from everytoken.core.extract import evidence_of
from everytoken.core.projections import to_everytoken
from everytoken.core.run import Run
from everytoken.core.usage import Usage

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


MESSAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
COMPLETION = {
    "id": "chatcmpl-9",
    "object": "chat.completion",
    "model": "gpt-5.2-2025-12-11",
    "service_tier": "flex",
    "choices": [],
    "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
}


def told_by(run_type: str = "llm", **sent: Any) -> tuple[Evidence, ...]:
    return evidence_of(run_of({"run_type": run_type, **sent}))


def test_the_same_usage_in_every_place_is_told_once_from_the_first() -> None:
    everywhere: dict[str, Any] = {
        "extra": {"metadata": {"usage_metadata": MESSAGE}, "metrics": MESSAGE},
        "outputs": {"usage_metadata": MESSAGE, **COMPLETION},
    }
    (evidence,) = told_by(**everywhere)
    assert (evidence.place, evidence.usage and evidence.usage.total_tokens) == ("metadata.usage_metadata", 18)
    (evidence,) = told_by(outputs=everywhere["outputs"], extra={"metrics": MESSAGE})
    assert evidence.place == "outputs.usage_metadata"
    (evidence,) = told_by(outputs=COMPLETION, extra={"metrics": MESSAGE})
    assert (evidence.place, evidence.usage and evidence.usage.total_tokens) == ("outputs.usage", 25)
    (evidence,) = told_by(outputs={"text": "네"}, extra={"metrics": MESSAGE})
    assert evidence.place == "extra.metrics"


def test_an_everytoken_entry_comes_before_every_other_place() -> None:
    usage = Usage(
        input_tokens=900,
        output_tokens=60,
        input_token_details={"cache_read": 100, "tool_use": 20},
        meters={"web_search": Decimal("2")},
        tier="flex",
        source="partial",
        raw={"prompt_tokens": 900},
        warnings=("usage_stream_cut",),
    )
    entry = to_everytoken(
        usage,
        response_id="resp_7",
        response_model="gpt-5.2-2025-12-11",
        call_path="openai.responses.stream",
        layer="transport",
        attempt="1",
        provider="azure-openai",
        request_model="gpt-5.2",
    )
    metadata = {"everytoken": json.loads(json.dumps(entry)), "usage_metadata": MESSAGE, "ls_provider": "openai"}
    (evidence,) = told_by(extra={"metadata": metadata}, outputs=COMPLETION)
    assert evidence.usage == usage
    assert evidence.usage is not None
    assert evidence.usage.raw == {"prompt_tokens": 900}
    assert (evidence.place, evidence.layer, evidence.attempt) == ("metadata.everytoken", "transport", "1")
    assert (evidence.response_id, evidence.response_model) == ("resp_7", "gpt-5.2-2025-12-11")
    assert (evidence.provider, evidence.request_model) == ("azure-openai", "gpt-5.2")
    assert evidence.call_path == "openai.responses.stream"


def test_an_everytoken_entry_without_usage_still_names_the_request() -> None:
    entry = to_everytoken(None, call_path="openai.chat.stream", layer="sdk", attempt="2", response_id="chatcmpl-3")
    (evidence,) = told_by(extra={"metadata": {"everytoken": entry}})
    assert (evidence.usage, evidence.place) == (None, "")
    assert (evidence.call_path, evidence.layer, evidence.attempt) == ("openai.chat.stream", "sdk", "2")
    assert evidence.response_id == "chatcmpl-3"


def test_a_providers_response_returned_by_a_traced_function_is_read() -> None:
    for outputs in (COMPLETION, {"output": COMPLETION}):
        (evidence,) = told_by(outputs=outputs)
        assert evidence.usage is not None
        assert (evidence.usage.input_tokens, evidence.usage.output_tokens, evidence.usage.tier) == (20, 5, "flex")
        assert (evidence.response_id, evidence.response_model) == ("chatcmpl-9", "gpt-5.2-2025-12-11")
        assert (evidence.provider, evidence.layer) == ("openai", "manual")


@pytest.mark.parametrize(
    ("outputs", "input_tokens", "output_tokens"),
    [
        (
            {
                "responseId": "g",
                "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "thoughtsTokenCount": 3},
            },
            9,
            5,
        ),
        (
            {
                "id": "msg_1",
                "type": "message",
                "usage": {"input_tokens": 4, "cache_read_input_tokens": 90, "output_tokens": 6},
            },
            94,
            6,
        ),
        (
            {
                "output": [
                    {
                        "object": "chat.completion.chunk",
                        "choices": [],
                        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
                    }
                ]
            },
            3,
            1,
        ),
        (
            {
                "output": [
                    {"type": "response.created"},
                    {"type": "response.completed", "response": {"id": "r", "usage": MESSAGE}},
                ]
            },
            11,
            7,
        ),
        (
            {
                "output": [
                    {
                        "candidates": [{"finishReason": "STOP"}],
                        "usageMetadata": {"promptTokenCount": 8, "totalTokenCount": 8},
                    }
                ]
            },
            8,
            0,
        ),
    ],
)
def test_raw_responses_of_every_provider_and_stream_are_recognised(
    outputs: dict[str, Any], input_tokens: int, output_tokens: int
) -> None:
    (evidence,) = told_by(outputs=outputs)
    assert evidence.usage is not None
    assert (evidence.usage.input_tokens, evidence.usage.output_tokens) == (input_tokens, output_tokens)


def test_a_chain_without_usage_says_nothing_and_one_with_usage_speaks() -> None:
    assert told_by("chain", outputs={"answer": "네", "messages": [COMPLETION]}) == ()
    (by_hand,) = told_by("chain", extra={"metrics": {**MESSAGE, "cost_usd": 0.01, "model": "gpt-5.2"}})
    assert (by_hand.place, by_hand.request_model, by_hand.provider) == ("extra.metrics", "gpt-5.2", "openai")
    (returned,) = told_by("chain", outputs={"usage_metadata": MESSAGE})
    assert returned.place == "outputs.usage_metadata"


def test_the_tier_asked_for_fills_in_where_the_response_names_none() -> None:
    (asked,) = told_by(inputs={"service_tier": "flex"}, outputs={"usage_metadata": MESSAGE})
    assert asked.usage is not None
    assert asked.usage.tier == "flex"
    (gemini,) = told_by(inputs={"config": {"service_tier": "priority"}}, outputs={"usage_metadata": MESSAGE})
    assert gemini.usage is not None
    assert gemini.usage.tier == "priority"


def test_a_message_returned_by_a_traced_model_function_is_read_but_not_from_a_chain() -> None:
    message = {"content": "네", "usage_metadata": MESSAGE, "response_metadata": {"id": "chatcmpl-4"}}
    (evidence,) = told_by(outputs={"output": message})
    assert (evidence.usage and evidence.usage.total_tokens, evidence.response_id) == (18, "chatcmpl-4")
    assert told_by("chain", outputs={"output": message}) == ()


def test_what_traceable_made_below_langchain_is_not_langchains_own() -> None:
    inherited = {"lc_versions": {"langchain-core": "1.7.2"}, "ls_method": "traceable", "ls_model_type": "chat"}
    (wrapped,) = told_by(extra={"metadata": {**inherited, "ls_invocation_params": {}}})
    (by_hand,) = told_by(extra={"metadata": {"lc_versions": {}, "ls_method": "traceable"}})
    (own,) = told_by(extra={"metadata": {"lc_versions": {"langchain-core": "1.7.2"}}})
    assert (wrapped.layer, by_hand.layer, own.layer) == ("sdk", "manual", "framework")


def test_a_pending_model_run_is_a_request_whose_usage_is_still_to_come() -> None:
    run = Run(
        run_id="r", trace_id="t", project="p", run_type="llm", start_us=1,
        metadata={"ls_provider": "google_genai", "ls_model_name": "gemini-3-flash-preview"},
    )  # fmt: skip
    (evidence,) = evidence_of(run)
    assert (evidence.usage, evidence.provider, evidence.request_model) == (None, "google", "gemini-3-flash-preview")
    assert evidence.call_path == "gemini.generate"


def test_zeros_that_stand_for_no_report_are_missing_usage() -> None:
    zeros = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    (evidence,) = told_by(
        extra={"metadata": {"usage_metadata": zeros}}, outputs={"content": "hey", "usage_metadata": zeros}
    )
    assert evidence.usage is None


def test_an_agents_response_span_names_its_response_tier_and_searches() -> None:
    metadata = {
        "openai_span_id": "span_1", "object": "response", "id": "resp_5", "service_tier": "priority",
        "ls_provider": "openai", "ls_model_name": "gpt-5.2", "ls_model_type": "chat", "usage_metadata": MESSAGE,
    }  # fmt: skip
    calls = [{"type": "web_search_call", "action": {"type": "search"}}, {"type": "message", "content": []}]
    params = {"model": "gpt-5.2", "tools": [{"type": "web_search"}]}
    (evidence,) = told_by(extra={"metadata": metadata, "invocation_params": params}, outputs={"output": calls})
    assert evidence.usage is not None
    assert (evidence.layer, evidence.response_id, evidence.usage.tier) == ("agents", "resp_5", "priority")
    assert (evidence.usage.meters, evidence.call_path) == ({"web_search": Decimal(1)}, "openai.responses")


def test_an_image_drawn_inside_a_response_is_a_request_of_its_own() -> None:
    image = {"input_tokens": 30, "output_tokens": 1056, "total_tokens": 1086}
    outputs = {
        "id": "resp_6",
        "object": "response",
        "model": "gpt-5.2",
        "tools": [{"type": "image_generation", "model": "gpt-image-1.5"}],
        "tool_usage": {"image_gen": image, "web_search": {"num_requests": 0}},
        "usage_metadata": MESSAGE,
    }
    chat, drawn = told_by(
        name="ChatOpenAI", outputs=outputs, extra={"metadata": {"ls_model_type": "chat", "ls_provider": "openai"}}
    )
    assert (chat.index, chat.response_id, chat.request_model) == (0, "resp_6", None)
    assert chat.usage is not None
    assert chat.usage.total_tokens == 18
    assert (drawn.index, drawn.response_id, drawn.request_model) == (1, "resp_6#image_generation", "gpt-image-1.5")
    assert drawn.usage is not None
    assert (drawn.usage.total_tokens, drawn.call_path) == (1086, "openai.image_generation")


@pytest.mark.parametrize(
    ("reported", "provider"),
    [
        ("openai", "openai"),
        ("azure", "azure-openai"),
        ("google_genai", "google"),
        ("google_vertexai", "google-vertex"),
        ("gcp.vertex_ai", "google-vertex"),
        ("langchainopenairunnable", "openai"),
        ("anthropic", "anthropic"),
        ("groq", "groq"),
    ],
)
def test_providers_are_named_in_one_way(reported: str, provider: str) -> None:
    (evidence,) = told_by(extra={"metadata": {"ls_provider": reported, "ls_model_name": "gpt-4o"}})
    assert evidence.provider == provider


@pytest.mark.parametrize(
    ("sent", "call_path"),
    [
        ({"run_type": "embedding", "extra": {"metadata": {"ls_provider": "openai"}}}, "openai.embeddings"),
        ({"run_type": "embedding", "extra": {"metadata": {"ls_provider": "google"}}}, "gemini.embed"),
        (
            {
                "inputs": {"config": {"tools": [{"google_search": {}}]}},
                "extra": {"metadata": {"ls_provider": "google"}},
            },
            "gemini.generate.search",
        ),
        ({"events": [{"name": "new_token"}], "extra": {"metadata": {"ls_provider": "google"}}}, "gemini.stream"),
        ({"extra": {"metadata": {"ls_provider": "openai", "ls_model_type": "llm"}}}, "openai.completions"),
        ({"extra": {"metadata": {"ls_provider": "acme"}}}, "acme.unknown"),
        ({}, "unknown.unknown"),
    ],
)
def test_the_call_path_says_provider_api_and_mode(sent: dict[str, Any], call_path: str) -> None:
    (evidence,) = told_by(**sent)
    assert evidence.call_path == call_path


def test_a_langgraph_trace_from_the_wire_has_four_requests() -> None:
    sent = wire_runs("py_langgraph_send_zstd.json")
    told = [e for run in sent for e in evidence_of(run_of(run))]
    assert [(e.usage and e.usage.total_tokens, e.layer, e.request_model) for e in told] == [
        (30, "framework", "gpt-4o-mini")
    ] * 4
    assert sorted(e.call_path for e in told) == ["openai.chat", "openai.chat", "openai.chat", "openai.chat.stream"]


def test_a_javascript_trace_from_the_wire_has_one_request() -> None:
    told = [e for run in wire_runs("js_traceable_gzip.json") for e in evidence_of(run_of(run))]
    assert [(e.usage and e.usage.total_tokens, e.provider, e.request_model) for e in told] == [
        (3, "openai", "gpt-4o-mini")
    ]


def wire_runs(capture: str) -> list[dict[str, Any]]:
    """The runs of one multipart body, later parts over earlier ones."""
    runs: dict[str, dict[str, Any]] = {}
    for part in json.loads((DATA / capture).read_text())["parts"]:
        _, run_id, *field = part["name"].split(".")
        run = runs.setdefault(run_id, {})
        run.update({field[0]: part["json"]} if field else part["json"])
    return list(runs.values())


def test_a_tool_run_with_a_cost_alone_is_no_evidence() -> None:
    assert evidence_of(run_of(WRAPPED["tool_cost"])) == ()
